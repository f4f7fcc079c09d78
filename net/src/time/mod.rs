//! Waiting in a host's own time, which is the world's in a simulation and real otherwise. Any executor will do.

mod interval;
mod sleep;
mod timeout;

pub use interval::{Interval, interval, interval_at};
/// A moment in a host's own time, in nanoseconds since the host began: a type of the core that this crate's version covers.
pub use loggia_stack::base::Instant;
pub use sleep::{Sleep, sleep, sleep_until};
pub use timeout::{Elapsed, Timeout, timeout, timeout_at};
