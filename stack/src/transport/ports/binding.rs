//! One user of a port, and the rules by which two may use it together.

use crate::base::{Addr, Key};

/// By which rules sockets share a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rules {
    /// `SO_REUSEADDR` lets sockets share with all but one that listens; packets go only to those that listen.
    Tcp,
    /// `SO_REUSEADDR` alone lets sockets share (Linux: the newest then gets what is sent to one host).
    Udp,
}

/// One binding, as far as conflicts and look-ups depend on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binding {
    /// The protocol's own key of the socket.
    pub socket: Key,
    /// The bound address; unspecified: any of the family (`::` without `v6only`: of both).
    pub local: Addr,
    /// `IPV6_V6ONLY`; without meaning for IPv4.
    pub v6only: bool,
    /// `SO_BINDTODEVICE`; 0: any.
    pub link: u16,
    /// `SO_REUSEADDR`
    pub reuse_addr: bool,
    /// `SO_REUSEPORT`
    pub reuse_port: bool,
    /// It listens (TCP): `SO_REUSEADDR` then does not help others.
    pub listening: bool,
}

/// A kind of connection that uses a port without a binding of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder {
    /// Its local address.
    pub local: Addr,
    /// `SO_BINDTODEVICE`; 0: any.
    pub link: u16,
    /// `SO_REUSEADDR`
    pub reuse_addr: bool,
    /// `SO_REUSEPORT`
    pub reuse_port: bool,
}

impl Holder {
    pub(super) fn as_binding(&self) -> Binding {
        let Self { local, link, reuse_addr, reuse_port } = *self;
        Binding { socket: NOBODY, local, v6only: true, link, reuse_addr, reuse_port, listening: false }
    }
}

/// No slab gives this key.
const NOBODY: Key = Key::from_bits(u64::MAX);

impl Binding {
    /// True if a packet could be for either of both: same link or any, same address or any.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        (self.link == 0 || other.link == 0 || self.link == other.link) && self.address_overlaps(other)
    }

    /// Linux's `inet_rcv_saddr_equal` with wildcards on both sides.
    fn address_overlaps(&self, other: &Self) -> bool {
        if self.local.version() == other.local.version() {
            self.local == other.local || self.local.is_unspecified() || other.local.is_unspecified()
        } else {
            self.takes_both_families() || other.takes_both_families()
        }
    }

    fn takes_both_families(&self) -> bool {
        self.local == Addr::V6_ANY && !self.v6only
    }

    /// Linux's `inet_bind_conflict` and `udp_lib_lport_inuse`, for two that overlap. The user's identity, which Linux asks
    /// for with `SO_REUSEPORT`, is the same for all sockets of a stack. Linux looks no further once it meets one mate with
    /// `SO_REUSEPORT`, and so now and then lets a socket in beside a third that allows neither; here all must agree. (Against
    /// Linux 6.18, random users of one port: 5197 answers, of which 17 differ, each for that reason.)
    pub(super) fn shares_with(&self, other: &Self, rules: Rules) -> bool {
        let by_address = self.reuse_addr && other.reuse_addr && (rules == Rules::Udp || !other.listening);
        by_address || (self.reuse_port && other.reuse_port)
    }

    /// Linux's `compute_score`: how well this takes packets to `dst` by `link`; none if not at all.
    pub(super) fn score(&self, rules: Rules, dst: Addr, link: u16) -> Option<u8> {
        if (rules == Rules::Tcp && !self.listening) || (self.link != 0 && self.link != link) {
            return None;
        }
        let address = if self.local == dst {
            8
        } else if self.local == Addr::any(dst.version()) {
            1
        } else if self.takes_both_families() {
            0
        } else {
            return None;
        };
        Some(address + if self.link == 0 { 0 } else { 4 })
    }

    /// True if this takes packets to `dst` by `link`, among others.
    pub fn takes(&self, dst: Addr, link: u16) -> bool {
        self.score(Rules::Udp, dst, link).is_some()
    }

    /// True if both are members of one `SO_REUSEPORT` group.
    pub(super) fn same_group(&self, other: &Self) -> bool {
        self.reuse_port && other.reuse_port && self.local == other.local && self.link == other.link && self.v6only == other.v6only
    }
}
