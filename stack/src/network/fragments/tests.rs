//! Stories of fragments.

use alloc::vec::Vec;

use crate::base::{Discard, Duration, Entropy};
use crate::network::tests::world::*;
use crate::network::{Fragmentation, ipv6, protocol};

fn discards(host: &Host, reason: Discard) -> u64 {
    host.net.links.base.counters.discards[reason as usize]
}

fn counting(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 7) as u8).collect()
}

/// A fragment of a datagram with ident 9.
fn v4(offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let change = |header: &mut crate::network::ipv4::Header| {
        (header.offset, header.more_fragments, header.ident) = (offset, more, 9);
    };
    V4::new("10.0.0.9", "10.0.0.1", protocol::UDP, payload).with(change).bytes()
}

fn v6(offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    V6::new("fd00::9", "fd00::1", protocol::UDP, payload).fragment(offset, more, 9).bytes()
}

#[test]
fn what_one_host_cuts_the_other_puts_together() {
    let (mut one, mut other) = (Host::new(), Host::new());
    for (dst, sizes) in [("10.0.0.1", [1481, 3000, 65515]), ("fd00::1", [1461, 3000, 65535])] {
        for len in sizes {
            // The other host has the same addresses, so that this one sends from another.
            let far = if dst.contains(':') { "fd00::9" } else { "10.0.0.9" };
            one.send(addr(far), &counting(len), Fragmentation::Local).unwrap();
            let fragments = one.sent(ETH0);
            assert!(fragments.len() > 1 && fragments.iter().all(|fragment| fragment.len() <= 1500), "{dst} {len}");
            for fragment in fragments.iter().rev() {
                other.receive(ETH0, &swap_ends(fragment));
            }
            let up = other.packets.pop().unwrap();
            assert_eq!((up.len, transport(&up).to_vec() == counting(len)), (len, true), "{dst} {len}");
        }
    }
    assert_eq!(other.net.links.base.counters.ip.reasm_oks, 6);
    assert_eq!((other.net.fragments.len(), other.net.fragments.used()), (0, 0));
}

/// The packet as it would look if the far host had sent it.
fn swap_ends(packet: &[u8]) -> Vec<u8> {
    if packet[0] >> 4 == 4 {
        let mut packet = V4::read(packet);
        core::mem::swap(&mut packet.header.src, &mut packet.header.dst);
        packet.bytes()
    } else {
        let mut packet = V6::read(packet);
        core::mem::swap(&mut packet.header.src, &mut packet.header.dst);
        packet.bytes()
    }
}

#[test]
fn ipv4_fragments_have_no_df_and_share_an_ident() {
    let mut host = Host::new();
    host.send(addr("10.0.0.9"), &counting(2000), Fragmentation::Anybody).unwrap();
    let fragments: Vec<V4> = host.sent(ETH0).iter().map(|bytes| V4::read(bytes)).collect();
    let places: Vec<_> = fragments.iter().map(|f| (f.header.offset, f.header.more_fragments, f.payload.len())).collect();
    assert_eq!(places, [(0, true, 1480), (1480, false, 520)]);
    assert!(fragments.iter().all(|f| !f.header.dont_fragment && f.header.ident == fragments[0].header.ident));
}

#[test]
fn what_must_not_be_cut_is_refused() {
    let mut host = Host::new();
    for dst in ["10.0.0.9", "fd00::9"] {
        for mode in [Fragmentation::Never, Fragmentation::Probe] {
            assert_eq!(host.send(addr(dst), &counting(1481), mode), Err(crate::base::Errno::EMSGSIZE));
        }
    }
    assert!(host.sent(ETH0).is_empty());
}

