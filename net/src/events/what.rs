//! The events.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use loggia_stack::base::{Discard, Instant};

use crate::device::MacAddr;
use crate::info::State;

/// Something that happened on a host, and when.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Event {
    /// When, in the host's own time: see [`Host::now`](crate::Host::now).
    pub at: Instant,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum What {
    /// A TCP connection is open.
    #[non_exhaustive]
    Opened {
        /// Our end.
        local: SocketAddr,
        /// The other end.
        peer: SocketAddr,
        /// Who opened it.
        by: Side,
    },
    /// A TCP connection could not be opened.
    #[non_exhaustive]
    Failed {
        /// Our end.
        local: SocketAddr,
        /// The other end.
        peer: SocketAddr,
        /// Why.
        reason: Reason,
    },
    /// A TCP connection is over.
    #[non_exhaustive]
    Closed {
        /// Our end.
        local: SocketAddr,
        /// The other end.
        peer: SocketAddr,
        /// Why.
        reason: Reason,
    },
    /// A TCP connection or listener went from state to state. Told only if [asked for](super::Options::states).
    #[non_exhaustive]
    State {
        /// Our end.
        local: SocketAddr,
        /// The other end; port 0 of a listener.
        peer: SocketAddr,
        /// From.
        from: State,
        /// To.
        to: State,
    },
    /// Bytes of a TCP connection were sent again, or what opens it.
    #[non_exhaustive]
    Retransmitted {
        /// Our end.
        local: SocketAddr,
        /// The other end.
        peer: SocketAddr,
        /// How many, by sequence numbers: a SYN or a FIN takes one.
        bytes: u32,
        /// It was a SYN or the answer to one: the connection is not open yet.
        syn: bool,
        /// Why.
        why: Resent,
    },
    /// Somebody on the way told by ICMP what became of a packet of ours.
    #[non_exhaustive]
    IcmpError {
        /// Who.
        from: IpAddr,
        /// Our end of the flow it is about; port 0 where its protocol has none.
        local: SocketAddr,
        /// The other end.
        peer: SocketAddr,
        /// The protocol of that flow: 6 TCP, 17 UDP.
        protocol: u8,
        /// The ICMP type, of the family of `from`.
        kind: u8,
        /// The ICMP code.
        code: u8,
        /// The operating system's number of the error that the socket is told.
        errno: i32,
    },
    /// A neighbour on an Ethernet was found, moved to another station, or does not answer.
    #[non_exhaustive]
    Neighbour {
        /// By which interface.
        interface: String,
        /// Its address.
        addr: IpAddr,
        /// Its station's address; none: it does not answer.
        mac: Option<MacAddr>,
    },
    /// Something became of an address of ours.
    #[non_exhaustive]
    Address {
        /// On which interface.
        interface: String,
        /// Which.
        addr: IpAddr,
        /// What.
        news: AddressNews,
    },
    /// An interface went up or down.
    #[non_exhaustive]
    Interface {
        /// Its name; empty if it is gone.
        interface: String,
        /// Which of the two.
        up: bool,
    },
    /// A packet went no further.
    #[non_exhaustive]
    Dropped {
        /// The interface it came by or was to leave by, if that is known.
        interface: Option<String>,
        /// Why.
        cause: DropCause,
        /// Its length in bytes.
        len: u32,
    },
    /// A packet came by an interface or left. Told only if [asked for](super::Options::packets).
    #[non_exhaustive]
    Packet {
        /// Which interface.
        interface: String,
        /// Which way.
        direction: Direction,
        /// Its length in bytes; a large one may stand for many segments.
        len: u32,
    },
}

/// One of two ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// This host.
    Us,
    /// The other end.
    Peer,
}

/// Which way, seen from the host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// Towards it.
    In,
    /// Away from it.
    Out,
}

/// Why a connection is over, or never came about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// Both ends had said all.
    Finished,
    /// The other end reset it; of an attempt: it refused.
    Reset,
    /// The other end did not answer for too long.
    TimedOut,
    /// The network said that it cannot be reached.
    Unreachable,
    /// This end gave it up: by closing it with data unread or `SO_LINGER` zero, or with the host.
    Aborted,
    /// There was no memory for it.
    OutOfMemory,
}

