//! Cutting judged by an independent reader, joining as the reverse of cutting.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use smoltcp::wire::{IpAddress, Ipv4Packet, Ipv6Packet, TcpPacket, UdpPacket};

use super::complete::complete;
use super::cut::{Cutter, wire_len};
use super::join::Joiner;
use super::layout::{Layout, Transport};
use super::samples::{ACK, CWR, FIN, PSH, SYN, Sample};
use crate::base::{Checksum, Entropy, Frame, LinkId, Version};
use crate::link::{LinkCast, Received};

const KINDS: [(Version, Transport); 4] =
    [(Version::V4, Transport::Tcp), (Version::V6, Transport::Tcp), (Version::V4, Transport::Udp), (Version::V6, Transport::Udp)];

fn cut(frame: &Frame, device: usize) -> Vec<Frame> {
    let layout = Layout::of(frame, 0).expect("a sample has a layout");
    let mut cutter = Cutter::new(frame.clone(), layout, device, false);
    core::iter::from_fn(|| cutter.next()).collect()
}

/// A segment as smoltcp reads it: identification, and of TCP sequence number and flags; payload.
#[derive(PartialEq, Eq, Debug)]
struct Seen {
    id: u16,
    seq: u32,
    psh_fin: (bool, bool),
    cwr: bool,
    payload: Vec<u8>,
}

/// Reads a finished packet and checks its lengths and checksums.
fn judge(sample: &Sample, packet: &[u8]) -> Seen {
    let (id, transport) = match sample.version {
        Version::V4 => {
            let ip = Ipv4Packet::new_checked(packet).expect("IPv4");
            assert!(ip.verify_checksum());
            assert_eq!(usize::from(ip.total_len()), packet.len());
            (ip.ident(), ip.payload().to_vec())
        }
        Version::V6 => {
            let ip = Ipv6Packet::new_checked(packet).expect("IPv6");
            assert_eq!(ip.total_len(), packet.len());
            (0, ip.payload().to_vec())
        }
    };
    let (src, dst) = addresses(sample);
    match sample.transport {
        Transport::Tcp => {
            let tcp = TcpPacket::new_checked(&transport[..]).expect("TCP");
            assert!(tcp.verify_checksum(&src, &dst));
            let (psh_fin, cwr) = ((tcp.psh(), tcp.fin()), tcp.cwr());
            Seen { id, seq: tcp.seq_number().0 as u32, psh_fin, cwr, payload: tcp.payload().to_vec() }
        }
        Transport::Udp => {
            let udp = UdpPacket::new_checked(&transport[..]).expect("UDP");
            assert!(udp.verify_checksum(&src, &dst));
            assert_eq!(usize::from(udp.len()), transport.len());
            Seen { id, seq: 0, psh_fin: (false, false), cwr: false, payload: udp.payload().to_vec() }
        }
    }
}

fn addresses(sample: &Sample) -> (IpAddress, IpAddress) {
    let address = |addr| IpAddress::from(core::net::IpAddr::from(addr));
    (address(sample.src()), address(sample.dst()))
}

#[test]
fn a_super_segment_becomes_segments_that_another_stack_accepts() {
    for (version, transport) in KINDS {
        let mut sample = Sample::new(version, transport, 10_000, 1448);
        sample.flags = ACK | PSH | FIN | CWR;
        (sample.seq, sample.id) = (u32::MAX - 3000, u16::MAX - 2);
        let whole = sample.frame();
        let layout = Layout::of(&whole, 0).unwrap();
        let pieces = cut(&whole, 0);
        assert_eq!(pieces.len(), 7);
        assert_eq!(wire_len(&whole, &layout), pieces.iter().map(Frame::len).sum::<usize>());
        let mut done = 0;
        for (number, mut piece) in pieces.into_iter().enumerate() {
            complete(&mut piece);
            let seen = judge(&sample, &piece.to_vec());
            let last = number == 6;
            let take = if last { 10_000 - 6 * 1448 } else { 1448 };
            let tcp = transport == Transport::Tcp;
            let expected = Seen {
                id: if version == Version::V4 { sample.id.wrapping_add(number as u16) } else { 0 },
                seq: if tcp { sample.seq.wrapping_add(done as u32) } else { 0 },
                psh_fin: (tcp && last, tcp && last),
                cwr: tcp,
                payload: sample.payload[done..done + take].to_vec(),
            };
            assert_eq!(seen, expected, "{version:?} {transport:?} segment {number}");
            done += take;
        }
    }
}

