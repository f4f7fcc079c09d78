//! A TCP connection.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use bytes::{Buf, Bytes};
use loggia_stack::base::MsgFlags;

use super::facades::std_methods;
use super::split;
use super::stream::{self, Stream, async_read, async_write, readiness_methods, stream_methods};
use super::tcp_socket::TcpSocket;
use crate::connecting::race;
use crate::host::Host;
use crate::info::TcpInfo;
use crate::lookup::{Asked, ToAddrs, with_port};
use crate::options::{ip_options, tcp_options};
use crate::socket::{Socket, shown_by_ends};

/// As [`tokio::net::TcpStream`](https://docs.rs/tokio/latest/tokio/net/struct.TcpStream.html), on a host.
pub struct TcpStream {
    socket: Socket,
}

shown_by_ends!(TcpStream, socket);
std_methods!(TcpStream);

impl Stream for TcpStream {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl TcpStream {
    /// Connects to the first of the addresses that answers; those of a name that was looked up have 250 ms before the next is tried as well
    /// (RFC 8305).
    pub async fn connect_on(host: &Host, addr: impl ToAddrs) -> io::Result<Self> {
        let addrs = match Asked::new(host, &addr) {
            Asked::Addrs(addrs) => addrs?,
            Asked::Name(name, port) => {
                let addrs = with_port(host.resolve(&name).await?, port);
                return race(host, addrs).await.map(Self::new);
            }
        };
        let mut last = None;
        for addr in addrs {
            match TcpSocket::for_addr(host, &addr)?.connect(addr).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "could not resolve to any address")))
    }

    pub(super) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The other end's address. `ENOTCONN`
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.socket.peer_addr()
    }

    readiness_methods!();
    stream_methods!();

    /// Reads and leaves it there.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.socket.reading(|stack, id| stack.recv(id, buf, MsgFlags::PEEK)).await
    }

    /// Reads and leaves it there.
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        stream::poll_peek(&self.socket, cx, buf)
    }

    tcp_options!();
    ip_options!();

    /// The connection in numbers; what is left of them after its end.
    pub fn info(&self) -> Option<TcpInfo> {
        TcpInfo::of(&self.socket)
    }

    /// Sends a chunk without copying it: it is shared until the other end has acknowledged it.
    pub async fn send_bytes(&self, mut chunk: Bytes) -> io::Result<()> {
        while !chunk.is_empty() {
            let taken = self.socket.writing(|stack, id| stack.send_bytes(id, chunk.clone(), MsgFlags::NOSIGNAL)).await?;
            chunk.advance(taken);
        }
        Ok(())
    }

    /// Receives up to `most` bytes, without copying them where they came in one piece; none are the end.
    pub async fn recv_bytes(&self, most: usize) -> io::Result<Bytes> {
        self.socket.reading(|stack, id| stack.recv_bytes(id, most)).await
    }

    fn end_writing(&mut self) -> io::Result<()> {
        stream::shutdown_write(&self.socket)
    }
}

async_read!(AsyncRead for TcpStream);
async_write!(AsyncWrite for TcpStream);
