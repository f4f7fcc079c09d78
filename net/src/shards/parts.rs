//! A socket on each shard, all bound to one address.

use std::io;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Shards;
use crate::host::Host;
use crate::lookup::first;

/// How often another port is tried that is free on the first shard but not on all.
const TRIES: usize = 64;

/// The sockets, in the order of the shards, and whose turn it is.
#[derive(Debug)]
pub(crate) struct Parts<S> {
    all: Vec<S>,
    turn: AtomicUsize,
}

impl<S> Parts<S> {
    /// Binds to the first of the addresses that can be had on all shards; port 0 asks for one that is free on all of them.
    pub(crate) fn bind(
        shards: &Shards,
        addrs: Vec<SocketAddr>,
        bind: impl Fn(&Host, SocketAddr) -> io::Result<S>,
        local_addr: impl Fn(&S) -> io::Result<SocketAddr>,
    ) -> io::Result<Self> {
        let all = first(addrs, |addr| on_all(shards, addr, &bind, &local_addr))?;
        Ok(Self { all, turn: AtomicUsize::new(0) })
    }

    /// Where one begins to look this time.
    pub(crate) fn next(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed) % self.all.len()
    }

    pub(crate) fn into_inner(self) -> Vec<S> {
        self.all
    }
}

impl<S> Deref for Parts<S> {
    type Target = [S];

    fn deref(&self) -> &[S] {
        &self.all
    }
}

fn on_all<S>(
    shards: &Shards,
    addr: SocketAddr,
    bind: impl Fn(&Host, SocketAddr) -> io::Result<S>,
    local_addr: impl Fn(&S) -> io::Result<SocketAddr>,
) -> io::Result<Vec<S>> {
    let (head, rest) = shards.hosts().split_first().expect("there is a shard");
    let mut tried = Vec::new();
    loop {
        let first = bind(head, addr)?;
        let bound = SocketAddr::new(addr.ip(), local_addr(&first)?.port());
        let others: io::Result<Vec<S>> = rest.iter().map(|host| bind(host, bound)).collect();
        match others {
            Ok(others) => return Ok(std::iter::once(first).chain(others).collect()),
            // Those that were tried keep their ports until another is found.
            Err(_) if addr.port() == 0 && tried.len() < TRIES => tried.push(first),
            Err(error) => return Err(error),
        }
    }
}
