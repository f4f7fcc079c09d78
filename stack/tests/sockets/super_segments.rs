//! How much a frame carries that the device cuts.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use loggia_stack::base::checksum::checksum;
use loggia_stack::base::{Frame, MsgFlags};
use loggia_stack::link::Offloads;
use loggia_stack::{LinkId, SocketId};

use crate::common::Net;

const WRITE: usize = 1 << 17;
const DELAY: Duration = Duration::from_micros(50);

fn device(segmentation: u32) -> Offloads {
    Offloads { checksum: true, segmentation, coalesce: true }
}

/// What a packet says of its length, and how long it is.
fn lengths(frame: &Frame) -> (usize, usize) {
    let head = frame.head();
    let (at, header) = if head[0] >> 4 == 4 { (2, 0) } else { (4, 40) };
    (header + usize::from(u16::from_be_bytes([head[at], head[at + 1]])), frame.len())
}

/// Writes four megabytes, 128 KiB a call, to a socket of the host `to`, which reads meanwhile.
fn carry(net: &mut Net, from: SocketId, (to, socket): (usize, SocketId)) {
    let data: Vec<u8> = (0..4 << 20).map(|at: u32| (at ^ at >> 9) as u8).collect();
    let (mut sent, mut got) = (0, Vec::new());
    let mut room = vec![0; WRITE];
    net.run_until(|net| {
        while let Some(rest) = data.get(sent..).filter(|rest| !rest.is_empty()) {
            let Ok(count) = net.hosts[0].send(from, &rest[..rest.len().min(WRITE)], MsgFlags::NONE) else { break };
            sent += count;
        }
        while let Ok(count) = net.hosts[to].recv(socket, &mut room, MsgFlags::NONE) {
            got.extend_from_slice(&room[..count]);
        }
        got.len() == data.len()
    });
    assert!(got == data, "it comes as it was written");
}

/// Carries from a host whose device cuts super-segments of so many bytes, also when it gives them on whole; gives the payload of the largest frame.
fn largest_by(segmentation: u32, server: &str) -> usize {
    let [cut, whole] = [true, false].map(|cuts| largest(segmentation, server, cuts));
    // Fewer acknowledgements come: more may lie ready meanwhile.
    assert!((cut..=(segmentation as usize).max(cut)).contains(&whole), "{whole}");
    cut
}

fn largest(segmentation: u32, server: &str, cuts: bool) -> usize {
    let mut net = Net::pair_by(DELAY, device(segmentation));
    net.cuts = cuts;
    // 192.0.2.1 is behind the other host's own address.
    net.hosts[1].add_address(LinkId(2), "192.0.2.1/32".parse().unwrap()).unwrap();
    net.hosts[0].add_route("192.0.2.0/24".parse().unwrap(), Some("10.0.0.2".parse().unwrap()), LinkId(2), 0).unwrap();
    let (client, peer, _) = net.connect_tcp(server);
    let largest = Rc::new(Cell::new(0));
    let seen = largest.clone();
    net.filter(move |_, frame| {
        let (said, is) = lengths(frame);
        assert_eq!(said, if is > 65_535 && frame.head()[0] >> 4 == 4 { 0 } else { is }, "what it says of its length");
        let headers = usize::from(frame.l2_len) + usize::from(frame.l3_len) + usize::from(frame.l4_len);
        seen.set(seen.get().max(is - headers));
        true
    });
    carry(&mut net, client, (1, peer));
    largest.get()
}

/// As Linux does it with a device that says it can (BIG TCP): what was written at once goes at once, with what Nagle's rule held back of the write
/// before; a packet that is longer than any says 0 for its length.
#[test]
fn a_frame_carries_what_its_device_cuts() {
    for (segmentation, segments) in [(256 << 10, 91), (100_000, 69), (65_415, 45), (8000, 5), (0, 1)] {
        assert_eq!(largest_by(segmentation, "10.0.0.2:9"), segments * 1448, "{segmentation}");
    }
}

/// A router would have to cut them for the next link.
#[test]
fn who_is_behind_a_router_gets_none_that_are_longer_than_a_packet() {
    assert_eq!(largest_by(256 << 10, "192.0.2.1:9"), 45 * 1448);
}

/// RFC 8200 §3: without an option for it an IPv6 packet cannot be longer than it says.
#[test]
fn of_ipv6_no_frame_is_longer_than_it_says() {
    assert_eq!(largest_by(256 << 10, "[fd00::2]:9"), 45 * 1428);
}

/// What comes back to ourselves is read by our own rules.
#[test]
fn loopback_has_no_such_frames_beside_a_device_that_has() {
    let mut net = Net::pair_by(Duration::ZERO, device(256 << 10));
    net.part();
    for server in ["127.0.0.1:9", "10.0.0.1:9", "[::1]:9"] {
        let (client, peer, listener) = net.connect_tcp(server);
        carry(&mut net, client, (0, peer));
        for socket in [client, peer, listener] {
            net.hosts[0].close(socket).unwrap();
        }
    }
}

/// `u32::MAX`: as much as there is.
#[test]
fn a_device_may_cut_anything() {
    for segmentation in [u32::MAX, u32::MAX - 119, 1 << 31] {
        assert!(largest_by(segmentation, "10.0.0.2:9") > 65_535);
    }
}

/// What an IPv4 packet can say is no more than it can say: as `loggia::device::pair` has it.
#[test]
fn only_who_asked_for_it_gets_packets_without_a_length() {
    let mut net = Net::pair_by(DELAY, device(65_535));
    for host in 0..2 {
        net.hosts[host].set_mtu(LinkId(2), 1337).unwrap();
    }
    let (client, peer, _) = net.connect_tcp("10.0.0.2:9");
    net.filter(|_, frame| {
        assert!(frame.len() <= 65_535, "{} bytes", frame.len());
        true
    });
    carry(&mut net, client, (1, peer));
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

/// RFC 1191 §4: what a router says of a long super-segment is heard as of any other. Linux (`ip_forward`) quotes the header it got, which says 0 for its length.
#[test]
fn what_a_router_quotes_of_a_long_super_segment_is_heard() {
    let mut took = Vec::new();
    for segmentation in [65_415, 256 << 10] {
        let mut net = Net::pair_by(DELAY, device(segmentation));
        let (client, peer, _) = net.connect_tcp("10.0.0.2:9");
        carry(&mut net, client, (1, peer));
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
