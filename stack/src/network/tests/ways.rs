//! Short ways beside the general ones: two hosts are brought and told the same, of which one goes no short way. Nobody can tell them apart: not by
//! what goes up and what leaves, not by what a call gets, not by what is counted.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::world::*;
use crate::base::{Addr, Cidr, Duration, Entropy, Errno, Frame, LinkId};
use crate::link::{Received, Up as FromLink};
use crate::network::autoconf::LinkSettings;
use crate::network::{Fragmentation, LOOPBACK, Manner, Network, RouteQuery, Up, ipv4};

const LINKS: [LinkId; 3] = [ETH0, ETH1, LinkId(4)];

/// How a host is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Short,
    General,
}

fn hosts(queue: usize) -> [(Way, Host); 2] {
    [Way::Short, Way::General].map(|way| {
        let mut host = Host::router(1400);
        let ethernet = host.add_ethernet();
        assert_eq!(ethernet, LINKS[2]);
        host.add_slow_link(queue);
        host.add_cutting_link();
        (way, host)
    })
}

fn one_of<T: Copy>(random: &mut Entropy, choices: &[T]) -> T {
    choices[random.below(choices.len() as u32) as usize]
}

fn any_addr(random: &mut Entropy, choices: &[&str]) -> Addr {
    addr(one_of(random, choices))
}

/// Everything that can be seen of a host but for what it says.
fn seen(host: &Host) -> String {
    let links: Vec<_> = host.net.links.links().map(|link| (link.up, link.queued, link.stats)).collect();
    format!("{:?} {links:?}", host.net.links.base.counters)
}

/// What leaves by all links, as far as room for it is wanted.
fn leaves(host: &mut Host, most: usize) -> Vec<String> {
    let mut left = Vec::new();
    for link in [LINKS[0], LINKS[1], LINKS[2], SLOW, CUTS] {
        let frames = core::iter::from_fn(|| host.net.links.transmit(link)).take(most);
        left.extend(frames.map(|frame| {
            let notes = (frame.segment_size, frame.checksum, frame.l2_len, frame.l3_len, frame.l4_len);
            format!("{link:?} {notes:?} {:x?}", frame.to_vec())
        }));
    }
    left
}

const SLOW: LinkId = LinkId(5);
/// Its device cuts.
const CUTS: LinkId = LinkId(6);

/// Something that changes what is decided of packets.
fn change(net: &mut Network, drawn: [u64; 2]) {
    let [what, more] = drawn;
    let link = LINKS[(more % 3) as usize];
    let on = more & 8 != 0;
    let extra = cidr("10.0.0.7/24");
    match what % 12 {
        0 => _ = net.add_address(ETH0, extra),
        1 => _ = net.remove_address(ETH0, extra.addr),
        2 => _ = net.set_link_up(link, false),
        3 => LINKS.into_iter().for_each(|link| net.set_link_up(link, true).unwrap()),
        4 => _ = net.set_transparent(link, on),
        5 => {
            // As the engine changes settings.
            net.config.ipv4.forward = on;
            net.config.ipv4.default_ttl = if on { 64 } else { 9 };
            net.config.ipv6.forwarding = on;
            net.config.ipv6.hop_limit = if on { 64 } else { 9 };
            net.routes.changed();
        }
        6 => _ = net.set_link_mtu(link, [68, 552, 576, 1400, 1500, 9000][(more / 16 % 6) as usize]),
        7 => _ = net.path_mtu_believed(ETH0, addr("10.0.0.2"), [600, 1300, 1500][(more / 16 % 3) as usize]),
        8 => _ = net.path_mtu_believed(ETH0, addr("fd00::2"), [1280, 1300, 1500][(more / 16 % 3) as usize]),
        9 | 10 => {
            let (hop_limit, mtu) = ([0, 9, 64, 255][(more / 16 % 4) as usize], [1280, 1400, 1500][(more / 64 % 3) as usize]);
            advertise(net, LINKS[2], hop_limit, mtu);
        }
        _ if on => _ = net.add_route(Cidr::new(addr("192.0.2.0"), 24), Some(addr("10.0.1.9")), ETH1, 0),
        _ => _ = net.remove_route(Cidr::new(addr("192.0.2.0"), 24), Some(addr("10.0.1.9")), ETH1),
    }
}

