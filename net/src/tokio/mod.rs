//! Sockets shaped like tokio's.
//!
//! | module | what |
//! |---|---|
//! | [`net`] | as `tokio::net`, with constructors that take a host |
//! | [`shards`] | listeners and datagram sockets on all shards of a host |
//! | [`shutdown`] | the end of a host, awaited |
//!
//! They need a host that somebody runs and an executor, tokio's or any other. Several tasks may wait for one socket. What is ready is
//! asked of the stack itself each time, under the same lock under which a call failed and its waker was left behind: no event is missed,
//! and none is remembered after it has passed.

pub mod net;
#[cfg(unix)]
pub mod shards;
mod waiting;

use std::io;
use std::time::Duration;

use crate::host::Host;

/// As [`Host::shutdown`], without holding the thread: one of tokio's threads for blocking work waits. Dropping this does not call it off. For
/// tasks of tokio's.
pub async fn shutdown(host: &Host, limit: Duration) -> io::Result<()> {
    let host = host.clone();
    let ended = ::tokio::task::spawn_blocking(move || host.shutdown(limit)).await;
    // It is not called off, unless by the end of the runtime.
    ended.unwrap_or_else(|failed| Err(io::Error::other(failed)))
}
