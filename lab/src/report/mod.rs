//! What a run was, as text: from its folder, or from memory while it runs.
//!
//! | view | what it shows |
//! |---|---|
//! | [`ladder`] | the packets of a connection between its two ends, with states, losses and repetitions |
//! | [`boundaries`] | send calls, segments and receive calls side by side: what TCP does to messages, and UDP does not |
//! | [`why`] | where a connection's time went, in parts that add up |
//! | [`sockets`] | the sockets of all hosts, as `ss` lists them |
//! | [`metrics`] | what was measured |
//! | [`verdict`] | what was expected, and whether it held |
//! | [`diff`] | what differs between two runs |
//!
//! All of them are functions from entries to a string; [`Look`] says how wide it may be and of which characters.

#![allow(clippy::format_push_string)] // These are texts put together line by line, not hot paths.

pub mod boundaries;
pub mod diff;
mod flight;
pub mod ladder;
mod local;
mod look;
pub mod metrics;
mod pick;
pub mod sockets;
pub mod verdict;
pub mod why;

pub use look::Look;
pub use pick::{Picked, list, most_eventful, pick};
