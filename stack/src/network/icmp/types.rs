//! Types and codes (IANA), and what we say with them in both families.

use crate::base::Version;

/// ICMP types (RFC 792).
pub mod v4 {
    #![allow(missing_docs)]
    pub const ECHO_REPLY: u8 = 0;
    pub const DEST_UNREACHABLE: u8 = 3;
    pub const SOURCE_QUENCH: u8 = 4;
    pub const REDIRECT: u8 = 5;
    pub const ECHO_REQUEST: u8 = 8;
    pub const TIME_EXCEEDED: u8 = 11;
    pub const PARAMETER_PROBLEM: u8 = 12;
    pub const TIMESTAMP_REQUEST: u8 = 13;
    pub const TIMESTAMP_REPLY: u8 = 14;
    /// The code of [`DEST_UNREACHABLE`] that tells an MTU.
    pub const FRAGMENTATION_NEEDED: u8 = 4;

    /// True for types that answer a packet; they are never answered (RFC 1122 §3.2.2). Unknown ones count as such.
    pub const fn is_error(kind: u8) -> bool {
        !matches!(kind, ECHO_REPLY | ECHO_REQUEST | 9 | 10 | 13..=18)
    }
}

/// ICMPv6 types (RFC 4443).
pub mod v6 {
    #![allow(missing_docs)]
    pub const DEST_UNREACHABLE: u8 = 1;
    pub const PACKET_TOO_BIG: u8 = 2;
    pub const TIME_EXCEEDED: u8 = 3;
    pub const PARAMETER_PROBLEM: u8 = 4;
    pub const ECHO_REQUEST: u8 = 128;
    pub const ECHO_REPLY: u8 = 129;
    pub const REDIRECT: u8 = 137;

    /// True for types that answer a packet; they and redirects are never answered (RFC 4443 §2.4 (e)).
    pub const fn is_error(kind: u8) -> bool {
        kind < 128 || kind == REDIRECT
    }
}

/// What we tell a sender of its packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Problem {
    /// No route leads there.
    NoRoute,
    /// A route says that it must not go there.
    Prohibited,
    /// The last hop does not answer.
    HostUnreachable,
    /// The source's scope ends here (IPv6 alone).
    BeyondScope,
    /// Nobody handles the protocol; for IPv6 the field at this byte of the packet names it.
    ProtocolUnreachable {
        /// Counted from the IP header.
        pointer: u32,
    },
    /// Nobody is bound to the port.
    PortUnreachable,
    /// The next link takes no more than this.
    TooBig {
        /// Bytes.
        mtu: u32,
    },
    /// The hop limit ran out.
    HopLimit,
    /// Fragments were missing for too long.
    ReassemblyTime,
    /// A header is wrong at this byte of the packet; the code is the family's.
    Parameter {
        /// ICMP: 0. ICMPv6: 0 wrong field, 1 unknown header, 2 unknown option, 3 incomplete header chain.
        code: u8,
        /// Counted from the IP header.
        pointer: u32,
    },
}

impl Problem {
    /// (type, code, the four bytes after the checksum).
    pub const fn encode(self, version: Version) -> (u8, u8, u32) {
        match version {
            Version::V4 => self.encode_v4(),
            Version::V6 => self.encode_v6(),
        }
    }

    const fn encode_v4(self) -> (u8, u8, u32) {
        match self {
            Self::NoRoute => (v4::DEST_UNREACHABLE, 0, 0),
            Self::HostUnreachable | Self::BeyondScope => (v4::DEST_UNREACHABLE, 1, 0),
            Self::ProtocolUnreachable { .. } => (v4::DEST_UNREACHABLE, 2, 0),
            Self::PortUnreachable => (v4::DEST_UNREACHABLE, 3, 0),
            Self::TooBig { mtu } => (v4::DEST_UNREACHABLE, v4::FRAGMENTATION_NEEDED, mtu & 0xffff),
            Self::Prohibited => (v4::DEST_UNREACHABLE, 13, 0),
            Self::HopLimit => (v4::TIME_EXCEEDED, 0, 0),
            Self::ReassemblyTime => (v4::TIME_EXCEEDED, 1, 0),
            Self::Parameter { code, pointer } => (v4::PARAMETER_PROBLEM, code, pointer << 24),
        }
    }

    const fn encode_v6(self) -> (u8, u8, u32) {
        match self {
            Self::NoRoute => (v6::DEST_UNREACHABLE, 0, 0),
            Self::Prohibited => (v6::DEST_UNREACHABLE, 1, 0),
            Self::BeyondScope => (v6::DEST_UNREACHABLE, 2, 0),
            Self::HostUnreachable => (v6::DEST_UNREACHABLE, 3, 0),
            Self::PortUnreachable => (v6::DEST_UNREACHABLE, 4, 0),
            Self::TooBig { mtu } => (v6::PACKET_TOO_BIG, 0, mtu),
            Self::HopLimit => (v6::TIME_EXCEEDED, 0, 0),
            Self::ReassemblyTime => (v6::TIME_EXCEEDED, 1, 0),
            Self::ProtocolUnreachable { pointer } => (v6::PARAMETER_PROBLEM, 1, pointer),
            Self::Parameter { code, pointer } => (v6::PARAMETER_PROBLEM, code, pointer),
        }
    }
}
