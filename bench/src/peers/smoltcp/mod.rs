//! smoltcp, with its defaults but for the buffers' size, which all subjects share; no Nagle.
//!
//! - `wire`: its device in memory, within a thread and between two
//! - `host`: an interface with its sockets
//! - the others: one row each

pub(crate) mod bulk;
pub(crate) mod connections;
pub(crate) mod datagrams;
pub(crate) mod growth;
mod host;
pub(crate) mod ping_pong;
pub(crate) mod threads;
pub(crate) mod tun;
mod wire;
