use super::*;

const ONE: Right = Right::Foreign(1);
const TWO: Right = Right::Foreign(2);

fn who(pid: i32, uid: u32) -> Credentials {
    Credentials { pid, uid, gid: 100 }
}

fn credentials(host: &mut Host, id: Key) -> (Vec<u8>, Option<Credentials>) {
    let (bytes, received) = host.receive(id, 99, MsgFlags::NONE).expect("data");
    (bytes, received.credentials)
}

fn rights(host: &mut Host, id: Key, len: usize, flags: MsgFlags) -> (Vec<u8>, Vec<Right>) {
    let (bytes, received) = host.receive(id, len, flags).expect("data");
    (bytes, received.rights)
}

#[test]
fn credentials_are_noted_only_if_somebody_wants_them() {
    let mut host = Host::new();
    for kind in [Stream, Datagram, SeqPacket] {
        let (a, b) = host.pair(kind);
        host.unix.set_credentials(a, who(7, 1000));
        host.send(a, b"before").expect("room");
        host.unix.options_mut(b).pass_credentials = true;
        host.send(a, b"after").expect("room");
        assert_eq!(credentials(&mut host, b), (b"before".to_vec(), Some(Credentials::OVERFLOW)));
        assert_eq!(credentials(&mut host, b), (b"after".to_vec(), Some(who(7, 1000))));
        host.unix.options_mut(b).pass_credentials = false;
        host.send(a, b"x").expect("room");
        assert_eq!(credentials(&mut host, b).1, None);
    }
}

#[test]
fn before_accept_credentials_are_noted_in_case() {
    let mut host = Host::new();
    let listener = host.listener(Stream, b"\0l", 1);
    let client = host.open(Stream);
    host.unix.set_credentials(client, who(7, 1000));
    host.connect(client, b"\0l").expect("it listens");
    host.send(client, b"early").expect("room");
    let server = host.accept(listener).expect("one waits");
    host.unix.options_mut(server).pass_credentials = true;
    assert_eq!(credentials(&mut host, server).1, Some(who(7, 1000)));
}

#[test]
fn a_listener_hands_on_that_it_passes_credentials() {
    let mut host = Host::new();
    let listener = host.listener(Stream, b"\0l", 5);
    host.unix.options_mut(listener).pass_credentials = true;
    let client = host.open(Stream);
    host.connect(client, b"\0l").expect("it listens");
    host.unix.options_mut(listener).pass_credentials = false;
    let server = host.accept(listener).expect("one waits");
    assert!(host.unix.options(server).pass_credentials, "as it was when the client connected");
}

#[test]
fn whoever_passes_credentials_gets_a_name_first() {
    let mut host = Host::new();
    host.bound(Datagram, b"\0in");
    let id = host.open(Datagram);
    host.unix.options_mut(id).pass_credentials = true;
    host.send_to(id, b"x", b"\0in").expect("room");
    assert!(!host.unix.local_address(id).is_unnamed());
    host.listener(Stream, b"\0l", 5);
    let id = host.open(Stream);
    host.unix.options_mut(id).pass_credentials = true;
    host.connect(id, b"\0l").expect("it listens");
    assert!(!host.unix.local_address(id).is_unnamed());
}

#[test]
fn only_user_0_may_claim_to_be_another() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    host.unix.options_mut(b).pass_credentials = true;
    host.unix.set_credentials(a, who(7, 1000));
    assert_eq!(host.send_with(a, b"x", MsgFlags::NONE, claim(who(8, 1000))), Err(EPERM));
    assert_eq!(host.send_with(a, b"x", MsgFlags::NONE, claim(who(7, 1000))), Ok(1));
    host.unix.set_credentials(a, who(1, 0));
    assert_eq!(host.send_with(a, b"y", MsgFlags::NONE, claim(who(8, 1000))), Ok(1));
    assert_eq!(credentials(&mut host, b), (b"x".to_vec(), Some(who(7, 1000))));
    assert_eq!(credentials(&mut host, b), (b"y".to_vec(), Some(who(8, 1000))));
}

