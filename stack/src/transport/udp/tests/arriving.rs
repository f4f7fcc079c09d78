//! What becomes of datagrams that arrive, well-formed or not.

use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::base::{Addr, Checksum, Discard, Entropy, Errno, Frame, Key, Rope, Sum, Version};
use crate::network::protocol;
use crate::transport::datagram::truesize;
use crate::transport::testing::{Host, addr, at, datagram, exchange};

fn discards(host: &Host, reason: Discard) -> u64 {
    host.net.links.base.counters.discards[reason as usize]
}

/// A datagram with a checksum.
fn summed(from: &str, to: &str, mut bytes: Vec<u8>) -> Vec<u8> {
    let mut sum = Sum::pseudo(addr(from), addr(to), protocol::UDP, bytes.len());
    sum.add(&bytes);
    let sum = sum.finish();
    bytes[6..8].copy_from_slice(&if sum == 0 { 0xffff } else { sum }.to_be_bytes());
    bytes
}

#[test]
fn a_header_that_lies_about_its_length_is_refused() {
    let mut host = Host::new(1);
    let id = host.bound("10.0.0.1:7");
    for len in [0u16, 7, 13] {
        let mut bytes = datagram(9, 7, b"data");
        bytes[4..6].copy_from_slice(&len.to_be_bytes());
        let packet = host.packet("10.0.0.2", "10.0.0.1", &bytes);
        host.receive_udp(packet);
    }
    let short = host.packet("10.0.0.2", "10.0.0.1", &datagram(9, 7, b"")[..7]);
    host.receive_udp(short);
    assert_eq!(discards(&host, Discard::UdpMalformed), 4);
    assert_eq!(host.net.links.base.counters.udp.in_errors, 4);
    assert_eq!(host.recv(id), None);
}

/// Whom the last datagram was for is remembered, but not longer than it is true.
#[test]
fn the_next_datagram_finds_who_came_meanwhile() {
    let mut host = Host::new(1);
    let gets = |host: &mut Host, id: Option<Key>| {
        let packet = host.packet("10.0.0.2", "10.0.0.1", &datagram(9, 7, b"data"));
        host.receive_udp(packet);
        for other in host.udp.keys() {
            assert_eq!(host.recv(other).is_some(), Some(other) == id, "{other:?} when it is for {id:?}");
        }
    };
    gets(&mut host, None);
    let any = host.bound("0.0.0.0:7");
    host.udp.inet_mut(any).reuse_addr = true;
    host.udp.options_changed(&mut host.net, any).unwrap();
    gets(&mut host, Some(any));
    let exact = host.socket(Version::V4);
    host.udp.inet_mut(exact).reuse_addr = true;
    host.udp.bind(&mut host.net, exact, at("10.0.0.1:7")).unwrap();
    gets(&mut host, Some(exact));
    host.connect(any, "10.0.0.2:9").unwrap();
    gets(&mut host, Some(any));
    host.udp.connect(&mut host.net, any, None).unwrap();
    gets(&mut host, Some(exact));
    host.udp.inet_mut(exact).link = 77;
    host.udp.options_changed(&mut host.net, exact).unwrap();
    gets(&mut host, Some(any));
    host.udp.close(&mut host.net, any);
    gets(&mut host, None);
    let every = host.socket(Version::V4);
    host.udp.bind_every_port(&mut host.net, every, at("0.0.0.0:0")).unwrap();
    gets(&mut host, Some(every));
}

/// RFC 1122 §4.1.3.4: what IP carries beyond the UDP length is not data.
#[test]
fn bytes_behind_the_datagram_are_not_delivered() {
    let mut host = Host::new(1);
    let id = host.bound("10.0.0.1:7");
    let mut bytes = summed("10.0.0.2", "10.0.0.1", datagram(9, 7, b"data"));
    bytes.extend_from_slice(b"padding");
    let packet = host.packet("10.0.0.2", "10.0.0.1", &bytes);
    host.receive_udp(packet);
    assert_eq!(host.recv(id).unwrap(), b"data");
}