/// Why bytes were sent again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Resent {
    /// No acknowledgement came in time (RFC 6298).
    Timeout,
    /// Acknowledgements told of a loss (RFC 5681, 6675, 8985).
    Loss,
    /// The path takes only smaller packets.
    PathMtu,
    /// It was a probe: of a closed window, of an idle connection, of a lost tail (RFC 8985 §7).
    Probe,
}

/// What became of an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum AddressNews {
    /// It is being checked that nobody else has it.
    Tentative,
    /// It can be used.
    Usable,
    /// It is for what uses it already (RFC 4862 §5.5.4).
    Deprecated,
    /// Somebody else has it: it is not used.
    Duplicate,
    /// It is gone.
    Gone,
}

/// Why a packet went no further.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DropCause {
    reason: Discard,
    /// Of the device that would not take it: the kind, and the number where it is an error of the operating system.
    said: Option<(io::ErrorKind, Option<i32>)>,
}

impl DropCause {
    pub(super) fn of(reason: Discard) -> Self {
        Self { reason, said: None }
    }

    /// A device would not take it.
    pub(super) fn refused(error: &io::Error) -> Self {
        Self { reason: Discard::DeviceRefused, said: Some((error.kind(), error.raw_os_error())) }
    }

    /// The reason in words, as [`Host::counters`](crate::Host::counters) has it in the group `Discard`.
    pub fn text(self) -> &'static str {
        self.reason.text()
    }

    /// What the device said that would not take the packet; none if that is not the reason.
    pub fn error(self) -> Option<io::Error> {
        self.said.map(|(kind, number)| number.map_or_else(|| kind.into(), io::Error::from_raw_os_error))
    }
}

impl fmt::Display for DropCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error() {
            Some(error) => write!(f, "{}: {error}", self.text()),
            None => f.write_str(self.text()),
        }
    }
}

impl fmt::Display for Resent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Timeout => "no acknowledgement in time",
            Self::Loss => "acknowledgements told of a loss",
            Self::PathMtu => "the path takes only smaller packets",
            Self::Probe => "a probe",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finished => "finished",
            Self::Reset => "reset",
            Self::TimedOut => "timed out",
            Self::Unreachable => "unreachable",
            Self::Aborted => "aborted",
            Self::OutOfMemory => "out of memory",
        })
    }
}

/// One line for people; its form may change.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.at.nanos();
        write!(f, "{}.{:06} ", nanos / 1_000_000_000, nanos % 1_000_000_000 / 1000)?;
        self.what.fmt(f)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { local, peer, by: Side::Us } => write!(f, "{local} -> {peer} opened"),
            Self::Opened { local, peer, by: Side::Peer } => write!(f, "{peer} -> {local} opened"),
            Self::Failed { local, peer, reason } => write!(f, "{local} -> {peer} failed: {reason}"),
            Self::Closed { local, peer, reason } => write!(f, "{local} - {peer} closed: {reason}"),
            Self::State { local, peer, from, to } => write!(f, "{local} - {peer} {from:?} to {to:?}"),
            Self::Retransmitted { local, peer, syn: true, why, .. } => write!(f, "{local} -> {peer} SYN sent again: {why}"),
            Self::Retransmitted { local, peer, bytes, syn: false, why } => {
                write!(f, "{local} -> {peer} {bytes} bytes sent again: {why}")
            }
            Self::IcmpError { from, local, peer, kind, code, .. } => {
                write!(f, "{local} -> {peer} ICMP type {kind} code {code} from {from}")
            }
            Self::Neighbour { interface, addr, mac: Some(mac) } => {
                let mac: Vec<_> = mac.iter().map(|byte| format!("{byte:02x}")).collect();
                write!(f, "{interface} {addr} is at {}", mac.join(":"))
            }
            Self::Neighbour { interface, addr, mac: None } => write!(f, "{interface} {addr} does not answer"),
            Self::Address { interface, addr, news } => write!(f, "{interface} {addr} {news:?}"),
            Self::Interface { interface, up } => write!(f, "{interface} {}", if *up { "up" } else { "down" }),
            Self::Dropped { interface: Some(interface), cause, len } => write!(f, "{interface} {len} bytes dropped: {cause}"),
            Self::Dropped { interface: None, cause, len } => write!(f, "{len} bytes dropped: {cause}"),
            Self::Packet { interface, direction, len } => write!(f, "{interface} {direction:?} {len} bytes"),
        }
    }
}
