use super::*;

const GONE: Ready = Ready(Ready::IN.0 | Ready::OUT.0 | Ready::HUP.0 | Ready::RDHUP.0);
const RESET: Ready = Ready(GONE.0 | Ready::ERR.0);

#[test]
fn a_fresh_connection_socket_is_hung_up_and_a_listener_is_never_writable() {
    let mut host = Host::new();
    for kind in [Stream, SeqPacket] {
        let id = host.open(kind);
        assert_eq!(host.ready(id), Ready::OUT | Ready::HUP);
        let listener = host.listener(kind, b"\0l", 1);
        assert_eq!(host.ready(listener), Ready::NONE);
        assert_eq!(host.unix.input_queue(listener), Err(EINVAL));
    }
    let id = host.open(Datagram);
    assert_eq!(host.ready(id), Ready::OUT);
}

#[test]
fn connect_is_complete_before_accept() {
    let mut host = Host::new();
    let listener = host.listener(Stream, b"\0l", 5);
    let client = host.open(Stream);
    host.notified();
    assert_eq!(host.connect(client, b"\0l"), Ok(()));
    assert_eq!(host.ready(listener), Ready::IN);
    assert!(host.heard(listener));
    assert_eq!(host.send(client, b"early"), Ok(5));
    assert_eq!(host.ready(client), Ready::OUT);
    let server = host.accept(listener).expect("one waits");
    assert_eq!(host.ready(listener), Ready::NONE);
    assert_eq!(host.read(server, 9).as_deref(), Ok(&b"early"[..]));
    assert_eq!(host.unix.local_address(server), address(b"\0l"));
    assert_eq!(host.unix.peer_address(server), Ok(UnixAddress::Unnamed));
    assert_eq!(host.unix.peer_address(client), Ok(address(b"\0l")));
    host.close_all();
}

#[test]
fn one_more_than_the_backlog_wait_and_the_next_hears_when_to_come_again() {
    let mut host = Host::new();
    let listener = host.listener(Stream, b"\0l", 1);
    for _ in 0..2 {
        let client = host.open(Stream);
        assert_eq!(host.connect(client, b"\0l"), Ok(()));
    }
    let late = host.open(Stream);
    assert_eq!(host.connect(late, b"\0l"), Err(EAGAIN));
    host.notified();
    host.accept(listener).expect("two wait");
    assert!(host.heard(late));
    assert_eq!(host.connect(late, b"\0l"), Ok(()));
    let later = host.open(Stream);
    assert_eq!(host.connect(later, b"\0l"), Err(EAGAIN));
    host.notified();
    host.unix.listen(&mut host.base, listener, 9).expect("it listens");
    assert!(host.heard(later));
    assert_eq!(host.connect(later, b"\0l"), Ok(()));
    host.close_all();
}

#[test]
fn whoever_waits_for_a_listener_hears_of_its_end() {
    let mut host = Host::new();
    let listener = host.listener(SeqPacket, b"\0l", 0);
    let clients = [host.open(SeqPacket), host.open(SeqPacket)];
    assert_eq!(host.connect(clients[0], b"\0l"), Ok(()));
    assert_eq!(host.connect(clients[1], b"\0l"), Err(EAGAIN));
    host.notified();
    host.close(listener);
    assert!(host.heard(clients[1]));
    assert_eq!(host.connect(clients[1], b"\0l"), Err(ECONNREFUSED));
    assert_eq!(host.ready(clients[0]), RESET);
    host.close_all();
}

#[test]
fn connect_refuses_in_linuxs_order() {
    let mut host = Host::new();
    host.bound(Stream, b"\0quiet");
    let listener = host.listener(Stream, b"\0l", 0);
    let client = host.open(Stream);
    assert_eq!(host.connect(client, b"\0quiet"), Err(ECONNREFUSED));
    assert_eq!(host.connect(client, b"\0l"), Ok(()));
    assert_eq!(host.connect(client, b"\0l"), Err(EAGAIN), "the backlog is told before EISCONN");
    host.accept(listener).expect("one waits");
    assert_eq!(host.connect(client, b"\0l"), Err(EISCONN));
    assert_eq!(host.connect(client, b"\0nobody"), Err(ECONNREFUSED));
    assert_eq!(host.connect(listener, b"\0l"), Err(EINVAL), "a listener cannot connect, not even to itself");
    host.shutdown(listener, UnixShutdown::Read);
    assert_eq!(host.connect(client, b"\0l"), Err(ECONNREFUSED));
    assert_eq!(host.ready(listener), Ready::IN | Ready::RDHUP);
}

#[test]
fn listen_and_accept_need_a_bound_connection_socket() {
    let mut host = Host::new();
    let (a, _) = host.pair(Stream);
    host.bind(a, b"\0a").expect("free");
    assert_eq!(host.unix.listen(&mut host.base, a, 1), Err(EINVAL), "it is connected");
    let id = host.open(Stream);
    assert_eq!(host.unix.listen(&mut host.base, id, 1), Err(EINVAL), "it has no name");
    assert_eq!(host.accept(id), Err(EINVAL));
    let id = host.bound(Datagram, b"\0d");
    assert_eq!(host.unix.listen(&mut host.base, id, 1), Err(EOPNOTSUPP));
    assert_eq!(host.accept(id), Err(EOPNOTSUPP));
    let id = host.listener(Stream, b"\0l", 1);
    assert_eq!(host.accept(id), Err(EAGAIN));
}