/// A router on the Ethernet says what it is like.
fn advertise(net: &mut Network, link: LinkId, hop_limit: u8, mtu: u32) {
    let mtu_option = [&[5, 1, 0, 0][..], &mtu.to_be_bytes()].concat();
    let packet = V6::icmp("fe80::9", "ff02::1", [134, 0], u32::from(hop_limit) << 24, &[&[0; 8], &mtu_option[..]].concat());
    let packet = packet.with(|header| header.hop_limit = 255).bytes();
    let frame = [&[0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x86, 0xdd][..], &packet].concat();
    net.receive(link, Frame::from(&frame[..]));
    while net.poll().is_some() {}
}

/// A packet of which nothing need be right.
fn packet(random: &mut Entropy) -> Vec<u8> {
    let usual = random.below(3) > 0;
    let src = any_addr(
        random,
        if usual {
            &["10.0.0.2"]
        } else {
            &["10.0.0.3", "10.0.0.1", "10.0.0.255", "0.0.0.0", "127.0.0.1", "224.0.0.1", "192.0.2.1"]
        },
    );
    let dst = any_addr(
        random,
        if usual {
            &["10.0.0.1", "10.0.0.7"]
        } else {
            &["10.0.0.1", "10.0.0.7", "10.0.1.1", "10.0.1.9", "10.0.2.1", "10.0.0.255", "255.255.255.255"]
        },
    );
    let payload = random.below(60) as usize;
    let options =
        one_of(random, &[&[][..], &[], &[], &[], &[1, 1, 1, 0], &[148, 4, 0, 0], &[131, 7, 4, 10, 0, 0, 9, 0], &[99, 1, 0, 0]]);
    let len = 20 + options.len();
    let mut bytes = alloc::vec![0; len];
    let header = ipv4::Header {
        header_len: len as u8,
        traffic_class: one_of(random, &[0, 1, 2, 3, 0xb8]),
        total_len: one_of(
            random,
            &[len + payload, len + payload, len + payload, len + payload, len, len + payload + 1, len - 1, 0],
        ) as u16,
        ident: random.next_u32() as u16,
        dont_fragment: random.below(2) == 0,
        more_fragments: random.below(12) == 0,
        offset: if random.below(12) == 0 { 8 } else { 0 },
        ttl: one_of(random, &[64, 64, 0, 1, 255]),
        protocol: one_of(random, &[6, 6, 17, 17, 1, 253]),
        src,
        dst,
    };
    header.emit(options, &mut bytes);
    if random.below(20) == 0 {
        // The bit that nobody may set.
        bytes[6] |= 0x80;
        ipv4::complete_checksum(&mut bytes);
    }
    if random.below(20) == 0 {
        bytes[random.below(len as u32) as usize] ^= 1 << random.below(8);
    }
    bytes.extend((0..payload).map(|_| random.below(3) as u8));
    // The padding of an Ethernet, or less than was told.
    bytes.resize((bytes.len() + one_of(random, &[0, 0, 0, 6, 40])).saturating_sub(usize::from(random.below(20) == 0)), 0);
    bytes
}

/// The same in a frame as the link has them.
fn framed(random: &mut Entropy, link: LinkId, packet: &[u8]) -> Frame {
    let mut bytes = packet.to_vec();
    if link == LINKS[2] {
        let to = one_of(random, &[[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 1], [0xff; 6], [2, 0, 0, 0, 0, 7]]);
        bytes = [&to[..], &[2, 0, 0, 0, 0, 9, 8, 0], packet].concat();
    }
    let mut frame = Frame::from(&bytes[..]);
    let in_head = one_of(random, &[0, 0, 14, 20, 34, 40]).min(bytes.len());
    frame.own_head(in_head);
    frame
}

/// What a host hands up of a frame.
fn hears(way: Way, host: &mut Host, link: LinkId, frame: Frame) -> Vec<String> {
    let mut ups = Vec::new();
    match way {
        Way::Short => {
            let received = host.net.receive_next(link, frame, false);
            ups.extend(received.and_then(|received| {
                host.net.usual(received).map_or_else(|other| host.net.unusual(other), |packet| Some(Up::Packet(packet)))
            }));
        }
        Way::General => {
            // Nothing was judged before, and the frame waits to be asked for.
            host.net.routes.changed();
            host.net.receive(link, frame);
        }
    }
    ups.extend(core::iter::from_fn(|| host.net.poll()));
    let told = |up: &Up| match up {
        Up::Packet(packet) => {
            let bytes = packet.frame.to_vec();
            let fields = (packet.link, packet.src, packet.dst, packet.cast, packet.protocol, packet.hop_limit);
            format!("{fields:?} {} {} {} {:x?}", packet.traffic_class, packet.transport, packet.len, &bytes[packet.network..])
        }
        Up::Error(error) => format!("{error:?}"),
    };
    ups.iter().map(told).collect()
}