#[test]
fn cutting_shares_the_payload() {
    let whole = Sample::new(Version::V4, Transport::Tcp, 5000, 1000).frame();
    let start = whole.body.chunks().next().unwrap().as_ptr() as usize;
    for (number, piece) in cut(&whole, 0).iter().enumerate() {
        let chunk = piece.body.chunks().next().unwrap().as_ptr() as usize;
        assert_eq!(chunk, start + number * 1000, "no copy was made");
    }
}

#[test]
fn a_device_that_cuts_some_gets_whole_multiples_of_the_segment() {
    let sample = Sample::new(Version::V4, Transport::Tcp, 10_000, 1000);
    let pieces = cut(&sample.frame(), 4500);
    let shapes: Vec<(usize, u16)> = pieces.iter().map(|piece| (piece.body.len(), piece.segment_size)).collect();
    assert_eq!(shapes, [(4000, 1000), (4000, 1000), (2000, 1000)]);
    let twice: Vec<Vec<u8>> = pieces.iter().flat_map(|piece| cut(piece, 0)).map(|piece| piece.to_vec()).collect();
    let once: Vec<Vec<u8>> = cut(&sample.frame(), 0).iter().map(Frame::to_vec).collect();
    assert_eq!(twice, once, "cut in two steps or in one");
}

#[test]
fn checksums_come_out_right_from_any_state_of_the_whole() {
    for (version, transport) in KINDS {
        let sample = Sample::new(version, transport, 3000, 1400);
        let mut finished = sample.frame();
        complete(&mut finished);
        for checksum in [Checksum::Unknown, Checksum::Verified] {
            let mut whole = finished.clone();
            whole.checksum = checksum;
            for mut piece in cut(&whole, 0) {
                complete(&mut piece);
                judge(&sample, &piece.to_vec());
            }
        }
    }
}

#[test]
fn datagrams_without_a_checksum_stay_without() {
    let mut whole = Sample::new(Version::V4, Transport::Udp, 3000, 1000).frame();
    whole.head_mut()[26..28].fill(0);
    whole.checksum = Checksum::Unknown;
    for mut piece in cut(&whole, 0) {
        complete(&mut piece);
        assert_eq!(piece.read(26), Some([0, 0]));
    }
}

#[test]
fn extension_headers_are_passed_over() {
    let sample = Sample::new(Version::V6, Transport::Tcp, 100, 0);
    let plain = sample.frame().to_vec();
    let mut bytes = plain[..40].to_vec();
    bytes[5] += 16;
    bytes[6] = 0;
    bytes.extend([60, 0, 1, 4, 0, 0, 0, 0]);
    bytes.extend([6, 0, 1, 4, 0, 0, 0, 0]);
    bytes.extend(&plain[40..]);
    let layout = Layout::of(&Frame::from(&bytes[..]), 0).unwrap();
    assert_eq!((layout.l4, layout.plain, layout.payload_len()), (56, false, 100));
    for cut in 0..bytes.len() {
        assert_eq!(Layout::of(&Frame::from(&bytes[..cut]), 0), None, "{cut} bytes");
    }
}

fn received(frame: Frame) -> Received {
    let version = if frame.read::<1>(0).unwrap()[0] >> 4 == 4 { Version::V4 } else { Version::V6 };
    Received { link: LinkId(1), version, frame, network: 0, cast: LinkCast::Unicast }
}

/// Gives a packet to a joiner.
fn offer(joiner: &mut Joiner, mut received: Received, up: &mut VecDeque<Received>) {
    if !joiner.continues(received.link, &mut received.frame, up) {
        joiner.offer(received, up);
    }
}

/// Gives all frames to a joiner, then asks it for what waits.
fn join(frames: impl IntoIterator<Item = Frame>) -> Vec<Frame> {
    let mut joiner = Joiner::default();
    let mut up = VecDeque::new();
    frames.into_iter().for_each(|frame| offer(&mut joiner, received(frame), &mut up));
    while let Some(late) = joiner.flush() {
        up.push_back(late);
    }
    up.into_iter().map(|received| received.frame).collect()
}

/// As they arrive from a wire: one slice, checksum complete.
fn from_wire(mut frame: Frame) -> Frame {
    complete(&mut frame);
    Frame::from(&frame.to_vec()[..])
}

