//! What a review of super-segments that are longer than a packet found.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use loggia_stack::base::{Frame, MsgFlags};
use loggia_stack::link::Offloads;
use loggia_stack::{LinkId, SocketId};

use crate::common::Net;

fn device(segmentation: u32) -> Offloads {
    Offloads { checksum: true, segmentation, coalesce: true }
}

fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes.chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(*two.get(1).unwrap_or(&0))).sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// What a router says of a packet, of which it quotes the beginning: it must be at most so large.
fn too_big(quoted: &[u8], mtu: u16) -> Frame {
    let quoted = &quoted[..quoted.len().min(548)];
    let mut icmp = vec![3, 4, 0, 0, 0, 0];
    icmp.extend(mtu.to_be_bytes());
    icmp.extend(quoted);
    let sum = checksum(&icmp);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1];
    packet.extend(icmp);
    let len = (packet.len() as u16).to_be_bytes();
    packet[2..4].copy_from_slice(&len);
    let sum = checksum(&packet[..20]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    Frame::from(&packet[..])
}

/// Writes four megabytes, which the other host reads.
fn carry(net: &mut Net, from: SocketId, to: SocketId, len: usize) {
    let data = vec![7; len];
    let (mut sent, mut got) = (0, 0);
    let mut room = vec![0; 1 << 17];
    net.run_until(|net| {
        while sent < len {
            let Ok(count) = net.hosts[0].send(from, &data[sent..len.min(sent + (1 << 17))], MsgFlags::NONE) else { break };
            sent += count;
        }
        while let Ok(count) = net.hosts[1].recv(to, &mut room, MsgFlags::NONE) {
            got += count;
        }
        got == len
    });
}

/// RFC 1191 §4: what a router says of a long super-segment is heard as of any other. Linux (`ip_forward`) quotes the header it got, which says 0 for its length.
#[test]
fn what_a_router_quotes_of_a_long_super_segment_is_heard() {
    let mut took = Vec::new();
    for segmentation in [65_415, 256 << 10] {
        let mut net = Net::pair_by(Duration::from_micros(50), device(segmentation));
        let (client, peer, _) = net.connect_tcp("10.0.0.2:9");
        carry(&mut net, client, peer, 4 << 20);
        // From now on a router in between takes packets of 1300 bytes.
        let told = Rc::new(RefCell::new(VecDeque::new()));
        let tell = told.clone();
        let longest = Rc::new(Cell::new(0));
        let seen = longest.clone();
        net.filter(move |host, frame| {
            let large = if frame.segment_size > 0 { usize::from(frame.segment_size) + 52 } else { frame.len() } > 1300;
            if host == 0 && large {
                seen.set(seen.get().max(frame.len()));
                tell.borrow_mut().push_back(frame.to_vec());
            }
            !large
        });
        let begin = net.now();
        let data = vec![7; 1448 * 90];
        let (mut sent, mut got) = (0, 0);
        let mut room = vec![0; 1 << 17];
        net.run_until(|net| {
            while let Some(packet) = told.borrow_mut().pop_front() {
                net.hosts[0].receive(LinkId(2), too_big(&packet, 1300));
            }
            while sent < data.len() {
                let Ok(count) = net.hosts[0].send(client, &data[sent..data.len().min(sent + (1 << 17))], MsgFlags::NONE) else {
                    break;
                };
                sent += count;
            }
            while let Ok(count) = net.hosts[1].recv(peer, &mut room, MsgFlags::NONE) {
                got += count;
            }
            got == data.len()
        });
        took.push((longest.get(), net.now() - begin));
    }
    assert!(took[1].1 < 2 * took[0].1, "{took:?}");
}

/// `u32::MAX`: as much as there is.
#[test]
fn a_device_may_cut_anything() {
    for segmentation in [u32::MAX, u32::MAX - 119, 1 << 31] {
        let mut net = Net::pair_by(Duration::from_micros(50), device(segmentation));
        let (client, peer, _) = net.connect_tcp("10.0.0.2:9");
        carry(&mut net, client, peer, 16 << 20);
    }
}

/// `Offloads::segmentation` "of more than an IPv4 packet can be long": 65,535 is not, and it is what `loggia::device::pair` says.
#[test]
fn only_who_asked_for_it_gets_packets_without_a_length() {
    let mut net = Net::pair_by(Duration::from_micros(50), device(65_535));
    for host in 0..2 {
        net.hosts[host].set_mtu(LinkId(2), 1337).unwrap();
    }
    let (client, peer, _) = net.connect_tcp("10.0.0.2:9");
    net.filter(|_, frame| {
        assert!(frame.len() <= 65_535, "{} bytes", frame.len());
        true
    });
    carry(&mut net, client, peer, 4 << 20);
}
