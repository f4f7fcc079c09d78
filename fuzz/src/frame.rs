//! Frames in pieces, so that mutation changes fields and not offsets.

use arbitrary::Arbitrary;
use loggia_stack::base::{Checksum, Frame, LinkId};

use crate::{MAC, PORT, V4, V6};

/// A frame.
#[derive(Debug, Arbitrary)]
pub struct RandomFrame {
    raw_link: bool,
    device: Device,
    kind: Kind,
    payload: Vec<u8>,
}

/// What a device says of a frame. Nothing of it need be true.
#[derive(Debug, Arbitrary)]
enum Device {
    /// The transport checksum was found right.
    Verified,
    /// The transport checksum is to be completed here.
    Partial { offset: u8, l3_len: u8 },
    /// It is a super-segment.
    Super { segment_size: u16, l3_len: u8, l4_len: u8 },
}

impl Device {
    /// A frame of these bytes, of which the device says this.
    fn given(&self, bytes: &[u8]) -> Frame {
        let mut frame = Frame::from(bytes);
        frame.checksum = Checksum::Verified;
        match *self {
            Self::Verified => {}
            Self::Partial { offset, l3_len } => {
                (frame.checksum, frame.l3_len) = (Checksum::Partial { offset }, l3_len.into());
            }
            Self::Super { segment_size, l3_len, l4_len } => {
                (frame.segment_size, frame.l3_len, frame.l4_len) = (segment_size, l3_len.into(), l4_len);
            }
        }
        frame
    }
}

/// Segments of a flow behind each other, which may be joined, and a few of which are damaged.
#[derive(Debug, Arbitrary)]
pub struct RandomStream {
    raw_link: bool,
    v6: bool,
    source: u8,
    port: u8,
    seq: u32,
    ack: u32,
    pieces: Vec<Piece>,
}

/// One of them.
#[derive(Debug, Arbitrary)]
struct Piece {
    len: u16,
    flags: Option<u8>,
    /// What the device says, if it is anything else than that the checksum is right.
    device: Option<Device>,
    /// A byte near the front that is not what it was, and padding behind the packet.
    damage: Option<(u8, u8, u8)>,
}

impl RandomStream {
    /// Which link they come by, and the frames.
    pub fn build(&self, links: [LinkId; 2]) -> (LinkId, Vec<Frame>) {
        let (at, mut seq) = (usize::from(self.raw_link), self.seq);
        let frames = self.pieces.iter().take(100).map(|piece| {
            let payload = vec![seq as u8; usize::from(piece.len % 1441)];
            let bytes = piece.damaged(self.packet(at, seq, piece.flags.unwrap_or(0x10), &payload));
            seq = seq.wrapping_add(payload.len() as u32);
            piece.device.as_ref().unwrap_or(&Device::Verified).given(&bytes)
        });
        (links[at], frames.collect())
    }

    fn packet(&self, at: usize, seq: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
        let options = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
        let segment = segment(self.port, [seq, self.ack], flags, [1000, 0], &options, payload);
        let (ethertype, packet) = if self.v6 {
            (0x86dd, ipv6(at, 6, To::Us, self.source, &segment))
        } else {
            // Not to be cut: their identification does not matter.
            (0x800, ipv4(at, 6, 0x4000, To::Us, self.source, &[], &segment))
        };
        if at == 1 { packet } else { ethernet(ethertype, false, &packet) }
    }
}

impl Piece {
    fn damaged(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if let Some((at, bits, padding)) = self.damage {
            if let Some(byte) = bytes.get_mut(usize::from(at)) {
                *byte ^= bits;
            }
            bytes.resize(bytes.len() + usize::from(padding), 0);
        }
        bytes
    }
}

/// To whom an IP packet goes.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum To {
    Us,
    All,
    /// A host on this link or the other.
    Host {
        here: bool,
        last: u8,
    },
}

#[derive(Debug, Arbitrary)]
enum Kind {
    /// Bytes as they are.
    Raw,
    /// An Ethernet frame to us with this type.
    Ethernet { ethertype: u16, multicast: bool },
    /// An ARP packet.
    Arp { operation: u8, source: u8, target: u8 },
    /// IPv4.
    V4 { protocol: u8, fragment: u16, to: To, source: u8, options: [u8; 8], with_options: bool },
    /// IPv6.
    V6 { next: u8, to: To, source: u8 },
    /// TCP to the port that is served.
    Tcp { v6: bool, source: u8, port: u8, seq: u32, ack: u32, flags: u8, window: u16, urgent: u16, options: [u8; 12] },
    /// UDP to the port that is served.
    Udp { v6: bool, source: u8, port: u8 },
    /// ICMP of this type and code.
    Icmp { v6: bool, source: u8, kind: u8, code: u8 },
}

impl RandomFrame {
    /// Which link it comes by, and the frame. Transport checksums count as verified, else nothing would get past them.
    pub fn build(&self, links: [LinkId; 2]) -> (LinkId, Frame) {
        let at = usize::from(self.raw_link);
        (links[at], self.device.given(&self.bytes(at)))
    }

