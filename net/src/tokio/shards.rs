//! Sockets on all shards of a host, for tasks; see [`shards`](crate::shards).
//!
//! ```
//! use loggia::Host;
//! use loggia::device::{Properties, pair};
//! use loggia::tokio::net::TcpStream;
//! use loggia::tokio::shards::TcpListener;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let [one, other] = pair(Properties::ip(1500));
//! let server = Host::builder().address("10.0.0.1/24").device(one).start_shards(2)?;
//! let client = Host::builder().address("10.0.0.2/24").device(other).start()?;
//!
//! let listener = TcpListener::bind_on(&server, "0.0.0.0:7").await?; // on all shards
//! let mut here = TcpStream::connect_on(&client, "10.0.0.1:7").await?;
//! let (mut there, _) = listener.accept().await?; // from whichever has one
//! here.write_all(b"hello").await?;
//! let mut room = [0; 5];
//! there.read_exact(&mut room).await?;
//! assert_eq!(&room, b"hello");
//! # Ok::<(), std::io::Error>(())
//! # })?;
//! # Ok::<(), std::io::Error>(())
//! ```

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use ::tokio::task::coop::poll_proceed;
use loggia_stack::base::{Errno, MsgFlags, SocketId};
use loggia_stack::engine::Stack;

use super::net;
use crate::driver::Waiters;
use crate::lookup::{Asked, ToAddrs, first};
use crate::shards::{Parts, Several, Shards};
use crate::socket::{READ, Socket, recvfrom, sock_addr};

/// Accepts connections on all shards: each comes to the shard that its two ends belong to.
#[derive(Debug)]
pub struct TcpListener {
    parts: Parts<net::TcpListener>,
}

impl TcpListener {
    /// Listens on the first of the addresses that can be had on all shards, as [`net::TcpListener::bind_on`]. `EADDRINUSE`,
    /// `EADDRNOTAVAIL`
    pub async fn bind_on(shards: &Shards, addr: impl ToAddrs) -> io::Result<Self> {
        let head = &shards.hosts()[0];
        let addrs = Asked::new(head, &addr).find(head).await?;
        Parts::bind(shards, addrs, net::TcpListener::bind_addr, net::TcpListener::local_addr).map(|parts| Self { parts })
    }

    /// Its listeners, one on each shard, for runtimes that serve one shard each: their connections then never leave that shard.
    pub fn parts(&self) -> &[net::TcpListener] {
        &self.parts
    }

    /// As [`TcpListener::parts`], to be owned.
    pub fn into_parts(self) -> Vec<net::TcpListener> {
        self.parts.into_inner()
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.parts[0].local_addr()
    }

    /// Waits for the next connection on any shard; says whom it is with. Shards that have some take turns, and any number of tasks may wait.
    /// Nothing is lost if this is dropped.
    pub async fn accept(&self) -> io::Result<(net::TcpStream, SocketAddr)> {
        let (place, accepted) = when_any(&self.parts, net::TcpListener::socket, Socket::accept).await?;
        self.parts[place].accepted(accepted)
    }

    /// As [`TcpListener::accept`]; of several tasks the last that polls is woken.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(net::TcpStream, SocketAddr)>> {
        let (count, first) = (self.parts.len(), self.parts.next());
        let in_turn = (0..count).map(|step| &self.parts[(first + step) % count]);
        in_turn.map(|part| part.poll_accept(cx)).find(Poll::is_ready).unwrap_or(Poll::Pending)
    }
}

/// Receives datagrams on all shards: each comes to the shard that its two ends belong to, and one that is sent leaves by it.
#[derive(Debug)]
pub struct UdpSocket {
    shards: Shards,
    parts: Parts<net::UdpSocket>,
    port: u16,
}

impl UdpSocket {
    /// Binds to the first of the addresses that can be had on all shards. `EADDRINUSE`, `EADDRNOTAVAIL`
    pub async fn bind_on(shards: &Shards, addr: impl ToAddrs) -> io::Result<Self> {
        let head = &shards.hosts()[0];
        let addrs = Asked::new(head, &addr).find(head).await?;
        let parts = Parts::bind(shards, addrs, net::UdpSocket::bind_addr, net::UdpSocket::local_addr)?;
        let port = parts[0].local_addr()?.port();
        Ok(Self { shards: shards.clone(), parts, port })
    }

    /// Its sockets, one on each shard, for runtimes that serve one shard each, and for options.
    pub fn parts(&self) -> &[net::UdpSocket] {
        &self.parts
    }

    /// Our end's address.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.parts[0].local_addr()
    }

    /// The socket whose shard has the flow to this end: what it sends is answered there.
    pub fn part_for(&self, to: SocketAddr) -> &net::UdpSocket {
        &self.parts[self.shards.of_datagram(self.port, to)]
    }

    /// Sends a datagram to the first of the addresses. `EMSGSIZE`, `ENETUNREACH`, `EACCES` (broadcast)
    pub async fn send_to(&self, buf: &[u8], addr: impl ToAddrs) -> io::Result<usize> {
        let head = &self.shards.hosts()[0];
        let to = first(Asked::new(head, &addr).find(head).await?, Ok)?;
        self.part_for(to).send_to(buf, to).await
    }

    /// Waits for the next datagram on any shard; says whom it is from. Shards that have some take turns. Nothing is lost if this is dropped.
    pub async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let work = |stack: &mut Stack, _: &mut Waiters, id| recvfrom(stack, id, buf, MsgFlags::NONE);
        let (_, (len, from)) = when_any(&self.parts, net::UdpSocket::socket, work).await?;
        Ok((len, sock_addr(&from)?))
    }
}

/// Repeats `work` at each of the sockets until it need not wait at one; says at which.
async fn when_any<S, T>(
    parts: &Parts<S>,
    socket: impl Fn(&S) -> &Socket,
    mut work: impl FnMut(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
) -> io::Result<(usize, T)> {
    let mut waiting = Several::new(parts.iter().map(socket), parts.next());
    poll_fn(move |cx| {
        let budget = ready!(poll_proceed(cx));
        let result = waiting.attempt(cx, READ, &mut work);
        if result.is_ready() {
            budget.made_progress();
        }
        result
    })
    .await
}