#[test]
fn a_large_frame_is_not_held_for_the_few_bytes_in_it() {
    let mut host = Host::new(1);
    let id = host.bound("10.0.0.1:7");
    let data = [b'd'; 60];
    for (behind, shared) in [(0, true), (60_000, false)] {
        let mut bytes = datagram(9, 7, &data);
        bytes.resize(bytes.len() + behind, 0);
        let packet = host.packet("10.0.0.2", "10.0.0.1", &bytes);
        let place = packet.payload(8).to_bytes().as_ptr();
        host.receive_udp(packet);
        let read = host.udp.pop(&mut host.net, id).unwrap().data.to_bytes();
        assert_eq!((&read[..], read.as_ptr() == place), (&data[..], shared), "{behind} bytes behind the datagram");
    }
}

/// RFC 1122 §4.1.3.4, RFC 8200 §8.1
#[test]
fn a_wrong_checksum_is_refused_and_a_missing_one_only_over_ipv6() {
    let mut host = Host::new(1);
    let four = host.bound("10.0.0.1:7");
    let six = host.bound("[fd00::1]:7");
    for (id, from, to) in [(four, "10.0.0.2", "10.0.0.1"), (six, "fd00::2", "fd00::1")] {
        let right = summed(from, to, datagram(9, 7, b"right"));
        let mut wrong = right.clone();
        wrong[9] ^= 1;
        let missing = datagram(9, 7, b"missing");
        for bytes in [right, wrong, missing] {
            let packet = host.packet(from, to, &bytes);
            host.receive_udp(packet);
        }
        assert_eq!(host.recv(id).unwrap(), b"right");
        let second = host.recv(id);
        assert_eq!(second.is_some(), addr(to).is_v4());
    }
    assert_eq!(discards(&host, Discard::UdpChecksum), 3);
    assert_eq!(host.net.links.base.counters.udp.in_csum_errors, 3);
}

#[test]
fn a_checksum_the_device_has_verified_is_not_made_again() {
    let mut host = Host::new(1);
    let id = host.bound("10.0.0.1:7");
    for state in [Checksum::Verified, Checksum::Partial { offset: 6 }] {
        let mut bytes = datagram(9, 7, b"data");
        bytes[6] = 0x55;
        let mut packet = host.packet("10.0.0.2", "10.0.0.1", &bytes);
        packet.frame.checksum = state;
        host.receive_udp(packet);
        assert_eq!(host.recv(id).unwrap(), b"data");
    }
}

/// RFC 2675 §4
#[test]
fn a_jumbogram_has_no_length_of_its_own() {
    let mut host = Host::new(1);
    let id = host.bound("[fd00::1]:7");
    let mut bytes = datagram(9, 7, &[0; 100]);
    bytes[4..6].fill(0);
    let packet = host.packet("fd00::2", "fd00::1", &summed("fd00::2", "fd00::1", bytes));
    host.receive_udp(packet);
    assert_eq!(host.recv_lengths(id), [100]);
}

#[test]
fn a_full_receive_buffer_drops_the_newest_and_counts() {
    let mut host = Host::new(1);
    let id = host.bound("10.0.0.1:7");
    host.udp.options_mut(id).rcvbuf = 4608;
    for n in 0..50u8 {
        let packet = host.packet("10.0.0.2", "10.0.0.1", &datagram(9, 7, &[n]));
        host.receive_udp(packet);
    }
    // Five of one byte, as on Linux 6.18.
    assert_eq!(host.net.links.base.budget.used(), 5 * truesize(1));
    assert_eq!(host.net.links.base.counters.udp.rcvbuf_errors, 45);
    assert_eq!(discards(&host, Discard::UdpBufferFull), 45);
    assert_eq!(host.recv(id).unwrap(), [0]);
    assert_eq!(host.udp.queued(id), 4);
    host.udp.close(&mut host.net, id);
    assert_eq!(host.net.links.base.budget.used(), 0, "close gives everything back");
}

