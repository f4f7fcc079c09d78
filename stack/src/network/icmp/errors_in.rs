//! Errors we are told: the packet they quote must be one of ours; then the flow that sent it hears of it.

use bytes::Bytes;

use crate::base::event::class;
use crate::base::{Addr, Discard, Errno, Frame, SockAddr, Version, What};
use crate::link::Received;
use crate::network::ipv6::chain::{self, Position};
use crate::network::{ErrorCause, Network, Packet, TransportError, Up, ipv4, ipv6, protocol};

use super::convert::{self, Meaning};
use super::types::{Problem, v4, v6};

/// Every transport's ports are within the first eight bytes (RFC 792).
const MIN_QUOTED: usize = 8;

/// What an error quotes.
#[derive(Clone, Debug)]
pub(super) struct Quoted {
    pub(super) src: Addr,
    pub(super) dst: Addr,
    pub(super) protocol: u8,
    /// Bytes of the packet as its header tells, not as far as it is quoted.
    pub(super) len: u32,
    /// From the transport header on.
    pub(super) transport: Bytes,
}

impl Quoted {
    /// Reads the start of a packet; none if it does not reach the transport header, or is not the first fragment.
    pub(super) fn parse(version: Version, packet: &Frame) -> Option<Self> {
        let (mut quoted, at) = match version {
            Version::V4 => Self::parse_v4(packet)?,
            Version::V6 => Self::parse_v6(packet)?,
        };
        let len = packet.len().checked_sub(at).filter(|&len| len >= MIN_QUOTED)?;
        quoted.transport = packet.rope(at, len).to_bytes();
        Some(quoted)
    }

    fn parse_v4(packet: &Frame) -> Option<(Self, usize)> {
        let mut bytes: [u8; ipv4::HEADER_LEN] = packet.read(0)?;
        // Of a super-segment of ours that was longer than any packet (BIG TCP) Linux quotes what it got, which says 0.
        let is_long = bytes[2..4] == [0, 0] && bytes[9] == protocol::TCP;
        if is_long {
            bytes[2..4].fill(0xff);
        }
        let header = ipv4::Header::parse(&bytes, usize::MAX).ok()?;
        let quoted = Self {
            src: header.src,
            dst: header.dst,
            protocol: header.protocol,
            len: header.total_len.into(),
            transport: Bytes::new(),
        };
        (header.offset == 0).then_some((quoted, header.len()))
    }

    fn parse_v6(packet: &Frame) -> Option<(Self, usize)> {
        let header = ipv6::Header::parse(&packet.read(0)?, usize::MAX).ok()?;
        let upper = chain::skip(packet, Position::first(0, header.next_header), packet.len())?;
        let quoted = Self {
            src: header.src,
            dst: header.dst,
            protocol: upper.protocol,
            len: header.total() as u32,
            transport: Bytes::new(),
        };
        // Mapped addresses on the wire would be taken for IPv4's.
        (!header.src.is_v4() && !header.dst.is_v4()).then_some((quoted, upper.at))
    }
}

impl Network {
    /// An error message; `rest` are the four bytes after the checksum.
    pub(super) fn error_received(&mut self, packet: &Packet, kind: u8, code: u8, rest: u32) {
        let version = packet.src.version();
        self.count_error_in(version, kind, code);
        let quoted = Quoted::parse(version, &Frame::new(packet.payload(8)));
        let Some(quoted) = quoted.filter(|quoted| self.is_ours(quoted)) else {
            self.links.base.counters.icmp.in_errors += 1;
            return self.links.base.discard(Some(packet.link), Discard::IcmpMalformed, packet.len);
        };
        let Some(meaning) = convert::meaning(version, kind, code, told_mtu(version, rest)) else { return };
        let Some(meaning) = self.learn_path_mtu(packet, &quoted, meaning) else {
            return self.links.base.discard(Some(packet.link), Discard::IcmpMalformed, packet.len);
        };
        if self.links.base.events.wanted(class::NETWORK) {
            self.tell_error(packet, &quoted, (kind, code), meaning.errno);
        }
        self.up.push_back(Up::Error(TransportError {
            link: packet.link,
            local: quoted.src,
            remote: quoted.dst,
            protocol: quoted.protocol,
            quoted: quoted.transport,
            offender: packet.src,
            hop_limit: packet.hop_limit,
            traffic_class: packet.traffic_class,
            kind,
            code,
            cause: meaning.cause,
            errno: meaning.errno,
            fatal: meaning.fatal,
        }));
    }