#[test]
fn overlapping_fragments_kill_their_datagram() {
    // RFC 5722 §4, RFC 8200 §4.5
    let mut host = Host::new();
    let payload = counting(48);
    host.receive(ETH0, &v6(0, true, &payload[..24]));
    host.receive(ETH0, &v6(16, true, &payload[16..32]));
    host.receive(ETH0, &v6(24, false, &payload[24..]));
    host.receive(ETH0, &v6(0, true, &payload[..24]));
    assert!(host.packets.is_empty(), "also those not yet received are discarded");
    assert_eq!(host.net.links.base.counters.ip.reasm_overlaps, 1);
    host.pass(Duration::from_secs(61));
    assert!(host.sent(ETH0).is_empty(), "nobody is told");
    host.receive(ETH0, &v6(0, true, &payload[..24]));
    host.receive(ETH0, &v6(24, false, &payload[24..]));
    assert_eq!(host.packets.len(), 1, "the ident may be used again later");

    host.receive(ETH0, &v4(0, true, &payload[..24]));
    host.receive(ETH0, &v4(16, false, &payload[16..]));
    assert_eq!(host.net.links.base.counters.ip.reasm_overlaps, 2);
    host.receive(ETH0, &v4(24, false, &payload[24..]));
    assert_eq!(host.packets.len(), 1, "the first part is gone");
}

#[test]
fn duplicates_do_no_harm() {
    let mut host = Host::new();
    let payload = counting(48);
    for fragment in
        [v4(0, true, &payload[..24]), v4(0, true, &payload[..24]), v4(8, true, &payload[8..16]), v4(24, false, &payload[24..])]
    {
        host.receive(ETH0, &fragment);
    }
    assert_eq!(transport(&host.packets[0]).to_vec(), payload);
}

#[test]
fn an_atomic_fragment_is_a_packet_of_its_own() {
    // RFC 6946 §4
    let mut host = Host::new();
    host.receive(ETH0, &v6(0, true, &counting(24)));
    host.receive(ETH0, &v6(0, false, b"atomic!!"));
    assert_eq!(transport(&host.packets[0]).to_vec(), b"atomic!!");
    host.receive(ETH0, &v6(24, false, &counting(8)));
    assert_eq!(host.packets[1].len, 32, "the other under way is not disturbed");
}

#[test]
fn time_exceeded_is_told_only_if_the_first_fragment_came() {
    // RFC 792 (code 1), RFC 1122 §3.3.2, RFC 8200 §4.5
    let mut host = Host::new();
    host.receive(ETH0, &v4(24, false, &counting(8)));
    host.receive(ETH0, &v6(24, false, &counting(8)));
    host.pass(Duration::from_secs(61));
    assert!(host.sent(ETH0).is_empty());
    assert_eq!(host.net.links.base.counters.ip.reasm_timeout, 2);

    host.receive(ETH0, &v4(0, true, &counting(24)));
    host.pass(Duration::from_secs(29));
    assert!(host.sent(ETH0).is_empty());
    host.pass(Duration::from_secs(2));
    let told = host.sent_v4(ETH0);
    assert_eq!((told.kind(), told.header.dst), ((11, 1), addr("10.0.0.9")));
    assert_eq!(&told.payload[8..], v4(0, true, &counting(24)));

    host.receive(ETH0, &v6(0, true, &counting(24)));
    host.pass(Duration::from_secs(59));
    assert!(host.sent(ETH0).is_empty());
    host.pass(Duration::from_secs(2));
    let told = host.sent_v6(ETH0);
    assert_eq!((told.kind(), &told.payload[8..]), ((3, 1), &v6(0, true, &counting(24))[..]));
}

#[test]
fn malformed_ipv6_fragments_are_told_where() {
    let mut host = Host::new();
    // RFC 8200 §4.5: not a multiple of eight: the payload length; too long: the fragment offset.
    host.receive(ETH0, &v6(0, true, &counting(23)));
    let told = host.sent_v6(ETH0);
    assert_eq!((told.kind(), told.rest()), ((4, 0), 4));
    host.receive(ETH0, &v6(65528, true, &counting(16)));
    let told = host.sent_v6(ETH0);
    assert_eq!((told.kind(), told.rest()), ((4, 0), 42));
    // RFC 7112 §5: the first fragment must hold all headers.
    let cut_short = V6::new("fd00::9", "fd00::1", protocol::DESTINATION, &[17, 1, 1, 4, 0, 0, 0, 0]).fragment(0, true, 3);
    host.receive(ETH0, &cut_short.bytes());
    assert_eq!(host.sent_v6(ETH0).kind(), (4, 3));
    assert_eq!(host.net.fragments.len(), 0);
}

