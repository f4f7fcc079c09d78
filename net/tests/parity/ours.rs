//! Our sockets on two hosts in memory.

pub(crate) use loggia::net::{SockRef, Type};
pub(crate) use loggia::tokio::net;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// An end of the talk: a host.
#[derive(Clone)]
pub(crate) struct End(loggia::Host);

impl End {
    pub(crate) const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
    /// No host has it.
    pub(crate) const NOT_OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    pub(crate) async fn listen(&self, addr: SocketAddr) -> io::Result<net::TcpListener> {
        net::TcpListener::bind_on(&self.0, addr).await
    }

    pub(crate) async fn connect(&self, addr: SocketAddr) -> io::Result<net::TcpStream> {
        net::TcpStream::connect_on(&self.0, addr).await
    }

    pub(crate) async fn udp(&self, addr: SocketAddr) -> io::Result<net::UdpSocket> {
        net::UdpSocket::bind_on(&self.0, addr).await
    }

    pub(crate) fn tcp(&self) -> io::Result<net::TcpSocket> {
        net::TcpSocket::new_v4_on(&self.0)
    }

    pub(crate) fn socket(&self, ty: Type) -> io::Result<loggia::net::Socket> {
        loggia::net::Socket::new_on(&self.0, loggia::net::Domain::IPV4, ty, None)
    }

    pub(crate) fn unix_pair(&self) -> io::Result<(net::UnixStream, net::UnixStream)> {
        net::UnixStream::pair_on(&self.0)
    }

    pub(crate) fn unix_socket(&self, datagram: bool) -> io::Result<net::UnixSocket> {
        if datagram { net::UnixSocket::new_datagram_on(&self.0) } else { net::UnixSocket::new_stream_on(&self.0) }
    }

    pub(crate) fn unix_datagrams(&self) -> io::Result<(net::UnixDatagram, net::UnixDatagram)> {
        net::UnixDatagram::pair_on(&self.0)
    }
}

#[path = "stories.rs"]
mod stories;

macro_rules! tests {
    ($($story:ident)*) => {
        $(#[test]
        fn $story() {
            let [client, server] = crate::memory::hosts();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(stories::$story(End(server), End(client)));
        })*
    };
}

every_story!(tests);
