//! `sendmmsg` and `recvmmsg` through the calls.

use std::time::Duration;

use loggia_stack::Errno;
use loggia_stack::base::event::class;
use loggia_stack::base::{Discard, LinkId, MsgFlags, Ready, SocketId, What};
use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::{
    AF_INET, AF_INET6, AF_UNIX, IPPROTO_IP, IPPROTO_UDP, SHUT_RD, SIOCINQ, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, ip, sol_socket, udp,
};
use loggia_stack::socket::{Control, Message, Received, Receiving, Sending};

use crate::common::{Net, addr, set, so_error};

const DELAY: Duration = Duration::from_millis(10);
const ETH0: LinkId = LinkId(2);

/// Sends texts to the connected end; says what of each was taken.
fn send(stack: &mut Stack, socket: SocketId, texts: &[&[u8]]) -> Result<Vec<usize>, Errno> {
    let data: Vec<[&[u8]; 1]> = texts.iter().map(|text| [*text]).collect();
    let mut messages: Vec<_> = data.iter().map(|data| Sending::of(Message { data, ..Message::default() })).collect();
    let count = stack.sendmmsg(socket, &mut messages)?;
    Ok(messages[..count].iter().map(|message| message.len).collect())
}

/// Receives into `places` rooms of so many bytes.
fn receive(
    stack: &mut Stack,
    socket: SocketId,
    places: usize,
    room: usize,
    flags: MsgFlags,
) -> Result<Vec<(Vec<u8>, Received)>, Errno> {
    let mut rooms = vec![vec![0; room]; places];
    let mut pieces: Vec<[&mut [u8]; 1]> = rooms.iter_mut().map(|room| [&mut room[..]]).collect();
    let mut places: Vec<_> = pieces.iter_mut().map(|into| Receiving::into(into, 64)).collect();
    let count = stack.recvmmsg(socket, &mut places, flags)?;
    let got: Vec<_> = places.into_iter().take(count).map(|place| place.received).collect();
    Ok(rooms.into_iter().zip(got).map(|(room, received)| (room[..received.len.min(room.len())].to_vec(), received)).collect())
}

fn texts(got: &[(Vec<u8>, Received)]) -> Vec<&[u8]> {
    got.iter().map(|(text, _)| &text[..]).collect()
}

/// A server at port 7 of host 1, a client of host 0 connected to it that has sent a datagram, which was read.
fn acquainted(net: &mut Net) -> (SocketId, SocketId) {
    let server = net.hosts[1].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    net.hosts[1].bind(server, &addr("10.0.0.2:7")).unwrap();
    let client = net.hosts[0].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    net.hosts[0].connect(client, &addr("10.0.0.2:7")).unwrap();
    net.hosts[0].send(client, b"?", MsgFlags::NONE).unwrap();
    net.wait(1, server, Ready::IN);
    net.hosts[1].recv(server, &mut [0], MsgFlags::NONE).unwrap();
    (client, server)
}

/// A client that waits for the error that its other end is gone.
fn refused() -> (Net, SocketId) {
    let mut net = Net::pair(DELAY);
    let (client, server) = acquainted(&mut net);
    net.hosts[1].close(server).unwrap();
    send(&mut net.hosts[0], client, &[b"a", b"b"]).unwrap();
    net.wait(0, client, Ready::ERR);
    (net, client)
}