    fn bytes(&self, at: usize) -> Vec<u8> {
        let payload = &self.payload[..self.payload.len().min(1440)];
        let (ethertype, packet) = match &self.kind {
            Kind::Raw => return payload.to_vec(),
            Kind::Ethernet { ethertype, multicast } => return ethernet(*ethertype, *multicast, payload),
            Kind::Arp { operation, source, target } => (0x806, arp(*operation, *source, *target)),
            Kind::V4 { protocol, fragment, to, source, options, with_options } => {
                let options = if *with_options { &options[..] } else { &[] };
                (0x800, ipv4(at, *protocol, *fragment, *to, *source, options, payload))
            }
            Kind::V6 { next, to, source } => (0x86dd, ipv6(at, *next, *to, *source, payload)),
            Kind::Tcp { v6, source, port, seq, ack, flags, window, urgent, options } => {
                ip(at, *v6, 6, *source, &segment(*port, [*seq, *ack], *flags, [*window, *urgent], options, payload))
            }
            Kind::Udp { v6, source, port } => {
                let mut datagram = ports(*port);
                datagram.extend((8 + payload.len() as u16).to_be_bytes());
                datagram.extend([0, 0]);
                datagram.extend(payload);
                ip(at, *v6, 17, *source, &datagram)
            }
            Kind::Icmp { v6, source, kind, code } => {
                let message = [&[*kind, *code, 0, 0], payload].concat();
                ip(at, *v6, if *v6 { 58 } else { 1 }, *source, &checksummed(*v6, at, *source, message))
            }
        };
        if at == 1 { packet } else { ethernet(ethertype, false, &packet) }
    }
}

fn ethernet(ethertype: u16, multicast: bool, payload: &[u8]) -> Vec<u8> {
    let to = if multicast { [0x33, 0x33, 0, 0, 0, 1] } else { MAC };
    [&to[..], &[2, 0, 0, 0, 0, 2], &ethertype.to_be_bytes(), payload].concat()
}

fn arp(operation: u8, source: u8, target: u8) -> Vec<u8> {
    let [sender, target] = [source, target].map(|last| source_v4(0, last));
    [&[0, 1, 8, 0, 6, 4, 0, operation][..], &[2, 0, 0, 0, 0, 2], &sender, &MAC, &target].concat()
}

fn ports(port: u8) -> Vec<u8> {
    let from = 1000 + u16::from(port % 8);
    [from.to_be_bytes(), PORT.to_be_bytes()].concat()
}

/// A segment of TCP: sequence number and acknowledgement, flags, window and urgent pointer, twelve bytes of options, payload.
fn segment(port: u8, numbers: [u32; 2], flags: u8, [window, urgent]: [u16; 2], options: &[u8; 12], payload: &[u8]) -> Vec<u8> {
    let mut segment = ports(port);
    segment.extend(numbers.map(u32::to_be_bytes).concat());
    segment.extend([0x80, flags]);
    segment.extend(window.to_be_bytes());
    segment.extend([0, 0]);
    segment.extend(urgent.to_be_bytes());
    segment.extend(options);
    segment.extend(payload);
    segment
}

fn ip(at: usize, v6: bool, protocol: u8, source: u8, payload: &[u8]) -> (u16, Vec<u8>) {
    if v6 {
        (0x86dd, ipv6(at, protocol, To::Us, source, payload))
    } else {
        (0x800, ipv4(at, protocol, 0, To::Us, source, &[], payload))
    }
}

fn source_v4(at: usize, source: u8) -> [u8; 4] {
    [V4[at][0], V4[at][1], V4[at][2], source]
}

fn source_v6(at: usize, source: u8) -> [u8; 16] {
    let mut address = V6[at];
    address[15] = source;
    address
}

fn ipv4(at: usize, protocol: u8, fragment: u16, to: To, source: u8, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let len = (20 + options.len() + payload.len()) as u16;
    let mut header = vec![0x45 + options.len() as u8 / 4, 0];
    header.extend(len.to_be_bytes());
    header.extend([0, 1]);
    header.extend(fragment.to_be_bytes());
    header.extend([64, protocol, 0, 0]);
    header.extend(source_v4(at, source));
    header.extend(match to {
        To::Us => V4[at],
        To::All => [255; 4],
        To::Host { here, last } => source_v4(if here { at } else { 1 - at }, last),
    });
    header.extend(options);
    let sum = sum(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header.extend(payload);
    header
}

fn ipv6(at: usize, next: u8, to: To, source: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    // Neighbour discovery believes only packets that no router touched.
    packet.extend([next, 255]);
    packet.extend(source_v6(at, source));
    packet.extend(match to {
        To::Us => V6[at],
        To::All => [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        To::Host { here, last } => source_v6(if here { at } else { 1 - at }, last),
    });
    packet.extend(payload);
    packet
}

/// ICMP checks its checksum itself.
fn checksummed(v6: bool, at: usize, source: u8, mut message: Vec<u8>) -> Vec<u8> {
    let pseudo = if v6 {
        [&source_v6(at, source)[..], &V6[at], &(message.len() as u32).to_be_bytes(), &[0, 0, 0, 58]].concat()
    } else {
        Vec::new()
    };
    let sum = sum(&[&pseudo[..], &message].concat());
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

fn sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).copied().map_or(0, u32::from));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
