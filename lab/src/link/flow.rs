//! To which flow a frame belongs.

use std::hash::Hasher as _;

use loggia_stack::base::Frame;
use siphasher::sip::SipHasher13;

/// What a link knows of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Known {
    /// A hash of addresses, protocol and ports, in the direction of the frame. The same for all packets of a flow on all links.
    pub(super) flow: u64,
    /// Where the network header starts.
    pub(super) l3: usize,
    /// True if that is IPv4 or IPv6.
    pub(super) ip: bool,
    /// A host sends it of itself, whatever its programs do: ARP, neighbour discovery, membership of groups.
    pub(super) housekeeping: bool,
}

mod ethertype {
    pub(super) const IPV4: u16 = 0x0800;
    pub(super) const ARP: u16 = 0x0806;
    pub(super) const IPV6: u16 = 0x86dd;
    pub(super) const VLAN: u16 = 0x8100;
    pub(super) const SERVICE_VLAN: u16 = 0x88a8;
}

mod protocol {
    pub(super) const HOP_BY_HOP: u8 = 0;
    pub(super) const ICMP: u8 = 1;
    pub(super) const IGMP: u8 = 2;
    pub(super) const TCP: u8 = 6;
    pub(super) const UDP: u8 = 17;
    pub(super) const DCCP: u8 = 33;
    pub(super) const ROUTING: u8 = 43;
    pub(super) const FRAGMENT: u8 = 44;
    pub(super) const ICMPV6: u8 = 58;
    pub(super) const DESTINATION: u8 = 60;
    pub(super) const SCTP: u8 = 132;
    pub(super) const UDP_LITE: u8 = 136;
}

/// More extension headers than this nobody sends; whoever does gets a flow without ports.
const MAX_EXTENSIONS: usize = 8;

impl Known {
    /// Reads a frame that begins with an Ethernet header. Of fragments only addresses and protocol count, so that all fragments of a
    /// flow are one flow; of what is not IP the Ethernet addresses and type.
    #[cfg(test)]
    pub(super) fn of(frame: &Frame) -> Self {
        Acquaintance::default().of(frame)
    }
}

/// The flow that was met last: packets come in trains, and a hash costs more than a comparison.
#[derive(Clone, Debug, Default)]
pub(super) struct Acquaintance {
    key: Key,
    flow: u64,
}

impl Acquaintance {
    /// As [`Known`] describes.
    pub(super) fn of(&mut self, frame: &Frame) -> Known {
        let (l3, kind) = network(frame);
        let ends = match kind {
            ethertype::IPV4 => v4(frame, l3),
            ethertype::IPV6 => v6(frame, l3),
            _ => None,
        };
        let (ip, key) = (ends.is_some(), ends.unwrap_or_else(|| ethernet(frame, kind)));
        if key != self.key {
            let mut hasher = SipHasher13::new();
            hasher.write(&key.bytes[..key.len]);
            self.flow = hasher.finish();
            self.key = key;
        }
        Known { flow: self.flow, l3, ip, housekeeping: self.key.housekeeping }
    }
}

/// Where the network header starts, and its EtherType (0 if there is none).
fn network(frame: &Frame) -> (usize, u16) {
    let mut at = 12;
    let mut kind = 0;
    for _ in 0..3 {
        kind = frame.read::<2>(at).map_or(0, u16::from_be_bytes);
        if kind != ethertype::VLAN && kind != ethertype::SERVICE_VLAN {
            break;
        }
        at += 4;
    }
    ((at + 2).min(frame.len()), kind)
}

/// What two packets of one flow have in common. That of no packet is empty.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Key {
    bytes: [u8; 38],
    len: usize,
    housekeeping: bool,
}

impl Default for Key {
    fn default() -> Self {
        Self { bytes: [0; 38], len: 0, housekeeping: false }
    }
}

impl Key {
    fn new() -> Self {
        Self::default()
    }

    fn of_housekeeping(self, housekeeping: bool) -> Self {
        Self { housekeeping, ..self }
    }

    fn with(mut self, bytes: &[u8]) -> Self {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
        self
    }
}

fn ethernet(frame: &Frame, kind: u16) -> Key {
    Key::new().with(&frame.read::<12>(0).unwrap_or_default()).with(&kind.to_be_bytes()).of_housekeeping(kind == ethertype::ARP)
}

fn v4(frame: &Frame, l3: usize) -> Option<Key> {
    let header: [u8; 20] = frame.read(l3)?;
    if header[0] >> 4 != 4 {
        return None;
    }
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0;
    let key = Key::new().with(&[4, header[9]]).with(&header[12..20]).of_housekeeping(header[9] == protocol::IGMP);
    let l4 = l3 + usize::from(header[0] & 0x0f) * 4;
    Some(if fragment { key } else { key.with(&ports(frame, header[9], l4)) })
}

