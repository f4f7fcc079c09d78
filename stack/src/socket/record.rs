//! What the socket layer keeps of one socket. Small, because there may be a million of them; what few set lies in a table of its own.

use alloc::vec::Vec;

use super::semantics::{self, Family, Semantics, Type};
use super::timestamping::Timestamping;
use super::zero_copy::ZeroCopy;
use crate::base::{Duration, Key};

/// Which transport serves a socket, and under which key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// TCP.
    Tcp(Key),
    /// UDP.
    Udp(Key),
    /// Raw.
    Raw(Key),
    /// ICMP echo as a datagram socket.
    Ping(Key),
    /// `AF_UNIX` of every type.
    Unix(Key),
}

/// How far a connection-based socket is, as its calls see it (Linux's `socket_state`). Whether the connection itself still lives is
/// the transport's knowledge; this says what the application has been told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Phase {
    /// Fresh, bound, listening, or fresh again after a failed `connect`.
    #[default]
    Unconnected,
    /// `connect` said `EINPROGRESS`.
    Connecting,
    /// `connect` succeeded or `accept` gave it.
    Connected,
    /// `shutdown` came while it was connecting.
    Disconnecting,
}

/// `SO_LINGER`
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Linger {
    /// It was switched on.
    pub on: bool,
    /// For so many seconds.
    pub seconds: u32,
}

/// Which timestamp a receive call adds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Timestamps {
    /// None.
    #[default]
    Off,
    /// `SO_TIMESTAMP`: microseconds.
    Micros,
    /// `SO_TIMESTAMPNS`: nanoseconds.
    Nanos,
}

/// Options few programs set.
#[derive(Clone, Debug)]
pub struct Rare {
    /// `SO_LINGER`
    pub linger: Linger,
    /// `SO_PEEK_OFF`; negative: off.
    pub peek_off: i32,
    /// `SO_RCVLOWAT` of sockets that are not TCP.
    pub rcvlowat: u32,
    /// `SO_RCVTIMEO`; kept for the layer above, which can wait.
    pub receive_timeout: Option<Duration>,
    /// `SO_SNDTIMEO`; likewise.
    pub send_timeout: Option<Duration>,
    /// `SO_PRIORITY`
    pub priority: u32,
    /// `SO_MARK`
    pub mark: u32,
    /// `SO_INCOMING_CPU`; -1: none.
    pub incoming_cpu: i32,
    /// `SO_MAX_PACING_RATE` in bytes a second.
    pub max_pacing_rate: u64,
    /// `SO_ZEROCOPY`, and what is to be told of it.
    pub zero_copy: ZeroCopy,
    /// `SO_TIMESTAMPING`
    pub timestamping: Timestamping,
    /// `SO_DEBUG`
    pub debug: bool,
    /// `TCP_SAVE_SYN`, `IP_MINTTL` and other numbers that are kept and given back, by (level, option).
    pub kept: Vec<(i32, i32, i32)>,
}

impl Default for Rare {
    fn default() -> Self {
        Self {
            linger: Linger { on: false, seconds: 0 },
            peek_off: -1,
            rcvlowat: 1,
            receive_timeout: None,
            send_timeout: None,
            priority: 0,
            mark: 0,
            incoming_cpu: -1,
            max_pacing_rate: u64::MAX,
            zero_copy: ZeroCopy::default(),
            timestamping: Timestamping::default(),
            debug: false,
            kept: Vec::new(),
        }
    }
}

/// What the socket layer keeps of one socket: what every call looks at.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    /// Who serves it.
    pub kind: Kind,
    /// Its family.
    pub family: Family,
    /// Its type.
    pub ty: Type,
    /// Its protocol number.
    pub protocol: u8,
    /// How far its connection is.
    pub phase: Phase,
    /// Reading was shut down by a call.
    pub read_shut: bool,
    /// Writing was shut down by a call.
    pub write_shut: bool,
    /// `SO_TIMESTAMP` or `SO_TIMESTAMPNS`.
    pub timestamps: Timestamps,
    /// Handles that name it: one more for each `dup`.
    pub handles: u32,
    /// `TCP_INQ`: a receive call tells how much is left.
    pub inq: bool,
    /// Options few programs set, if one was set.
    pub rare: Option<Key>,
}

impl Record {
    /// A fresh socket with one handle.
    pub const fn new(kind: Kind, family: Family, ty: Type, protocol: u8) -> Self {
        Self {
            kind,
            family,
            ty,
            protocol,
            phase: Phase::Unconnected,
            read_shut: false,
            write_shut: false,
            timestamps: Timestamps::Off,
            handles: 1,
            inq: false,
            rare: None,
        }
    }

    /// What it promises.
    pub fn semantics(&self) -> &'static Semantics {
        semantics::of(self.family, self.ty).expect("a socket of a kind that exists")
    }

    /// What `accept` hands on from a listener to a connection, but for the rare options.
    pub const fn inherit(&self, kind: Kind) -> Self {
        Self { kind, phase: Phase::Connected, read_shut: false, write_shut: false, handles: 1, rare: None, ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_small() {
        assert!(size_of::<Record>() <= 32, "{}", size_of::<Record>());
    }
}
