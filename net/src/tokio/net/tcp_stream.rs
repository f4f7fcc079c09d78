//! A TCP connection.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use ::tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use loggia_stack::base::MsgFlags;
use loggia_stack::transport::tcp::TcpInfo;

use super::split;
use super::stream::{self, Stream, async_read, async_write, readiness_methods, stream_methods};
use super::tcp_socket::TcpSocket;
use crate::host::Host;
use crate::lookup::ToAddrs;
use crate::options::{ip_options, tcp_options};
use crate::socket::Socket;

/// As [`tokio::net::TcpStream`](https://docs.rs/tokio/latest/tokio/net/struct.TcpStream.html), on a host.
#[derive(Debug)]
pub struct TcpStream {
    socket: Socket,
}

impl Stream for TcpStream {
    fn socket(&self) -> &Socket {
        &self.socket
    }
}

impl TcpStream {
    /// Connects to the first of the addresses that answers.
    pub async fn connect_on(host: &Host, addr: impl ToAddrs) -> io::Result<Self> {
        let mut last = None;
        for addr in addr.to_addrs(host)? {
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

    /// What the stack knows of the connection (`TCP_INFO`).
    pub fn info(&self) -> Option<TcpInfo> {
        self.socket.host.with(|stack, _| stack.tcp_info(self.socket.id))
    }

    fn end_writing(&mut self) -> io::Result<()> {
        stream::shutdown_write(&self.socket)
    }
}

async_read!(AsyncRead for TcpStream);
async_write!(AsyncWrite for TcpStream);
