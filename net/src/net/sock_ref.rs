//! A look at a socket of another type.

use std::marker::PhantomData;
use std::ops::Deref;

use super::{Socket, TcpListener, TcpStream, UdpSocket};

/// As `socket2::SockRef`: any socket of this crate, looked at as a [`Socket`], for the calls and options that its own type does not have.
///
/// ```
/// use loggia::Host;
/// use loggia::net::{SockRef, UdpSocket};
///
/// let host = Host::builder().start()?;
/// let socket = UdpSocket::bind_on(&host, "[::1]:0")?;
/// SockRef::from(&socket).set_unicast_hops_v6(3)?;
/// assert_eq!(SockRef::from(&socket).unicast_hops_v6()?, 3);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct SockRef<'a> {
    socket: Socket,
    of: PhantomData<&'a Socket>,
}

impl SockRef<'_> {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket, of: PhantomData }
    }
}

impl Deref for SockRef<'_> {
    type Target = Socket;

    fn deref(&self) -> &Socket {
        &self.socket
    }
}

macro_rules! looked_at {
    ($($what:ty),*) => {
        $(impl<'a> From<&'a $what> for SockRef<'a> {
            fn from(socket: &'a $what) -> Self {
                Self::new(Socket { blocking: socket.blocking.clone() })
            }
        })*
    };
}

looked_at!(Socket, TcpListener, TcpStream, UdpSocket);
#[cfg(unix)]
looked_at!(super::UnixDatagram, super::UnixListener, super::UnixStream);
