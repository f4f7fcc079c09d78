//! Between a lab and the machine it runs on: relays, one end of which is a socket of a host of the lab, the other one of the machine.
//!
//! ```text
//!   publish   client ──> machine's listener ═╗ relay ╔═ host "from" ──> link ──> host "to": program
//!   uplink    program ──> link ──> the uplink's host ═╗ relay ╔═ machine's socket ──> whoever was called
//! ```
//!
//! * [`Doors`]: all of them for one plan.
//! * [`Uplink`]: whatever programs send to the host that stands for the machine, wherever it is for.
//! * [`Publication`]: a port of the machine that leads to a port in the lab.
//! * [`Machine`]: whom an address stands for on the machine's side; its name servers.
//! * `relay`: two streams made one. `association`: datagrams that belong together.
//!
//! What a relay keeps: order, bytes, ends of streams one by one (half-close), resets, refusals, back-pressure (it reads no more than it
//! can write: 64 KiB each way), boundaries of datagrams. What it does not: urgent data, addresses of who called (the machine sees
//! connections of loggia), TTL and DSCP, ICMP, fragments. One association of UDP lasts until nothing was sent for a minute.
//!
//! A stranger may call a door as often as he likes. So a door carries at most 2,048 connections of a family at a time, while more wait, and
//! 1,024 associations, while more are dropped; and it makes a thousand notes.

mod association;
mod doors;
mod machine;
mod publish;
mod relay;
mod uplink;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use doors::{Doors, Open};
pub use machine::Machine;
pub use publish::Publication;
pub use uplink::Uplink;

/// An association of UDP ends when nothing was sent either way for so long (RFC 4787 REQ-5 asks for two minutes of a NAT; resolvers and
/// games take seconds, and a lab has few minutes).
pub const IDLE: Duration = Duration::from_secs(60);

/// Where relays tell what a person should know.
pub type Notes = Arc<dyn Fn(&str) + Send + Sync>;
