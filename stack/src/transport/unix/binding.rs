//! Names of sockets: `bind`, autobind, `unlink`, `getsockname`, `getpeername`.

use super::{Unix, UnixAddress};
use crate::base::{Base, Errno, Key};

impl Unix {
    /// Names a socket. [`UnixAddress::Unnamed`] means autobind: an abstract name of five hex digits, or nothing at all if the
    /// socket has a name.
    ///
    /// `EADDRINUSE`; `EINVAL` if it has a name (a taken path is told first, as on Linux); `ENOSPC` if the memory budget has no
    /// room for another path or all automatic names are taken.
    pub fn bind(&mut self, base: &mut Base, id: Key, address: &UnixAddress) -> Result<(), Errno> {
        let socket = &self.sockets[id];
        let named = !socket.name.is_unnamed();
        let taken = self.names.is_taken(address, socket.kind);
        match address {
            UnixAddress::Unnamed => self.autobind(base, id),
            UnixAddress::Path(_) if taken => Err(Errno::EADDRINUSE),
            _ if named => Err(Errno::EINVAL),
            _ if taken => Err(Errno::EADDRINUSE),
            _ => self.take_name(base, id, address.clone()),
        }
    }

    /// Gives an abstract name to a socket that has none.
    pub(super) fn autobind(&mut self, base: &mut Base, id: Key) -> Result<(), Errno> {
        let socket = &self.sockets[id];
        if !socket.name.is_unnamed() {
            return Ok(());
        }
        let name = self.names.choose(&mut base.entropy, socket.kind)?;
        self.take_name(base, id, name)
    }

    /// Who passes credentials is bound first: whoever gets them may want to answer.
    pub(super) fn autobind_for_credentials(&mut self, base: &mut Base, id: Key) -> Result<(), Errno> {
        if self.sockets[id].options.pass_credentials { self.autobind(base, id) } else { Ok(()) }
    }

    fn take_name(&mut self, base: &mut Base, id: Key, name: UnixAddress) -> Result<(), Errno> {
        self.names.take(&mut base.budget, &name, self.sockets[id].kind, id)?;
        self.sockets[id].name = name;
        Ok(())
    }

    /// Frees a path. The socket bound to it lives on but nobody can find it any more. `ENOENT`.
    pub fn unlink(&mut self, base: &mut Base, path: &[u8]) -> Result<(), Errno> {
        self.names.unlink(&mut base.budget, path)
    }

    /// The living socket of a type at an address. `EINVAL` for no name; `ENOENT`; `ECONNREFUSED` if nobody is there;
    /// `EPROTOTYPE` if it is a socket of another type.
    pub(super) fn find(&self, id: Key, address: &UnixAddress) -> Result<Key, Errno> {
        let kind = self.sockets[id].kind;
        let found = self.names.find(address, kind)?;
        match self.sockets.get(found) {
            Some(socket) if socket.dead => Err(Errno::ECONNREFUSED),
            Some(socket) if socket.kind != kind => Err(Errno::EPROTOTYPE),
            Some(_) => Ok(found),
            None => Err(Errno::ECONNREFUSED),
        }
    }

    /// The socket's name.
    pub fn local_address(&self, id: Key) -> UnixAddress {
        self.sockets[id].name.clone()
    }

    /// The name of the other end, also if it was closed meanwhile. `ENOTCONN`.
    pub fn peer_address(&self, id: Key) -> Result<UnixAddress, Errno> {
        self.sockets[id].peer.map(|peer| self.sockets[peer].name.clone()).ok_or(Errno::ENOTCONN)
    }
}
