//! What a device gives together comes up joined or not, and is the same in either case: cut again, each flow has the packets that came, in their order.

use alloc::vec::Vec;

use super::{Host, OWN, PEER, ethernet};
use crate::base::checksum::checksum;
use crate::base::{Checksum, Entropy, Frame, Version};
use crate::link::ethernet::{Header, ethertype};
use crate::link::offload::complete::complete;
use crate::link::offload::cut::Cutter;
use crate::link::offload::layout::{Layout, Transport};
use crate::link::offload::samples::{ACK, CWR, FIN, PSH, SYN, Sample};
use crate::link::{LinkConfig, Medium, Offloads, Received, Up};

const ECE: u8 = 0x40;
const URG: u8 = 0x20;

fn one_of<T: Copy>(random: &mut Entropy, choices: &[T]) -> T {
    choices[random.below(choices.len() as u32) as usize]
}

/// A host with any kind of link that joins.
fn host(random: &mut Entropy) -> Host {
    let vlan = one_of(random, &[None, Some(5)]);
    let medium = one_of(random, &[Medium::Ip, Medium::Ethernet { mac: OWN, vlan }]);
    Host::new(LinkConfig { medium, offloads: Offloads { coalesce: true, ..Offloads::default() }, ..ethernet(OWN, None) })
}

/// Where a flow stands, and what its headers say until something else is drawn.
struct Flow {
    version: Version,
    port: u16,
    seq: u32,
    id: u16,
    first: [u8; 2],
    df: bool,
    ttl: u8,
    timestamp: u8,
}

impl Flow {
    fn new(number: u16, random: &mut Entropy) -> Self {
        let version = one_of(random, &[Version::V4, Version::V4, Version::V6]);
        let (seq, id) = (random.next_u32(), random.next_u32() as u16);
        Self { version, port: 4000 + number, seq, id, first: [0x45, 0], df: random.below(2) == 0, ttl: 64, timestamp: 1 }
    }

