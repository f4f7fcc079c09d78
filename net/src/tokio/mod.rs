//! Sockets shaped like tokio's.
//!
//! | module | what |
//! |---|---|
//! | [`net`] | as `tokio::net`, with constructors that take a host |
//! | [`shards`] | listeners and datagram sockets on all shards of a host |
//!
//! They need a host that somebody runs and an executor, tokio's or any other. Several tasks may wait for one socket. What is ready is
//! asked of the stack itself each time, under the same lock under which a call failed and its waker was left behind: no event is missed,
//! and none is remembered after it has passed.

pub mod net;
#[cfg(unix)]
pub mod shards;
mod waiting;
