//! Ports: who is bound where, with Linux's meaning of `SO_REUSEADDR` and `SO_REUSEPORT`, and ephemeral ports (RFC 6056).
//! One table for TCP, one for UDP, one for each other protocol that has ports.
//!
//! A port is used in two ways. A [`Binding`] is a socket that `bind` (or `listen`, or a first `send`) put there: packets are
//! looked up among them. A [`Holder`] is a connection that only stands in the way of others: connections are found by their
//! two ends elsewhere, so holders of one kind are merely counted, and a million of them on a port cost as much as one.
//!
//! Invariants: a port is among the bound ones only while it has a binding; bindings stand in the order in which they were made.

mod binding;
mod ephemeral;
mod hash;
mod held;
mod kinds;

use alloc::vec::Vec;
use hashbrown::HashMap;

use crate::base::{Addr, Entropy, Errno, Key};
use crate::transport::shard::Shard;
pub use binding::{Binding, Holder, Rules};
use ephemeral::Ephemeral;
use hash::PortHash;
use held::Held;

/// Where those stand that are bound to every port: no packet is for port 0 (and one that says so is for them).
const EVERY: u16 = 0;

/// The ports of one protocol.
#[derive(Debug)]
pub struct Ports {
    rules: Rules,
    bound: HashMap<u16, Vec<Binding>, PortHash>,
    held: Held,
    ephemeral: Ephemeral,
    shard: Option<Shard>,
}

impl Ports {
    /// No port is used; `rules` say when sockets may share one.
    pub fn new(entropy: &Entropy, rules: Rules) -> Self {
        Self {
            rules,
            bound: HashMap::default(),
            held: Held::new(entropy),
            ephemeral: Ephemeral::new(entropy, rules),
            shard: None,
        }
    }

    /// The range of ephemeral ports (`ip_local_port_range`, 32768-60999), both ends included.
    pub fn set_range(&mut self, first: u16, last: u16) {
        self.ephemeral.set_range(first, last);
    }

    /// Which of several stacks this is: ephemeral ports are those whose packets come to it.
    pub(crate) fn set_shard(&mut self, shard: Option<Shard>) {
        self.shard = shard;
    }

    /// False if the packets of a TCP connection with these ends go to another stack of the set.
    pub(crate) fn may_connect(&self, port: u16, remote: Addr, remote_port: u16) -> bool {
        self.shard.is_none_or(|shard| shard.has_tcp(port, remote, remote_port))
    }

    /// Binds to `port`, or to a free ephemeral one if it is 0. `EADDRINUSE`.
    pub fn bind(&mut self, binding: Binding, port: u16) -> Result<u16, Errno> {
        let port = match port {
            0 => self.find_free(&binding).ok_or(Errno::EADDRINUSE)?,
            _ if self.conflicts(&binding, port) => return Err(Errno::EADDRINUSE),
            _ => port,
        };
        self.restore(binding, port);
        Ok(port)
    }

    /// Binds to every port: to those that nobody else is bound to when a packet comes. `EADDRINUSE` if somebody else has that.
    pub fn bind_every(&mut self, binding: Binding) -> Result<(), Errno> {
        if self.conflicts(&binding, EVERY) {
            return Err(Errno::EADDRINUSE);
        }
        self.restore(binding, EVERY);
        Ok(())
    }

    /// Puts a binding where it is known to belong, without a test: it was there before it was connected.
    pub fn restore(&mut self, binding: Binding, port: u16) {
        self.bound.entry(port).or_default().push(binding);
    }

    /// Takes a socket's binding away and gives it back; none if there is none.
    pub fn unbind(&mut self, socket: Key, port: u16) -> Option<Binding> {
        let bindings = self.bound.get_mut(&port)?;
        let place = bindings.iter().position(|binding| binding.socket == socket)?;
        let binding = bindings.remove(place);
        if bindings.is_empty() {
            self.bound.remove(&port);
        }
        Some(binding)
    }

    /// Changes a binding in place (it listens now, it was connected and has an address now, an option changed).
    pub fn update(&mut self, port: u16, socket: Key, change: impl FnOnce(&mut Binding)) {
        let bindings = self.bound.get_mut(&port);
        if let Some(binding) = bindings.and_then(|bindings| bindings.iter_mut().find(|binding| binding.socket == socket)) {
            change(binding);
        }
    }

    /// `EADDRINUSE` if the binding could not listen beside the others (Linux checks again at `listen`).
    pub fn may_listen(&self, port: u16, socket: Key) -> Result<(), Errno> {
        match self.at(port).iter().find(|binding| binding.socket == socket) {
            Some(binding) if self.conflicts(binding, port) => Err(Errno::EADDRINUSE),
            _ => Ok(()),
        }
    }

