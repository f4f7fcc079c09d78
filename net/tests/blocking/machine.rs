//! std's and socket2's sockets on this machine.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
pub(crate) use std::net::{TcpListener, TcpStream, UdpSocket};
#[allow(unused_imports, reason = "it is an inherent method of ours")]
pub(crate) use std::os::linux::net::SocketAddrExt;
pub(crate) use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;

pub(crate) use socket2::{Domain, Protocol, TcpKeepalive, Type};

/// socket2's, with initialised buffers as ours, of which no story reads the content.
#[derive(Debug)]
pub(crate) struct Socket(socket2::Socket);

impl std::ops::Deref for Socket {
    type Target = socket2::Socket;

    fn deref(&self) -> &socket2::Socket {
        &self.0
    }
}

impl Socket {
    pub(crate) fn accept(&self) -> io::Result<(Self, socket2::SockAddr)> {
        self.0.accept().map(|(socket, from)| (Self(socket), from))
    }

    pub(crate) fn recv_with_flags(&self, into: &mut [u8], flags: i32) -> io::Result<usize> {
        let mut room = [std::mem::MaybeUninit::new(0); 64];
        self.0.recv_with_flags(&mut room[..into.len()], flags)
    }

    pub(crate) fn recv_from_with_flags(&self, into: &mut [u8], flags: i32) -> io::Result<(usize, socket2::SockAddr)> {
        let mut room = [std::mem::MaybeUninit::new(0); 64];
        self.0.recv_from_with_flags(&mut room[..into.len()], flags)
    }

    pub(crate) fn recv_out_of_band(&self, into: &mut [u8]) -> io::Result<usize> {
        let mut room = [std::mem::MaybeUninit::new(0); 64];
        self.0.recv_out_of_band(&mut room[..into.len()])
    }
}

/// An end of the talk: on the machine both are the same host.
#[derive(Clone)]
pub(crate) struct End;

#[allow(clippy::unused_self, reason = "a host is needed elsewhere")]
impl End {
    pub(crate) const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    pub(crate) const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
    /// No host has it.
    pub(crate) const NOT_OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    pub(crate) fn listen(&self, addr: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind(addr)
    }

    pub(crate) fn connect(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(addr)
    }

    pub(crate) fn connect_timeout(&self, addr: &SocketAddr, limit: std::time::Duration) -> io::Result<TcpStream> {
        TcpStream::connect_timeout(addr, limit)
    }

    pub(crate) fn udp(&self, addr: SocketAddr) -> io::Result<UdpSocket> {
        UdpSocket::bind(addr)
    }

    pub(crate) fn socket(&self, domain: Domain, ty: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
        socket2::Socket::new(domain, ty, protocol).map(Socket)
    }

    pub(crate) fn unix_pair(&self) -> io::Result<(UnixStream, UnixStream)> {
        UnixStream::pair()
    }

    pub(crate) fn unix_datagrams(&self) -> io::Result<(UnixDatagram, UnixDatagram)> {
        UnixDatagram::pair()
    }

    pub(crate) fn unix_datagram(&self) -> io::Result<UnixDatagram> {
        UnixDatagram::unbound()
    }

    pub(crate) fn unix_bind(&self, path: &PathBuf) -> io::Result<UnixDatagram> {
        UnixDatagram::bind(path)
    }

    pub(crate) fn unix_listen(&self, path: &PathBuf) -> io::Result<UnixListener> {
        UnixListener::bind(path)
    }

    pub(crate) fn unix_listen_at(&self, addr: &UnixAddr) -> io::Result<UnixListener> {
        UnixListener::bind_addr(addr)
    }

    pub(crate) fn unix_connect(&self, path: &PathBuf) -> io::Result<UnixStream> {
        UnixStream::connect(path)
    }

    pub(crate) fn unix_connect_to(&self, addr: &UnixAddr) -> io::Result<UnixStream> {
        UnixStream::connect_addr(addr)
    }

    /// A path that nobody has.
    pub(crate) fn path(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("loggia-parity-{}-{name}", std::process::id()));
        // Of an earlier process of the same number.
        let _ = std::fs::remove_file(&path);
        path
    }
}

#[path = "stories.rs"]
mod stories;

macro_rules! tests {
    ($($story:ident)*) => {
        $(#[test]
        fn $story() {
            stories::$story(&End, &End);
        })*
    };
}

every_story!(tests);
