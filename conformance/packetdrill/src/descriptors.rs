//! Descriptors and what they stand for. The numbers are real ones of the kernel (opened on `/dev/null`), because packetdrill closes
//! what is left over at the end with the C library.

use std::collections::BTreeMap;

use loggia_stack::{Errno, SocketId};

use crate::machine::{Failed, Machine, Outcome};
use crate::readiness::Epoll;
use crate::sys;

/// A socket behind a descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Socket {
    /// Which one.
    pub id: SocketId,
    /// `O_NONBLOCK`
    pub nonblocking: bool,
}

/// What a descriptor stands for.
#[derive(Debug)]
pub enum Kind {
    /// A socket of ours.
    Socket(Socket),
    /// An epoll instance of ours.
    Epoll(Epoll),
}

/// All descriptors of ours; every other one is the kernel's.
#[derive(Debug, Default)]
pub struct Descriptors {
    kinds: BTreeMap<i32, Kind>,
}

impl Descriptors {
    /// A new descriptor.
    pub fn open(&mut self, kind: Kind) -> Outcome<i32> {
        let fd = sys::kernel::placeholder()?;
        self.kinds.insert(fd, kind);
        Ok(fd)
    }

    /// The descriptor stands for nothing any more; what it stood for.
    pub fn forget(&mut self, fd: i32) -> Option<Kind> {
        self.kinds.remove(&fd)
    }

    /// The socket behind a descriptor.
    pub fn socket(&self, fd: i32) -> Option<&Socket> {
        match self.kinds.get(&fd) {
            Some(Kind::Socket(socket)) => Some(socket),
            _ => None,
        }
    }

    /// The socket behind a descriptor; `ENOTSOCK`, `EBADF`.
    pub fn id(&self, fd: i32) -> Outcome<SocketId> {
        match self.kinds.get(&fd) {
            Some(Kind::Socket(socket)) => Ok(socket.id),
            Some(Kind::Epoll(_)) => Err(Errno::ENOTSOCK.into()),
            None => Err(Errno::EBADF.into()),
        }
    }

    /// The socket behind a descriptor, to be changed.
    pub fn socket_mut(&mut self, fd: i32) -> Option<&mut Socket> {
        match self.kinds.get_mut(&fd) {
            Some(Kind::Socket(socket)) => Some(socket),
            _ => None,
        }
    }

    /// The epoll instance behind a descriptor; `EINVAL`, `EBADF`.
    pub fn epoll(&mut self, fd: i32) -> Outcome<&mut Epoll> {
        match self.kinds.get_mut(&fd) {
            Some(Kind::Epoll(epoll)) => Ok(epoll),
            Some(Kind::Socket(_)) => Err(Errno::EINVAL.into()),
            None => Err(Errno::EBADF.into()),
        }
    }

    /// All sockets by descriptor.
    pub fn sockets(&self) -> impl Iterator<Item = (i32, SocketId)> {
        self.kinds.iter().filter_map(|(fd, kind)| match kind {
            Kind::Socket(socket) => Some((*fd, socket.id)),
            Kind::Epoll(_) => None,
        })
    }

    /// All epoll instances.
    pub fn epolls(&mut self) -> impl Iterator<Item = &mut Epoll> {
        self.kinds.values_mut().filter_map(|kind| match kind {
            Kind::Epoll(epoll) => Some(epoll),
            Kind::Socket(_) => None,
        })
    }

    /// True if the descriptor is ours.
    pub fn is_ours(&self, fd: i32) -> bool {
        self.kinds.contains_key(&fd)
    }
}

impl Machine {
    /// `close`: the stack's socket goes, then the number.
    pub fn close(&self, fd: i32) -> Outcome<()> {
        self.call(crate::machine::Patience::None, |world| {
            if let Some(Kind::Socket(socket)) = world.descriptors.forget(fd) {
                for epoll in world.descriptors.epolls() {
                    epoll.forget(fd);
                }
                world.host.stack.close(socket.id)?;
            }
            Ok(())
        })?;
        sys::kernel::close(fd)
    }

    /// `fcntl` with `F_GETFL` or `F_SETFL`; none if the kernel is to be asked.
    pub fn status_flags(&self, fd: i32, set: Option<i32>) -> Option<Outcome<i32>> {
        let mut world = self.lock();
        let socket = world.descriptors.socket_mut(fd)?;
        Some(match set {
            Some(flags) => {
                socket.nonblocking = flags & libc::O_NONBLOCK != 0;
                Ok(0)
            }
            None => Ok(libc::O_RDWR | if socket.nonblocking { libc::O_NONBLOCK } else { 0 }),
        })
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EIO))
    }
}
