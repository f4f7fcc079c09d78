//! Layer 3, transport: TCP, UDP, raw, AF_UNIX; ports and flows; which of several stacks a flow is for.

pub mod datagram;
pub mod inet;
pub mod ping;
pub mod ports;
pub mod raw;
pub mod shard;
pub mod tcp;
pub mod udp;
pub mod unix;

#[cfg(test)]
mod testing;