#[test]
fn many_there_in_order_and_each_by_itself() {
    for (family, to) in [(AF_INET, "10.0.0.2:7"), (AF_INET6, "[fd00::2]:7")] {
        let mut net = Net::pair(DELAY);
        let server = net.hosts[1].socket(family, SOCK_DGRAM, 0).unwrap();
        net.hosts[1].bind(server, &addr(to)).unwrap();
        let client = net.hosts[0].socket(family, SOCK_DGRAM, 0).unwrap();
        net.hosts[0].connect(client, &addr(to)).unwrap();
        for _ in 0..2 {
            let sent: [&[u8]; 7] = [b"aa", b"bb", b"cc", b"d", b"ee", b"", b"fff"];
            assert_eq!(send(&mut net.hosts[0], client, &sent), Ok(vec![2, 2, 2, 1, 2, 0, 3]));
            net.wait(1, server, Ready::IN);
            assert_eq!(net.hosts[1].query(server, SIOCINQ), Ok(2), "the first one alone");
            let got = receive(&mut net.hosts[1], server, 3, 9, MsgFlags::NONE).unwrap();
            assert_eq!(texts(&got), sent[..3]);
            let from = net.hosts[0].getsockname(client).unwrap();
            assert!(got.iter().all(|(_, received)| received.from == from && received.flags == MsgFlags::NONE));
            let got = receive(&mut net.hosts[1], server, 9, 9, MsgFlags::NONE).unwrap();
            assert_eq!(texts(&got), sent[3..]);
            assert_eq!(receive(&mut net.hosts[1], server, 9, 9, MsgFlags::NONE).err(), Some(Errno::EAGAIN));
        }
    }
}

#[test]
fn what_does_not_fit_is_cut_off_and_told_of_each() {
    let mut net = Net::pair(DELAY);
    let (client, server) = acquainted(&mut net);
    send(&mut net.hosts[0], client, &[b"abcdef", b"ghijkl", b"mno"]).unwrap();
    net.wait(1, server, Ready::IN);
    let looks = receive(&mut net.hosts[1], server, 2, 4, MsgFlags::PEEK | MsgFlags::TRUNC).unwrap();
    assert_eq!(texts(&looks), [b"abcd", b"abcd"], "the same twice");
    assert!(looks.iter().all(|(_, look)| (look.len, look.flags) == (6, MsgFlags::TRUNC)));
    let got = receive(&mut net.hosts[1], server, 3, 4, MsgFlags::NONE).unwrap();
    assert_eq!(texts(&got), [&b"abcd"[..], b"ghij", b"mno"]);
    let flags: Vec<_> = got.iter().map(|(_, received)| received.flags).collect();
    assert_eq!(flags, [MsgFlags::TRUNC, MsgFlags::TRUNC, MsgFlags::NONE]);
}

#[test]
fn ancillary_data_comes_with_each() {
    let mut net = Net::pair(DELAY);
    let (client, server) = acquainted(&mut net);
    set(&mut net.hosts[1], server, IPPROTO_IP, ip::IP_RECVTTL, 1).unwrap();
    let data = [[&b"a"[..]], [b"b"], [b"c"], [b"d"]];
    let nine = [Control::Ttl(9)];
    let mut messages = data.each_ref().map(|data| Sending::of(Message { data, ..Message::default() }));
    messages[2].message.control = &nine;
    assert_eq!(net.hosts[0].sendmmsg(client, &mut messages), Ok(4));
    net.wait(1, server, Ready::IN);
    let got = receive(&mut net.hosts[1], server, 4, 4, MsgFlags::NONE).unwrap();
    let ttls = got.iter().map(|(_, received)| match received.control[..] {
        [Control::Ttl(ttl)] => ttl,
        ref other => panic!("{other:?}"),
    });
    assert_eq!(ttls.collect::<Vec<_>>(), [64, 64, 9, 64]);
}

#[test]
fn the_first_that_cannot_be_sent_ends_the_call_and_is_told_if_it_is_the_first_of_all() {
    let mut net = Net::pair(DELAY);
    let (client, server) = acquainted(&mut net);
    let long = vec![0; 65_508];
    assert_eq!(send(&mut net.hosts[0], client, &[b"a", b"b", &long, b"c"]), Ok(vec![1, 1]));
    assert_eq!(send(&mut net.hosts[0], client, &[&long, b"c"]), Err(Errno::EMSGSIZE));
    assert_eq!(send(&mut net.hosts[0], client, &[]), Ok(vec![]));
    net.wait(1, server, Ready::IN);
    assert_eq!(texts(&receive(&mut net.hosts[1], server, 9, 9, MsgFlags::NONE).unwrap()), [b"a", b"b"]);
}

