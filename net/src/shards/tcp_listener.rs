//! A listener on all shards.

use std::io;
use std::net::SocketAddr;

use super::Shards;
use super::any::when_any;
use super::parts::Parts;
use crate::blocking::Blocking;
use crate::lookup::ToAddrs;
use crate::net;
use crate::socket::{READ, Socket, sock_addr, until_the_end};

/// Accepts connections on all shards: each comes to the shard that its two ends belong to.
#[derive(Debug)]
pub struct TcpListener {
    parts: Parts<net::TcpListener>,
}

impl TcpListener {
    /// Listens on the first of the addresses that can be had on all shards, with `SO_REUSEADDR`. `EADDRINUSE`, `EADDRNOTAVAIL`
    pub fn bind_on(shards: &Shards, addr: impl ToAddrs) -> io::Result<Self> {
        let addrs = addr.to_addrs(&shards.hosts()[0])?;
        Parts::bind(shards, addrs, net::TcpListener::bind_on, net::TcpListener::local_addr).map(|parts| Self { parts })
    }

    /// Its listeners, one on each shard, for threads or tasks that serve one shard each: their connections then never leave that shard.
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

    /// Whether [`accept`](Self::accept) gives [`WouldBlock`](io::ErrorKind::WouldBlock) instead of waiting; the parts likewise.
    pub fn set_nonblocking(&self, on: bool) -> io::Result<()> {
        self.parts.iter().try_for_each(|part| part.set_nonblocking(on))
    }

    /// Waits for the next connection on any shard; says whom it is with. Shards that have some take turns. Whether it waits at all, and
    /// for how long (`SO_RCVTIMEO`), the first of its [parts](Self::parts) says: `EAGAIN`
    pub fn accept(&self) -> io::Result<(net::TcpStream, SocketAddr)> {
        let sockets: Vec<&Blocking> = self.parts.iter().map(|part| &part.blocking).collect();
        let (place, (id, from)) = when_any(&sockets, self.parts.next(), READ, Socket::accept)?;
        Ok((net::TcpStream { blocking: Blocking::new(sockets[place].socket().adopt(id)) }, sock_addr(&from)?))
    }

    /// The connections to come, without an end.
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming { listener: self }
    }
}

/// See [`TcpListener::incoming`].
#[derive(Debug)]
pub struct Incoming<'a> {
    listener: &'a TcpListener,
}

impl Iterator for Incoming<'_> {
    type Item = io::Result<net::TcpStream>;

    fn next(&mut self) -> Option<Self::Item> {
        until_the_end(self.listener.accept().map(|(stream, _)| stream))
    }
}

impl std::iter::FusedIterator for Incoming<'_> {}
