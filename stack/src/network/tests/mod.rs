//! Stories of the network layer: packets in, packets out, time passes.

mod basics;
mod neighbours;
mod output;
mod ways;
pub(super) mod world;