#[test]
fn no_call_sends_more_than_1024() {
    let mut net = Net::pair(DELAY);
    let (client, server) = acquainted(&mut net);
    set(&mut net.hosts[1], server, sol_socket::LEVEL, sol_socket::SO_RCVBUF, 1 << 20).unwrap();
    assert_eq!(send(&mut net.hosts[0], client, &vec![&b"x"[..]; 1500]).map(|sent| sent.len()), Ok(1024));
    net.wait(1, server, Ready::IN);
    let got = receive(&mut net.hosts[1], server, 2000, 9, MsgFlags::NONE).unwrap();
    assert!(got.len() > 200 && texts(&got).iter().all(|text| text == b"x"), "{}", got.len());
}

#[test]
fn a_pending_error_comes_first() {
    let (mut net, client) = refused();
    assert_eq!(receive(&mut net.hosts[0], client, 4, 4, MsgFlags::NONE).err(), Some(Errno::ECONNREFUSED));
    assert_eq!(receive(&mut net.hosts[0], client, 4, 4, MsgFlags::NONE).err(), Some(Errno::EAGAIN), "it is told once");
}

/// On loopback the answer to a datagram is there before the next one is sent.
#[test]
fn on_loopback_an_error_of_one_ends_the_call() {
    let mut net = Net::single();
    let client = net.hosts[0].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    net.hosts[0].connect(client, &addr("127.0.0.1:9")).unwrap();
    assert_eq!(send(&mut net.hosts[0], client, &[b"a", b"b", b"c"]), Ok(vec![1]));
}

#[test]
fn a_stream_takes_and_gives_what_there_is_room_for() {
    let mut net = Net::single();
    let [one, other] = <[SocketId; 2]>::from(net.hosts[0].socketpair(AF_UNIX, SOCK_STREAM, 0).unwrap());
    assert_eq!(send(&mut net.hosts[0], one, &[b"abc", b"defg", b"h"]), Ok(vec![3, 4, 1]));
    let got = receive(&mut net.hosts[0], other, 9, 3, MsgFlags::NONE).unwrap();
    assert_eq!(texts(&got).concat(), b"abcdefgh");
    assert!(got.len() < 9);
}

/// Linux: what is behind a message of which a part was taken must not come before its rest.
#[test]
fn a_message_of_a_stream_that_is_taken_in_part_ends_the_call() {
    let mut net = Net::single();
    let stack = &mut net.hosts[0];
    let listener = stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    stack.bind(listener, &addr("127.0.0.1:7")).unwrap();
    stack.listen(listener, 1).unwrap();
    let client = stack.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    set(stack, client, sol_socket::LEVEL, sol_socket::SO_SNDBUF, 5000).unwrap();
    assert_eq!(stack.connect(client, &addr("127.0.0.1:7")), Err(Errno::EINPROGRESS));
    stack.accept(listener).expect("it is there at once");
    let long = vec![b'a'; 1 << 20];
    let taken = send(stack, client, &[&long, b"b", b"c"]).unwrap();
    assert!(taken.len() == 1 && taken[0] < long.len(), "{taken:?}");
}

/// Linux: the call asks for a pending error before it looks how many places there are.
#[test]
fn a_pending_error_is_told_where_nothing_is_to_be_received() {
    let (mut net, client) = refused();
    assert_eq!(receive(&mut net.hosts[0], client, 0, 4, MsgFlags::NONE).err(), Some(Errno::ECONNREFUSED));
    assert_eq!(receive(&mut net.hosts[0], client, 0, 4, MsgFlags::NONE).map(|got| got.len()), Ok(0));
}

