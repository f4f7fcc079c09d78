//! Sockets shaped like std's, whose calls wait.
//!
//! The names are those of `std::net` and `std::os::unix::net`, and [`Socket`] is like that of the crate `socket2`.
//! Methods are theirs;
//! constructors take a host and say so in their names (`bind_on`, `connect_on`), and where std takes `ToSocketAddrs` names are looked up by
//! the host. Errors carry the number that Linux gives ([`raw_os_error`](std::io::Error::raw_os_error)) and the kind that std makes of it.
//!
//! Timeouts and waiting are in real time, so these sockets are for hosts that run in it.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::thread;
//!
//! use loggia::device::{Properties, pair};
//! use loggia::net::{TcpListener, TcpStream};
//! use loggia::Host;
//!
//! let [one, other] = pair(Properties::ip(1500));
//! let server = Host::builder().address("10.0.0.1/24").device(one).start()?;
//! let client = Host::builder().address("10.0.0.2/24").device(other).start()?;
//!
//! let listener = TcpListener::bind_on(&server, "10.0.0.1:7")?;
//! thread::spawn(move || -> std::io::Result<()> {
//!     let (mut stream, _) = listener.accept()?;
//!     stream.write_all(b"hello")
//! });
//! let mut all = String::new();
//! TcpStream::connect_on(&client, "10.0.0.1:7")?.read_to_string(&mut all)?;
//! assert_eq!(all, "hello");
//! # Ok::<(), std::io::Error>(())
//! ```

mod datagram;
mod gate;
mod keepalive;
mod sock_addr;
mod sock_ref;
mod socket;
mod socket_options;
mod stream;
mod tcp_listener;
mod tcp_stream;
mod transmit;
mod udp;
#[cfg(unix)]
mod unix_datagram;
#[cfg(unix)]
mod unix_listener;
#[cfg(unix)]
mod unix_stream;

pub use crate::opening::{Opening, Unreachable};
pub use datagram::Datagram;
#[cfg(feature = "tokio")]
pub(crate) use datagram::{recv_many, send_many};
pub use gate::TcpGate;
pub use keepalive::TcpKeepalive;
pub use sock_addr::SockAddr;
pub use sock_ref::SockRef;
pub use socket::{Domain, Protocol, Socket, Type};
pub use tcp_listener::{Incoming, TcpListener};
pub use tcp_stream::TcpStream;
pub use transmit::{RecvMeta, Transmit};
#[cfg(feature = "tokio")]
pub(crate) use transmit::{recv_meta, tell_meta, transmit};
pub use udp::UdpSocket;
#[cfg(unix)]
pub use unix_datagram::UnixDatagram;
#[cfg(unix)]
pub use unix_listener::{UnixIncoming, UnixListener};
#[cfg(unix)]
pub use unix_stream::UnixStream;

/// What `std::os::unix::net` has besides.
#[cfg(unix)]
pub mod unix {
    pub use crate::unix::{SocketAddr, UCred};
}
