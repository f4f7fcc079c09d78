//! K: the kernel's loopback.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};

use loggia_bench::pair::{WRITE, pattern};
use rustix::net::sockopt::set_tcp_congestion;

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::{self, on_two_cores, timed};

pub(crate) const SUBJECT: &str = "kernel loopback";

fn listen() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}

/// A connection under CUBIC, whatever this machine's default is.
fn connection() -> io::Result<(TcpStream, TcpStream)> {
    let listener = listen()?;
    set_tcp_congestion(&listener, "cubic")?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    set_tcp_congestion(&client, "cubic")?;
    let (server, _) = listener.accept()?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    Ok((client, server))
}

fn told(error: io::Error) -> String {
    error.to_string()
}

/// One connection, writes of 128 KiB, two threads.
pub(crate) fn bulk(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(1 << 30).next_multiple_of(WRITE);
    let (mut client, mut server) = connection().map_err(told)?;
    let reader = move || {
        let mut sink = vec![0; WRITE];
        timed(|| (0..amount / WRITE).for_each(|_| server.read_exact(&mut sink).expect("it comes")))
    };
    let writer = move || {
        let source = pattern(WRITE);
        (0..amount / WRITE).for_each(|_| client.write_all(&source).expect("it is taken"));
    };
    Ok(vec![Sample::rate(0, "bulk, 128 KiB writes, two threads", SUBJECT, amount, on_two_cores(reader, writer))])
}

/// A byte there and back, between two threads that block.
pub(crate) fn ping_pong(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(30_000);
    let (client, server) = connection().map_err(told)?;
    Ok(timing::ping_pong(client, server, count).samples(0, "ping-pong, two threads", SUBJECT))
}

/// Connect, a byte, close, all in one thread.
pub(crate) fn connections(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(6_000);
    let listener = listen().map_err(told)?;
    let address = listener.local_addr().map_err(told)?;
    let one = || -> io::Result<()> {
        let mut client = TcpStream::connect(address)?;
        let (mut server, _) = listener.accept()?;
        client.write_all(b"x")?;
        server.read_exact(&mut [0])?;
        drop(client);
        drop(server);
        Ok(())
    };
    let mut result = Ok(());
    let took = timed(|| result = (0..count).try_for_each(|_| one()));
    result.map_err(told)?;
    Ok(vec![Sample::per_second(0, "connect, byte, close", SUBJECT, count, took)])
}

/// Datagrams of 64 bytes, sent and received one by one in one thread.
pub(crate) fn datagrams(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(200_000);
    let socket = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(told);
    let (client, server) = (socket()?, socket()?);
    client.connect(server.local_addr().map_err(told)?).map_err(told)?;
    let mut room = [0; 64];
    let mut result = Ok(0);
    let took = timed(|| {
        for _ in 0..count {
            result = client.send(&[7; 64]).and_then(|_| server.recv(&mut room));
        }
    });
    result.map_err(told)?;
    Ok(vec![Sample::per_second(0, "UDP 64 B, a call each", SUBJECT, count, took)])
}
