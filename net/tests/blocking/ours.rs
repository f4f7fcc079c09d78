//! Our sockets on two hosts in memory.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use loggia::Host;
pub(crate) use loggia::net::{
    Domain, Protocol, Socket, TcpKeepalive, TcpListener, TcpStream, Type, UdpSocket, UnixDatagram, UnixListener, UnixStream,
    unix::SocketAddr as UnixAddr,
};

/// An end of the talk: a host.
#[derive(Clone)]
pub(crate) struct End(Host);

impl End {
    pub(crate) const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
    pub(crate) const V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2));
    /// No host has it.
    pub(crate) const NOT_OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    pub(crate) fn listen(&self, addr: SocketAddr) -> io::Result<TcpListener> {
        TcpListener::bind_on(&self.0, addr)
    }

    pub(crate) fn connect(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect_on(&self.0, addr)
    }

    pub(crate) fn connect_timeout(&self, addr: &SocketAddr, limit: std::time::Duration) -> io::Result<TcpStream> {
        TcpStream::connect_timeout_on(&self.0, addr, limit)
    }

    pub(crate) fn udp(&self, addr: SocketAddr) -> io::Result<UdpSocket> {
        UdpSocket::bind_on(&self.0, addr)
    }

    pub(crate) fn socket(&self, domain: Domain, ty: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
        Socket::new_on(&self.0, domain, ty, protocol)
    }

    pub(crate) fn unix_pair(&self) -> io::Result<(UnixStream, UnixStream)> {
        UnixStream::pair_on(&self.0)
    }

    pub(crate) fn unix_datagrams(&self) -> io::Result<(UnixDatagram, UnixDatagram)> {
        UnixDatagram::pair_on(&self.0)
    }

    pub(crate) fn unix_datagram(&self) -> io::Result<UnixDatagram> {
        UnixDatagram::unbound_on(&self.0)
    }

    pub(crate) fn unix_bind(&self, path: &PathBuf) -> io::Result<UnixDatagram> {
        UnixDatagram::bind_on(&self.0, path)
    }

    pub(crate) fn unix_listen(&self, path: &PathBuf) -> io::Result<UnixListener> {
        UnixListener::bind_on(&self.0, path)
    }

    pub(crate) fn unix_listen_at(&self, addr: &UnixAddr) -> io::Result<UnixListener> {
        UnixListener::bind_addr_on(&self.0, addr)
    }

    pub(crate) fn unix_connect(&self, path: &PathBuf) -> io::Result<UnixStream> {
        UnixStream::connect_on(&self.0, path)
    }

    pub(crate) fn unix_connect_to(&self, addr: &UnixAddr) -> io::Result<UnixStream> {
        UnixStream::connect_addr_on(&self.0, addr)
    }

    pub(crate) fn path(name: &str) -> PathBuf {
        PathBuf::from(format!("/run/{name}"))
    }
}

#[path = "stories.rs"]
mod stories;

macro_rules! tests {
    ($($story:ident)*) => {
        $(#[test]
        fn $story() {
            let [client, server] = crate::memory::hosts();
            stories::$story(&End(server), &End(client));
        })*
    };
}

every_story!(tests);