#[test]
fn a_datagram_longer_than_any_packet_is_refused() {
    let mut host = Host::new();
    host.receive(ETH0, &v4(65528, false, &counting(16)));
    host.receive(ETH0, &v4(0, true, &[]));
    assert_eq!(discards(&host, Discard::FragmentMalformed), 2);
}

#[test]
fn extension_headers_before_and_after_the_fragment_header_survive() {
    let mut host = Host::new();
    let dest = [1, 4, 0, 0, 0, 0];
    let whole = V6::new("fd00::9", "fd00::1", protocol::UDP, &counting(100)).extension(protocol::DESTINATION, &dest);
    for (offset, more) in [(0, true), (56, false)] {
        let end = if more { 56 } else { whole.payload.len() };
        let part = V6 { payload: whole.payload[offset..end].into(), ..whole.clone() };
        host.receive(ETH0, &part.fragment(offset as u16, more, 5).extension(protocol::HOP_BY_HOP, &dest).bytes());
    }
    let up = &host.packets[0];
    assert_eq!((up.protocol, transport(up).to_vec()), (protocol::UDP, counting(100)));
    assert_eq!(up.frame.len(), ipv6::HEADER_LEN + 8 + 8 + 100);
}

#[test]
fn congestion_marks_survive_reassembly() {
    // RFC 3168 §5.3
    let mut host = Host::new();
    let mut fragment = |offset, more, class| {
        let packet = V6::new("fd00::9", "fd00::1", protocol::UDP, &counting(24)).with(|h| h.traffic_class = class);
        host.receive(ETH0, &packet.fragment(offset, more, 5).bytes());
    };
    fragment(0, true, 0xb8 | 2);
    fragment(24, false, 0xb8 | 3);
    assert_eq!(host.packets[0].traffic_class, 0xb8 | 3);
}

#[test]
fn a_flood_of_fragments_is_bounded_and_the_newest_still_get_through() {
    let mut host = Host::new();
    for number in 0..5_000u32 {
        let flood = V6::new("fd00::66", "fd00::1", protocol::UDP, &counting(1024)).fragment(0, true, number);
        host.receive(ETH0, &flood.bytes());
    }
    assert!(host.net.fragments.used() <= 4 << 20);
    assert_eq!(host.net.links.base.budget.used(), host.net.fragments.used());
    host.receive(ETH0, &v6(0, true, &counting(24)));
    host.receive(ETH0, &v6(24, false, &counting(8)));
    assert_eq!(host.packets.len(), 1);
    host.pass(Duration::from_secs(61));
    assert_eq!((host.net.fragments.len(), host.net.links.base.budget.used()), (0, 0));
}

#[test]
fn random_fragments_are_taken_without_harm() {
    for seed in 0..20u64 {
        let mut random = Entropy::new(seed.into());
        let mut host = Host::new();
        for _ in 0..400 {
            let len = random.below(40) as usize;
            let offset = (random.below(8) * 8) as u16;
            let payload = counting(len);
            let packet = if random.below(2) == 0 {
                v4(offset, random.below(3) > 0, &payload)
            } else {
                v6(offset, random.below(3) > 0, &payload)
            };
            host.receive(ETH0, &packet);
            if random.below(20) == 0 {
                host.pass(Duration::from_secs(random.below(40).into()));
            }
        }
        host.pass(Duration::from_secs(61));
        assert_eq!((host.net.fragments.len(), host.net.links.base.budget.used()), (0, 0), "seed {seed}");
    }
}
