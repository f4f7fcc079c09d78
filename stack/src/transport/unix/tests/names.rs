use super::*;

#[test]
fn a_path_stays_taken_after_its_socket_is_closed() {
    let mut host = Host::new();
    let server = host.listener(Stream, b"srv", 1);
    host.close(server);
    let client = host.open(Stream);
    assert_eq!(host.connect(client, b"srv"), Err(ECONNREFUSED));
    assert_eq!(host.bind(client, b"srv"), Err(EADDRINUSE));
    assert_eq!(host.unix.unlink(&mut host.base, b"srv"), Ok(()));
    assert_eq!(host.connect(client, b"srv"), Err(ENOENT));
    assert_eq!(host.bind(client, b"srv"), Ok(()));
    host.unix.unlink(&mut host.base, b"srv").expect("it is there");
    host.close_all();
}

#[test]
fn an_unlinked_socket_lives_on_without_being_found() {
    let mut host = Host::new();
    let old = host.listener(Stream, b"srv", 1);
    let early = host.open(Stream);
    host.connect(early, b"srv").expect("it listens");
    host.unix.unlink(&mut host.base, b"srv").expect("it is there");
    let new = host.listener(Stream, b"srv", 1);
    let late = host.open(Stream);
    host.connect(late, b"srv").expect("it listens");
    host.close(old);
    assert_eq!(host.bind(early, b"srv"), Err(EADDRINUSE), "the path is the new one's");
    assert!(host.accept(new).is_ok());
}

#[test]
fn a_socket_is_named_once() {
    let mut host = Host::new();
    let id = host.bound(Stream, b"a");
    assert_eq!(host.bind(id, b"b"), Err(EINVAL));
    assert_eq!(host.bind(id, b"a"), Err(EADDRINUSE), "a taken path is told first");
    assert_eq!(host.bind(id, b"\0b"), Err(EINVAL));
    assert_eq!(host.bind(id, b""), Ok(()), "autobind leaves a named socket alone");
    assert_eq!(host.unix.local_address(id), address(b"a"));
    let id = host.bound(Stream, b"\0x");
    assert_eq!(host.bind(id, b"\0x"), Err(EINVAL), "with abstract names it is told last");
}

#[test]
fn autobind_makes_five_hex_digits() {
    let mut host = Host::new();
    let id = host.open(Datagram);
    assert_eq!(host.bind(id, b""), Ok(()));
    let name = host.unix.local_address(id).to_sun_path();
    assert_eq!(name.len(), 6);
    assert!(name[0] == 0 && name[1..].iter().all(|digit| b"0123456789abcdef".contains(digit)), "{name:?}");
}

#[test]
fn abstract_names_go_with_their_socket_and_each_type_has_its_own() {
    let mut host = Host::new();
    let stream = host.bound(Stream, b"\0n");
    let datagram = host.bound(Datagram, b"\0n");
    let other = host.open(Stream);
    assert_eq!(host.bind(other, b"\0n"), Err(EADDRINUSE));
    host.close(stream);
    assert_eq!(host.connect(other, b"\0n"), Err(ECONNREFUSED));
    assert_eq!(host.bind(other, b"\0n"), Ok(()));
    let talker = host.open(Datagram);
    assert_eq!(host.connect(talker, b"\0n"), Ok(()));
    assert_eq!(host.unix.peer_address(talker), Ok(host.unix.local_address(datagram)));
    host.close_all();
}

#[test]
fn a_path_knows_the_type_of_its_socket() {
    let mut host = Host::new();
    host.listener(Stream, b"p", 1);
    for kind in [Datagram, SeqPacket] {
        let id = host.open(kind);
        assert_eq!(host.connect(id, b"p"), Err(EPROTOTYPE));
        assert_eq!(host.connect(id, b""), Err(EINVAL));
    }
}

#[test]
fn a_closed_peer_keeps_its_name() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    host.bind(a, b"\0late").expect("free");
    host.close(a);
    assert_eq!(host.unix.peer_address(b), Ok(address(b"\0late")));
    host.close_all();
}

#[test]
fn a_message_shows_the_name_its_sender_has_when_it_is_read() {
    let mut host = Host::new();
    let inbox = host.bound(Datagram, b"\0in");
    let sender = host.open(Datagram);
    for _ in 0..3 {
        host.send_to(sender, b"m", b"\0in").expect("room");
    }
    let from = |host: &mut Host| host.receive(inbox, 9, MsgFlags::NONE).expect("a message").1.from;
    assert_eq!(from(&mut host), UnixAddress::Unnamed);
    host.bind(sender, b"\0me").expect("free");
    assert_eq!(from(&mut host), address(b"\0me"));
    host.close(sender);
    assert_eq!(from(&mut host), address(b"\0me"));
    host.close_all();
}