#[test]
fn joining_what_was_cut_gives_the_whole_again() {
    for seed in 0..300u64 {
        let mut random = Entropy::new(seed.into());
        let version = if random.below(2) == 0 { Version::V4 } else { Version::V6 };
        let segment = 300 + random.below(8000) as u16;
        let len = 1 + random.below(65_000) as usize;
        let mut sample = Sample::new(version, Transport::Tcp, len, if len > segment.into() { segment } else { 0 });
        (sample.seq, sample.id) = (random.next_u32(), random.next_u32() as u16);
        sample.flags = ACK | [0, PSH, FIN, PSH | FIN, CWR, CWR | PSH][random.below(6) as usize];
        if random.below(2) == 0 {
            sample.tcp_options.clear();
        }
        let whole = sample.chopped(&mut random);
        let wire = random.below(2) == 0;
        let pieces = if whole.segment_size == 0 { alloc::vec![whole.clone()] } else { cut(&whole, 0) };
        let pieces = pieces.into_iter().map(|piece| if wire { from_wire(piece) } else { piece });
        let joined = join(pieces);
        assert_eq!(joined.len(), 1, "seed {seed}: one whole");
        let one = &joined[0];
        if len > segment.into() {
            assert_eq!(one.to_vec(), whole.to_vec(), "seed {seed}");
            assert_eq!((one.segment_size, one.checksum), (whole.segment_size, whole.checksum), "seed {seed}");
            assert_eq!((one.l2_len, one.l3_len, one.l4_len), (0, whole.l3_len, whole.l4_len), "seed {seed}");
        } else {
            assert_eq!(one.rope(one.len() - len, len).to_vec(), sample.payload, "seed {seed}");
        }
    }
}

#[test]
fn whatever_differs_between_two_segments_keeps_them_apart() {
    for version in [Version::V4, Version::V6] {
        let whole = Sample::new(version, Transport::Tcp, 2000, 1000).frame();
        let pieces: Vec<Frame> = cut(&whole, 0).into_iter().map(from_wire).collect();
        assert_eq!(join(pieces.clone()).len(), 1);
        let (l4, head) = (usize::from(whole.l3_len), usize::from(whole.l3_len) + 32);
        let length = if version == Version::V4 { 2..4 } else { 4..6 };
        let bits = (0..head * 8).filter(|bit| !length.contains(&(bit / 8)));
        for (at, bit) in bits.map(|bit| (bit / 8, 0x80 >> (bit % 8))) {
            let mut bytes = pieces[1].to_vec();
            bytes[at] ^= bit;
            let mut changed = Frame::from(&bytes[..]);
            // So that the changed field decides, and not the checksum that covers it.
            changed.checksum = Checksum::Verified;
            let apart = join([pieces[0].clone(), changed.clone()]);
            let flag = at == l4 + 13;
            let of_no_account = at == l4 + 16 || at == l4 + 17 || flag && bit & (PSH | FIN) != 0;
            assert_eq!(apart.len(), if of_no_account { 1 } else { 2 }, "{version:?} byte {at} bit {bit:#x}");
            if !of_no_account && !flag {
                assert_eq!(apart.iter().map(Frame::to_vec).filter(|bytes| *bytes == changed.to_vec()).count(), 1);
            }
        }
    }
}

#[test]
fn what_would_not_come_out_the_same_is_not_joined() {
    let of = |seq: u32, len: usize| {
        let mut sample = Sample::new(Version::V6, Transport::Tcp, len, 0);
        sample.seq = seq;
        from_wire(sample.frame())
    };
    let lengths = |frames: Vec<Frame>| join(frames).iter().map(|frame| frame.len() - 72).collect::<Vec<_>>();
    assert_eq!(lengths(alloc::vec![of(0, 100), of(100, 100)]), [200]);
    assert_eq!(lengths(alloc::vec![of(0, 100), of(100, 101), of(201, 101)]), [100, 202], "a larger one begins anew");
    assert_eq!(lengths(alloc::vec![of(0, 100), of(100, 99), of(199, 99)]), [199, 99], "a smaller one is the last");
    assert_eq!(lengths(alloc::vec![of(0, 100), of(101, 100)]), [100, 100], "a hole");
    assert_eq!(lengths(alloc::vec![of(100, 100), of(0, 100)]), [100, 100], "the wrong way round");
    assert_eq!(lengths(alloc::vec![of(0, 100), of(100, 0), of(100, 100)]), [100, 0, 100], "an acknowledgement between");
    let large = (0..50).map(|n| of(n * 1400, 1400)).collect();
    assert_eq!(lengths(large), [46 * 1400, 4 * 1400], "no packet is longer than its length field says");

    let mut joiner = Joiner::default();
    let mut up = VecDeque::new();
    offer(&mut joiner, received(of(0, 100)), &mut up);
    offer(&mut joiner, Received { link: LinkId(2), ..received(of(100, 100)) }, &mut up);
    assert_eq!(
        (joiner.flush().map(|first| first.link), joiner.flush().map(|second| second.link)),
        (Some(LinkId(1)), Some(LinkId(2)))
    );
}

