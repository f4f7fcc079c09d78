//! Datagrams as values: chunks that are not copied, many in one go.

use std::io::ErrorKind;
use std::net::SocketAddr;

use bytes::Bytes;
use loggia::net::{Datagram, RecvMeta, Transmit, UdpSocket};

use crate::hosts;

fn addr(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[test]
fn a_chunk_goes_to_an_address_and_comes_with_one() {
    let [one, two] = hosts();
    let (here, there) =
        (UdpSocket::bind_on(&one, "10.0.0.1:9").expect("bind"), UdpSocket::bind_on(&two, "10.0.0.2:9").expect("bind"));
    let chunk = Bytes::from(vec![7; 1000]);
    assert_eq!(here.send_bytes_to(chunk.clone(), "10.0.0.2:9").expect("send"), 1000);
    assert_eq!(there.recv_bytes_from(4000).expect("receive"), (chunk.clone(), addr("10.0.0.1:9")));
    assert_eq!(here.send_bytes(chunk.clone()).expect_err("to whom?").raw_os_error(), Some(89), "EDESTADDRREQ");
    here.connect("10.0.0.2:9").expect("connect");
    assert_eq!(here.send_bytes(chunk).expect("send"), 1000);
    assert_eq!(there.recv_bytes_from(10).expect("receive").0.len(), 10, "what does not fit is lost");
    let large = here.send_bytes(vec![0; 70_000].into()).expect_err("too large");
    assert_eq!(large.raw_os_error(), Some(90), "EMSGSIZE");
}

#[test]
fn many_go_and_come_in_one_call_in_order() {
    let [one, two] = hosts();
    let (here, there) =
        (UdpSocket::bind_on(&one, "10.0.0.1:9").expect("bind"), UdpSocket::bind_on(&two, "10.0.0.2:9").expect("bind"));
    let batch: Vec<_> = (0..100u8).map(|n| Datagram::to(addr("10.0.0.2:9"), vec![n; usize::from(n)])).collect();
    assert_eq!(here.send_many(&batch).expect("send"), 100);
    let mut received = Vec::new();
    assert_eq!(there.recv_many(&mut received, 30).expect("receive"), 30);
    while received.len() < 100 {
        there.recv_many(&mut received, 1000).expect("receive");
    }
    assert!(received.iter().zip(&batch).all(|(got, sent)| got.data == sent.data));
    assert!(received.iter().all(|got| got.peer == Some(addr("10.0.0.1:9"))));
    there.set_nonblocking(true).expect("a mode");
    assert_eq!(there.recv_many(&mut received, 1).expect_err("nothing").kind(), ErrorKind::WouldBlock);
    assert_eq!((there.recv_many(&mut received, 0).expect("none wanted"), here.send_many(&[]).expect("none to send")), (0, 0));
}

/// Those of one size in a row go down as one, and long ones are shared; nobody can tell.
#[test]
fn datagrams_of_all_sizes_come_as_they_were_sent() {
    let [one, two] = hosts();
    let bind = |host, at| UdpSocket::bind_on(host, at).expect("bind");
    let (here, there, third) = (bind(&one, "10.0.0.1:9"), bind(&two, "10.0.0.2:9"), bind(&two, "10.0.0.2:10"));
    let sizes = [vec![64; 70], vec![1200; 3], vec![512, 513], vec![0; 2], vec![64; 5], vec![63, 3000, 64, 64]].concat();
    let batch: Vec<_> = (0u8..).zip(&sizes).map(|(n, size)| Datagram::to(addr("10.0.0.2:9"), vec![n; *size])).collect();
    // Between those of one flow, those of another.
    let batch: Vec<_> =
        batch.chunks(20).flat_map(|some| [some, &[Datagram::to(addr("10.0.0.2:10"), "other")]].concat()).collect();
    assert_eq!(here.send_many(&batch).expect("send"), batch.len());
    let receive = |socket: &UdpSocket, count| {
        let mut received = Vec::new();
        while received.len() < count {
            socket.recv_many(&mut received, 1000).expect("receive");
        }
        received
    };
    let (others, ours): (Vec<_>, Vec<_>) = batch.into_iter().partition(|datagram| datagram.peer == Some(addr("10.0.0.2:10")));
    for (socket, sent) in [(&there, ours), (&third, others)] {
        let received = receive(socket, sent.len());
        assert!(received.iter().zip(&sent).all(|(got, sent)| got.data == sent.data));
        assert_eq!(received.len(), sent.len());
    }
}

#[test]
fn a_batch_ends_at_what_cannot_be_sent_and_says_how_far_it_came() {
    let [one, _two] = hosts();
    let here = UdpSocket::bind_on(&one, "10.0.0.1:9").expect("bind");
    let good = Datagram::to(addr("10.0.0.2:9"), &b"x"[..]);
    let batch = [good.clone(), good.clone(), Datagram::to(addr("10.0.0.2:9"), vec![0; 70_000]), good];
    assert_eq!(here.send_many(&batch).expect("two of them"), 2);
    assert_eq!(here.send_many(&batch[2..]).expect_err("too large").raw_os_error(), Some(90), "EMSGSIZE");
    assert_eq!(here.send_many(&[Datagram::connected(&b"x"[..])]).expect_err("to whom?").raw_os_error(), Some(89), "EDESTADDRREQ");
}

#[cfg(feature = "tokio")]
#[test]
fn tasks_do_the_same() {
    use loggia::tokio::net::UdpSocket;
    let [one, two] = hosts();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let here = UdpSocket::bind_on(&one, "10.0.0.1:9").await.expect("bind");
        let there = UdpSocket::bind_on(&two, "10.0.0.2:9").await.expect("bind");
        let mut received = Vec::new();
        assert_eq!(there.try_recv_many(&mut received, 9).expect_err("nothing").kind(), ErrorKind::WouldBlock);
        let to = addr("10.0.0.2:9");
        here.send_bytes_to(Bytes::from_static(b"one"), to).await.expect("send");
        assert_eq!(here.send_many(&[Datagram::to(to, "two"), Datagram::to(to, "three")]).await.expect("send"), 2);
        assert_eq!(there.recv_bytes_from(99).await.expect("receive"), (Bytes::from_static(b"one"), addr("10.0.0.1:9")));
        while received.len() < 2 {
            there.recv_many(&mut received, 9).await.expect("receive");
        }
        assert_eq!(received[1].data, "three");
        here.connect(to).await.expect("connect");
        here.send_bytes(Bytes::from_static(b"four")).await.expect("send");
        assert_eq!(there.recv_bytes_from(99).await.expect("receive").0, "four");
    });
}

