//! How much a frame carries that the device cuts.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use loggia_stack::SocketId;
use loggia_stack::base::{Frame, MsgFlags};
use loggia_stack::link::Offloads;

use crate::common::Net;

const WRITE: usize = 1 << 17;

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
    let mut net = Net::pair_by(Duration::from_micros(50), device(segmentation));
    net.cuts = cuts;
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
