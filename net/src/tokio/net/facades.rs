//! From one facade to the other: a socket whose calls wait becomes one for tasks and the other way round, and either is looked at as a
//! [`net::Socket`].

use super::stream::Stream as _;
use crate::blocking::Blocking;
use crate::net;
use crate::socket::Socket;

/// What tokio calls `from_std` and `into_std`, of a type with `new(Socket)` and a field `socket`.
macro_rules! std_methods {
    ($what:ident) => {
        impl $what {
            /// The socket for tasks. Its other handles ([`try_clone`](crate::net::Socket::try_clone)) go on being the same socket, in the mode
            /// that they had.
            pub fn from_std(socket: $crate::net::$what) -> std::io::Result<Self> {
                Ok(Self::new(socket.blocking.into_socket()))
            }

            /// The socket for threads, in non-blocking mode, as tokio gives it.
            pub fn into_std(self) -> std::io::Result<$crate::net::$what> {
                Ok($crate::net::$what { blocking: super::facades::nonblocking(self.socket) })
            }
        }

        impl TryFrom<$crate::net::$what> for $what {
            type Error = std::io::Error;

            /// As [`from_std`](Self::from_std).
            fn try_from(socket: $crate::net::$what) -> std::io::Result<Self> {
                Self::from_std(socket)
            }
        }
    };
}

pub(super) use std_methods;

pub(super) fn nonblocking(socket: Socket) -> Blocking {
    let blocking = Blocking::new(socket);
    blocking.set_nonblocking(true);
    blocking
}

/// Another handle of a task's socket.
fn look(socket: &Socket) -> net::Socket {
    net::Socket { blocking: nonblocking(socket.duplicate()) }
}

macro_rules! looked_at {
    ($($what:ty),*) => {
        $(impl<'a> From<&'a $what> for net::SockRef<'a> {
            fn from(socket: &'a $what) -> Self {
                Self::new(look(socket.socket()))
            }
        })*
    };
}

looked_at!(super::TcpListener, super::TcpSocket, super::TcpStream, super::UdpSocket);
#[cfg(unix)]
looked_at!(super::UnixDatagram, super::UnixListener, super::UnixSocket, super::UnixStream);