#[test]
fn closing_with_unread_data_resets_the_peer() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    host.send(a, b"lost").expect("room");
    host.send(b, b"kept").expect("room");
    host.close(b);
    assert_eq!(host.ready(a), RESET);
    assert_eq!(host.send(a, b"x"), Err(EPIPE), "a stream's write does not tell the reset");
    assert_eq!(host.read(a, 9).as_deref(), Ok(&b"kept"[..]), "data comes before the error");
    assert_eq!(host.read(a, 9), Err(ECONNRESET));
    assert_eq!(host.read(a, 9).as_deref(), Ok(&b""[..]));
    assert_eq!(host.ready(a), GONE);

    let (a, b) = host.pair(SeqPacket);
    host.send(a, b"lost").expect("room");
    host.send(b, b"kept").expect("room");
    host.close(b);
    assert_eq!(host.read(a, 9), Err(ECONNRESET), "the error comes before messages");
    assert_eq!(host.read(a, 9).as_deref(), Ok(&b"kept"[..]));
    assert_eq!(host.send(a, b"x"), Err(EPIPE));
    host.close_all();
}

#[test]
fn closing_in_order_is_the_end_of_the_stream() {
    let mut host = Host::new();
    for kind in [Stream, SeqPacket] {
        let (a, b) = host.pair(kind);
        host.send(b, b"bye").expect("room");
        host.notified();
        host.close(b);
        assert!(host.heard(a));
        assert_eq!(host.ready(a), GONE);
        assert_eq!(host.read(a, 9).as_deref(), Ok(&b"bye"[..]));
        assert_eq!(host.read(a, 9).as_deref(), Ok(&b""[..]));
        assert_eq!(host.unix.take_error(a), None);
        host.close_all();
    }
}

#[test]
fn each_direction_shuts_by_itself() {
    let mut host = Host::new();
    for kind in [Stream, SeqPacket] {
        let (a, b) = host.pair(kind);
        host.shutdown(a, UnixShutdown::Write);
        assert_eq!((host.ready(a), host.ready(b)), (Ready::OUT, Ready::IN | Ready::OUT | Ready::RDHUP));
        assert_eq!(host.send(a, b"x"), Err(EPIPE));
        assert_eq!(host.read(b, 9).as_deref(), Ok(&b""[..]));
        assert_eq!(host.send(b, b"answer"), Ok(6));
        assert_eq!(host.read(a, 9).as_deref(), Ok(&b"answer"[..]));
        host.shutdown(a, UnixShutdown::Read);
        assert_eq!((host.ready(a), host.ready(b)), (GONE, GONE));
        assert_eq!(host.send(b, b"x"), Err(EPIPE));
        host.close_all();
    }
}

#[test]
fn shutdown_of_what_is_not_connected_is_kept_until_it_is() {
    let mut host = Host::new();
    let listener = host.listener(Stream, b"\0l", 1);
    let client = host.open(Stream);
    host.shutdown(client, UnixShutdown::Write);
    assert_eq!(host.send(client, b"x"), Err(ENOTCONN));
    assert_eq!(host.connect(client, b"\0l"), Ok(()));
    assert_eq!(host.send(client, b"x"), Err(EPIPE));
    let server = host.accept(listener).expect("one waits");
    assert_eq!(host.ready(server), Ready::OUT, "the other end was not told");
}

#[test]
fn what_needs_a_connection_says_so() {
    let mut host = Host::new();
    let stream = host.open(Stream);
    assert_eq!(host.send(stream, b"x"), Err(ENOTCONN));
    assert_eq!(host.read(stream, 1), Err(EINVAL));
    assert_eq!(host.send_to(stream, b"x", b"\0n"), Err(EOPNOTSUPP));
    let packets = host.open(SeqPacket);
    assert_eq!(host.send(packets, b"x"), Err(ENOTCONN));
    assert_eq!(host.send_to(packets, b"x", b"\0n"), Err(ENOTCONN));
    assert_eq!(host.read(packets, 1), Err(ENOTCONN));
    let datagrams = host.open(Datagram);
    assert_eq!(host.send(datagrams, b"x"), Err(ENOTCONN));
    assert_eq!(host.read(datagrams, 1), Err(EAGAIN));
    for id in [stream, packets, datagrams] {
        assert_eq!(host.unix.peer_address(id), Err(ENOTCONN));
        assert_eq!(host.unix.peer_credentials(id), Credentials::NONE);
    }
    let (a, _) = host.pair(Stream);
    assert_eq!(host.send_to(a, b"x", b"\0n"), Err(EISCONN));
    let (a, b) = host.pair(SeqPacket);
    assert_eq!(host.send_to(a, b"x", b"\0n"), Ok(1), "the address is ignored");
    assert_eq!(host.read(b, 9).as_deref(), Ok(&b"x"[..]));
    assert_eq!(host.unix.disconnect(&mut host.base, a), Err(EINVAL));
}

#[test]
fn each_end_knows_whose_the_other_is() {
    let mut host = Host::new();
    let who = |pid| Credentials { pid, uid: 1000, gid: 100 };
    let listener = host.bound(Stream, b"\0l");
    host.unix.set_credentials(listener, who(1));
    host.unix.listen(&mut host.base, listener, 1).expect("bound");
    host.unix.set_credentials(listener, who(2));
    let client = host.open(Stream);
    host.unix.set_credentials(client, who(3));
    host.connect(client, b"\0l").expect("it listens");
    host.unix.set_credentials(client, who(4));
    let server = host.accept(listener).expect("one waits");
    assert_eq!(host.unix.peer_credentials(client), who(1), "who called listen");
    assert_eq!(host.unix.peer_credentials(server), who(3), "who called connect");
}
