//! Corks, segments, header fields.

use crate::base::{Errno, MsgFlags, Ready, Rope, Version};
use crate::network::Fragmentation;
use crate::transport::datagram::SendControl;
use crate::transport::testing::{Host, addr, at, exchange};

const MORE: MsgFlags = MsgFlags::MORE;
const PLAIN: SendControl = SendControl { src: None, link: 0, hop_limit: None, tos: None, segment_size: None };

#[test]
fn msg_more_collects_one_datagram_for_the_first_address() {
    let mut host = Host::new(1);
    let server = host.bound("127.0.0.1:53");
    let id = host.socket(Version::V4);
    assert_eq!(host.send_with(id, Some("127.0.0.1:53"), b"ab", &PLAIN, MORE), Ok(2));
    assert_eq!(host.recv(server), None);
    // Linux does not look at the second address.
    assert_eq!(host.send_with(id, Some("127.0.0.1:9"), b"cd", &PLAIN, MsgFlags::NONE), Ok(2));
    assert_eq!(host.recv(server).unwrap(), b"abcd");
}

#[test]
fn a_cork_holds_until_it_is_pulled() {
    let mut host = Host::new(1);
    let server = host.bound("127.0.0.1:53");
    let id = host.connected("127.0.0.1:53");
    host.udp.options_mut(id).cork = true;
    for part in [&b"ab"[..], b"", b"cd"] {
        assert_eq!(host.send(id, part), Ok(part.len()));
    }
    assert_eq!(host.recv(server), None);
    assert_eq!(host.net.links.base.budget.used(), 4);
    host.udp.options_mut(id).cork = false;
    assert_eq!(host.udp.options_changed(&mut host.net, id), Ok(()));
    host.run();
    assert_eq!(host.recv(server).unwrap(), b"abcd");
    assert_eq!(host.net.links.base.budget.used(), 0);
}

#[test]
fn a_corked_datagram_that_gets_too_long_is_lost_whole() {
    let mut host = Host::new(1);
    let server = host.bound("127.0.0.1:53");
    let id = host.connected("127.0.0.1:53");
    assert_eq!(host.send_with(id, None, &alloc::vec![0; 60_000], &PLAIN, MORE), Ok(60_000));
    assert_eq!(host.send_with(id, None, &alloc::vec![0; 60_000], &PLAIN, MORE), Err(Errno::EMSGSIZE));
    assert_eq!(host.net.links.base.budget.used(), 0);
    assert_eq!(host.send(id, b"fresh"), Ok(5));
    assert_eq!(host.recv_lengths(server), [5]);
    assert_eq!(host.send_with(id, None, &[0; 100], &PLAIN, MORE), Ok(100));
    host.udp.close(&mut host.net, id);
    assert_eq!(host.net.links.base.budget.used(), 0, "close gives back what was corked");
}

/// `UDP_SEGMENT`
#[test]
fn one_call_sends_many_datagrams_of_one_size() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    let here = a.bound("127.0.0.1:53");
    let there = b.bound("10.0.0.2:53");
    let id = a.socket(Version::V4);
    a.udp.options_mut(id).segment_size = 100;
    for (to, len, lengths) in
        [("127.0.0.1:53", 250, &[100, 100, 50][..]), ("10.0.0.2:53", 300, &[100, 100, 100]), ("10.0.0.2:53", 60, &[60])]
    {
        assert_eq!(a.send_to(id, to, &alloc::vec![1; len]), Ok(len));
        exchange(&mut a, &mut b);
        let got = if to.starts_with('1') && to.contains("127") { a.recv_lengths(here) } else { b.recv_lengths(there) };
        assert_eq!(got, lengths, "{len} bytes to {to}");
    }
    let by_control = SendControl { segment_size: Some(1000), ..PLAIN };
    assert_eq!(a.send_with(id, Some("10.0.0.2:53"), &[0; 2500], &by_control, MsgFlags::NONE), Ok(2500));
    exchange(&mut a, &mut b);
    assert_eq!(b.recv_lengths(there), [1000, 1000, 500]);
    assert_eq!(b.net.links.base.counters.udp.in_csum_errors, 0);
}

#[test]
fn segments_must_fit_the_path_and_be_few() {
    let mut host = Host::new(1);
    let id = host.connected("10.0.0.2:9");
    for (size, len, expected) in
        [(1472, 3000, Ok(3000)), (1473, 3000, Err(Errno::EINVAL)), (10, 1280, Ok(1280)), (10, 1281, Err(Errno::EINVAL))]
    {
        host.udp.options_mut(id).segment_size = size;
        assert_eq!(host.send(id, &alloc::vec![0; len]), expected, "{len} bytes in segments of {size}");
    }
}

