//! A complete TCP/IP host with Berkeley socket semantics as a pure, deterministic value.
//!
//! [`Stack`] is one host. It has no clock, no threads, no I/O and no entropy but its seed: everything it
//! does follows from its four inputs, and all it has to say waits in its four outputs until somebody asks.
//!
//! ```text
//!            inputs                                      outputs (pulled; any may wait)
//!   a frame from a link      receive()   ┌─────────┐   transmit()        frames to send
//!   the passing of time      advance()   │  Stack  │   next_deadline()   may be early, never late
//!   a socket call            socket() …  │         │   next_ready()      readiness changes
//!   a configuration call     add_link()… └─────────┘   next_event()      events
//! ```
//!
//! The one rule of order: time does not go back. The same inputs with the same seed give byte-identical outputs.
//!
//! Inside, the layers are modules and depend downwards only:
//! `engine -> socket -> transport -> network -> link -> base`. What goes up is returned, never called back.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod base;
pub mod engine;
pub mod link;
pub mod network;
pub mod socket;
pub mod transport;

/// What the manual says is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/manual/core.md")]
struct Manual;

pub use base::{Addr, Errno, Instant, LinkId, Seed, SockAddr, SocketId};
pub use engine::{Config, Stack};
