//! What each kind of socket promises, as data: the socket layer reads it and does the rest once for all.

use super::numbers::{
    AF_INET, AF_INET6, AF_UNIX, IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET,
    SOCK_STREAM,
};
use crate::base::Version;

/// The family of addresses a socket uses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Family {
    /// `AF_UNIX`
    Unix,
    /// `AF_INET`
    Inet,
    /// `AF_INET6`
    Inet6,
}

impl Family {
    /// Its number.
    pub const fn number(self) -> i32 {
        match self {
            Self::Unix => AF_UNIX,
            Self::Inet => AF_INET,
            Self::Inet6 => AF_INET6,
        }
    }

    /// The version of IP whose addresses it uses; none for `AF_UNIX`.
    pub const fn version(self) -> Option<Version> {
        match self {
            Self::Unix => None,
            Self::Inet => Some(Version::V4),
            Self::Inet6 => Some(Version::V6),
        }
    }
}

/// The type of a socket.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Type {
    /// `SOCK_STREAM`
    Stream,
    /// `SOCK_DGRAM`
    Datagram,
    /// `SOCK_SEQPACKET`
    SeqPacket,
    /// `SOCK_RAW`
    Raw,
}

impl Type {
    /// Its number.
    pub const fn number(self) -> i32 {
        match self {
            Self::Stream => SOCK_STREAM,
            Self::Datagram => SOCK_DGRAM,
            Self::SeqPacket => SOCK_SEQPACKET,
            Self::Raw => SOCK_RAW,
        }
    }
}

/// How the bytes of one write relate to those of one read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Boundaries {
    /// Not at all: a stream.
    None,
    /// One write is one message is one read; what does not fit the reader's room is cut off.
    Kept,
}

/// When a pending error is reported by a receive call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorOrder {
    /// Only after all that arrived before it was read.
    AfterData,
    /// Before anything is read.
    BeforeData,
}

/// What a kind of socket promises.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Semantics {
    /// Its name in listings.
    pub name: &'static str,
    /// Boundaries of messages.
    pub boundaries: Boundaries,
    /// It listens and accepts; nothing is sent before it is connected.
    pub connection: bool,
    /// A send call may name a destination, and a receive call tells the sender.
    pub addressed: bool,
    /// It carries sockets and credentials.
    pub rights: bool,
    /// It carries urgent data.
    pub out_of_band: bool,
    /// Sending binds it to a name of its own if it has none.
    pub binds_by_sending: bool,
    /// When a pending error is told to a reader.
    pub errors: ErrorOrder,
}

const STREAM: Semantics = Semantics {
    name: "tcp",
    boundaries: Boundaries::None,
    connection: true,
    addressed: false,
    rights: false,
    out_of_band: true,
    binds_by_sending: false,
    errors: ErrorOrder::AfterData,
};

/// TCP.
pub const TCP: Semantics = STREAM;

/// UDP.
pub const UDP: Semantics = Semantics {
    name: "udp",
    boundaries: Boundaries::Kept,
    connection: false,
    addressed: true,
    rights: false,
    out_of_band: false,
    binds_by_sending: true,
    errors: ErrorOrder::BeforeData,
};

/// Raw sockets.
pub const RAW: Semantics = Semantics { name: "raw", binds_by_sending: false, ..UDP };

/// `AF_UNIX`, `SOCK_STREAM`.
pub const UNIX_STREAM: Semantics = Semantics { name: "u_str", rights: true, ..STREAM };

/// `AF_UNIX`, `SOCK_DGRAM`.
pub const UNIX_DATAGRAM: Semantics = Semantics { name: "u_dgr", rights: true, binds_by_sending: false, ..UDP };

/// `AF_UNIX`, `SOCK_SEQPACKET`: connections that keep boundaries.
pub const UNIX_SEQPACKET: Semantics = Semantics {
    name: "u_seq",
    boundaries: Boundaries::Kept,
    connection: true,
    addressed: false,
    rights: true,
    out_of_band: false,
    binds_by_sending: false,
    errors: ErrorOrder::BeforeData,
};

/// What sockets of a family and a type promise; none if there are no such sockets.
pub const fn of(family: Family, kind: Type) -> Option<&'static Semantics> {
    match (family, kind) {
        (Family::Inet | Family::Inet6, Type::Stream) => Some(&TCP),
        (Family::Inet | Family::Inet6, Type::Datagram) => Some(&UDP),
        (Family::Inet | Family::Inet6, Type::Raw) => Some(&RAW),
        (Family::Inet | Family::Inet6, Type::SeqPacket) | (Family::Unix, Type::Raw) => None,
        (Family::Unix, Type::Stream) => Some(&UNIX_STREAM),
        (Family::Unix, Type::Datagram) => Some(&UNIX_DATAGRAM),
        (Family::Unix, Type::SeqPacket) => Some(&UNIX_SEQPACKET),
    }
}

/// The protocol that belongs to a family and a type when the caller names none (0).
pub const fn default_protocol(family: Family, kind: Type) -> i32 {
    match (family, kind) {
        (Family::Unix, _) => 0,
        (_, Type::Stream) => IPPROTO_TCP,
        (_, Type::Datagram) => IPPROTO_UDP,
        (Family::Inet, _) => IPPROTO_ICMP,
        (Family::Inet6, _) => IPPROTO_ICMPV6,
    }
}