#[test]
fn reads_do_not_glue_what_different_ones_wrote() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    host.unix.options_mut(b).pass_credentials = true;
    for (part, pid) in [(b"a", 1), (b"b", 2), (b"c", 1), (b"d", 1)] {
        host.unix.set_credentials(a, who(pid, 1000));
        host.send(a, part).expect("room");
    }
    assert_eq!(host.unix.stream(b).readable, 1);
    assert_eq!(host.peek(b, 9).as_deref(), Ok(&b"a"[..]));
    let parts: Vec<_> = (0..3).map(|_| credentials(&mut host, b)).collect();
    assert_eq!(
        parts,
        [(b"a".to_vec(), Some(who(1, 1000))), (b"b".to_vec(), Some(who(2, 1000))), (b"cd".to_vec(), Some(who(1, 1000))),]
    );
    host.close(a);
    assert_eq!(credentials(&mut host, b), (Vec::new(), Some(Credentials::default())), "the end of the stream is nobody's");
}

#[test]
fn rights_arrive_with_their_bytes_and_end_the_read() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    host.send(a, b"ab").expect("room");
    host.pass(a, b"cd", &[ONE, TWO]).expect("room");
    host.send(a, b"ef").expect("room");
    assert_eq!(host.unix.stream(b).readable, 4);
    assert_eq!(rights(&mut host, b, 3, MsgFlags::NONE), (b"abc".to_vec(), alloc::vec![ONE, TWO]));
    assert_eq!(rights(&mut host, b, 9, MsgFlags::NONE), (b"def".to_vec(), Vec::new()), "they came with the first byte");
    host.close_all();
    assert_eq!(host.dropped(), []);
}

#[test]
fn a_peek_shows_rights_and_leaves_them() {
    let mut host = Host::new();
    for kind in [Stream, Datagram, SeqPacket] {
        let (a, b) = host.pair(kind);
        host.pass(a, b"ab", &[ONE]).expect("room");
        host.send(a, b"cd").expect("room");
        for flags in [MsgFlags::PEEK, MsgFlags::PEEK, MsgFlags::NONE] {
            assert_eq!(rights(&mut host, b, 9, flags), (b"ab".to_vec(), alloc::vec![ONE]));
        }
        assert_eq!(rights(&mut host, b, 9, MsgFlags::NONE), (b"cd".to_vec(), Vec::new()));
    }
    host.close_all();
}

#[test]
fn rights_go_with_the_first_piece_of_a_large_write() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    host.pass(a, &alloc::vec![0; 60_000], &[ONE]).expect("room");
    let (bytes, first) = rights(&mut host, b, 99_999, MsgFlags::NONE);
    assert_eq!((bytes.len(), first), (36_544, alloc::vec![ONE]));
    let (bytes, second) = rights(&mut host, b, 99_999, MsgFlags::NONE);
    assert_eq!((bytes.len(), second), (23_456, Vec::new()));
}

#[test]
fn rights_that_do_not_arrive_are_handed_back() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    assert_eq!(host.pass(a, b"", &[ONE]), Ok(0), "no byte carries them");
    assert_eq!(host.dropped(), [ONE]);
    host.unix.options_mut(b).pass_rights = false;
    assert_eq!(host.pass(a, b"x", &[ONE]), Err(EPERM));
    assert_eq!(host.dropped(), [ONE]);
    assert_eq!(host.pass(b, b"x", &[ONE; SCM_MAX_FD + 1]), Err(EINVAL));
    assert_eq!(host.dropped().len(), SCM_MAX_FD + 1);
    assert_eq!(host.pass(b, b"x", &[ONE; SCM_MAX_FD]), Ok(1));
    host.close(a);
    assert_eq!(host.dropped().len(), SCM_MAX_FD, "closed before they were read");
    host.close_all();
}

#[test]
fn too_many_rights_in_flight_are_refused() {
    let mut host = Host::with(UnixConfig { max_in_flight: 3, ..UnixConfig::default() }, BUDGET);
    let (a, b) = host.pair(Stream);
    assert_eq!(host.pass(a, b"x", &[ONE; 3]), Ok(1));
    assert_eq!(host.pass(a, b"x", &[ONE; 3]), Ok(1), "the limit is tested before they are added");
    assert_eq!(host.pass(a, b"x", &[ONE]), Err(ETOOMANYREFS));
    assert_eq!(host.send(a, b"x"), Ok(1));
    assert_eq!(host.dropped(), [ONE]);
    host.read(b, 1).expect("data");
    assert_eq!(host.pass(a, b"x", &[ONE]), Ok(1));
    host.close_all();
}