#[test]
fn ancillary_data_sets_header_fields_of_one_datagram() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    let four = b.bound("10.0.0.2:7");
    let six = b.bound("[fd00::2]:7");
    for (there, to, own_tos) in [(four, "10.0.0.2:7", 8), (six, "[fd00::2]:7", 16)] {
        let id = a.socket(at(to).addr.version());
        a.udp.inet_mut(id).hop_limit = 40;
        a.udp.inet_mut(id).tos = 8;
        a.udp.inet_mut(id).tclass = 16;
        a.send_to(id, to, b"own").unwrap();
        let control = SendControl { hop_limit: Some(3), tos: Some(0xb8), ..PLAIN };
        a.send_with(id, Some(to), b"one", &control, MsgFlags::NONE).unwrap();
        exchange(&mut a, &mut b);
        let own = b.udp.pop(&mut b.net, there).unwrap();
        let one = b.udp.pop(&mut b.net, there).unwrap();
        assert_eq!((own.hop_limit, own.tos), (40, own_tos));
        assert_eq!((one.hop_limit, one.tos), (3, 0xb8));
    }
}

/// `IP_PKTINFO`
#[test]
fn the_source_of_one_datagram_may_be_chosen_among_ours() {
    let mut host = Host::new(1);
    let server = host.bound("0.0.0.0:7");
    let id = host.socket(Version::V4);
    let from = |text: &str| SendControl { src: Some(addr(text)), ..PLAIN };
    host.send_with(id, Some("127.0.0.1:7"), b"x", &from("10.0.0.1"), MsgFlags::NONE).unwrap();
    assert_eq!(host.udp.pop(&mut host.net, server).unwrap().from.addr, addr("10.0.0.1"));
    assert_eq!(host.send_with(id, Some("127.0.0.1:7"), b"x", &from("10.0.0.9"), MsgFlags::NONE), Err(Errno::EINVAL));
}

#[test]
fn payload_may_be_handed_over_without_a_copy() {
    let mut host = Host::new(1);
    let server = host.bound("127.0.0.1:53");
    let id = host.connected("127.0.0.1:53");
    let payload = bytes::Bytes::from(alloc::vec![7; 1000]);
    let place = payload.as_ptr();
    let sent = host.udp.send_bytes(&mut host.net, id, Rope::from(payload), None, &PLAIN, MsgFlags::NONE);
    assert_eq!(sent, Ok(1000));
    host.run();
    let got = host.udp.pop(&mut host.net, server).unwrap().data.to_bytes();
    assert_eq!(got.as_ptr(), place, "the same bytes, not a copy of them");
}

/// Linux makes the sender wait by `SO_SNDBUF`; here it is the link's queue that does.
#[test]
fn who_sends_faster_than_the_link_must_wait() {
    let mut host = Host::new(1);
    let id = host.connected("10.0.0.2:9");
    let sent = (0..10_000).take_while(|_| host.send(id, &[0; 1000]).is_ok()).count();
    assert!((1000..1100).contains(&sent), "{sent} of 1028 bytes in a queue of 1 MiB");
    assert_eq!(host.send(id, b"x"), Err(Errno::EAGAIN));
    assert_eq!(host.udp.readiness(id), Ready::NONE);
    assert_eq!(host.frames().len(), sent, "what was accepted is not lost");
    host.udp.links_drained(&mut host.net);
    assert_eq!(host.udp.readiness(id), Ready::OUT);
    assert_eq!(host.send(id, b"x"), Ok(1));
}

#[test]
fn options_set_after_bind_count_for_those_who_bind_later() {
    let mut host = Host::new(1);
    let first = host.bound("0.0.0.0:7");
    let second = host.socket(Version::V4);
    host.udp.inet_mut(second).reuse_addr = true;
    assert_eq!(host.udp.bind(&mut host.net, second, at("0.0.0.0:7")), Err(Errno::EADDRINUSE));
    host.udp.inet_mut(first).reuse_addr = true;
    host.udp.options_changed(&mut host.net, first).unwrap();
    assert_eq!(host.udp.bind(&mut host.net, second, at("0.0.0.0:7")), Ok(()));
    host.connect(first, "127.0.0.1:9").unwrap();
    host.udp.inet_mut(first).reuse_addr = false;
    host.udp.options_changed(&mut host.net, first).unwrap();
    let third = host.socket(Version::V4);
    host.udp.inet_mut(third).reuse_addr = true;
    assert_eq!(host.udp.bind(&mut host.net, third, at("127.0.0.1:7")), Err(Errno::EADDRINUSE), "connected ones count too");
    host.udp.close(&mut host.net, first);
    assert_eq!(host.udp.bind(&mut host.net, third, at("127.0.0.1:7")), Ok(()));
}

#[test]
fn without_a_checksum_only_over_ipv4_and_only_on_demand() {
    let (mut a, mut b) = (Host::new(1), Host::new(2));
    let there = b.bound("10.0.0.2:7");
    let id = a.connected("10.0.0.2:7");
    a.udp.inet_mut(id).fragmentation = Fragmentation::Anybody;
    for (no_check, expected) in [(true, true), (false, false)] {
        a.udp.options_mut(id).no_check = no_check;
        a.send(id, b"data").unwrap();
        let frames = a.frames();
        assert_eq!(frames.len(), 1);
        assert_eq!(frames[0].read::<2>(26) == Some([0, 0]), expected);
        b.take(crate::base::Frame::from(&frames[0].to_vec()[..]));
        assert_eq!(b.recv(there).unwrap(), b"data");
    }
}
