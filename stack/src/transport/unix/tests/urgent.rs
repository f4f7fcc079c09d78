use super::*;

fn urgent_pair(host: &mut Host, data: &[u8]) -> (Key, Key) {
    let (a, b) = host.pair(Stream);
    assert_eq!(shout(host, a, data), Ok(data.len()));
    (a, b)
}

fn shout(host: &mut Host, id: Key, data: &[u8]) -> Result<usize, Errno> {
    host.send_with(id, data, MsgFlags::OOB, UnixControl::default())
}

fn hear(host: &mut Host, id: Key) -> Result<Vec<u8>, Errno> {
    host.receive(id, 1, MsgFlags::OOB).map(|(bytes, received)| {
        assert_eq!(received.flags, MsgFlags::OOB);
        bytes
    })
}

#[test]
fn reads_stop_before_the_urgent_byte_and_then_step_over_it() {
    let mut host = Host::new();
    let (a, b) = urgent_pair(&mut host, b"hello");
    host.send(a, b" you").expect("room");
    assert_eq!(host.ready(b), Ready::IN | Ready::OUT | Ready::PRI);
    assert_eq!(host.unix.stream(b).mark, Some(4));
    assert_eq!((host.read(b, 9).as_deref(), host.unix.at_mark(b)), (Ok(&b"hell"[..]), Ok(true)));
    assert_eq!(host.read(b, 9).as_deref(), Ok(&b" you"[..]), "the o was not wanted");
    assert_eq!((host.ready(b), host.unix.at_mark(b)), (Ready::OUT, Ok(false)));
    host.close_all();
}

#[test]
fn the_urgent_byte_is_read_out_of_band_and_leaves_a_mark() {
    let mut host = Host::new();
    let (a, b) = urgent_pair(&mut host, b"ab");
    host.send(a, b"cd").expect("room");
    assert_eq!(host.receive(b, 1, MsgFlags::OOB | MsgFlags::PEEK).map(|(bytes, _)| bytes).as_deref(), Ok(&b"b"[..]));
    assert_eq!(hear(&mut host, b).as_deref(), Ok(&b"b"[..]));
    assert_eq!(hear(&mut host, b), Err(EINVAL), "only once");
    assert_eq!(host.unix.input_queue(b), Ok(3));
    assert_eq!((host.read(b, 9).as_deref(), host.unix.at_mark(b)), (Ok(&b"a"[..]), Ok(true)));
    assert_eq!(host.read(b, 9).as_deref(), Ok(&b"cd"[..]));
    host.close_all();
}

#[test]
fn offsets_count_what_was_read_out_of_band_or_skipped() {
    let mut host = Host::new();
    for out_of_band in [true, false] {
        let (a, b) = urgent_pair(&mut host, b"abc");
        host.send(a, b"d").expect("room");
        if out_of_band {
            hear(&mut host, b).expect("urgent");
        }
        assert_eq!(host.read(b, 9).as_deref(), Ok(&b"ab"[..]));
        assert_eq!(host.read(b, 9).as_deref(), Ok(&b"d"[..]));
        assert_eq!((host.unix.read_offset(b), host.unix.write_offset(a)), (4, 4));
    }
}

#[test]
fn a_second_urgent_byte_makes_the_first_a_plain_one() {
    let mut host = Host::new();
    let (a, b) = urgent_pair(&mut host, b"ab");
    shout(&mut host, a, b"cd").expect("room");
    assert_eq!(host.read(b, 9).as_deref(), Ok(&b"abc"[..]));
    assert_eq!(hear(&mut host, b).as_deref(), Ok(&b"d"[..]));
}

#[test]
fn inline_it_only_stops_a_read() {
    let mut host = Host::new();
    let (a, b) = urgent_pair(&mut host, b"ab");
    host.send(a, b"cd").expect("room");
    host.unix.options_mut(b).oob_inline = true;
    assert_eq!(hear(&mut host, b), Err(EINVAL));
    assert_eq!(host.read(b, 9).as_deref(), Ok(&b"a"[..]));
    assert_eq!(host.unix.at_mark(b), Ok(true));
    assert_eq!(host.read(b, 9).as_deref(), Ok(&b"bcd"[..]));
}

#[test]
fn peeks_do_not_lose_it() {
    let mut host = Host::new();
    let (a, b) = urgent_pair(&mut host, b"ab");
    host.send(a, b"cd").expect("room");
    assert_eq!(host.peek(b, 9).as_deref(), Ok(&b"a"[..]));
    assert_eq!(host.read(b, 1).as_deref(), Ok(&b"a"[..]));
    assert_eq!(host.peek(b, 9).as_deref(), Ok(&b"cd"[..]));
    assert_eq!(hear(&mut host, b).as_deref(), Ok(&b"b"[..]));
}

#[test]
fn a_mark_is_readable_but_not_unread() {
    let mut host = Host::new();
    let (a, b) = urgent_pair(&mut host, b"x");
    assert_eq!(hear(&mut host, b).as_deref(), Ok(&b"x"[..]));
    assert_eq!((host.ready(b), host.unix.at_mark(b)), (Ready::IN | Ready::OUT, Ok(true)));
    assert_eq!(host.peek(b, 9), Err(EAGAIN));
    assert_eq!(host.unix.at_mark(b), Ok(true));
    host.close(b);
    assert_eq!(host.unix.take_error(a), None);
    let (a, b) = urgent_pair(&mut host, b"x");
    host.close(b);
    assert_eq!(host.unix.take_error(a), Some(ECONNRESET), "an urgent byte nobody read is");
    host.close_all();
}

#[test]
fn two_marks_do_not_stand_together() {
    let mut host = Host::new();
    let (a, b) = urgent_pair(&mut host, b"x");
    hear(&mut host, b).expect("urgent");
    shout(&mut host, a, b"y").expect("room");
    hear(&mut host, b).expect("urgent");
    assert_eq!(host.unix.sockets[b].queue.len(), 1);
    assert_eq!(host.read(b, 9), Err(EAGAIN));
    assert_eq!((host.unix.sockets[b].queue.len(), host.ready(b)), (0, Ready::OUT));
}

#[test]
fn only_streams_have_urgent_bytes_and_they_need_one() {
    let mut host = Host::new();
    for kind in [Datagram, SeqPacket] {
        let (a, b) = host.pair(kind);
        assert_eq!(shout(&mut host, a, b"x"), Err(EOPNOTSUPP));
        assert_eq!(hear(&mut host, b), Err(EOPNOTSUPP));
        assert_eq!(host.unix.at_mark(b), Err(EOPNOTSUPP));
    }
    let (a, b) = host.pair(Stream);
    assert_eq!(shout(&mut host, a, b""), Err(EOPNOTSUPP));
    assert_eq!(hear(&mut host, b), Err(EINVAL));
}

#[test]
fn rights_on_an_urgent_byte_are_lost_when_it_is_read_out_of_band() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    let control = UnixControl { rights: alloc::vec![Right::Foreign(1)], credentials: None };
    host.send_with(a, b"x", MsgFlags::OOB, control).expect("room");
    let (_, received) = host.receive(b, 1, MsgFlags::OOB).expect("urgent");
    assert!(received.rights.is_empty());
    assert_eq!(host.read(b, 9), Err(EAGAIN));
    assert_eq!(host.dropped(), [Right::Foreign(1)]);
}
