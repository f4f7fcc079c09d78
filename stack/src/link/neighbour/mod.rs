//! The neighbour cache of both families (RFC 4861 §7.3): who has which link address, and whether they answer.
//!
//! ```text
//!                 answer                        30 s (x 0.5 - 1.5)
//!   INCOMPLETE ───────────▶ REACHABLE ─────────────────────────▶ STALE
//!       │ 3 x 1 s             ▲  ▲  answer or progress above       │ a packet leaves
//!       ▼                     │  └─────────────┐                   ▼
//!     FAILED                  └────────────── PROBE ◀────────── DELAY
//!       ▲          3 x 1 s, unicast             │       5 s
//!       └───────────────────────────────────────┘
//! ```
//!
//! - `state`: the states, and what an advertisement does to them, as pure functions
//! - `entry`: one neighbour; `times`: how long things take on a link
//! - `waiting`: packets that wait for a link address
//! - `table`: entries by address, bounded, the least recently used ones go first
//! - `resolve`: from a packet to a link address, solicitations, giving up
//! - `learn`: what answers, hints and users tell
//! - `straight`: both for a packet to a neighbour of which nothing is in doubt
//!
//! ARP and neighbour discovery differ only in how a solicitation is sent: ARP does it here, of IPv6 the network layer hears.
//!
//! Invariants: at most [`ENTRIES`](table::ENTRIES) entries, of which unresolved ones (which strangers can make us create, RFC 6583)
//! never push out resolved ones beyond half; no operation on a packet's way looks at more than a few entries; a timer is armed
//! exactly in INCOMPLETE, DELAY and PROBE. REACHABLE ends without a timer: it is looked at when a packet leaves.

mod entry;
mod learn;
mod resolve;
mod state;
mod straight;
mod table;
#[cfg(test)]
mod tests;
mod times;
mod waiting;

pub use learn::Neighbour;
pub(super) use learn::{Creation, Said};
pub use state::NeighbourState;
pub use straight::Progress;
pub(super) use table::Table;
pub(super) use times::Times;
