//! The client and the server that are measured: plain `std::net`, as any program.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use loggia_bench::Batch;

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Work {
    /// One stream, writes of 128 KiB.
    Bulk,
    /// A byte there and back.
    RoundTrip,
    /// Connect, a byte there and back, close.
    Connections,
    /// Datagrams of 64 bytes, 32 a call, there and back.
    Datagrams,
}

/// Seconds that each measurement of a rate takes.
const SECONDS: u64 = 2;
/// Bytes of a write.
const BLOCK: usize = 128 << 10;
/// Round trips.
const TRIPS: u32 = 10_000;
/// Port of the server.
pub(crate) const PORT: u16 = 5001;

impl Work {
    pub(crate) const ALL: [Self; 4] = [Self::Bulk, Self::RoundTrip, Self::Connections, Self::Datagrams];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bulk => "bulk",
            Self::RoundTrip => "round-trip",
            Self::Connections => "connections",
            Self::Datagrams => "datagrams",
        }
    }

    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Bulk => "Gbit/s",
            Self::RoundTrip => "us",
            Self::Connections | Self::Datagrams => "a second",
        }
    }
}

/// `peer serve`, or `peer bulk|round-trip|connections|datagrams|idle ADDRESS FILE`: writes its figure to the file.
pub(crate) fn main(words: &[String]) -> ExitCode {
    let result = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", address] => serve(address),
        ["idle", address, count, file] => idle(address, count.parse().unwrap_or(1000), file),
        [work, address, file] => {
            let work = Work::ALL.into_iter().find(|known| known.name() == *work);
            work.ok_or_else(|| std::io::Error::other("unknown work")).and_then(|work| client(work, address, file))
        }
        _ => Err(std::io::Error::other("peer serve ADDRESS | peer WORK ADDRESS FILE")),
    };
    if let Err(error) = &result {
        eprintln!("peer: {error}");
    }
    ExitCode::from(u8::from(result.is_err()))
}

/// The first byte says what is wanted: `b` swallow all, `p` echo bytes, `c` one byte.
fn serve(address: &str) -> std::io::Result<()> {
    let socket = UdpSocket::bind(address)?;
    std::thread::spawn(move || send_back(&socket));
    let listener = TcpListener::bind(address)?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut first = [0];
        if stream.read_exact(&mut first).is_err() {
            continue;
        }
        match first[0] {
            b'b' => drop(std::thread::spawn(move || swallow(&mut stream))),
            b'p' => drop(std::thread::spawn(move || echo(&mut stream))),
            // A short connection is dealt with here, without the cost of a thread.
            _ => stream.write_all(&first)?,
        }
    }
    Ok(())
}

/// Takes blocks until one begins with 1. No half close tells the end: pasta has been seen to answer that with a reset.
fn swallow(stream: &mut TcpStream) {
    let mut room = vec![0; BLOCK];
    while stream.read_exact(&mut room).is_ok() {
        if room[0] == 1 {
            let _ = stream.write_all(b"!");
            return;
        }
    }
}

fn echo(stream: &mut TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut byte = [0];
    while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
}

fn send_back(socket: &UdpSocket) {
    let mut batch = Batch::full();
    while batch.receive(socket).and_then(|()| batch.send(socket)).is_ok() {}
}

/// The IPv4 address, looked up once: the server listens on no other, and the other surroundings are given numbers.
fn resolve(address: &str) -> std::io::Result<SocketAddr> {
    address.to_socket_addrs()?.find(SocketAddr::is_ipv4).ok_or_else(|| std::io::Error::other("the name has no IPv4 address"))
}

fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpStream::connect(address) {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() > until => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn client(work: Work, address: &str, file: &str) -> std::io::Result<()> {
    let address = resolve(address)?;
    // Whatever starts slowly has started after this.
    drop(connect(address)?);
    let figure = match work {
        Work::Bulk => bulk(address)?,
        Work::RoundTrip => round_trip(address)?,
        Work::Connections => connections(address)?,
        Work::Datagrams => datagrams(address)?,
    };
    std::fs::write(file, figure.to_string())
}

fn bulk(address: SocketAddr) -> std::io::Result<f64> {
    let mut stream = connect(address)?;
    let mut data = vec![0; BLOCK];
    stream.write_all(b"b")?;
    let (began, mut sent) = (Instant::now(), 0u64);
    while began.elapsed() < Duration::from_secs(SECONDS) {
        stream.write_all(&data)?;
        sent += data.len() as u64;
    }
    data[0] = 1;
    stream.write_all(&data)?;
    stream.read_exact(&mut [0])?;
    Ok(sent as f64 * 8.0 / began.elapsed().as_secs_f64() / 1e9)
}

fn round_trip(address: SocketAddr) -> std::io::Result<f64> {
    let mut stream = connect(address)?;
    stream.set_nodelay(true)?;
    stream.write_all(b"p")?;
    let began = Instant::now();
    for _ in 0..TRIPS {
        stream.write_all(b"x")?;
        stream.read_exact(&mut [0])?;
    }
    Ok(began.elapsed().as_secs_f64() * 1e6 / f64::from(TRIPS))
}

fn connections(address: SocketAddr) -> std::io::Result<f64> {
    let (began, mut done) = (Instant::now(), 0u32);
    while began.elapsed() < Duration::from_secs(SECONDS) {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"c")?;
        stream.read_exact(&mut [0])?;
        done += 1;
    }
    Ok(f64::from(done) / began.elapsed().as_secs_f64())
}

/// As many as there may be in a call are on their way. Who loses some is waited for.
fn datagrams(address: SocketAddr) -> std::io::Result<f64> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    let (mut out, mut back) = (Batch::full(), Batch::full());
    let (began, mut done) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(SECONDS) {
        out.send(&socket)?;
        let mut awaited = out.count();
        while awaited > 0 && back.receive(&socket).is_ok() {
            awaited = awaited.saturating_sub(back.count());
            done += back.count();
        }
    }
    Ok(done as f64 / began.elapsed().as_secs_f64())
}

/// Opens so many connections, has a byte come back on each, writes how many seconds that took into the file, and keeps them until the file
/// is taken away.
fn idle(address: &str, count: usize, file: &str) -> std::io::Result<()> {
    let address = resolve(address)?;
    drop(connect(address)?);
    let (began, mut open) = (Instant::now(), Vec::new());
    for _ in 0..count {
        let mut stream = connect(address)?;
        stream.write_all(b"i")?;
        open.push(stream);
    }
    for stream in &mut open {
        stream.read_exact(&mut [0])?;
    }
    // In one step: whoever sees the file reads it.
    let unfinished = format!("{file}.part");
    std::fs::write(&unfinished, began.elapsed().as_secs_f64().to_string())?;
    std::fs::rename(unfinished, file)?;
    let until = Instant::now() + Duration::from_secs(20);
    while std::path::Path::new(file).exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
