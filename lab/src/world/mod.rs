//! Stacks, switches and links under one agenda.
//!
//! A [`World`] is a value without a clock. Two ways to drive it:
//!
//! - virtual time: [`World::step`] goes to the next moment at which anything happens, again and again;
//! - real time: [`World::advance`] to what the clock says, then sleep until [`World::next_deadline`].
//!
//! Either way things happen at the moments at which they are due, in the order in which they are due, however late the driver asks: a
//! packet that was due at 10.0 ms is received at 10.0 ms and answered at 10.0 ms. How late the driver was is its own to measure.
//!
//! Socket calls go through [`World::stack`], and what they caused leaves with [`World::settle`].

mod agenda;
mod host;
mod switch;
mod whole;
mod wire;

pub use host::{Frames, Host, HostId, PortConfig};
pub use switch::SwitchId;
pub use whole::World;
pub use wire::{End, Wire};
