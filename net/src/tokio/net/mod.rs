//! The names of `tokio::net`. Methods are tokio's; constructors take a host and say so in their names (`bind_on`, `connect_on`), and where
//! tokio takes `ToSocketAddrs` names are looked up by the host.
//!
//! | file | what |
//! |---|---|
//! | `tcp_listener`, `tcp_socket`, `tcp_stream` | TCP |
//! | `udp` | UDP |
//! | [`unix`], `unix_listener`, `unix_stream`, `unix_datagram` | `AF_UNIX`, within a host |
//! | `gate` | for proxies: connections and datagrams for anybody |
//! | `stream` | what byte streams have in common |
//! | `split` | their halves |
//! | `facades` | from the sockets of [`net`](crate::net) and to them |

mod facades;
mod gate;
mod split;
mod stream;
mod tcp_listener;
mod tcp_socket;
mod tcp_stream;
mod udp;
#[cfg(unix)]
pub mod unix;
#[cfg(unix)]
mod unix_datagram;
#[cfg(unix)]
mod unix_listener;
#[cfg(unix)]
mod unix_socket;
#[cfg(unix)]
mod unix_stream;

use std::io;
use std::net::SocketAddr;

use crate::host::Host;
use crate::lookup::{Asked, ToAddrs};

pub use crate::opening::{Opening, Unreachable};
pub use gate::{TcpGate, UdpGate, refuse_datagrams};
pub use tcp_listener::TcpListener;
pub use tcp_socket::TcpSocket;
pub use tcp_stream::TcpStream;
pub use udp::UdpSocket;
#[cfg(unix)]
pub use unix_datagram::UnixDatagram;
#[cfg(unix)]
pub use unix_listener::UnixListener;
#[cfg(unix)]
pub use unix_socket::UnixSocket;
#[cfg(unix)]
pub use unix_stream::UnixStream;

/// The addresses that `addr` says on this host, best first: as
/// [`tokio::net::lookup_host`](https://docs.rs/tokio/latest/tokio/net/fn.lookup_host.html).
pub async fn lookup_host_on(host: &Host, addr: impl ToAddrs) -> io::Result<impl Iterator<Item = SocketAddr>> {
    Ok(Asked::new(host, &addr).find(host).await?.into_iter())
}

/// Halves of a TCP stream.
pub mod tcp {
    use super::TcpStream;
    use super::split;

    /// Reads; see [`TcpStream::split`].
    pub type ReadHalf<'a> = split::ReadHalf<'a, TcpStream>;
    /// Writes; see [`TcpStream::split`].
    pub type WriteHalf<'a> = split::WriteHalf<'a, TcpStream>;
    /// Reads; see [`TcpStream::into_split`].
    pub type OwnedReadHalf = split::OwnedReadHalf<TcpStream>;
    /// Writes; see [`TcpStream::into_split`]. Dropping it shuts writing down.
    pub type OwnedWriteHalf = split::OwnedWriteHalf<TcpStream>;
    /// Halves of two streams do not go together.
    pub type ReuniteError = split::ReuniteError<TcpStream>;
}
