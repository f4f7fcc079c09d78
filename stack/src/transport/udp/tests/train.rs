//! Datagrams that come together, against the same ones that are looked at one by one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::base::event::class;
use crate::base::{Checksum, Frame, Key, MsgFlags};
use crate::transport::datagram::SendControl;
use crate::transport::testing::Host;

/// Who receives, and how many bytes the network header of what comes has.
const ENDS: [(&str, usize); 2] = [("10.0.0.1:7", 20), ("[fd00::1]:7", 40)];
const IPV4: &str = ENDS[0].0;

/// Frames of one flow as they come from a wire, of which some differ from the others in what `change` says.
fn frames(to: &str, count: usize, len: usize, change: impl Fn(usize, &mut Frame)) -> Vec<Frame> {
    let mut sender = Host::new(2);
    let id = sender.connected(to);
    for n in 0..count {
        sender.send(id, &alloc::vec![n as u8; len]).unwrap();
    }
    let mut frames = sender.frames();
    frames.iter_mut().enumerate().for_each(|(n, frame)| change(n, frame));
    frames
}

fn receiver(at: &str, rcvbuf: usize) -> (Host, Key) {
    let mut host = Host::new(1);
    let id = host.bound(at);
    host.udp.options_mut(id).rcvbuf = rcvbuf;
    (host, id)
}

/// As the engine does, one by one.
fn receive_each(host: &mut Host, frames: &[Frame]) {
    for (n, frame) in frames.iter().enumerate() {
        let more = n + 1 < frames.len();
        if let Some(frame) = host.udp.follow(&mut host.net, host.eth, frame.clone(), more) {
            host.take(frame);
        }
    }
}

/// As the engine does with what comes together; says how many were taken at once.
fn receive_together(host: &mut Host, frames: &[Frame]) -> usize {
    let (mut rest, mut together) = (frames.iter().cloned(), 0);
    while let Some(frame) = rest.next() {
        let more = rest.len() > 0;
        let mut next = match host.udp.follow(&mut host.net, host.eth, frame, more) {
            None => rest.next(),
            Some(frame) => {
                host.take(frame);
                continue;
            }
        };
        while let Some(frame) = next.take() {
            let before = rest.len();
            let refused = host.udp.follow_many(&mut host.net, host.eth, frame, &mut rest);
            together += before - rest.len() + usize::from(refused.is_none());
            let Some(frame) = refused else { break };
            match host.udp.follow(&mut host.net, host.eth, frame, rest.len() > 0) {
                None => next = rest.next(),
                Some(frame) => host.take(frame),
            }
        }
    }
    together
}

/// All that can be known of it.
fn seen(host: &mut Host, id: Key) -> String {
    let base = &host.net.links.base;
    let counted = format!("{:?} {} {}", base.counters, base.budget.used(), host.net.is_last());
    let link = host.net.links.links().map(|link| link.stats).collect::<Vec<_>>();
    let got: Vec<_> = core::iter::from_fn(|| host.udp.pop(&mut host.net, id)).map(|one| (one.from, one.data.to_vec())).collect();
    format!("{counted} {link:?} {got:?} {:?}", host.net.links.base.notify.pop())
}

/// Damaged, of another header, of another length, in a chunk of their own, with checksums that others know: each once among many.
fn changed(n: usize, frame: &mut Frame, network: usize) {
    match n {
        10 => frame.overwrite(network + 8, b"?"),
        15 => frame.overwrite(8, &[1]),
        20 => frame.truncate(frame.len() - 1),
        25 => *frame = Frame::from(&frame.to_vec()[..]),
        30 => frame.checksum = Checksum::Verified,
        35 => (frame.checksum, frame.l3_len) = (Checksum::Partial { offset: 6 }, network as u16),
        40 => (frame.checksum, frame.l3_len) = (Checksum::Partial { offset: 6 }, network as u16 + 4),
        45 => frame.segment_size = 8,
        50 => frame.overwrite(network + 6, &[0, 0]),
        55 => frame.overwrite(1, &[3]),
        _ => {}
    }
}