#[test]
fn nobody_can_tell_packets_that_came_the_short_way_up() {
    for seed in 0..12u64 {
        let mut random = Entropy::new(seed.into());
        let mut hosts = hosts(1 << 20);
        let mut usual = 0;
        for step in 0..2_000 {
            if random.below(20) == 0 {
                let what = [random.next_u64() % 1000, random.next_u64() % 1000];
                let time = Duration::from_millis(u64::from(random.below(3) * 400));
                hosts.iter_mut().for_each(|(_, host)| {
                    change(&mut host.net, what);
                    host.pass(time);
                });
            }
            let link = one_of(&mut random, &LINKS);
            let bytes = packet(&mut random);
            let frame = framed(&mut random, link, &bytes);
            let [first, second] = hosts.each_mut().map(|(way, host)| {
                let up = hears(*way, host, link, frame.clone());
                (up, leaves(host, usize::MAX), seen(host))
            });
            usual += first.0.len();
            assert_eq!(first, second, "seed {seed} step {step}: {bytes:x?} by {link:?}");
        }
        assert!(usual > 80, "{usual} went up");
    }
}

/// A transport's packet: a datagram, or a segment that may be one of many.
fn outgoing(random: &mut Entropy) -> (Manner, Frame) {
    let protocol = one_of(random, &[6, 17]);
    let len = one_of(
        random,
        &[0, 1, 512, 1352, 1380, 1381, 1472, 1480, 1481, 9000, 65_495, 65_515, 65_516, 65_535, 65_536, 150_000, 150_080, 150_081],
    );
    let mut frame = Frame::from(&alloc::vec![7; len][..]);
    if protocol == 6 && random.below(2) == 0 {
        frame.segment_size = one_of(random, &[536, 1000, 1360, 1460]);
    }
    let headers = if protocol == 6 { 20 } else { 8 };
    let header = frame.push(headers);
    header[0..4].copy_from_slice(&[1, 2, 3, 4]);
    if protocol == 6 {
        header[12] = 0x50;
    } else {
        header[4..6].copy_from_slice(&(len as u16).wrapping_add(8).to_be_bytes());
    }
    frame.l4_len = headers as u8;
    frame.checksum = crate::base::Checksum::Partial { offset: if protocol == 6 { 16 } else { 6 } };
    let fragmentation =
        one_of(random, &[Fragmentation::Never, Fragmentation::Local, Fragmentation::Anybody, Fragmentation::Probe]);
    let (hop_limit, traffic_class) = (one_of(random, &[0, 0, 1, 255]), one_of(random, &[0, 2, 0x10]));
    (Manner { protocol, hop_limit, traffic_class, fragmentation }, frame)
}

fn sends(way: Way, host: &mut Host, query: &RouteQuery, manner: Manner, frame: Frame) -> (Result<(), Errno>, bool) {
    if way == Way::Short
        && let Some(along) = host.net.along(query, manner)
        && along.fits(&frame)
    {
        return (along.send(frame), true);
    }
    let sent = host.net.route(query).and_then(|route| host.net.send(&route, &manner.outgoing(query), frame));
    (sent, false)
}

/// Where packets go, and from where, mostly of the same family.
fn ends(random: &mut Entropy) -> (Addr, Addr) {
    let families: [[&[&str]; 2]; 2] = [
        [
            &[
                "10.0.0.2",
                "10.0.0.2",
                "10.0.1.9",
                "10.0.2.9",
                "10.0.3.9",
                "10.0.3.9",
                "10.0.4.9",
                "10.0.4.9",
                "192.0.2.5",
                "10.0.0.1",
                "127.0.0.1",
                "10.0.0.255",
                "224.0.0.9",
            ],
            &["0.0.0.0", "10.0.0.1", "10.0.0.7", "127.0.0.1"],
        ],
        [
            &[
                "fd00::2",
                "fd00::2",
                "fd00:1::9",
                "fd00:2::9",
                "fd00:3::9",
                "fd00:3::9",
                "fd00:4::9",
                "fd00:4::9",
                "2001:db8::5",
                "fd00::1",
                "::1",
                "fe80::9",
                "ff02::9",
            ],
            &["::", "::", "fd00::1", "fd00:2::1", "::1"],
        ],
    ];
    let [dsts, srcs] = one_of(random, &families);
    let srcs = if random.below(30) == 0 { families[0][1] } else { srcs };
    (any_addr(random, dsts), any_addr(random, srcs))
}

