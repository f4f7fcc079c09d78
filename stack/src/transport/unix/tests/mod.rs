//! Stories of AF_UNIX sockets. What Linux does is compared in `tests/unix_parity.rs`; here it is said.

mod collecting;
mod connecting;
mod datagrams;
mod model;
mod names;
mod passing;
mod streams;
mod urgent;

use alloc::vec::Vec;

use super::*;
use crate::base::{Base, Errno, Instant, Ready, Seed, SocketId};

pub(super) use Errno::*;
pub(super) use UnixKind::*;

pub(super) const BUDGET: usize = 16 << 20;

/// One host with nothing but AF_UNIX sockets.
pub(super) struct Host {
    pub(super) base: Base,
    pub(super) unix: Unix,
    owners: Slab<()>,
}

impl Host {
    pub(super) fn new() -> Self {
        Self::with(UnixConfig::default(), BUDGET)
    }

    pub(super) fn with(config: UnixConfig, budget: usize) -> Self {
        let base = Base::new(Seed::from(1), Instant::EPOCH, budget, 0);
        let unix = Unix::new(&base.entropy, config);
        Self { base, unix, owners: Slab::new() }
    }

    pub(super) fn owner(&mut self) -> SocketId {
        self.owners.insert(())
    }

    pub(super) fn open(&mut self, kind: UnixKind) -> Key {
        let owner = self.owner();
        self.unix.open(owner, kind)
    }

    pub(super) fn pair(&mut self, kind: UnixKind) -> (Key, Key) {
        let (a, b) = (self.open(kind), self.open(kind));
        self.unix.pair(a, b);
        (a, b)
    }

    pub(super) fn bound(&mut self, kind: UnixKind, name: &[u8]) -> Key {
        let id = self.open(kind);
        self.bind(id, name).expect("a free name");
        id
    }

    pub(super) fn listener(&mut self, kind: UnixKind, name: &[u8], backlog: u32) -> Key {
        let id = self.bound(kind, name);
        self.unix.listen(&mut self.base, id, backlog).expect("a bound socket");
        id
    }

    pub(super) fn bind(&mut self, id: Key, name: &[u8]) -> Result<(), Errno> {
        self.unix.bind(&mut self.base, id, &address(name))
    }

    pub(super) fn connect(&mut self, id: Key, name: &[u8]) -> Result<(), Errno> {
        self.unix.connect(&mut self.base, id, &address(name))
    }

    pub(super) fn accept(&mut self, id: Key) -> Result<Key, Errno> {
        let accepted = self.unix.accept(&mut self.base, id)?;
        let owner = self.owner();
        self.unix.adopt(&mut self.base, accepted, owner);
        Ok(accepted)
    }

    pub(super) fn send(&mut self, id: Key, data: &[u8]) -> Result<usize, Errno> {
        self.send_with(id, data, MsgFlags::NONE, UnixControl::default())
    }

    pub(super) fn send_to(&mut self, id: Key, data: &[u8], name: &[u8]) -> Result<usize, Errno> {
        self.unix.send(&mut self.base, id, &[data], Some(&address(name)), MsgFlags::NONE, UnixControl::default())
    }

    pub(super) fn send_with(&mut self, id: Key, data: &[u8], flags: MsgFlags, control: UnixControl) -> Result<usize, Errno> {
        self.unix.send(&mut self.base, id, &[data], None, flags, control)
    }

    pub(super) fn pass(&mut self, id: Key, data: &[u8], rights: &[Right]) -> Result<usize, Errno> {
        self.send_with(id, data, MsgFlags::NONE, UnixControl { rights: rights.to_vec(), credentials: None })
    }

    /// Reads up to `len` bytes.
    pub(super) fn read(&mut self, id: Key, len: usize) -> Result<Vec<u8>, Errno> {
        self.receive(id, len, MsgFlags::NONE).map(|(bytes, _)| bytes)
    }

    pub(super) fn peek(&mut self, id: Key, len: usize) -> Result<Vec<u8>, Errno> {
        self.receive(id, len, MsgFlags::PEEK).map(|(bytes, _)| bytes)
    }

    pub(super) fn receive(&mut self, id: Key, len: usize, flags: MsgFlags) -> Result<(Vec<u8>, UnixReceived), Errno> {
        let mut room = alloc::vec![0; len];
        let received = self.unix.receive(&mut self.base, id, &mut [&mut room], flags, 1)?;
        room.truncate(received.count);
        Ok((room, received))
    }

    pub(super) fn close(&mut self, id: Key) {
        self.unix.close(&mut self.base, id);
    }

    pub(super) fn shutdown(&mut self, id: Key, how: UnixShutdown) {
        self.unix.shutdown(&mut self.base, id, how);
    }

    pub(super) fn ready(&self, id: Key) -> Ready {
        self.unix.readiness(id)
    }

    /// Who was notified since the last question.
    pub(super) fn notified(&mut self) -> Vec<u32> {
        core::iter::from_fn(|| self.base.notify.pop()).collect()
    }

    /// True if `id` was notified since the last question.
    pub(super) fn heard(&mut self, id: Key) -> bool {
        let owner = self.unix.sockets[id].owner.expect("an owned socket").index();
        self.notified().contains(&owner)
    }

    pub(super) fn dropped(&mut self) -> Vec<Right> {
        core::iter::from_fn(|| self.unix.dropped_right()).collect()
    }

    /// Closes all that lives and looks whether anything is left.
    pub(super) fn close_all(&mut self) {
        while let Some(id) = self.unix.keys().into_iter().find(|&id| self.unix.sockets[id].owner.is_some()) {
            self.close(id);
        }
        self.assert_clean();
    }

    pub(super) fn assert_clean(&self) {
        assert!(self.unix.sockets.is_empty(), "records of {:?}", self.unix.sockets.keys());
        assert_eq!(self.base.budget.used(), 0, "bytes charged");
        assert!(self.unix.associated.is_empty() && self.unix.waiting.is_empty());
        assert_eq!(self.unix.rights.sockets().count(), 0, "rights in flight");
    }
}

pub(super) fn address(name: &[u8]) -> UnixAddress {
    UnixAddress::from_sun_path(name).expect("a name that fits")
}

/// `SCM_CREDENTIALS` for a send call.
pub(super) fn claim(credentials: Credentials) -> UnixControl {
    UnixControl { rights: Vec::new(), credentials: Some(credentials) }
}
