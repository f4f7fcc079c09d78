//! Sockets shaped like std's and tokio's on a TCP/IP stack in user space.
//!
//! | module | what |
//! |---|---|
//! | [`Host`], [`host`] | a host with its interfaces, in real time |
//! | [`device`] | what carries its packets: TUN, TAP, descriptors, memory, your own |
//! | [`net`] | sockets shaped like std's, whose calls wait |
//! | [`berkeley`] | the calls themselves, with descriptors, `poll` and `epoll` |
//! | [`driver`] | who runs a host's stack: the door to devices and worlds |
//! | [`lookup`] | addresses and names, as `ToSocketAddrs` |
//! | [`time`] | sleep, timeouts and intervals in a host's own time |
//! | `tokio` | sockets shaped like `tokio::net` (feature `tokio`) |
#![deny(unsafe_code)]

pub mod berkeley;
mod blocking;
#[cfg(unix)]
pub mod device;
pub mod driver;
pub mod host;
pub mod lookup;
pub mod net;
mod options;
pub mod time;
#[cfg(feature = "tokio")]
pub mod tokio;

mod socket;
#[cfg(unix)]
mod unix;

pub use driver::{Driver, Waiters};
pub use host::Host;
#[cfg(unix)]
pub use host::{Builder, Interface};
pub use lookup::ToAddrs;
