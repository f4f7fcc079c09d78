//! To which flow a packet belongs, as far as its headers say.

use loggia_stack::base::{Addr, Frame};

pub(crate) const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;

pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;

/// Most extension headers that are looked behind.
const CHAIN: usize = 8;

/// What an IP packet's headers say of where it belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Heads {
    pub(crate) src: Addr,
    pub(crate) dst: Addr,
    pub(crate) protocol: u8,
    /// Where the transport's header begins, if it is in this packet.
    pub(crate) at: usize,
    pub(crate) fragment: Option<Fragment>,
}

/// Of a packet that is a piece of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fragment {
    pub(crate) ident: u32,
    /// It is the first, which has the transport's header.
    pub(crate) first: bool,
}

/// What follows the link header, and where: an `EtherType`.
pub(crate) fn network(frame: &Frame, ethernet: bool) -> Option<(u16, usize)> {
    if !ethernet {
        return match frame.read::<1>(0)?[0] >> 4 {
            4 => Some((IPV4, 0)),
            6 => Some((IPV6, 0)),
            _ => None,
        };
    }
    match u16::from_be_bytes(frame.read(12)?) {
        VLAN => Some((u16::from_be_bytes(frame.read(16)?), 18)),
        plain => Some((plain, 14)),
    }
}

/// The headers of the IP packet at `at`.
pub(crate) fn ip(frame: &Frame, at: usize) -> Option<Heads> {
    match frame.read::<1>(at)?[0] >> 4 {
        4 => v4(frame, at),
        6 => v6(frame, at),
        _ => None,
    }
}

/// Source and destination port of the TCP or UDP header at `at`.
pub(crate) fn ports(frame: &Frame, at: usize) -> Option<(u16, u16)> {
    let [a, b, c, d] = frame.read(at)?;
    Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

fn v4(frame: &Frame, at: usize) -> Option<Heads> {
    let head: [u8; 20] = frame.read(at)?;
    let addr = |from: usize| Addr::v4(head[from], head[from + 1], head[from + 2], head[from + 3]);
    let place = u16::from_be_bytes([head[6], head[7]]);
    let (more, offset) = (place & 0x2000 != 0, place & 0x1fff);
    let ident = u16::from_be_bytes([head[4], head[5]]).into();
    Some(Heads {
        src: addr(12),
        dst: addr(16),
        protocol: head[9],
        at: at + usize::from(head[0] & 0x0f) * 4,
        fragment: (more || offset != 0).then_some(Fragment { ident, first: offset == 0 }),
    })
}

fn v6(frame: &Frame, at: usize) -> Option<Heads> {
    let head: [u8; 40] = frame.read(at)?;
    let addr = |from: usize| Addr::from_v6(*head[from..].first_chunk().unwrap_or(&[0; 16]));
    let (mut next, mut at, mut fragment) = (head[6], at + 40, None);
    for _ in 0..CHAIN {
        match next {
            HOP_BY_HOP | ROUTING | DESTINATION => {
                let [after, units] = frame.read(at)?;
                (next, at) = (after, at + 8 + usize::from(units) * 8);
            }
            FRAGMENT => {
                let [after, _, high, low, a, b, c, d] = frame.read(at)?;
                let first = u16::from_be_bytes([high, low]) & 0xfff8 == 0;
                (next, at) = (after, at + 8);
                fragment = Some(Fragment { ident: u32::from_be_bytes([a, b, c, d]), first });
                if !first {
                    break;
                }
            }
            _ => break,
        }
    }
    Some(Heads { src: addr(8), dst: addr(24), protocol: next, at, fragment })
}

/// A number that all packets of one flow share and that spreads flows over the numbers below `count`. Who chooses flows may choose it.
pub(crate) fn spread(frame: &Frame, ethernet: bool, count: usize) -> usize {
    let Some(heads) = network(frame, ethernet).and_then(|(_, at)| ip(frame, at)) else { return 0 };
    let whole = heads.fragment.is_none() && matches!(heads.protocol, TCP | UDP);
    let (from, to) = if whole { ports(frame, heads.at).unwrap_or_default() } else { (0, 0) };
    let addrs = u128::from_be_bytes(heads.src.octets()) ^ u128::from_be_bytes(heads.dst.octets()).rotate_left(64);
    let mixed = (addrs as u64 ^ (addrs >> 64) as u64 ^ u64::from(from) << 16 ^ u64::from(to)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (((mixed >> 32) * count as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: &[u8]) -> Frame {
        Frame::from(bytes)
    }

    /// An IPv6 packet with these headers after the first.
    fn v6_packet(next: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; 40];
        (packet[0], packet[6], packet[23], packet[39]) = (0x60, next, 1, 2);
        packet.extend_from_slice(rest);
        packet
    }

    #[test]
    fn the_transport_is_found_behind_options_extension_headers_and_tags() {
        let mut v4 = vec![0x46, 0, 0, 0, 1, 2, 0, 0, 64, UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 0];
        v4.extend([0x12, 0x34, 0, 53]);
        let heads = ip(&frame(&v4), 0).expect("a header");
        assert_eq!((heads.protocol, heads.at, heads.fragment), (UDP, 24, None));
        assert_eq!(ports(&frame(&v4), heads.at), Some((0x1234, 53)));
        let mut tagged = vec![0; 12];
        tagged.extend([0x81, 0, 0, 7, 0x08, 0]);
        tagged.extend(&v4);
        assert_eq!(network(&frame(&tagged), true), Some((IPV4, 18)));
        let v6 = v6_packet(HOP_BY_HOP, &[&[DESTINATION, 0, 0, 0, 0, 0, 0, 0][..], &[TCP, 1], &[0; 14], &[0, 7, 0, 9]].concat());
        let heads = ip(&frame(&v6), 0).expect("a header");
        assert_eq!((heads.protocol, ports(&frame(&v6), heads.at)), (TCP, Some((7, 9))));
    }

    #[test]
    fn fragments_are_known_and_only_the_first_has_ports() {
        for (place, first) in [([0, 1], true), ([0x05, 0xa9], false)] {
            let v6 = v6_packet(FRAGMENT, &[UDP, 0, place[0], place[1], 0, 0, 1, 2, 0, 5, 0, 6]);
            let heads = ip(&frame(&v6), 0).expect("a header");
            assert_eq!(heads.fragment, Some(Fragment { ident: 0x102, first }));
        }
        let v4 = [0x45, 0, 0, 0, 1, 2, 0x20, 0, 64, UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        assert_eq!(ip(&frame(&v4), 0).and_then(|heads| heads.fragment), Some(Fragment { ident: 0x102, first: true }));
    }

    #[test]
    fn any_bytes_do_no_harm() {
        for len in 0..90 {
            for fill in [0x00, 0x45, 0x60, 0xff, 0x2c] {
                let frame = frame(&vec![fill; len]);
                for ethernet in [false, true] {
                    assert!(spread(&frame, ethernet, 3) < 3);
                }
            }
        }
    }
}