#[test]
fn a_fragment_overtakes_nothing_of_tcp_and_a_datagram_may() {
    let segment = from_wire(Sample::new(Version::V4, Transport::Tcp, 100, 0).frame());
    let mut fragment = segment.to_vec();
    fragment[6] = 0x20;
    let fragment = Frame::from(&fragment[..]);
    let datagram = from_wire(Sample::new(Version::V4, Transport::Udp, 100, 0).frame());
    let order = |between: &Frame| join([segment.clone(), between.clone()]).iter().map(Frame::to_vec).collect::<Vec<_>>();
    assert_eq!(order(&fragment), [segment.to_vec(), fragment.to_vec()]);
    assert_eq!(order(&datagram), [datagram.to_vec(), segment.to_vec()]);
}

/// Its header is shorter than any of TCP, for which it was taken.
#[test]
fn a_datagram_behind_extension_headers_is_no_segment() {
    for len in [0, 1, 11, 12, 100] {
        let plain = Sample::new(Version::V6, Transport::Udp, len, 0).frame().to_vec();
        let mut bytes = [&plain[..40], &[17, 0, 1, 4, 0, 0, 0, 0], &plain[40..]].concat();
        (bytes[5], bytes[6]) = (bytes[5] + 8, 60);
        let segment = from_wire(Sample::new(Version::V6, Transport::Tcp, 100, 0).frame());
        let joined = join([segment.clone(), Frame::from(&bytes[..])]);
        assert_eq!(joined.iter().map(Frame::to_vec).collect::<Vec<_>>(), [bytes, segment.to_vec()]);
    }
}

#[test]
fn a_segment_that_does_not_say_its_length_is_not_made_one_that_does() {
    let whole = Sample::new(Version::V6, Transport::Tcp, 200, 100).frame();
    let pieces = cut(&whole, 0).into_iter().map(|piece| {
        let mut bytes = from_wire(piece).to_vec();
        bytes[4..6].fill(0);
        Frame::from(&bytes[..])
    });
    assert_eq!(join(pieces).len(), 2);
}

#[test]
fn a_wrong_checksum_goes_up_as_it_came_and_after_what_was_before_it() {
    let whole = Sample::new(Version::V4, Transport::Tcp, 3000, 1000).frame();
    let mut pieces: Vec<Frame> = cut(&whole, 0).into_iter().map(from_wire).collect();
    let mut damaged = pieces[1].to_vec();
    damaged[500] ^= 1;
    pieces[1] = Frame::from(&damaged[..]);
    let up = join(pieces.clone());
    let order: Vec<Vec<u8>> = up.iter().map(Frame::to_vec).collect();
    assert_eq!(order, pieces.iter().map(Frame::to_vec).collect::<Vec<_>>());
    assert_eq!(
        up.iter().map(|frame| frame.checksum).collect::<Vec<_>>(),
        [Checksum::Verified, Checksum::Unknown, Checksum::Verified]
    );
}

