//! tokio's sockets on this machine.

pub(crate) use socket2::{SockRef, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
pub(crate) use tokio::net;

/// An end of the talk: on the machine both are the same host.
#[derive(Clone)]
pub(crate) struct End;

#[allow(clippy::unused_self, reason = "a host is needed elsewhere")]
impl End {
    pub(crate) const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    /// No host has it.
    pub(crate) const NOT_OURS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    pub(crate) async fn listen(&self, addr: SocketAddr) -> io::Result<net::TcpListener> {
        net::TcpListener::bind(addr).await
    }

    pub(crate) async fn connect(&self, addr: SocketAddr) -> io::Result<net::TcpStream> {
        net::TcpStream::connect(addr).await
    }

    pub(crate) async fn udp(&self, addr: SocketAddr) -> io::Result<net::UdpSocket> {
        net::UdpSocket::bind(addr).await
    }

    pub(crate) fn tcp(&self) -> io::Result<net::TcpSocket> {
        net::TcpSocket::new_v4()
    }

    pub(crate) fn socket(&self, ty: Type) -> io::Result<socket2::Socket> {
        socket2::Socket::new(socket2::Domain::IPV4, ty, None)
    }

    pub(crate) fn unix_pair(&self) -> io::Result<(net::UnixStream, net::UnixStream)> {
        net::UnixStream::pair()
    }

    pub(crate) fn unix_socket(&self, datagram: bool) -> io::Result<net::UnixSocket> {
        if datagram { net::UnixSocket::new_datagram() } else { net::UnixSocket::new_stream() }
    }

    pub(crate) fn unix_datagrams(&self) -> io::Result<(net::UnixDatagram, net::UnixDatagram)> {
        net::UnixDatagram::pair()
    }
}

#[path = "stories.rs"]
mod stories;

macro_rules! tests {
    ($($story:ident)*) => {
        $(#[test]
        fn $story() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(stories::$story(End, End));
        })*
    };
}

every_story!(tests);