/// Receives until there are `count`: each with what is known of it.
fn received(socket: &UdpSocket, count: usize) -> Vec<(Vec<u8>, RecvMeta)> {
    let mut room = vec![0; 65_536];
    let mut all = Vec::new();
    while all.len() < count {
        let meta = socket.recv_meta(&mut room).expect("receive");
        assert!(!meta.truncated);
        all.extend(room[..meta.len].chunks(meta.stride).map(|one| (one.to_vec(), meta)));
    }
    all
}

#[test]
fn what_is_cut_comes_in_pieces_with_the_bits_of_its_header() {
    let [one, two] = hosts();
    let bind = |host, at: &str| UdpSocket::bind_on(host, at).expect("bind");
    let (here, there) = (bind(&one, "0.0.0.0:9"), bind(&two, "0.0.0.0:9"));
    there.set_recv_meta(true).expect("an option");
    let data: Vec<u8> = (0..=255).cycle().take(5 * 1200 + 7).collect();
    let whole = Transmit::to(addr("10.0.0.2:9"), &data).segment_size(1200).tos(0b10);
    assert_eq!(here.transmit(&whole).expect("send"), data.len());
    let pieces = received(&there, 6);
    assert!(pieces.iter().map(|(piece, _)| &piece[..]).eq(data.chunks(1200)));
    for (_, meta) in &pieces {
        assert_eq!((meta.tos, meta.from), (Some(0b10), addr("10.0.0.1:9")));
        assert_eq!(meta.to, Some(addr("10.0.0.2:9").ip()));
    }

    here.connect("10.0.0.2:9").expect("connect");
    here.transmit(&Transmit::connected(b"alone")).expect("send");
    let [(alone, meta)] = &received(&there, 1)[..] else { panic!("one") };
    assert_eq!((&alone[..], meta.stride, meta.tos), (&b"alone"[..], 5, Some(0)));

    here.transmit(&Transmit::connected(b"too long")).expect("send");
    let meta = there.recv_meta(&mut [0; 3]).expect("receive");
    assert_eq!((meta.len, meta.truncated), (3, true));
    let none = here.transmit(&Transmit::connected(b"x").segment_size(0));
    let many = here.transmit(&Transmit::connected(&data).segment_size(1));
    assert_eq!([none, many].map(|sent| sent.map_err(|error| error.raw_os_error())), [Ok(1), Err(Some(22))], "0 is none; EINVAL");
}

/// One socket for both families and several addresses answers from where it was asked.
#[test]
fn an_answer_comes_from_the_address_that_was_asked() {
    let [one, two] = hosts();
    let added = [(&one, "fd00::1/64"), (&two, "fd00::2/64"), (&two, "fd00::22/64"), (&two, "10.0.0.22/24")];
    added.into_iter().for_each(|(host, address)| host.add_address("ip0", address).expect("an address"));
    let asked = UdpSocket::bind_on(&two, "[::]:9").expect("bind");
    asked.set_recv_meta(true).expect("an option");
    let mut room = [0; 8];
    for (asks, to, told) in [("10.0.0.1:0", "10.0.0.22:9", "::ffff:10.0.0.22"), ("[fd00::1]:0", "[fd00::22]:9", "fd00::22")] {
        let asking = UdpSocket::bind_on(&one, asks).expect("bind");
        asking.set_recv_meta(true).expect("an option");
        asking.transmit(&Transmit::to(addr(to), b"?").tos(1)).expect("send");
        let meta = asked.recv_meta(&mut room).expect("receive");
        assert_eq!((meta.to, meta.tos), (Some(told.parse().expect("an address")), Some(1)));
        let sent = asked.transmit(&Transmit::to(meta.from, b"!").from(meta.to.expect("told")).tos(3));
        assert_eq!(sent.expect("send"), 1);
        let meta = asking.recv_meta(&mut room).expect("receive");
        assert_eq!((meta.from, meta.tos, &room[..meta.len]), (addr(to), Some(3), &b"!"[..]));
    }
}