#[test]
fn what_comes_together_comes_to_what_it_comes_to_one_by_one() {
    for (at, network) in ENDS {
        for len in [1, 7, 64, 72, 73, 77, 78, 79, 1000] {
            for (rcvbuf, read) in [(1 << 20, true), (1 << 20, false), (20_000, true), (20_000, false), (900, true)] {
                let ((mut each, one), (mut many, other)) = (receiver(at, rcvbuf), receiver(at, rcvbuf));
                let frames = frames(at, 80, len, |n, frame| changed(n, frame, network));
                let mut together = 0;
                for part in frames.chunks(60) {
                    receive_each(&mut each, part);
                    together += receive_together(&mut many, part);
                    if read {
                        assert_eq!(seen(&mut many, other), seen(&mut each, one), "{len} bytes to {at}, room for {rcvbuf}");
                    }
                }
                assert_eq!(seen(&mut many, other), seen(&mut each, one), "{len} bytes to {at}, room for {rcvbuf}");
                let expected = if len > 78 || rcvbuf < 1000 { 0..1 } else { 10..80 };
                assert!(expected.contains(&together), "{together} of {len} bytes to {at} at once, room for {rcvbuf}");
            }
        }
    }
}

/// Whoever wants to hear of each hears of each; a link that is down takes nothing.
#[test]
fn nothing_is_taken_at_once_where_each_counts() {
    let frames = frames(IPV4, 20, 64, |_, _| {});
    for (heard, taken) in [(class::DISCARDS, true), (class::FRAMES, false), (class::SEGMENTS, false), (class::ALL, false)] {
        let (mut host, _) = receiver(IPV4, 1 << 20);
        host.net.links.base.events.listen(heard);
        assert_eq!(receive_together(&mut host, &frames) > 0, taken, "{heard:x}");
    }
    let (mut host, id) = receiver(IPV4, 1 << 20);
    receive_each(&mut host, &frames[..5]);
    host.net.set_link_up(host.eth, false).unwrap();
    assert_eq!(receive_together(&mut host, &frames[5..]), 0);
    assert_eq!(host.recv_lengths(id), [64; 5]);
}

/// What is read between two that come at the same moment makes room, and nobody gets the bytes of another.
#[test]
fn what_was_read_is_not_read_again() {
    let (mut host, id) = receiver(IPV4, 1 << 20);
    let frames = frames(IPV4, 200, 64, |_, _| {});
    let mut read = 0;
    for part in frames.chunks(40) {
        receive_together(&mut host, part);
        for _ in 0..30 {
            assert_eq!(host.recv(id), Some(alloc::vec![read as u8; 64]));
            read += 1;
        }
    }
    while let Some(data) = host.recv(id) {
        assert_eq!(data, alloc::vec![read as u8; 64]);
        read += 1;
    }
    assert_eq!((read, host.net.links.base.budget.used()), (200, 0));
}

/// Runs of one call, cut by the link, are the frames of single calls, whatever their length.
#[test]
fn datagrams_that_are_cut_out_of_a_run_are_those_of_single_calls() {
    for (checksum, to) in [(false, "10.0.0.2:7"), (true, "10.0.0.2:7"), (false, "[fd00::2]:7"), (true, "[fd00::2]:7")] {
        for len in [1, 2, 63, 64, 77, 78, 79, 1000] {
            let of = |batch: bool| {
                let offloads = crate::link::Offloads { checksum, ..Default::default() };
                let mut host = Host::with_link(1, 1500, offloads);
                let id = host.connected(to);
                let data: Vec<Vec<u8>> =
                    (0..20).map(|n| alloc::vec![n as u8 * 13; if n < 19 { len } else { len.div_ceil(2) }]).collect();
                host.send(id, &data[0]).unwrap();
                let lengths = data.iter().map(Vec::len);
                if batch {
                    assert_eq!(host.udp.send_run(&mut host.net, id, len, lengths, data.iter().map(|one| &one[..]), None), 20);
                } else {
                    for one in &data {
                        host.udp.send(&mut host.net, id, &[one], None, &SendControl::default(), MsgFlags::NONE).unwrap();
                    }
                }
                let about = |frame: Frame| {
                    format!(
                        "{:?} {:x?}",
                        (frame.checksum, frame.segment_size, frame.l2_len, frame.l3_len, frame.l4_len),
                        frame.to_vec()
                    )
                };
                host.frames().into_iter().map(about).collect::<Vec<_>>()
            };
            assert_eq!(of(true), of(false), "{len} bytes to {to}");
        }
    }
}
