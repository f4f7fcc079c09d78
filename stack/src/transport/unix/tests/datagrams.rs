use super::*;

#[test]
fn boundaries_are_kept_and_what_does_not_fit_is_cut() {
    let mut host = Host::new();
    for kind in [Datagram, SeqPacket] {
        let (a, b) = host.pair(kind);
        for message in [&b"hello"[..], b"", b"you"] {
            assert_eq!(host.send(a, message), Ok(message.len()));
        }
        let (bytes, received) = host.receive(b, 2, MsgFlags::NONE).expect("a message");
        assert_eq!((&bytes[..], received.length, received.flags), (&b"he"[..], 5, MsgFlags::TRUNC));
        let (bytes, received) = host.receive(b, 2, MsgFlags::PEEK).expect("a message");
        assert_eq!((&bytes[..], received.length, received.flags), (&b""[..], 0, MsgFlags::NONE));
        assert_eq!(host.read(b, 9).as_deref(), Ok(&b""[..]));
        assert_eq!(host.read(b, 9).as_deref(), Ok(&b"you"[..]));
        assert_eq!(host.read(b, 9), Err(EAGAIN));
    }
    host.close_all();
}

#[test]
fn input_queue_counts_one_datagram_or_all_packets() {
    let mut host = Host::new();
    for (kind, bytes) in [(Datagram, 3), (SeqPacket, 7)] {
        let (a, b) = host.pair(kind);
        host.send(a, b"abc").expect("room");
        host.send(a, b"defg").expect("room");
        assert_eq!(host.unix.input_queue(b), Ok(bytes));
    }
}

#[test]
fn strangers_wait_when_ten_and_one_messages_do() {
    let mut host = Host::new();
    let inbox = host.bound(Datagram, b"\0in");
    let friend = host.open(Datagram);
    host.connect(friend, b"\0in").expect("nobody's peer");
    for _ in 0..11 {
        assert_eq!(host.send(friend, b"x"), Ok(1));
    }
    assert_eq!(host.ready(friend), Ready::NONE, "its writability hangs on the inbox");
    assert_eq!(host.send(friend, b"x"), Err(EAGAIN));
    let stranger = host.open(Datagram);
    assert_eq!(host.send_to(stranger, b"x", b"\0in"), Err(EAGAIN));
    assert_eq!(host.ready(stranger), Ready::OUT, "nobody knows whom it will write to");
    host.notified();
    host.read(inbox, 1).expect("a message");
    let heard = host.notified();
    for id in [friend, stranger] {
        assert!(heard.contains(&host.unix.sockets[id].owner.expect("owned").index()));
    }
    assert_eq!(host.ready(friend), Ready::OUT);
    assert_eq!(host.send_to(stranger, b"x", b"\0in"), Ok(1));
    host.close_all();
}

#[test]
fn whoever_only_polls_hears_of_room_too() {
    let mut host = Host::new();
    let inbox = host.bound(Datagram, b"\0in");
    let [one, two] = [host.open(Datagram), host.open(Datagram)];
    for id in [one, two] {
        host.connect(id, b"\0in").expect("nobody's peer");
    }
    while host.send(one, b"x").is_ok() {}
    assert_eq!(host.ready(two), Ready::NONE);
    host.notified();
    host.read(inbox, 1).expect("a message");
    assert!(host.heard(two));
    assert_eq!(host.ready(two), Ready::OUT);
}

#[test]
fn peers_wait_only_for_their_own_buffer() {
    let mut host = Host::new();
    let (a, b) = host.pair(Datagram);
    let sent = (0..1000).take_while(|_| host.send(a, b"x").is_ok()).count();
    assert_eq!(sent, 278);
    assert_eq!(host.ready(a), Ready::NONE);
    host.read(b, 1).expect("a message");
    assert_eq!(host.send(a, b"x"), Ok(1));
    let alone = host.bound(Datagram, b"\0me");
    host.connect(alone, b"\0me").expect("itself");
    let sent = (0..1000).take_while(|_| host.send(alone, b"x").is_ok()).count();
    assert_eq!(sent, 278, "oneself is no stranger");
    host.close_all();
}

#[test]
fn a_connected_socket_takes_nothing_from_third_ones() {
    let mut host = Host::new();
    let server = host.bound(Datagram, b"\0srv");
    let client = host.bound(Datagram, b"\0cli");
    let third = host.open(Datagram);
    host.connect(third, b"\0srv").expect("nobody's peer");
    host.connect(server, b"\0cli").expect("nobody's peer");
    assert_eq!(host.send(third, b"x"), Err(EPERM));
    assert_eq!(host.send_to(third, b"x", b"\0srv"), Err(EPERM));
    let fourth = host.open(Datagram);
    assert_eq!(host.connect(fourth, b"\0srv"), Err(EPERM));
    assert_eq!(host.send_to(client, b"x", b"\0srv"), Ok(1));
    host.close_all();
}

