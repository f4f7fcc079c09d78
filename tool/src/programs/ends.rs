//! Where programs listen and what they connect to: TCP, UDP, or AF_UNIX within the host.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use loggia::tokio::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use loggia::{Host, ToAddrs};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::failure::{Attempt, Failure};

/// Where a server listens.
#[derive(clap::Args, Clone, Debug)]
pub struct Listen {
    /// Listen on this port.
    #[arg(long, short, value_name = "PORT")]
    pub port: Option<u16>,
    /// Listen on this address of the host only.
    #[arg(long, value_name = "ADDRESS")]
    pub address: Option<IpAddr>,
    /// Listen on a Unix socket of this path instead; @NAME is an abstract one. It is a name of the host: no file is made.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["port", "address"])]
    pub unix: Option<String>,
}

impl Listen {
    fn inet(&self, usual: u16) -> SocketAddr {
        // The IPv6 wildcard hears IPv4 as well.
        SocketAddr::new(self.address.unwrap_or(Ipv6Addr::UNSPECIFIED.into()), self.port.unwrap_or(usual))
    }

    /// Listens for connections; `usual` is the port if none was said.
    pub async fn streams(&self, host: &Host, usual: u16) -> Result<Listener, Failure> {
        if let Some(path) = &self.unix {
            return UnixListener::bind_on(host, unix_path(path)).map(Listener::Unix).attempt(format!("listen on {path}"));
        }
        let addr = self.inet(usual);
        TcpListener::bind_on(host, addr).await.map(Listener::Tcp).attempt(format!("listen on TCP port {}", addr.port()))
    }

    /// Receives datagrams; `usual` is the port if none was said.
    pub async fn datagrams(&self, host: &Host, usual: u16) -> Result<Datagrams, Failure> {
        if let Some(path) = &self.unix {
            return UnixDatagram::bind_on(host, unix_path(path)).map(Datagrams::Unix).attempt(format!("bind to {path}"));
        }
        let addr = self.inet(usual);
        UdpSocket::bind_on(host, addr).await.map(Datagrams::Udp).attempt(format!("bind to UDP port {}", addr.port()))
    }
}

/// The path of an option: `@` stands for the NUL of an abstract name.
fn unix_path(text: &str) -> PathBuf {
    text.strip_prefix('@').map_or_else(|| text.into(), |name| format!("\0{name}").into())
}

/// What a client connects to.
#[derive(Clone, Debug)]
pub enum Target {
    /// `HOST:PORT`
    Inet(String),
    /// A path.
    Unix(String),
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Inet(text) | Self::Unix(text)) = self;
        f.write_str(text)
    }
}

impl Target {
    /// Connects.
    pub async fn stream(&self, host: &Host) -> Result<Stream, Failure> {
        let connected = match self {
            Self::Inet(addr) => TcpStream::connect_on(host, addr).await.map(Stream::Tcp),
            Self::Unix(path) => UnixStream::connect_on(host, unix_path(path)).await.map(Stream::Unix),
        };
        connected.attempt(format!("connect to {self}"))
    }

    /// A socket whose datagrams go there. On Unix it has no name: nobody can answer.
    pub async fn datagrams(&self, host: &Host) -> Result<Datagrams, Failure> {
        match self {
            Self::Inet(addr) => inet_datagrams(host, addr).await.map(Datagrams::Udp),
            Self::Unix(path) => UnixDatagram::unbound_on(host)
                .and_then(|socket| socket.connect(unix_path(path)).map(|()| socket))
                .map(Datagrams::Unix),
        }
        .attempt(format!("send to {self}"))
    }
}

async fn inet_datagrams(host: &Host, addr: &str) -> io::Result<UdpSocket> {
    let to = *addr.to_addrs(host)?.first().ok_or(io::ErrorKind::NotFound)?;
    let any: SocketAddr = if to.is_ipv4() { ([0; 4], 0).into() } else { ([0; 16], 0).into() };
    let socket = UdpSocket::bind_on(host, any).await?;
    socket.connect(to).await?;
    Ok(socket)
}

