use super::*;

#[test]
fn writes_run_together_and_reads_cut_where_they_like() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    host.send(a, b"abc").expect("room");
    host.send(a, b"defg").expect("room");
    assert_eq!(host.unix.input_queue(b), Ok(7));
    assert_eq!(host.read(b, 5).as_deref(), Ok(&b"abcde"[..]));
    assert_eq!(host.peek(b, 9).as_deref(), Ok(&b"fg"[..]));
    assert_eq!(host.read(b, 9).as_deref(), Ok(&b"fg"[..]));
    assert_eq!(host.read(b, 9), Err(EAGAIN));
    host.close_all();
}

#[test]
fn the_send_buffer_is_charged_until_the_peer_reads() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    let mut writes = 0;
    while host.send(a, b"x").is_ok() {
        writes += 1;
        assert_eq!(host.ready(a).contains(Ready::OUT), writes <= 69, "after {writes} bytes");
    }
    assert_eq!((writes, host.unix.output_queue(a)), (278, 278 * 768));
    assert_eq!(host.base.budget.used(), 278 * 768);
    host.notified();
    assert_eq!(host.read(b, 208).map(|bytes| bytes.len()), Ok(208));
    assert!(!host.heard(a), "not yet a quarter free of what is needed");
    assert_eq!(host.read(b, 1).map(|bytes| bytes.len()), Ok(1));
    assert!(host.heard(a));
    assert_eq!(host.ready(a), Ready::OUT);
    host.close_all();
}

#[test]
fn a_large_write_is_taken_in_part() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    let data = alloc::vec![7; 1 << 20];
    assert_eq!(host.unix.stream(a).room, 219_264);
    assert_eq!(host.send(a, &data), Ok(219_264), "six pieces of 36,544 bytes");
    assert_eq!(host.send(a, &data), Err(EAGAIN));
    assert_eq!(host.unix.stream(b).readable, 219_264);
    assert_eq!(host.read(b, 1 << 20).map(|bytes| bytes.len()), Ok(219_264));
    let seen = host.unix.stream(a);
    assert_eq!((seen.room, seen.write_offset, host.unix.stream(b).read_offset), (219_264, 219_264, 219_264));
}

#[test]
fn slices_go_as_one_write() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    let sent = host.unix.send(&mut host.base, a, &[b"ab", b"", b"cde"], None, MsgFlags::NONE, UnixControl::default());
    assert_eq!(sent, Ok(5));
    let (mut one, mut two) = ([0; 3], [0; 9]);
    let received = host.unix.receive(&mut host.base, b, &mut [&mut one, &mut two], MsgFlags::NONE, 1).expect("data");
    assert_eq!((received.count, &one, &two[..2]), (5, b"abc", &b"de"[..]));
}

#[test]
fn a_waiting_reader_gets_nothing_before_its_target_or_the_end() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    let mut room = [0; 8];
    let mut read = |host: &mut Host, target| {
        let received = host.unix.receive(&mut host.base, b, &mut [&mut room], MsgFlags::NONE, target);
        received.map(|received| received.count)
    };
    host.send(a, b"abc").expect("room");
    assert_eq!(read(&mut host, 8), Err(EAGAIN));
    host.send(a, b"defghij").expect("room");
    assert_eq!(read(&mut host, 8), Ok(8));
    assert_eq!(read(&mut host, 100), Err(EAGAIN), "two are left");
    host.close(a);
    assert_eq!(read(&mut host, 8), Ok(2));
    assert_eq!(read(&mut host, 8), Ok(0));
}

#[test]
fn nobody_waits_for_more_than_the_writer_can_write() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    while host.send(a, &[1; 1000]).is_ok() {}
    let waiting = host.unix.stream(b).readable;
    let mut room = alloc::vec![0; 1 << 20];
    let received = host.unix.receive(&mut host.base, b, &mut [&mut room], MsgFlags::NONE, 1 << 20).expect("what there is");
    assert_eq!(received.count, waiting);
}

#[test]
fn a_boundary_ends_the_wait_for_more() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    host.pass(a, b"ab", &[Right::Foreign(1)]).expect("room");
    let mut room = [0; 8];
    let received = host.unix.receive(&mut host.base, b, &mut [&mut room], MsgFlags::NONE, 8).expect("a boundary");
    assert_eq!((received.count, received.rights), (2, alloc::vec![Right::Foreign(1)]));
}

#[test]
fn peeking_moves_with_its_offset() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    for part in [&b"abc"[..], b"defg", b"hi"] {
        host.send(a, part).expect("room");
    }
    host.unix.options_mut(b).peek_offset = 0;
    for part in [&b"ab"[..], b"c", b"def", b"ghi"] {
        assert_eq!(host.peek(b, part.len()).as_deref(), Ok(part));
    }
    assert_eq!(host.peek(b, 9), Err(EAGAIN));
    assert_eq!(host.read(b, 2).as_deref(), Ok(&b"ab"[..]));
    assert_eq!(host.unix.options(b).peek_offset, 7, "it moves back with what is read");
    host.unix.options_mut(b).peek_offset = 1;
    assert_eq!(host.peek(b, 3).as_deref(), Ok(&b"def"[..]));
    assert_eq!(host.unix.options(b).peek_offset, 4);
}

#[test]
fn a_write_or_read_of_no_bytes_does_nothing() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    assert_eq!(host.send(a, b""), Ok(0));
    assert_eq!(host.read(b, 0), Err(EAGAIN), "Linux asks for one byte at least");
    host.send(a, b"x").expect("room");
    assert_eq!(host.read(b, 0).as_deref(), Ok(&b""[..]));
    assert_eq!(host.read(b, 1).as_deref(), Ok(&b"x"[..]));
    host.shutdown(a, UnixShutdown::Write);
    assert_eq!(host.send(a, b""), Err(EPIPE));
}

#[test]
fn a_small_send_buffer_makes_small_pieces() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    host.unix.options_mut(a).send_buffer = 4608;
    assert_eq!(host.send(a, &alloc::vec![0; 100_000]), Ok(4480));
    assert_eq!(host.unix.output_queue(a), 8704);
    host.unix.options_mut(b).send_buffer = 0;
    assert_eq!(host.send(b, b"x"), Err(EAGAIN), "a caller may set what no kernel would");
    host.unix.options_mut(b).send_buffer = 1;
    assert_eq!(host.send(b, b"xy"), Ok(1));
}

#[test]
fn the_budget_bounds_what_waits() {
    let mut host = Host::with(UnixConfig::default(), 2000);
    let (a, b) = host.pair(Stream);
    assert_eq!(host.send(a, b"x"), Ok(1));
    assert_eq!(host.send(a, b"x"), Ok(1));
    assert_eq!(host.send(a, b"x"), Err(ENOBUFS));
    assert_eq!(host.read(b, 1).as_deref(), Ok(&b"x"[..]));
    assert_eq!(host.send(a, b"x"), Ok(1));
    let (c, d) = host.pair(Datagram);
    assert_eq!(host.send(c, b"x"), Err(ENOBUFS));
    assert_eq!(host.ready(d), Ready::OUT);
    host.close_all();
}

#[test]
fn an_empty_queue_owns_no_memory() {
    let mut host = Host::new();
    let (a, b) = host.pair(Stream);
    for _ in 0..20 {
        host.send(a, b"x").expect("room");
    }
    host.read(b, 20).expect("data");
    assert_eq!(host.unix.sockets[b].queue.capacity(), 0);
}