#[test]
fn a_closed_peer_is_told_once_and_forgotten() {
    let mut host = Host::new();
    let (a, b) = host.pair(Datagram);
    host.send(b, b"unread").expect("room");
    host.close(b);
    assert_eq!(host.ready(a), Ready::IN | Ready::OUT);
    assert_eq!(host.send(a, b"x"), Err(ECONNREFUSED));
    assert_eq!(host.send(a, b"x"), Err(ENOTCONN));
    assert_eq!(host.read(a, 9), Err(EAGAIN), "what it had sent is lost with it, as on Linux");
    host.close_all();
}

#[test]
fn changing_the_peer_loses_messages_and_resets_the_old_one() {
    let mut host = Host::new();
    let (a, b) = host.pair(Datagram);
    host.bind(b, b"\0b").expect("free");
    host.bound(Datagram, b"\0c");
    host.send(b, b"kept").expect("room");
    assert_eq!(host.connect(a, b"\0b"), Ok(()), "the same peer again changes nothing");
    assert_eq!(host.read(a, 9).as_deref(), Ok(&b"kept"[..]));
    host.send(b, b"lost").expect("room");
    assert_eq!(host.connect(a, b"\0c"), Ok(()));
    assert_eq!(host.ready(b), Ready::OUT | Ready::ERR);
    assert_eq!(host.send(b, b"x"), Err(ECONNRESET));
    assert_eq!(host.send(b, b"x"), Err(EPERM));
    assert_eq!(host.unix.disconnect(&mut host.base, a), Ok(()));
    assert_eq!(host.unix.peer_address(a), Err(ENOTCONN));
    assert_eq!(host.send(b, b"x"), Ok(1), "it is nobody's again");
    host.close_all();
}

#[test]
fn shutdown_of_a_datagram_socket_is_its_own_affair() {
    let mut host = Host::new();
    let (a, b) = host.pair(Datagram);
    host.shutdown(b, UnixShutdown::Read);
    assert_eq!((host.ready(a), host.ready(b)), (Ready::OUT, Ready::IN | Ready::OUT | Ready::RDHUP));
    assert_eq!(host.send(a, b"x"), Err(EPIPE));
    assert_eq!(host.read(b, 9), Err(EAGAIN));
    assert!(host.unix.is_read_shut(b));
    host.shutdown(a, UnixShutdown::Write);
    assert_eq!(host.send_to(a, b"x", b"\0nobody"), Err(EPIPE), "before the address is looked at");
}

#[test]
fn what_is_wrong_with_a_message_is_told_before_a_wrong_address() {
    let mut host = Host::new();
    let id = host.open(Datagram);
    assert_eq!(host.send_to(id, &alloc::vec![0; 212_961], b"nobody"), Err(EMSGSIZE));
    assert_eq!(host.send_to(id, &alloc::vec![0; 212_960], b"nobody"), Err(ENOENT));
    assert_eq!(host.send_to(id, b"", b"\0nobody"), Err(ECONNREFUSED));
    assert_eq!(host.send_to(id, b"", b""), Err(EINVAL));
    host.bound(Stream, b"stream");
    assert_eq!(host.send_to(id, b"", b"stream"), Err(EPROTOTYPE));
}

#[test]
fn peeking_passes_over_whole_messages() {
    let mut host = Host::new();
    let (a, b) = host.pair(Datagram);
    for part in [&b"abc"[..], b"defg", b"hi"] {
        host.send(a, part).expect("room");
    }
    host.unix.options_mut(b).peek_offset = 0;
    for (len, part) in [(2, &b"ab"[..]), (1, b"c"), (3, b"def"), (3, b"g"), (9, b"hi")] {
        assert_eq!(host.peek(b, len).as_deref(), Ok(part));
    }
    assert_eq!(host.peek(b, 1), Err(EAGAIN));
    host.read(b, 2).expect("a message");
    assert_eq!(host.unix.options(b).peek_offset, 6, "back by the whole message");
    let (a, b) = host.pair(Datagram);
    host.unix.options_mut(b).peek_offset = 0;
    host.send(a, b"").expect("room");
    host.send(a, b"x").expect("room");
    assert_eq!(host.peek(b, 9).as_deref(), Ok(&b""[..]));
    assert_eq!(host.peek(b, 9).as_deref(), Ok(&b"x"[..]), "an empty one is passed once it was seen");
    assert_eq!(host.peek(b, 9), Err(EAGAIN));
}
