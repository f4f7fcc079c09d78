//! Addresses and credentials of `AF_UNIX` sockets, for all facades.

use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use loggia_stack::base::Errno;
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::sol_socket;
use loggia_stack::transport::unix::UnixAddress;

use crate::socket::{Socket, error};

/// The address of a Unix socket. Paths are names of the host: no file is made.
#[derive(Clone, PartialEq, Eq)]
pub struct SocketAddr(UnixAddress);

impl SocketAddr {
    pub(crate) fn new(address: Address) -> Self {
        match address {
            Address::Unix(address) => Self(address),
            _ => Self(UnixAddress::Unnamed),
        }
    }

    /// The address of a path. `InvalidInput` if it is too long or has a NUL in it.
    pub fn from_pathname(path: impl AsRef<Path>) -> io::Result<Self> {
        let bytes = path.as_ref().as_os_str().as_bytes();
        if bytes.contains(&0) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        if bytes.is_empty() {
            return Ok(Self(UnixAddress::Unnamed));
        }
        UnixAddress::path(bytes).map(Self).map_err(|_| io::ErrorKind::InvalidInput.into())
    }

    /// An abstract name, without the NUL in front. `InvalidInput` if it is too long.
    pub fn from_abstract_name(name: impl AsRef<[u8]>) -> io::Result<Self> {
        UnixAddress::abstract_name(name.as_ref()).map(Self).map_err(|_| io::ErrorKind::InvalidInput.into())
    }

    /// As calls take it.
    pub(crate) fn address(&self) -> Address {
        Address::Unix(self.0.clone())
    }

    /// True if it has no name.
    pub fn is_unnamed(&self) -> bool {
        self.0.is_unnamed()
    }

    /// The path, if its name is one.
    pub fn as_pathname(&self) -> Option<&Path> {
        match &self.0 {
            UnixAddress::Path(path) => Some(Path::new(OsStr::from_bytes(path))),
            UnixAddress::Unnamed | UnixAddress::Abstract(_) => None,
        }
    }

    /// The abstract name without the NUL in front, if its name is one.
    pub fn as_abstract_name(&self) -> Option<&[u8]> {
        match &self.0 {
            UnixAddress::Abstract(name) => Some(name),
            UnixAddress::Unnamed | UnixAddress::Path(_) => None,
        }
    }
}

impl fmt::Debug for SocketAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            UnixAddress::Unnamed => f.write_str("(unnamed)"),
            UnixAddress::Path(_) => write!(f, "{:?} (pathname)", self.as_pathname().unwrap_or(Path::new(""))),
            UnixAddress::Abstract(name) => write!(f, "\"{}\" (abstract)", name.escape_ascii()),
        }
    }
}

/// Who is at the other end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UCred {
    pid: i32,
    uid: u32,
    gid: u32,
}

impl UCred {
    /// Its user.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// Its group.
    pub fn gid(&self) -> u32 {
        self.gid
    }

    /// Its process, if it is known.
    pub fn pid(&self) -> Option<i32> {
        (self.pid > 0).then_some(self.pid)
    }
}

/// The address that a path means: as with tokio on Linux, a NUL in front makes an abstract name.
pub(crate) fn address(path: &Path) -> io::Result<Address> {
    let bytes = path.as_os_str().as_bytes();
    let named = match bytes.split_first() {
        None => Err(Errno::EINVAL),
        Some((0, name)) => UnixAddress::abstract_name(name),
        Some(_) if bytes.contains(&0) => Err(Errno::EINVAL),
        Some(_) => UnixAddress::path(bytes),
    };
    named.map(Address::Unix).map_err(error)
}

pub(crate) fn local_addr(socket: &Socket) -> io::Result<SocketAddr> {
    socket.call(|stack, id| stack.getsockname(id)).map(SocketAddr::new)
}

pub(crate) fn peer_addr(socket: &Socket) -> io::Result<SocketAddr> {
    socket.call(|stack, id| stack.getpeername(id)).map(SocketAddr::new)
}

pub(crate) fn peer_cred(socket: &Socket) -> io::Result<UCred> {
    let mut value = [0; 12];
    socket.call(|stack, id| stack.getsockopt(id, sol_socket::LEVEL, sol_socket::SO_PEERCRED, &mut value))?;
    let word = |at: usize| [value[at], value[at + 1], value[at + 2], value[at + 3]];
    Ok(UCred { pid: i32::from_ne_bytes(word(0)), uid: u32::from_ne_bytes(word(4)), gid: u32::from_ne_bytes(word(8)) })
}