    /// An ephemeral port for a connection, by double hash over the ends (RFC 6056 §3.3.4);
    /// `taken` says whether the four-tuple with a port exists. Ports somebody is bound to are left alone, as in Linux; those
    /// that only connections to other ends hold are as good as free, so that a full range costs nothing here. `EADDRNOTAVAIL`.
    pub fn choose(
        &mut self,
        local: Addr,
        remote: Addr,
        remote_port: u16,
        mut taken: impl FnMut(u16) -> bool,
    ) -> Result<u16, Errno> {
        let Self { bound, ephemeral, shard, .. } = self;
        let free = |port: u16| {
            let ours = shard.is_none_or(|shard| shard.has_tcp(port, remote, remote_port));
            ours && !bound.contains_key(&port) && !taken(port)
        };
        ephemeral.choose(local, remote, remote_port, free).ok_or(Errno::EADDRNOTAVAIL)
    }

    /// A connection (or its TIME-WAIT) that has no binding of its own uses a port: it stands in the way of a `bind` that does
    /// not share with it.
    #[inline(always)]
    pub fn hold(&mut self, port: u16, holder: Holder) {
        self.held.hold(port, &holder);
    }

    /// The reverse of one [`Ports::hold`] with an equal `holder`.
    pub fn release(&mut self, port: u16, holder: Holder) {
        self.held.release(port, &holder);
    }

    /// The bindings of a port, in order of binding.
    pub fn at(&self, port: u16) -> &[Binding] {
        self.bound.get(&port).map_or(&[], |bindings| bindings)
    }

    /// The best bindings for a packet to (`dst`, `port`) by `link`, appended to `into`: those with the highest score of Linux's
    /// rules (exact address, then bound link, then exact family). Of equal ones the newest is best, unless it has
    /// `SO_REUSEPORT`: then there may be several, in order of binding, and the caller picks one by flow hash. Those bound to every port
    /// come after all others.
    pub fn best(&self, dst: Addr, port: u16, link: u16, into: &mut Vec<Key>) {
        let before = into.len();
        self.best_at(dst, port, link, into);
        if into.len() == before && self.bound.contains_key(&EVERY) {
            self.best_at(dst, EVERY, link, into);
        }
    }

    /// The same if it is one alone, whoever else asks.
    pub fn only(&self, dst: Addr, port: u16, link: u16) -> Option<Key> {
        let best = self.best_binding(dst, port, link).or_else(|| self.best_binding(dst, EVERY, link))?;
        (!best.reuse_port).then_some(best.socket)
    }

    fn best_at(&self, dst: Addr, port: u16, link: u16, into: &mut Vec<Key>) {
        let Some(best) = self.best_binding(dst, port, link) else { return };
        if best.reuse_port {
            let scored = |binding: &Binding| binding.score(self.rules, dst, link);
            let mates = self.at(port).iter().filter(|one| scored(one) == scored(best) && one.same_group(best));
            into.extend(mates.map(|mate| mate.socket));
        } else {
            into.push(best.socket);
        }
    }

    #[inline(always)]
    fn best_binding(&self, dst: Addr, port: u16, link: u16) -> Option<&Binding> {
        let scored = |binding: &Binding| binding.score(self.rules, dst, link);
        match self.at(port) {
            // Mostly there is one.
            [only] => scored(only).map(|_| only),
            several => self.best_of(several, dst, link),
        }
    }

    #[inline(never)]
    fn best_of<'a>(&self, several: &'a [Binding], dst: Addr, link: u16) -> Option<&'a Binding> {
        let scored = |binding: &Binding| binding.score(self.rules, dst, link);
        several.iter().filter(|one| scored(one).is_some()).max_by_key(|one| scored(one))
    }

    /// True if `binding` cannot be beside what uses `port`.
    fn conflicts(&self, binding: &Binding, port: u16) -> bool {
        self.meets(binding, port, |other| !binding.shares_with(other, self.rules))
    }

    /// True if anything uses `port` that overlaps `binding` in address and link, shared or not.
    fn occupied(&self, binding: &Binding, port: u16) -> bool {
        self.meets(binding, port, |_| true)
    }

    fn meets(&self, binding: &Binding, port: u16, hostile: impl Fn(&Binding) -> bool) -> bool {
        let meets = |other: &Binding| binding.overlaps(other) && hostile(other);
        self.at(port).iter().any(|other| other.socket != binding.socket && meets(other))
            || self.held.any(port, |holder| meets(&holder.as_binding()))
    }

    /// A port nobody uses for this address and link. UDP, when there is none, takes one it may share, as Linux does.
    fn find_free(&mut self, binding: &Binding) -> Option<u16> {
        let start = self.ephemeral.draw();
        let ours = |port: &u16| self.rules == Rules::Tcp || self.shard.is_none_or(|shard| shard.has_udp(*port));
        let mut ports = self.ephemeral.ports_from(start).filter(ours);
        ports.find(|&port| !self.occupied(binding, port)).or_else(|| {
            let mut again = self.ephemeral.ports_from(start).filter(ours);
            if self.rules == Rules::Tcp { None } else { again.find(|&port| !self.conflicts(binding, port)) }
        })
    }
}

#[cfg(test)]
mod tests;
