//! Sockets shaped like std's and tokio's on a TCP/IP stack in user space.
//!
//! | module | what |
//! |---|---|
//! | [`driver`] | who runs a host's stack: the door to devices and worlds |
//! | [`lookup`] | addresses and names, as `ToSocketAddrs` |
//! | [`time`] | sleep, timeouts and intervals in a host's own time |
//! | `tokio` | sockets shaped like `tokio::net` (feature `tokio`) |
#![forbid(unsafe_code)]

pub mod driver;
pub mod lookup;
pub mod time;
#[cfg(feature = "tokio")]
pub mod tokio;

#[cfg(feature = "tokio")]
mod socket;

pub use driver::{Driver, Host, Waiters};
pub use lookup::ToAddrs;
