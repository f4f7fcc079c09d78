//! One direction of a link, as a value: frames go in with the time, and come out with the time, or do not.
//!
//! ```text
//!   put ──> is it up, does it fit ──> loss ──> queue ──> rate ──> delay line ──> take
//!                                      (fates are drawn from seed, link, direction, flow, n-th packet of the flow)
//! ```
//!
//! The delay line is a true one: a delay never lowers the rate.

mod fate;
mod pipe;
mod terms;

pub use fate::{Cause, Counts, Fate, Marks, PacketId, Verdict};
pub use pipe::{Arrival, Pipe, PipeSeed};
pub use terms::{Chance, Distribution, Jitter, Limit, Loss, Queue, QueueKind, Rate, Reorder, Terms, Trace};