fn v6(frame: &Frame, l3: usize) -> Option<Key> {
    let header: [u8; 40] = frame.read(l3)?;
    if header[0] >> 4 != 6 {
        return None;
    }
    let (mut next, mut at) = (header[6], l3 + 40);
    let mut fragment = false;
    for _ in 0..MAX_EXTENSIONS {
        if !matches!(next, protocol::HOP_BY_HOP | protocol::ROUTING | protocol::DESTINATION | protocol::FRAGMENT) {
            break;
        }
        let Some([after, units]) = frame.read(at) else { break };
        fragment = next == protocol::FRAGMENT;
        next = after;
        at += 8 + usize::from(units) * 8;
        // What follows in a later fragment is payload; which protocol it belongs to stands in all of them.
        if fragment {
            break;
        }
    }
    let housekeeping = next == protocol::ICMPV6 && !fragment && frame.read(at).is_some_and(|[kind]| is_housekeeping(kind));
    let key = Key::new().with(&[6, next]).with(&header[8..40]).of_housekeeping(housekeeping);
    Some(if fragment { key } else { key.with(&ports(frame, next, at)) })
}

/// ICMPv6 types of group membership (RFC 2710, RFC 3810) and of neighbour discovery (RFC 4861).
fn is_housekeeping(kind: u8) -> bool {
    matches!(kind, 130..=137 | 143)
}

/// Both ports; of an echo its identifier. Zeros if there is neither.
fn ports(frame: &Frame, number: u8, l4: usize) -> [u8; 4] {
    match number {
        protocol::TCP | protocol::UDP | protocol::DCCP | protocol::SCTP | protocol::UDP_LITE => {
            frame.read(l4).unwrap_or_default()
        }
        protocol::ICMP | protocol::ICMPV6 => echo(frame, l4).unwrap_or_default(),
        _ => [0; 4],
    }
}

fn echo(frame: &Frame, l4: usize) -> Option<[u8; 4]> {
    let [kind, _, _, _, high, low] = frame.read(l4)?;
    matches!(kind, 0 | 8 | 128 | 129).then_some([0, 0, high, low])
}

#[cfg(test)]
mod tests {
    use super::super::samples::{self, Sample};
    use super::*;

    fn flow(sample: &Sample) -> u64 {
        Known::of(&sample.frame()).flow
    }

    #[test]
    fn ports_and_addresses_make_the_flow_and_their_direction() {
        for v6 in [false, true] {
            let sample = Sample { v6, ..Sample::default() };
            assert_eq!(flow(&sample), flow(&Sample { payload: 7, ..sample.clone() }));
            assert_ne!(flow(&sample), flow(&Sample { port: 5, ..sample.clone() }));
            assert_ne!(flow(&sample), flow(&Sample { from: 9, ..sample.clone() }));
            assert_ne!(flow(&sample), flow(&Sample { from: sample.to, to: sample.from, ..sample.clone() }));
            assert_eq!(Known::of(&sample.frame()).l3, 14);
        }
    }

    #[test]
    fn a_tag_moves_the_packet_and_leaves_the_flow() {
        let plain = Sample::default().frame().to_vec();
        let mut tagged = plain[..12].to_vec();
        tagged.extend([0x81, 0, 0, 5]);
        tagged.extend(&plain[12..]);
        let (tagged, plain) = (Known::of(&Frame::from(&tagged[..])), Known::of(&Frame::from(&plain[..])));
        assert_eq!((tagged.flow, tagged.l3, tagged.ip), (plain.flow, 18, true));
    }

    #[test]
    fn fragments_of_a_datagram_are_one_flow() {
        let mut first = Sample::default().frame();
        let mut second = Sample { port: 77, ..Sample::default() }.frame();
        first.overwrite(14 + 6, &[0x20, 0]);
        second.overwrite(14 + 6, &[0, 100]);
        assert_eq!(Known::of(&first).flow, Known::of(&second).flow);
        assert_ne!(Known::of(&first).flow, flow(&Sample::default()));
    }

    #[test]
    fn what_is_not_ip_is_told_apart_by_its_stations() {
        let (arp, other) = (samples::arp(1, 2), samples::arp(1, 3));
        assert_eq!(Known::of(&arp), Known::of(&arp.clone()));
        assert_ne!(Known::of(&arp).flow, Known::of(&other).flow);
        assert!(!Known::of(&arp).ip);
    }

    #[test]
    fn garbage_has_a_flow_too() {
        for len in 0..80 {
            for byte in [0, 0x45, 0x60, 0x81, 0xff] {
                let mut bytes = vec![byte; len];
                let known = Known::of(&Frame::from(&bytes[..]));
                assert!(known.l3 <= len);
                if len > 14 {
                    bytes[12..14].copy_from_slice(&[0x86, 0xdd]);
                    assert!(Known::of(&Frame::from(&bytes[..])).l3 <= len);
                }
            }
        }
    }
}
