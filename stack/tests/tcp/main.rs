//! Stories about TCP: one stack, a peer that does what the story says, virtual time.
//!
//! Sequence and acknowledgement numbers are relative, as in packetdrill: the SYN is 0, the first byte of data is 1.

mod acknowledging;
mod addressing;
mod closing;
mod counting;
mod fast_open;
mod finishing;
mod flooding;
mod hostile;
mod keepalive;
mod marks;
mod opening;
mod pacing;
mod path;
mod patience;
mod pieces;
mod receiving;
mod recovering;
mod resetting;
mod reviewed;
mod script;
mod segment;
mod sending;
mod suspecting;
mod unreachable;
mod urgency;
mod waiting;
mod wire;
