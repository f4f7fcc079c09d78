//! Over a device with one queue, which another shard reads when the first has ended.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::thread;
use std::time::Duration;

use loggia::device::{PacketFd, Properties};
use loggia::net::{Domain, Socket, TcpListener, TcpStream, Type};
use loggia::{Host, Shards};

use crate::pattern;

const LONG: Duration = Duration::from_secs(20);

/// 10.0.0.1 of two stacks, of which the first reads the only queue, and 10.0.0.2 of one.
fn hosts() -> (Shards, Host) {
    let (one, two) = UnixDatagram::pair().expect("a wire");
    let device = |end| PacketFd::new(end, Properties::ip(1500)).expect("a device");
    let many = Host::builder().address("10.0.0.1/24").device(device(one)).start_shards(2).expect("shards");
    let single = Host::builder().address("10.0.0.2/24").device(device(two)).start().expect("a host");
    (many, single)
}

/// A listener at 10.0.0.2 whose connections take little that nobody reads.
fn narrow(host: &Host) -> TcpListener {
    let socket = Socket::new_on(host, Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("an option");
    socket.bind(&SocketAddr::from(([10, 0, 0, 2], 7)).into()).expect("bind");
    socket.listen(1).expect("listen");
    socket.into()
}

#[test]
fn what_one_shard_still_sends_is_acknowledged_after_the_end_of_the_one_that_reads() {
    let (many, single) = hosts();
    let listener = narrow(&single);
    let mut here = TcpStream::connect_on(&many.hosts()[1], "10.0.0.2:7").expect("connect");
    let mut there = listener.accept().expect("accept").0;
    here.set_send_buffer_size(200_000).expect("an option");
    let data = pattern(30_000);
    here.write_all(&data).expect("there is room here, and not there");
    drop(here);
    thread::scope(|scope| {
        let end = scope.spawn(|| many.shutdown(LONG));
        while many.hosts()[0].events().is_ok() {
            thread::sleep(Duration::from_millis(1));
        }
        let mut all = Vec::new();
        there.read_to_end(&mut all).expect("read");
        assert!(all == data);
        end.join().expect("no panic").expect("everything was acknowledged");
    });
}

#[test]
fn a_connection_outlives_the_shard_that_read_for_it() {
    let (many, single) = hosts();
    let listener = TcpListener::bind_on(&single, "10.0.0.2:7").expect("bind");
    let mut here = TcpStream::connect_on(&many.hosts()[1], "10.0.0.2:7").expect("connect");
    let mut there = listener.accept().expect("accept").0;
    many.hosts()[0].shutdown(LONG).expect("there was nothing to send");
    drop(many);
    for stream in [&here, &there] {
        stream.set_read_timeout(Some(LONG)).expect("an option");
    }
    for _ in 0..3 {
        there.write_all(b"question").expect("write");
        here.read_exact(&mut [0; 8]).expect("read");
        here.write_all(b"answer").expect("write");
        there.read_exact(&mut [0; 6]).expect("read");
    }
}