#[test]
fn nobody_can_tell_packets_that_went_along_a_way() {
    for seed in 0..12u64 {
        let mut random = Entropy::new(seed.into());
        let mut hosts = hosts(4_000);
        let mut along = [0, 0];
        for step in 0..1_500 {
            if random.below(20) == 0 {
                let what = [random.next_u64() % 1000, random.next_u64() % 1000];
                let time = one_of(&mut random, &[Duration::ZERO, Duration::from_secs(5), Duration::from_secs(700)]);
                hosts.iter_mut().for_each(|(_, host)| {
                    change(&mut host.net, what);
                    host.pass(time);
                });
            }
            let (dst, src) = ends(&mut random);
            let link =
                one_of(&mut random, &[None, None, None, Some(ETH0), Some(ETH1), Some(LINKS[2]), Some(SLOW), Some(LOOPBACK)]);
            let query = RouteQuery { dst, src, link };
            let (manner, frame) = outgoing(&mut random);
            let most = one_of(&mut random, &[0, 1, 2, usize::MAX]);
            let [first, second] = hosts.each_mut().map(|(way, host)| {
                let (result, short) = sends(*way, host, &query, manner, frame.clone());
                along[usize::from(dst.is_v4())] += usize::from(short);
                let up: Vec<String> = core::iter::from_fn(|| host.net.links.poll()).map(|up| told(&up)).collect();
                (result, up, leaves(host, most), seen(host))
            });
            assert_eq!(first, second, "seed {seed} step {step}: {query:?} {manner:?} {}", frame.len());
        }
        assert!(along.iter().all(|count| *count > 50), "{along:?} went along");
    }
}

/// Whoever sends no payload need not ask whether a packet fits.
#[test]
fn a_way_takes_the_longest_header() {
    let mut host = Host::new();
    host.net.config.ipv4.min_pmtu = 0;
    for [dst, src] in [["10.0.0.2", "10.0.0.1"], ["fd00::2", "fd00::1"]] {
        let query = RouteQuery { dst: addr(dst), src: addr(src), link: None };
        for mtu in [68, 79, 80, 81, 99, 100, 101, 1500] {
            host.net.set_link_mtu(ETH0, mtu).unwrap();
            let fits = host.net.along(&query, Manner::of(6)).map(|along| along.fits(&Frame::from(&[0; 60][..])));
            assert_ne!(fits, Some(false), "MTU {mtu}");
        }
    }
}

/// RFC 4861 §6.3.4: what routers advertise counts for the next packet, also of those whose header was made before.
#[test]
fn a_hop_limit_that_is_advertised_is_that_of_the_next_packet() {
    let mut host = Host::new();
    let link = host.add_ethernet();
    host.net.links.neighbour_set(link, addr("fd00:2::9"), crate::link::Mac([2, 0, 0, 0, 0, 9])).unwrap();
    let query = RouteQuery { dst: addr("fd00:2::9"), src: addr("fd00:2::1"), link: None };
    for (advertised, used) in [(Some(0), 64), (Some(9), 9), (Some(0), 9), (Some(40), 40), (None, 64)] {
        match advertised {
            Some(0) => {}
            Some(hop_limit) => advertise(&mut host.net, link, hop_limit, 1400),
            // What routers said is forgotten.
            None => host.net.set_link_settings(link, LinkSettings { accept_ra: false, ..LinkSettings::HOST }).unwrap(),
        }
        let mtu = if [9, 40].contains(&used) { 1400 } else { 1500 };
        assert_eq!(host.net.route(&query).map(|route| route.mtu), Ok(mtu));
        let along = host.net.along(&query, Manner::of(6)).expect("a way");
        along.send(Frame::from(&[0; 20][..])).unwrap();
        let sent = host.sent(link).pop().expect("it left");
        assert_eq!(V6::read(&sent[14..]).header.hop_limit, used);
    }
}

fn told(up: &FromLink) -> String {
    match up {
        FromLink::Received(Received { link, version, frame, network, cast }) => {
            format!("{link:?} {version:?} {network} {cast:?} {} {:x?}", frame.segment_size, frame.to_vec())
        }
        other => format!("{other:?}"),
    }
}