    /// The next segment, or another one; as layers above a link make it.
    fn next(&mut self, random: &mut Entropy) -> Frame {
        if random.below(30) == 0 {
            self.first[1] = one_of(random, &[0, 2, 3]);
            self.df = random.below(2) == 0;
            self.ttl = one_of(random, &[64, 1, 0]);
            self.timestamp = random.below(3) as u8;
        }
        let len = if random.below(4) > 0 { 100 } else { one_of(random, &[99, 101, 0, 1, 1400]) };
        let mut sample = Sample::new(self.version, Transport::Tcp, len, 0);
        let others = [ACK | PSH, ACK | FIN, ACK | PSH | FIN, ACK | ECE, ACK | CWR, ACK | URG, SYN, 0];
        sample.flags = if random.below(6) > 0 { ACK } else { one_of(random, &others) };
        sample.tcp_options[7] = self.timestamp;
        (sample.port, sample.seq, sample.id) = (self.port, self.seq, self.id);
        self.seq = self.seq.wrapping_add(len as u32 + u32::from(random.below(30) == 0));
        self.id = self.id.wrapping_add(if random.below(10) > 0 { 1 } else { one_of(random, &[0, 7]) });
        let mut frame = sample.frame();
        if self.version == Version::V4 {
            let header = &mut frame.head_mut()[..20];
            header[..2].copy_from_slice(&self.first);
            (header[6], header[8]) = (if self.df { 0x40 } else { 0 }, self.ttl);
            header[10..12].fill(0);
            let sum = checksum(header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
        } else {
            frame.head_mut()[7] = self.ttl;
        }
        frame
    }
}

/// As a device gives it: its own from memory, or from a wire, whole or not, with padding, with what it says of the checksum.
fn given(random: &mut Entropy, host: &Host, version: Version, mut frame: Frame) -> Frame {
    if let Some((_, vlan)) = host.links.ports.ethernet(host.link) {
        Header::push(&mut frame, OWN, PEER, vlan, ethertype::of(version));
    }
    let way = random.below(14);
    if way == 0 {
        return frame;
    }
    complete(&mut frame);
    let mut bytes = frame.to_vec();
    if way == 1 {
        let at = bytes.len() - 1;
        bytes[at] ^= 1;
    }
    if way == 2 {
        bytes.resize(bytes.len() + 9, 0xaa);
    }
    let mut frame = Frame::from(&bytes[..]);
    if way == 3 {
        frame.checksum = Checksum::Verified;
    }
    let in_head = one_of(random, &[0, 14, 20, 54, 60, 72, 100]).min(bytes.len());
    frame.own_head(in_head);
    frame
}

/// A packet without what nobody needs: padding; the identification of one that nobody cuts (RFC 6864 §4.1).
fn bare(frame: &Frame, network: usize) -> Vec<u8> {
    let mut frame = frame.clone();
    complete(&mut frame);
    let mut bytes = frame.to_vec().split_off(network);
    if bytes[0] >> 4 == 4 {
        bytes.truncate(u16::from_be_bytes([bytes[2], bytes[3]]).into());
        assert_eq!(checksum(&bytes[..20]), 0);
        if bytes[6] & 0x40 != 0 {
            bytes[4..6].fill(0);
            bytes[10..12].fill(0);
        }
    } else {
        bytes.truncate(40 + usize::from(u16::from_be_bytes([bytes[4], bytes[5]])));
    }
    bytes
}

/// The packets in what came up.
fn packets(received: Received) -> Vec<Vec<u8>> {
    let Received { frame, network, .. } = received;
    if frame.segment_size == 0 {
        return alloc::vec![bare(&frame, network)];
    }
    let layout = Layout::of(&frame, network).expect("what is joined has headers");
    let mut cutter = Cutter::new(frame, layout, 0, false);
    core::iter::from_fn(|| cutter.next()).map(|piece| bare(&piece, network)).collect()
}

/// As the network layer does it.
fn bring(host: &mut Host, frame: Frame, more: bool, up: &mut Vec<Received>) {
    if host.links.is_idle() {
        up.extend(host.links.receive_next(host.link, frame, more));
    } else {
        host.links.receive(host.link, frame);
    }
}

#[test]
fn joined_or_not_nobody_gets_anything_else() {
    let (mut given_in, mut up_in) = (0, 0);
    for seed in 0..150u64 {
        let mut random = Entropy::new(seed.into());
        let mut host = host(&mut random);
        let mut flows: Vec<Flow> = (0..3).map(|number| Flow::new(number, &mut random)).collect();
        let network = if host.links.ports.ethernet(host.link).is_none() { 0 } else { usize::MAX };
        let (mut came, mut up) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let count = 1 + random.below(40);
            for left in (0..count).rev() {
                let flow = &mut flows[random.below(3) as usize];
                let version = flow.version;
                let frame = flow.next(&mut random);
                let frame = given(&mut random, &host, version, frame);
                let header = if network == 0 { 0 } else { Header::parse(&frame).unwrap().len };
                came.push((flow.port, bare(&noted(&frame, header), header)));
                bring(&mut host, frame, left > 0, &mut up);
            }
            up.extend(host.up().into_iter().map(|up| match up {
                Up::Received(received) => received,
                other => panic!("{other:?}"),
            }));
        }
        given_in += came.len();
        up_in += up.len();
        let up: Vec<Vec<u8>> = up.into_iter().flat_map(packets).collect();
        for flow in &flows {
            let l4 = if flow.version == Version::V4 { 20 } else { 40 };
            let port = flow.port.to_be_bytes();
            let up: Vec<_> = up.iter().filter(|bytes| bytes[l4..l4 + 2] == port && (bytes[0] >> 4 == 4) == (l4 == 20)).collect();
            let came: Vec<_> = came.iter().filter(|(of, _)| *of == flow.port).map(|(_, bytes)| bytes).collect();
            assert_eq!(up, came, "seed {seed} flow {}", flow.port);
        }
    }
    assert!(up_in < given_in * 3 / 4, "{up_in} of {given_in}");
}

/// The place of a partial checksum as the link layer notes it: from the front.
fn noted(frame: &Frame, header: usize) -> Frame {
    let mut frame = frame.clone();
    frame.l2_len = header as u8;
    frame
}
