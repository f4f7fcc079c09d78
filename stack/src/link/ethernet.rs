//! The Ethernet II header with or without an IEEE 802.1Q tag.
//!
//! ```text
//!  0         6        12        14                         0         6        12    14   16    18
//!  ┌─────────┬─────────┬─────────┬───────                  ┌─────────┬─────────┬─────┬────┬─────┬──────
//!  │   dst   │   src   │  type   │ packet       tagged:    │   dst   │   src   │8100 │TCI │type │ packet
//!  └─────────┴─────────┴─────────┴───────                  └─────────┴─────────┴─────┴────┴─────┴──────
//! ```

use super::mac::Mac;
use crate::base::{Frame, Version};

/// EtherTypes (IANA, IEEE).
pub(super) mod ethertype {
    /// IPv4 (RFC 894).
    pub(crate) const IPV4: u16 = 0x0800;
    /// ARP (RFC 826).
    pub(crate) const ARP: u16 = 0x0806;
    /// IEEE 802.1Q customer tag.
    pub(crate) const VLAN: u16 = 0x8100;
    /// IPv6 (RFC 2464 §3).
    pub(crate) const IPV6: u16 = 0x86dd;

    /// That of an IP version.
    pub(crate) const fn of(version: super::Version) -> u16 {
        match version {
            super::Version::V4 => IPV4,
            super::Version::V6 => IPV6,
        }
    }
}

/// A header as it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    /// To whom.
    pub(super) dst: Mac,
    /// From whom.
    pub(super) src: Mac,
    /// VLAN identifier of the tag, 0 for one that carries only a priority; none if there is no tag.
    pub(super) vlan: Option<u16>,
    /// What follows. Below 0x600 it is a length (IEEE 802.3), and nobody here handles what then follows.
    pub(super) ethertype: u16,
    /// Bytes of header.
    pub(super) len: usize,
}

impl Header {
    /// Reads the header at the front of a frame; none if the frame is too short for it.
    pub(super) fn parse(frame: &Frame) -> Option<Self> {
        let mut scratch = [0; 14];
        let (addresses, kind) = frame.view(0, 14, &mut scratch)?.split_at(12);
        let (dst, src) = (mac(&addresses[..6]), mac(&addresses[6..]));
        let ethertype = u16::from_be_bytes([kind[0], kind[1]]);
        if ethertype != ethertype::VLAN {
            return Some(Self { dst, src, vlan: None, ethertype, len: 14 });
        }
        let [a, b, c, d] = frame.read(14)?;
        let vlan = Some(u16::from_be_bytes([a, b]) & 0x0fff);
        Some(Self { dst, src, vlan, ethertype: u16::from_be_bytes([c, d]), len: 18 })
    }

    /// Bytes of a header with such a tag.
    pub(super) const fn len_of(vlan: Option<u16>) -> usize {
        if vlan.is_some() { 18 } else { 14 }
    }

    /// Pushes a header in front of a packet and sets `l2_len`.
    pub(super) fn push(frame: &mut Frame, dst: Mac, src: Mac, vlan: Option<u16>, ethertype: u16) {
        let len = Self::len_of(vlan);
        make_headroom(frame, len);
        *frame.room_for() = ethertype.to_be_bytes();
        if let Some(vlan) = vlan {
            let ([a, b], [c, d]) = (ethertype::VLAN.to_be_bytes(), vlan.to_be_bytes());
            *frame.room_for() = [a, b, c, d];
        }
        *frame.room_for() = src.0;
        *frame.room_for() = dst.0;
        frame.l2_len = len as u8;
    }
}

/// The family of the packet behind a header to `own`, untagged or with just that VLAN's tag, and where it begins; none behind any other, and where it does
/// not lie together.
#[inline(always)]
pub(super) fn inside_usual(frame: &Frame, own: Mac, vlan: Option<u16>) -> Option<(Version, usize)> {
    let len = Header::len_of(vlan);
    let header = frame.together(0, len)?;
    let is_tagged = |vlan| {
        let tag = [12, 14].map(|at| u16::from_be_bytes([header[at], header[at + 1]]));
        tag[0] == ethertype::VLAN && tag[1] & 0x0fff == vlan
    };
    let is_ours = header[..6] == own.0 && vlan.is_none_or(is_tagged);
    let version = match u16::from_be_bytes([header[len - 2], header[len - 1]]) {
        ethertype::IPV4 => Version::V4,
        ethertype::IPV6 => Version::V6,
        _ => return None,
    };
    is_ours.then_some((version, len))
}

fn mac(bytes: &[u8]) -> Mac {
    let mut octets = [0; 6];
    octets.copy_from_slice(bytes);
    Mac(octets)
}

/// Long extension headers may have filled the head: then what is in it moves to the body.
#[inline]
fn make_headroom(frame: &mut Frame, len: usize) {
    if frame.headroom() < len {
        empty_head(frame);
    }
}

#[cold]
fn empty_head(frame: &mut Frame) {
    let body = frame.rope(0, frame.len());
    frame.pull(frame.len());
    frame.body = body;
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Mac = Mac([2, 0, 0, 0, 0, 0xa]);
    const B: Mac = Mac([2, 0, 0, 0, 0, 0xb]);

    #[test]
    fn what_is_pushed_is_read_again() {
        for (vlan, len) in [(None, 14), (Some(7), 18), (Some(4094), 18)] {
            let mut frame = Frame::from(&b"packet"[..]);
            Header::push(&mut frame, A, B, vlan, ethertype::IPV6);
            assert_eq!(usize::from(frame.l2_len), len);
            let header = Header { dst: A, src: B, vlan, ethertype: ethertype::IPV6, len };
            assert_eq!(Header::parse(&frame), Some(header));
            assert_eq!(&frame.to_vec()[len..], b"packet");
        }
    }

    #[test]
    fn a_cut_header_is_none() {
        let mut frame = Frame::default();
        Header::push(&mut frame, A, B, Some(7), ethertype::IPV4);
        for len in 0..18 {
            let mut cut = frame.clone();
            cut.truncate(len);
            assert_eq!(Header::parse(&cut), None, "{len} bytes");
        }
    }

    #[test]
    fn a_full_head_makes_room() {
        let mut frame = Frame::from(&b"payload"[..]);
        frame.push(140).fill(6);
        Header::push(&mut frame, A, B, None, ethertype::IPV6);
        assert_eq!(frame.len(), 14 + 140 + 7);
        assert_eq!(frame.read::<2>(153), Some([6, b'p']));
    }
}
