//! The UDP header (RFC 768).

use crate::base::{Addr, Checksum, Discard, Frame, Sum};
use crate::network::{Packet, protocol};

/// Bytes of header.
pub(super) const LEN: usize = 8;
/// Where the checksum is in it.
pub(super) const CHECKSUM: u8 = 6;

/// What the header of an arriving datagram says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) src_port: u16,
    pub(super) dst_port: u16,
}

/// Reads and checks the header and the checksum; cuts `packet` to the length the header tells.
pub(super) fn parse(packet: &mut Packet) -> Result<Header, Discard> {
    if packet.len < LEN {
        return Err(Discard::UdpMalformed);
    }
    let bytes: [u8; LEN] = packet.frame.read(packet.transport).ok_or(Discard::UdpMalformed)?;
    let word = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    packet.len = datagram_len(packet, word(4) as usize)?;
    check(packet, word(6))?;
    Ok(Header { src_port: word(0), dst_port: word(2) })
}

/// Bytes of the datagram: IP may carry more (RFC 1122 §3.2.1 lets nobody rely on that), never less.
/// A jumbogram has length 0 (RFC 2675 §4).
fn datagram_len(packet: &Packet, told: usize) -> Result<usize, Discard> {
    match told {
        0 if !packet.dst.is_v4() => Ok(packet.len),
        LEN.. if told <= packet.len => Ok(told),
        _ => Err(Discard::UdpMalformed),
    }
}

/// RFC 768: a checksum of zero means none was made; RFC 8200 §8.1: over IPv6 there must be one.
fn check(packet: &Packet, checksum: u16) -> Result<(), Discard> {
    let right = match checksum {
        0 if packet.frame.checksum == Checksum::Unknown => packet.dst.is_v4(),
        _ => packet.checksum_ok(),
    };
    if right { Ok(()) } else { Err(Discard::UdpChecksum) }
}

/// What is done about the checksum of a datagram that leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Check {
    /// Nothing: `SO_NO_CHECK` over IPv4.
    No,
    /// Whoever puts it on a wire makes it.
    Later,
    /// Now: fragments have no checksum of their own that somebody could complete.
    Now,
}

/// Pushes the header in front of a payload. Whoever puts it on a wire makes the checksum; `pseudo` is the sum of the pseudo-header without its length.
#[inline]
pub(super) fn push_partial(frame: &mut Frame, ports: Header, pseudo: Sum) {
    let header = partial(ports, pseudo, frame.len() + LEN);
    frame.prepend(&header);
    frame.l4_len = LEN as u8;
    frame.checksum = Checksum::Partial { offset: CHECKSUM };
}

/// The header of a datagram of `len` bytes, with itself, whose checksum is the sum of the pseudo-header.
#[inline]
pub(super) fn partial(ports: Header, pseudo: Sum, len: usize) -> [u8; LEN] {
    let mut sum = pseudo;
    sum.add_word(len as u32);
    header(ports, len, sum.folded())
}

/// RFC 768: a sum that comes out as zero is sent as all ones.
#[inline]
pub(super) fn checksum_of(sum: Sum) -> u16 {
    match sum.finish() {
        0 => 0xffff,
        sum => sum,
    }
}

/// Pushes the header in front of a payload.
pub(super) fn push(frame: &mut Frame, ports: Header, src: Addr, dst: Addr, check: Check) {
    match check {
        Check::No => put(frame, ports, 0),
        Check::Later => push_partial(frame, ports, Sum::pseudo(src, dst, protocol::UDP, 0)),
        Check::Now => {
            put(frame, ports, 0);
            let len = frame.len();
            let sum = checksum_of(frame.sum(0, len, Sum::pseudo(src, dst, protocol::UDP, len)));
            frame.head_mut()[6..8].copy_from_slice(&sum.to_be_bytes());
        }
    }
}

fn put(frame: &mut Frame, ports: Header, checksum: u16) {
    let header = header(ports, frame.len() + LEN, checksum);
    frame.prepend(&header);
    frame.l4_len = LEN as u8;
}

#[inline]
fn header(ports: Header, len: usize, checksum: u16) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    bytes[0..2].copy_from_slice(&ports.src_port.to_be_bytes());
    bytes[2..4].copy_from_slice(&ports.dst_port.to_be_bytes());
    bytes[4..6].copy_from_slice(&(len as u16).to_be_bytes());
    bytes[6..8].copy_from_slice(&checksum.to_be_bytes());
    bytes
}