#[test]
fn the_stacks_memory_budget_is_never_passed() {
    let mut host = Host::new(1);
    let limit = host.net.links.base.budget.limit();
    let ids: Vec<_> = (0..200u16).map(|n| host.bound(&alloc::format!("10.0.0.1:{}", 1000 + n))).collect();
    for &id in &ids {
        host.udp.options_mut(id).rcvbuf = usize::MAX;
    }
    for n in 0..400u16 {
        let packet = host.packet("10.0.0.2", "10.0.0.1", &datagram(9, 1000 + n % 200, &alloc::vec![0; 60_000]));
        host.receive_udp(packet);
    }
    assert!(host.net.links.base.budget.used() <= limit);
    assert!(host.net.links.base.counters.udp.mem_errors > 0);
    assert!(discards(&host, Discard::OutOfMemory) > 0);
}

#[test]
fn joined_datagrams_are_given_whole_to_whom_wants_them_so_and_else_split() {
    let mut host = Host::new(1);
    let id = host.bound("10.0.0.1:7");
    for (gro, lengths) in [(false, &[100, 100, 50][..]), (true, &[250][..])] {
        host.udp.options_mut(id).gro = gro;
        let mut packet = host.packet("10.0.0.2", "10.0.0.1", &datagram(9, 7, &[0; 250]));
        packet.frame.segment_size = 100;
        host.receive_udp(packet);
        assert_eq!(host.udp.front(id).unwrap().segment_size(), if gro { 100 } else { 0 });
        assert_eq!(host.recv_lengths(id), lengths);
    }
}

#[test]
fn flows_spread_over_a_reuse_port_group_and_each_stays_with_its_member() {
    let mut host = Host::new(1);
    let members: Vec<_> = (0..4)
        .map(|_| {
            let id = host.socket(Version::V4);
            host.udp.inet_mut(id).reuse_port = true;
            host.udp.bind(&mut host.net, id, "10.0.0.1:7".parse().unwrap()).unwrap();
            id
        })
        .collect();
    for port in 0..200u16 {
        for _ in 0..2 {
            let packet = host.packet("10.0.0.2", "10.0.0.1", &datagram(1000 + port, 7, b"x"));
            host.receive_udp(packet);
        }
    }
    for id in members {
        let mut ports: Vec<u16> =
            core::iter::from_fn(|| host.udp.pop(&mut host.net, id)).map(|datagram| datagram.from.port).collect();
        assert!((60..140).contains(&ports.len()), "{} of 400", ports.len());
        let all = ports.len();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(all, ports.len() * 2, "both datagrams of a flow");
    }
}

#[test]
fn of_sockets_that_share_with_reuse_addr_the_newest_hears() {
    let mut host = Host::new(1);
    let [first, second] = [(); 2].map(|()| {
        let id = host.socket(Version::V4);
        host.udp.inet_mut(id).reuse_addr = true;
        host.udp.bind(&mut host.net, id, "0.0.0.0:7".parse().unwrap()).unwrap();
        id
    });
    let packet = host.packet("10.0.0.2", "10.0.0.1", &datagram(9, 7, b"x"));
    host.receive_udp(packet);
    assert_eq!((host.recv(first), host.recv(second).is_some()), (None, true));
}

/// RFC 1122 §4.1.3.1
#[test]
fn where_nobody_is_bound_the_sender_is_told() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    let id = a.connected("10.0.0.2:9");
    a.send(id, b"anybody?").unwrap();
    exchange(&mut a, &mut b);
    assert_eq!(b.net.links.base.counters.udp.no_ports, 1);
    assert_eq!(discards(&b, Discard::UdpNoPort), 1);
    assert_eq!(a.udp.inet_mut(id).take_error(), Some(Errno::ECONNREFUSED));
}

