//! What a device may do itself, done in software where it does not: large frames cut late (GSO) and joined
//! early (GRO), transport checksums completed.
//!
//! ```text
//!   super-segment   │ l2 │ l3 │ l4 │ ------------- payload ------------- │   segment_size = s
//!         cut │ ▲ join
//!             ▼ │
//!   segments        │ l2 │ l3 │ l4 │ -- s -- │  │ l2 │ l3 │ l4 │ -- s -- │  │ l2 │ l3 │ l4 │ rest │
//! ```
//!
//! - `layout`: where the headers of a frame lie; the one place here that reads IP headers
//! - `cut`: one super-segment into many frames, lazily, sharing the payload
//! - `append`: a super-segment that leaves behind another made one with it
//! - `join`: many segments into one super-segment, never changing the order within a flow
//! - `template`, `alike`: what the headers of such segments have in common, and their sums; where they may differ
//! - `complete`: partial checksums
//! - `outside`: the same for those who look at single packets outside of a stack
//!
//! Invariant, proven by test: joining what was cut gives the super-segment back, byte for byte.

mod alike;
pub(super) mod append;
pub(super) mod complete;
pub(super) mod cut;
pub(super) mod join;
pub(super) mod layout;
mod model;
pub(super) mod outside;
mod template;

#[cfg(test)]
pub(super) mod samples;
#[cfg(test)]
mod tests;