/// Options of a client.
#[derive(clap::Args, Clone, Debug)]
pub struct Connect {
    /// Whom to talk to.
    #[arg(value_name = "HOST:PORT", required_unless_present = "unix")]
    pub to: Option<String>,
    /// Talk to the Unix socket of this path instead; @NAME is an abstract one.
    #[arg(long, value_name = "PATH", conflicts_with = "to")]
    pub unix: Option<String>,
}

impl Connect {
    /// What was said.
    pub fn target(&self) -> Target {
        match (&self.unix, &self.to) {
            (Some(path), _) => Target::Unix(path.clone()),
            (None, to) => Target::Inet(to.clone().unwrap_or_default()),
        }
    }
}

/// Whoever connected or sent, for people.
pub type Peer = String;

fn inet_peer(addr: SocketAddr) -> Peer {
    SocketAddr::new(addr.ip().to_canonical(), addr.port()).to_string()
}

/// Accepts connections.
#[derive(Debug)]
pub enum Listener {
    /// TCP
    Tcp(TcpListener),
    /// AF_UNIX
    Unix(UnixListener),
}

impl Listener {
    /// The next connection, and whom it is with.
    pub async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, from)| (Stream::Tcp(stream), inet_peer(from))),
            Self::Unix(listener) => listener.accept().await.map(|(stream, _)| (Stream::Unix(stream), "local".into())),
        }
    }
}

/// A connection.
#[derive(Debug)]
pub enum Stream {
    /// TCP
    Tcp(TcpStream),
    /// AF_UNIX
    Unix(UnixStream),
}

impl Stream {
    /// Sends small writes at once.
    pub fn set_nodelay(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nodelay(true),
            Self::Unix(_) => Ok(()),
        }
    }

    /// Closing resets it. A Unix connection cannot.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_zero_linger(),
            Self::Unix(_) => Ok(()),
        }
    }

    /// Waits until there is something to read, or the end.
    pub async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// A socket for datagrams.
#[derive(Debug)]
pub enum Datagrams {
    /// UDP
    Udp(UdpSocket),
    /// AF_UNIX
    Unix(UnixDatagram),
}

/// Where an answer to a datagram goes.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To a port.
    Inet(SocketAddr),
    /// To a path.
    Unix(PathBuf),
    /// The sender has no name.
    Nowhere,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Inet(addr) => f.write_str(&inet_peer(*addr)),
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Nowhere => f.write_str("local"),
        }
    }
}

impl Datagrams {
    /// Sends to the connected end.
    pub async fn send(&self, datagram: &[u8]) -> io::Result<usize> {
        match self {
            Self::Udp(socket) => socket.send(datagram).await,
            Self::Unix(socket) => socket.send(datagram).await,
        }
    }

    /// The next datagram. What does not fit is lost.
    pub async fn recv(&self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Udp(socket) => socket.recv(room).await,
            Self::Unix(socket) => socket.recv(room).await,
        }
    }

    /// The next datagram, and where an answer goes.
    pub async fn recv_from(&self, room: &mut [u8]) -> io::Result<(usize, Answer)> {
        match self {
            Self::Udp(socket) => socket.recv_from(room).await.map(|(len, from)| (len, Answer::Inet(from))),
            Self::Unix(socket) => socket.recv_from(room).await.map(|(len, from)| {
                let path = from.as_pathname().map(ToOwned::to_owned);
                (len, path.map_or(Answer::Nowhere, Answer::Unix))
            }),
        }
    }

    /// Answers.
    pub async fn send_to(&self, datagram: &[u8], to: &Answer) -> io::Result<usize> {
        match (self, to) {
            (Self::Udp(socket), Answer::Inet(addr)) => socket.send_to(datagram, addr).await,
            (Self::Unix(socket), Answer::Unix(path)) => socket.send_to(datagram, path).await,
            _ => Ok(0),
        }
    }
}
