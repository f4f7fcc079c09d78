//! Ports: who is bound where, with Linux's meaning of `SO_REUSEADDR` and `SO_REUSEPORT`, and ephemeral ports (RFC 6056).
//! One table for TCP, one for UDP.

use alloc::vec::Vec;

use crate::base::{Addr, Entropy, Errno, Key};

/// One binding, as far as conflicts and look-ups depend on it.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The protocol's own key of the socket.
    pub socket: Key,
    /// The bound address; unspecified: any of the family (`::` without `v6only`: of both).
    pub local: Addr,
    /// `IPV6_V6ONLY`; without meaning for IPv4.
    pub v6only: bool,
    /// `SO_BINDTODEVICE`; 0: any.
    pub link: u16,
    /// `SO_REUSEADDR`
    pub reuse_addr: bool,
    /// `SO_REUSEPORT`
    pub reuse_port: bool,
    /// It listens (TCP): `SO_REUSEADDR` then does not help others.
    pub listening: bool,
}

/// The ports of one protocol.
#[derive(Debug)]
pub struct Ports {
    _todo: (),
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl Ports {
    // CONTRACT
    /// `shared_by_reuse_addr`: UDP's rule, by which `SO_REUSEADDR` alone lets sockets share a port.
    pub fn new(entropy: &Entropy, shared_by_reuse_addr: bool) -> Self {
        Self { _todo: () }
    }
    /// The range of ephemeral ports (`ip_local_port_range`, 32768-60999).
    pub fn set_range(&mut self, first: u16, last: u16) {
        todo!()
    }
    /// Binds to `port`, or to a free ephemeral one if it is 0. `EADDRINUSE`.
    pub fn bind(&mut self, binding: Binding, port: u16) -> Result<u16, Errno> {
        todo!()
    }
    pub fn unbind(&mut self, socket: Key, port: u16) {
        todo!()
    }
    /// Changes a binding in place (it listens now, it was connected and has an address now).
    pub fn update(&mut self, port: u16, socket: Key, change: impl FnOnce(&mut Binding)) {
        todo!()
    }
    /// `EADDRINUSE` if the binding could not listen beside the others (Linux checks again at `listen`).
    pub fn may_listen(&self, port: u16, socket: Key) -> Result<(), Errno> {
        todo!()
    }
    /// An ephemeral port for a connection, by keyed hash over the ends (RFC 6056 §3.3.3, odd/even as Linux does not matter);
    /// `taken` says whether the four-tuple with a port exists. `EADDRNOTAVAIL`.
    pub fn choose(&mut self, local: Addr, remote: Addr, remote_port: u16, taken: impl FnMut(u16) -> bool) -> Result<u16, Errno> {
        todo!()
    }
    /// A connection (or its TIME-WAIT) that has no binding of its own uses a port: it stands in the way of a `bind` that does not reuse.
    pub fn hold(&mut self, local: Addr, port: u16, reuse: bool) {
        todo!()
    }
    pub fn release(&mut self, local: Addr, port: u16, reuse: bool) {
        todo!()
    }
    /// The bindings of a port, in order of binding.
    pub fn at(&self, port: u16) -> &[Binding] {
        todo!()
    }
    /// The best bindings for a packet to (`dst`, `port`) by `link`: those with the highest score of Linux's rules
    /// (exact address, exact family, bound link). With `SO_REUSEPORT` there may be several; the caller picks one by flow hash.
    pub fn best(&self, dst: Addr, port: u16, link: u16, into: &mut Vec<Key>) {
        todo!()
    }
}