#[test]
fn after_shutdown_each_place_is_given_the_end_unless_nobody_would_wait() {
    let mut net = Net::pair(DELAY);
    let (_, server) = acquainted(&mut net);
    let _ = net.hosts[1].shutdown(server, SHUT_RD);
    let count = |net: &mut Net, flags| receive(&mut net.hosts[1], server, 5, 4, flags).map(|got| got.len());
    assert_eq!(count(&mut net, MsgFlags::NONE), Ok(5));
    assert_eq!(count(&mut net, MsgFlags::WAITFORONE), Ok(1), "only the first would have waited");
    assert_eq!(count(&mut net, MsgFlags::DONTWAIT), Err(Errno::EAGAIN));
}

/// Linux: a single call would read first.
#[test]
fn of_a_stream_too_a_pending_error_comes_first() {
    let mut net = Net::single();
    let [one, other] = <[SocketId; 2]>::from(net.hosts[0].socketpair(AF_UNIX, SOCK_STREAM, 0).unwrap());
    net.hosts[0].send(one, b"last words", MsgFlags::NONE).unwrap();
    net.hosts[0].send(other, b"never read", MsgFlags::NONE).unwrap();
    net.hosts[0].close(one).unwrap();
    // Whoever closed had not read all: that is a reset.
    assert_eq!(receive(&mut net.hosts[0], other, 4, 16, MsgFlags::NONE).err(), Some(Errno::ECONNRESET));
    let got = receive(&mut net.hosts[0], other, 1, 16, MsgFlags::NONE).unwrap();
    assert_eq!(texts(&got), [b"last words"]);
    assert_eq!(so_error(&mut net.hosts[0], other), 0);
}

/// What follows a datagram of its length, and lies behind it, is one record with it: who wants it so gets it so.
#[test]
fn datagrams_that_lie_together_are_joined_for_whom_asks_for_it() {
    let mut net = Net::pair(DELAY);
    let (client, server) = acquainted(&mut net);
    let datagrams: Vec<Vec<u8>> = (0..10).map(|n| vec![n; if n == 9 { 50 } else { 100 }]).collect();
    let sent: Vec<&[u8]> = datagrams.iter().map(|datagram| &datagram[..]).collect();
    let mut taken = Vec::new();
    for joined in [0, 1, 0] {
        set(&mut net.hosts[1], server, IPPROTO_UDP, udp::UDP_GRO, joined).unwrap();
        send(&mut net.hosts[0], client, &sent).unwrap();
        net.wait(1, server, Ready::IN);
        let memory = net.hosts[1].memory();
        let got = receive(&mut net.hosts[1], server, 99, 2000, MsgFlags::NONE).unwrap();
        assert_eq!(texts(&got).concat(), sent.concat());
        let sizes = got.iter().map(|(text, received)| match received.control[..] {
            [Control::SegmentSize(size)] => (text.len(), size),
            _ => (text.len(), 0),
        });
        taken.push((sizes.collect::<Vec<_>>(), memory.0 - net.hosts[1].memory().0));
    }
    let [(apart, held), (joined, held_joined), again] = <[_; 3]>::try_from(taken).unwrap();
    assert_eq!(apart, [[(100, 0); 9].as_slice(), &[(50, 0)]].concat());
    assert_eq!(joined.last(), Some(&(50, 0)));
    assert!(joined.contains(&(800, 100)) || joined.contains(&(900, 100)), "{joined:?}");
    assert_eq!(held, held_joined, "they count the same");
    assert_eq!((apart, held), again);
}

/// Raw sockets look at each, whatever was found of the one before.
#[test]
fn a_raw_socket_sees_each_datagram() {
    let mut net = Net::pair(DELAY);
    let (client, server) = acquainted(&mut net);
    let raw = net.hosts[1].socket(AF_INET, SOCK_RAW, 17).unwrap();
    for _ in 0..2 {
        send(&mut net.hosts[0], client, &[&b"x"[..]; 20]).unwrap();
        net.wait(1, server, Ready::IN);
        assert_eq!(receive(&mut net.hosts[1], server, 99, 9, MsgFlags::NONE).unwrap().len(), 20);
        assert_eq!(receive(&mut net.hosts[1], raw, 99, 99, MsgFlags::NONE).unwrap().len(), 20);
    }
    net.hosts[1].close(raw).unwrap();
}

