//! Sockets shaped like std's and tokio's on a TCP/IP stack in user space.
//!
//! | module | what |
//! |---|---|
//! | [`driver`] | who runs a host's stack: the door to devices and worlds |
#![forbid(unsafe_code)]

pub mod driver;
pub use driver::{Driver, Host, Waiters};
