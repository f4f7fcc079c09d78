//! Rows 2, 8, 9 and 10 as programs see them: hosts of the library joined by a cable in memory, sockets shaped like std's and tokio's.

use std::io::{self, Read, Write};
use std::net::Ipv4Addr;

use loggia::Host;
use loggia::device::{Properties, pair};
use loggia::net::{TcpListener, TcpStream};
use loggia_bench::pair::{BUFFER, LARGEST, WRITE, pattern};

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::{self, on_two_cores, timed};

const SERVER: (Ipv4Addr, u16) = (Ipv4Addr::new(10, 0, 0, 1), 7);

/// Two hosts: server, client.
fn hosts() -> io::Result<[Host; 2]> {
    let [one, other] = pair(Properties::ip(LARGEST as u32));
    let server = Host::builder().address("10.0.0.1/24").device(one).start()?;
    Ok([server, Host::builder().address("10.0.0.2/24").device(other).start()?])
}

fn connection([server, client]: &[Host; 2]) -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind_on(server, SERVER)?;
    let here = TcpStream::connect_on(client, SERVER)?;
    let (there, _) = listener.accept()?;
    here.set_nodelay(true)?;
    there.set_nodelay(true)?;
    Ok((here, there))
}

fn told(error: io::Error) -> String {
    error.to_string()
}

/// One connection between two threads that block.
pub(crate) fn bulk(effort: Effort) -> Result<Vec<Sample>, String> {
    let amount = effort.of(2 << 30).next_multiple_of(WRITE);
    let hosts = hosts().map_err(told)?;
    let (mut here, mut there) = connection(&hosts).map_err(told)?;
    let reader = move || {
        let mut sink = vec![0; WRITE];
        let mut read = |amount: usize| (0..amount / WRITE).for_each(|_| there.read_exact(&mut sink).expect("it comes"));
        read(8 * BUFFER);
        timed(|| read(amount))
    };
    let writer = move || {
        let source = pattern(WRITE);
        (0..(8 * BUFFER + amount) / WRITE).for_each(|_| here.write_all(&source).expect("it is taken"));
    };
    let took = on_two_cores(reader, writer);
    Ok(vec![Sample::rate(2, "bulk, blocking facade, two threads", "loggia", amount, took)])
}

/// A byte there and back, between two threads that block.
pub(crate) fn ping_pong(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(50_000);
    let hosts = hosts().map_err(told)?;
    let (here, there) = connection(&hosts).map_err(told)?;
    Ok(timing::ping_pong(here, there, count).samples(9, "ping-pong, blocking facade", "loggia"))
}

/// Connect, a byte, close, between two threads that block.
pub(crate) fn connections(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(8_000);
    let [server, client] = hosts().map_err(told)?;
    let listener = TcpListener::bind_on(&server, SERVER).map_err(told)?;
    let connecting = move || {
        for _ in 0..count {
            let mut stream = TcpStream::connect_on(&client, SERVER).expect("connect");
            stream.write_all(b"x").expect("room");
        }
    };
    // Until the last is closed at both ends: who connects may be as far ahead as the backlog is long.
    let accepting = move || {
        timed(|| {
            for _ in 0..count {
                let (mut stream, _) = listener.accept().expect("accept");
                stream.read_exact(&mut [0]).expect("it comes");
            }
        })
    };
    let took = on_two_cores(accepting, connecting);
    Ok(vec![Sample::per_second(10, "connect, byte, close, blocking facade, two threads", "loggia", count, took)])
}

/// A byte there and back, between two tasks of one thread.
pub(crate) fn tokio_ping_pong(effort: Effort) -> Result<Vec<Sample>, String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let count = effort.of(100_000);
    let [server, client] = hosts().map_err(told)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(told)?;
    let took = runtime.block_on(async move {
        let listener = loggia::tokio::net::TcpListener::bind_on(&server, SERVER).await?;
        let mut here = loggia::tokio::net::TcpStream::connect_on(&client, SERVER).await?;
        let (mut there, _) = listener.accept().await?;
        here.set_nodelay(true)?;
        there.set_nodelay(true)?;
        let back = tokio::task::spawn(async move {
            let mut byte = [0];
            while there.read_exact(&mut byte).await.is_ok() && there.write_all(&byte).await.is_ok() {}
        });
        let began = std::time::Instant::now();
        let mut byte = [0];
        for _ in 0..count {
            here.write_all(b"x").await?;
            here.read_exact(&mut byte).await?;
        }
        let took = began.elapsed();
        drop(here);
        // It ends with the connection.
        let _ = back.await;
        io::Result::Ok(took)
    });
    Ok(vec![Sample::each(8, "ping-pong, tokio facade, one thread", "loggia", count, took.map_err(told)?)])
}