/// Many flows at once, with holes, repeats, flags, fragments and other protocols between: each flow's bytes come up in the order they came.
#[test]
fn a_flow_is_never_put_out_of_order() {
    for seed in 0..60u64 {
        let mut random = Entropy::new(seed.into());
        let mut seqs = [0u32; 12];
        let mut frames = Vec::new();
        for _ in 0..400 {
            let flow = random.below(12) as usize;
            let mut sample = Sample::new(Version::V4, Transport::Tcp, 1 + random.below(3) as usize * 100, 0);
            (sample.port, sample.seq, sample.id) = (flow as u16, seqs[flow], random.next_u32() as u16);
            sample.flags = [ACK, ACK, ACK, ACK, ACK | PSH, ACK | FIN, SYN][random.below(7) as usize];
            seqs[flow] = match random.below(10) {
                0 => random.next_u32(),
                1 => seqs[flow],
                _ => seqs[flow].wrapping_add(sample.payload.len() as u32),
            };
            let mut frame = sample.frame();
            // DF, so that the identification does not matter.
            frame.head_mut()[6] = 0x40;
            frame.head_mut()[4..6].fill(0);
            frame.head_mut()[10..12].fill(0);
            let sum = crate::base::checksum::checksum(&frame.head()[..20]);
            frame.head_mut()[10..12].copy_from_slice(&sum.to_be_bytes());
            frames.push(from_wire(frame));
        }
        let ports = |frame: &Frame| frame.read::<2>(20).unwrap();
        let starts = |frames: &[Frame], flow: [u8; 2]| -> Vec<(u32, u8)> {
            let of_flow = frames.iter().filter(|frame| ports(frame) == flow);
            of_flow.flat_map(bytes_of).collect()
        };
        let joined = join(frames.clone());
        assert!(joined.len() < frames.len(), "seed {seed}: something was joined");
        for flow in 0..12u16 {
            assert_eq!(starts(&joined, flow.to_be_bytes()), starts(&frames, flow.to_be_bytes()), "seed {seed} flow {flow}");
        }
    }
}

/// Every payload byte with its sequence number.
fn bytes_of(frame: &Frame) -> Vec<(u32, u8)> {
    let seq = u32::from_be_bytes(frame.read(24).unwrap());
    let payload = frame.rope(52, frame.len() - 52).to_vec();
    (0..).map(|n| seq.wrapping_add(n)).zip(payload).collect()
}

#[test]
fn more_flows_than_places_push_out_the_one_that_waited_longest() {
    let first = |port| {
        let mut sample = Sample::new(Version::V6, Transport::Tcp, 100, 0);
        sample.port = port;
        received(from_wire(sample.frame()))
    };
    let mut joiner = Joiner::default();
    let mut up = VecDeque::new();
    (0..1000).for_each(|port| offer(&mut joiner, first(port), &mut up));
    let ports: Vec<u16> = up.iter().map(|received| u16::from_be_bytes(received.frame.read(40).unwrap())).collect();
    assert_eq!(ports, (0..992).collect::<Vec<u16>>(), "eight wait, the others went up in order");
}

/// Whoever sets a wrong partial checksum does not get others' wrong ones through.
#[test]
fn a_wrong_partial_sum_lets_no_wrong_checksum_pass() {
    let at = 40 + 16;
    let add = |frame: &mut Frame, by: u16| {
        let field = u16::from_be_bytes(frame.read(at).unwrap()).wrapping_add(by);
        frame.overwrite(at, &field.to_be_bytes());
    };
    let mut pieces = cut(&Sample::new(Version::V6, Transport::Tcp, 2000, 1000).frame(), 0);
    let mut second = from_wire(pieces.remove(1));
    let mut first = pieces.remove(0);
    add(&mut first, 1);
    add(&mut second, u16::MAX);
    let states: Vec<_> = join([first, second]).iter().map(|frame| frame.checksum).collect();
    assert_eq!(states, [Checksum::Partial { offset: 16 }, Checksum::Unknown]);
}

/// Two hosts may use the same ports, one with timestamps and one without: what the one sends does not keep the other's segments apart.
#[test]
fn flows_of_the_same_ports_are_joined_beside_one_another() {
    let of = |options: bool, turned: bool| {
        let mut sample = Sample::new(Version::V4, Transport::Tcp, 3000, 1000);
        if !options {
            sample.tcp_options.clear();
        }
        let pieces = cut(&sample.frame(), 0).into_iter().map(from_wire).map(|piece| {
            let mut bytes = piece.to_vec();
            // Another source with the same sum: no checksum changes.
            if turned {
                bytes[12..16].rotate_left(2);
            }
            Frame::from(&bytes[..])
        });
        pieces.collect::<Vec<_>>()
    };
    for (first, second) in [(false, true), (true, false)] {
        let (a, b) = (of(first, false), of(second, true));
        assert_eq!((join(a.clone()).len(), join(b.clone()).len()), (1, 1));
        let both = join(a.into_iter().zip(b).flat_map(|(a, b)| [a, b]));
        assert_eq!(both.len(), 2, "options of the first: {first}, of the second: {second}");
    }
}