    fn tell_error(&mut self, packet: &Packet, quoted: &Quoted, (kind, code): (u8, u8), errno: Errno) {
        let ports = match (quoted.protocol, quoted.transport.first_chunk()) {
            (protocol::TCP | protocol::UDP, Some(&[a, b, c, d])) => (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
            _ => (0, 0),
        };
        let (local, remote) = (SockAddr::new(quoted.src, ports.0), SockAddr::new(quoted.dst, ports.1));
        let (link, from, protocol) = (packet.link, packet.src, quoted.protocol);
        self.links.base.emit(What::Icmp { link, from, local, remote, protocol, kind, code, errno });
    }

    /// True if a host of this address list may have sent the quoted packet. Linux: errors about broadcasts are bogus.
    fn is_ours(&self, quoted: &Quoted) -> bool {
        self.may_send_from(quoted.src) && !self.is_broadcast(quoted.dst)
    }

    /// Puts what "too big" tells into the path MTU cache; the flow hears of what holds then. None if it cannot be true.
    /// For TCP nothing is believed here, nor disbelieved for the length that is quoted: only the connection can tell a forged message, by the sequence number it quotes (RFC 5927 §7).
    fn learn_path_mtu(&mut self, packet: &Packet, quoted: &Quoted, meaning: Meaning) -> Option<Meaning> {
        let ErrorCause::TooBig { mtu } = meaning.cause else { return Some(meaning) };
        let len = if quoted.protocol == protocol::TCP && mtu != 0 { 0 } else { quoted.len };
        let told = self.path_mtu_told(packet.link, quoted.dst, mtu, len)?;
        let mtu = if quoted.protocol == protocol::TCP { told } else { self.path_mtu_believed(packet.link, quoted.dst, told)? };
        Some(Meaning { cause: ErrorCause::TooBig { mtu }, ..meaning })
    }

    /// A redirect (RFC 1122 §3.2.2.2): `rest` is the better router. Those of IPv6 are neighbour discovery's.
    pub(super) fn redirect_received(&mut self, packet: &Packet, code: u8, rest: u32) {
        self.links.base.counters.icmp.in_redirects += 1;
        let hop = Addr::from_v4(rest.to_be_bytes());
        let quoted = Quoted::parse(Version::V4, &Frame::new(packet.payload(8)));
        let taken = match quoted.filter(|quoted| code <= 3 && self.is_ours(quoted)) {
            Some(quoted) => self.redirect(packet.link, quoted.dst, hop, packet.src),
            None => false,
        };
        if !taken {
            self.links.base.discard(Some(packet.link), Discard::RedirectRefused, packet.len);
        }
    }

    /// A packet of ours that no neighbour took: its flow hears "host unreachable", as Linux's does (`ipv4_link_failure`).
    pub(crate) fn local_failure(&mut self, packet: &Received) {
        let Some(quoted) = Quoted::parse(packet.version, &packet_frame(packet)).filter(|quoted| self.is_ours(quoted)) else {
            return;
        };
        let (kind, code, _) = Problem::HostUnreachable.encode(packet.version);
        let Some(meaning) = convert::meaning(packet.version, kind, code, 0) else { return };
        self.up.push_back(Up::Error(TransportError {
            link: packet.link,
            local: quoted.src,
            remote: quoted.dst,
            protocol: quoted.protocol,
            quoted: quoted.transport,
            offender: quoted.src,
            hop_limit: self.default_hop_limit(packet.version),
            traffic_class: 0,
            kind,
            code,
            cause: ErrorCause::Local,
            errno: meaning.errno,
            fatal: meaning.fatal,
        }));
    }

    fn count_error_in(&mut self, version: Version, kind: u8, code: u8) {
        let icmp = &mut self.links.base.counters.icmp;
        match (version, kind) {
            (Version::V4, v4::DEST_UNREACHABLE) => {
                icmp.in_dest_unreachs += 1;
                icmp.in_pkt_too_bigs += u64::from(code == v4::FRAGMENTATION_NEEDED);
            }
            (Version::V6, v6::DEST_UNREACHABLE) => icmp.in_dest_unreachs += 1,
            (Version::V6, v6::PACKET_TOO_BIG) => icmp.in_pkt_too_bigs += 1,
            (Version::V4, v4::TIME_EXCEEDED) | (Version::V6, v6::TIME_EXCEEDED) => icmp.in_time_excds += 1,
            _ => icmp.in_parm_probs += 1,
        }
    }
}

/// RFC 1191 §4: the low half of the four bytes; RFC 4443 §3.2: all of them.
fn told_mtu(version: Version, rest: u32) -> u32 {
    match version {
        Version::V4 => rest & 0xffff,
        Version::V6 => rest,
    }
}

fn packet_frame(packet: &Received) -> Frame {
    Frame::new(packet.frame.rope(packet.network, packet.frame.len() - packet.network))
}