/// A datagram of the same length is another's after what changed in between.
#[test]
fn who_came_meanwhile_gets_what_follows() {
    let mut net = Net::pair(DELAY);
    let (client, server) = acquainted(&mut net);
    let burst = |net: &mut Net| {
        send(&mut net.hosts[0], client, &[&b"x"[..]; 20]).unwrap();
        net.run_for(DELAY * 2);
    };
    let count = |net: &mut Net, socket| receive(&mut net.hosts[1], socket, 99, 9, MsgFlags::NONE).map_or(0, |got| got.len());
    burst(&mut net);
    assert_eq!(count(&mut net, server), 20);
    let nearer = net.hosts[1].socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    set(&mut net.hosts[1], server, sol_socket::LEVEL, sol_socket::SO_REUSEADDR, 1).unwrap();
    set(&mut net.hosts[1], nearer, sol_socket::LEVEL, sol_socket::SO_REUSEADDR, 1).unwrap();
    net.hosts[1].bind(nearer, &addr("10.0.0.2:7")).unwrap();
    let from = net.hosts[0].getsockname(client).unwrap();
    net.hosts[1].connect(nearer, &from).unwrap();
    burst(&mut net);
    assert_eq!((count(&mut net, server), count(&mut net, nearer)), (0, 20), "it is connected to the sender");
    net.hosts[1].close(nearer).unwrap();
    burst(&mut net);
    assert_eq!(count(&mut net, server), 20);
    let address = "10.0.0.2/24".parse().unwrap();
    net.hosts[1].remove_address(ETH0, "10.0.0.2".parse().unwrap()).unwrap();
    burst(&mut net);
    assert_eq!(count(&mut net, server), 0, "it is nobody's address");
    net.hosts[1].add_address(ETH0, address).unwrap();
    burst(&mut net);
    assert_eq!(count(&mut net, server), 20);
}

/// RFC 6864 §4.3: what others may cut has an ident of its own, or they would put pieces of two together.
#[test]
fn no_two_datagrams_that_may_be_cut_have_the_same_ident() {
    let mut net = Net::pair(DELAY);
    let (client, _) = acquainted(&mut net);
    let stack = &mut net.hosts[0];
    set(stack, client, IPPROTO_IP, ip::IP_MTU_DISCOVER, ip::IP_PMTUDISC_DONT).unwrap();
    set(stack, client, IPPROTO_UDP, udp::UDP_SEGMENT, 100).unwrap();
    stack.send(client, &[1; 250], MsgFlags::NONE).unwrap();
    stack.send(client, &[2; 100], MsgFlags::NONE).unwrap();
    let frames: Vec<_> = std::iter::from_fn(|| stack.transmit(ETH0)).collect();
    let idents: Vec<_> = frames.iter().map(|frame| u16::from_be_bytes(frame.to_vec()[4..6].try_into().unwrap())).collect();
    let first = idents[0];
    assert_eq!(idents, [0, 1, 2, 3].map(|more| first.wrapping_add(more)));
}

/// What waits in a link's queue is dropped with it, each datagram by itself.
#[test]
fn a_link_that_goes_down_drops_each_datagram() {
    let mut net = Net::pair(DELAY);
    let (client, _) = acquainted(&mut net);
    let stack = &mut net.hosts[0];
    stack.listen_events(class::DISCARDS);
    send(stack, client, &[&b"abcd"[..], b"efgh", b"ijkl", b"m"]).unwrap();
    assert_eq!(stack.transmit(ETH0).map(|frame| frame.len()), Some(32), "one has left");
    stack.set_up(ETH0, false).unwrap();
    let discards: Vec<_> = std::iter::from_fn(|| stack.next_event()).map(|event| event.what).collect();
    let gone = |len| What::Discard { link: Some(ETH0), reason: Discard::LinkDown, len };
    assert_eq!(discards, [gone(32), gone(32), gone(29)]);
    assert_eq!(send(stack, client, &[b"a", b"b"]), Err(Errno::ENETUNREACH));
}