/// Any bytes whatever: nothing panics, nothing grows, every discard is counted.
#[test]
fn random_bytes_do_no_harm() {
    for seed in 0..20u64 {
        let mut random = Entropy::new(seed.into());
        let mut host = Host::new(1);
        let id = host.bound("10.0.0.1:7");
        host.udp.inet_mut(id).recv_err = true;
        host.bound("[fd00::1]:7");
        for n in 0..500 {
            let mut bytes = alloc::vec![0; random.below(64) as usize];
            random.fill(&mut bytes);
            if let [_, _, high, low, ..] = &mut bytes[..] {
                (*high, *low) = (0, (7 + random.below(2)) as u8);
            }
            let (from, to) = if n % 2 == 0 { ("10.0.0.2", "10.0.0.1") } else { ("fd00::2", "fd00::1") };
            let mut packet = host.packet(from, to, &bytes);
            packet.frame.segment_size = if random.below(4) == 0 { random.below(40) as u16 } else { 0 };
            packet.link.0 += (random.below(3) == 0) as u16;
            host.receive_udp(packet);
        }
        let counters = &host.net.links.base.counters;
        let seen = counters.udp.in_datagrams + counters.discards.iter().sum::<u64>();
        assert!(seen >= 500, "seed {seed}: {seen}");
        assert!(host.udp.queued(id) < 64 * 500, "seed {seed}");
        assert_eq!(host.udp.inet(id).remote, Addr::V4_ANY);
    }
}

/// Readers of one packet to a group, all bound to its port.
fn readers(host: &mut Host) -> [Key; 2] {
    [(); 2].map(|()| {
        let id = host.socket(Version::V4);
        host.udp.inet_mut(id).reuse_addr = true;
        host.udp.bind(&mut host.net, id, at("0.0.0.0:7")).unwrap();
        id
    })
}

/// The last reader's payload is moved out of the packet: what else it wants of that is still there, and the others have theirs.
#[test]
fn each_reader_gets_the_options_that_it_wants() {
    let options = [1, 1, 1, 0];
    for wants in [[true, false], [false, true], [true, true]] {
        let mut host = Host::new(1);
        let readers = readers(&mut host);
        for (id, wants) in readers.into_iter().zip(wants) {
            host.udp.options_mut(id).recv.options = wants;
        }
        let mut packet = host.packet("10.0.0.2", "239.1.1.1", &datagram(9, 7, b"data"));
        let (header, rest) = (packet.frame.to_vec()[..20].to_vec(), packet.frame.to_vec()[20..].to_vec());
        let chunk = Bytes::from([&header[..], &options, &rest].concat());
        packet.frame = Frame::new(Rope::from(chunk.clone()));
        packet.transport += options.len();
        host.receive_udp(packet);
        for (id, wants) in readers.into_iter().zip(wants) {
            let got = host.udp.pop(&mut host.net, id).unwrap();
            assert_eq!((&got.data.to_vec()[..], got.options.as_deref()), (&b"data"[..], wants.then_some(&options[..])));
            let holds_frame = got.options.is_some_and(|options| chunk.as_ptr_range().contains(&options.as_ptr()));
            assert!(!holds_frame, "its few bytes are copied");
        }
    }
}

/// What was joined is split for each reader that does not want it whole, be its payload moved or shared.
#[test]
fn segments_that_were_joined_are_split_for_each_reader() {
    let payload: Vec<u8> = (0..250).map(|n| n as u8).collect();
    for whole in [[false, false], [true, false], [false, true]] {
        let mut host = Host::new(1);
        let readers = readers(&mut host);
        for (id, whole) in readers.into_iter().zip(whole) {
            host.udp.options_mut(id).gro = whole;
        }
        for (to, count) in [("239.1.1.1", 2), ("10.0.0.1", 1)] {
            let mut packet = host.packet("10.0.0.2", to, &datagram(9, 7, &payload));
            packet.frame.segment_size = 100;
            host.receive_udp(packet);
            let mut readers_of_it = 0;
            for (id, whole) in readers.into_iter().zip(whole) {
                let parts: Vec<_> = core::iter::from_fn(|| host.udp.pop(&mut host.net, id)).collect();
                if parts.is_empty() {
                    continue;
                }
                readers_of_it += 1;
                let sizes: Vec<_> = parts.iter().map(|part| (part.data.len(), part.segment_size)).collect();
                assert_eq!(sizes, if whole { vec![(250, 100)] } else { vec![(100, 0), (100, 0), (50, 0)] });
                assert_eq!(parts.iter().flat_map(|part| part.data.to_vec()).collect::<Vec<_>>(), payload);
            }
            assert_eq!(readers_of_it, count, "{to}");
        }
    }
}
