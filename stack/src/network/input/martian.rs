//! Judged by its addresses: for us, for others, or impossible (RFC 1122 §3.2.1.3, RFC 1812 §5.3.7, RFC 4291 §2.5).

use crate::base::{Addr, Discard, LinkId};
use crate::network::{Cast, LOOPBACK, Network};

use super::From;

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It is for this host.
    Ours(Cast),
    /// It is for another host.
    Foreign,
    /// It cannot be, or is for a group we are not in.
    Refused(Discard),
}

impl Network {
    pub(super) fn judge(&mut self, src: Addr, dst: Addr, link: LinkId, from: From) -> Verdict {
        let generation = self.routes.generation();
        if from == From::Link && self.known.is_ours(src, dst, link, generation) {
            return Verdict::Ours(Cast::Unicast);
        }
        let verdict = self.judge_anew(src, dst, link, from);
        if from == From::Link && verdict == Verdict::Ours(Cast::Unicast) {
            self.known.keep(src, dst, link, generation);
        }
        verdict
    }

    fn judge_anew(&self, src: Addr, dst: Addr, link: LinkId, from: From) -> Verdict {
        let possible = if src.is_v4() { self.possible_v4(src, dst, link, from) } else { possible_v6(src, dst, link, from) };
        if let Err(reason) = possible {
            return Verdict::Refused(reason);
        }
        if dst.is_multicast() {
            let member = self.groups.is_member(link, dst, src);
            return if member { Verdict::Ours(Cast::Multicast) } else { Verdict::Refused(Discard::IpNotForUs) };
        }
        // What we send ourselves comes by the loopback link, whichever link the address is of.
        let local = if link == LOOPBACK { self.is_local(dst) } else { self.addresses.is_local_on(link, dst) };
        if local {
            Verdict::Ours(Cast::Unicast)
        } else if self.is_broadcast(dst) {
            Verdict::Ours(Cast::Broadcast)
        } else if self.takes_for_others(link, dst) {
            Verdict::Ours(Cast::Unicast)
        } else {
            Verdict::Foreign
        }
    }

    fn possible_v4(&self, src: Addr, dst: Addr, link: LinkId, from: From) -> Result<(), Discard> {
        let (net, elsewhere) = (|addr: Addr| addr.v4_octets()[0], link != LOOPBACK);
        let many = || dst.is_limited_broadcast() || dst.is_link_scope_multicast() || self.is_broadcast(dst);
        let source_cannot_be = src.is_multicast()
            || src.is_limited_broadcast()
            // RFC 1122 §3.2.1.3 (a): 0.0.0.0 is who does not know its address yet, and asks all.
            || net(src) == 0 && !(src.is_unspecified() && many())
            || src.is_loopback() && elsewhere
            || self.is_broadcast(src);
        // Linux: nobody but us sends from an address of ours (`accept_local` is off).
        let forged = elsewhere && from == From::Link && self.is_local(src);
        if source_cannot_be || forged {
            Err(Discard::IpBadSource)
        } else if net(dst) == 0 || dst.is_loopback() && elsewhere {
            Err(Discard::IpBadDestination)
        } else {
            Ok(())
        }
    }
}

fn possible_v6(src: Addr, dst: Addr, link: LinkId, from: From) -> Result<(), Discard> {
    let elsewhere = link != LOOPBACK;
    let scope = dst.octets()[1] & 0x0f;
    // RFC 4291 §2.7: scope 0 is reserved, and the interface-local scope never leaves a host.
    let bad_group = dst.is_multicast() && (scope == 0 || scope == 1 && elsewhere && from == From::Link);
    if src.is_multicast() || src.is_loopback() && elsewhere {
        Err(Discard::IpBadSource)
    } else if bad_group || dst.is_unspecified() || dst.is_loopback() && elsewhere {
        Err(Discard::IpBadDestination)
    } else {
        Ok(())
    }
}
