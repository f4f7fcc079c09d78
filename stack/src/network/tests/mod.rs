//! Stories of the network layer: packets in, packets out, time passes.

mod basics;
pub(super) mod world;
