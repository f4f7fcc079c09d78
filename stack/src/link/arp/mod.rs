//! ARP (RFC 826), whole, with address conflict detection (RFC 5227).
//!
//! ```text
//!              0 - 1 s      1 - 2 s      1 - 2 s       2 s                     2 s
//!   arp_probe ────────▶ probe ────▶ probe ────▶ probe ─────▶ ProbeDone
//!                                                            arp_own: announce ────▶ announce ─▶ held
//! ```
//!
//! - `packet`: the format
//! - `claims`: our addresses on a link and how sure we are of them
//! - `claim`: probing, announcing, defending
//! - `receive`: what a packet that comes in does
//!
//! Invariants: an address that is being probed is never answered for; a claim is defended at most once in [`DEFEND_INTERVAL`];
//! an unasked reply makes no neighbour.

mod claim;
mod claims;
mod packet;
mod receive;
#[cfg(test)]
mod tests;

pub use claim::DEFEND_INTERVAL;
pub(super) use claims::Claims;
#[cfg(test)]
pub(super) use packet::{ArpPacket, Operation};
