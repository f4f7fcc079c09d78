//! One direction of a link, as a value: frames go in with the time, and come out with the time, or do not.
//!
//! ```text
//!        Down, TooBig        QueueFull, CoDel, Red             Loss   a copy   one bit
//!             ▲                       ▲                         ▲       ▲        ▲
//!             │                       │                         │       │        │
//!   put ──> up? fits? ──> lot ──> queue ──> rate ───────────> loss ──> copy ──> damage ──> delay line ──> take
//!                          │                 (its bits go out)                             (each its own moment)
//!                          └─ drawn from seed, link, direction, flow, n-th packet of the flow
//! ```
//!
//! # Why this order
//!
//! The sender's end of a link is a queue and an interface that sends at the link's rate; then comes the wire. What the wire does to a
//! packet, it does after the packet has taken its place in the queue and its share of the rate: a lost packet is not free, and with
//! loss and a rate together no more is delivered than rate × (1 − loss), as on a real link. netem decides losses, copies and damage
//! when a packet is put into its queue, so there a lost packet takes nothing of the rate and a copy takes a share; for what TCP sees of a
//! bottleneck with loss, that is a different link. The other consequences:
//!
//! - A packet's *lot* (lost or not, copy, damage, deviation of the delay) is drawn when it is put, from the terms of that moment, in the
//!   order of its flow, whether or not the queue drops it later. So the queue, which other flows fill, cannot change any other lot.
//! - Queue, rate, MTU and delay are those of the moment at which the packet comes to them.
//! - A copy is made on the wire: it takes no rate and no place in the queue, has its own damage and deviation, and is not lost by itself.
//! - The delay line is a true one: delay never lowers the rate, and any number of packets are under way (up to [`MEMORY`]).
//!   A packet's fate is known when it leaves the queue, and from then on nothing changes it, neither new terms nor the link going down.
//! - A link that goes down loses what waits in the queue and what is put ([`Cause::Down`]); what is on the wire arrives.
//! - A shorter delay lets later packets overtake those that are under way, as a shorter way does.
//!
//! A super-segment stands for packets. Where the terms keep them together (no rate, jitter and reordering), each is named, counted, drawn for
//! and told of as if it had been put by itself, and those that go on arrive as one frame, or as the pieces around those that do not.
//! Other terms cut it.
//!
//! Flows are told apart by addresses, protocol and ports ([`Fate::flow`]); the last 65,536 that spoke are remembered.
//!
//! | module | what |
//! |---|---|
//! | `terms`, `fate`, `exposure` | what is asked, what is told, how much there was to do |
//! | `pipe`, `pipe/together` | the way of a packet, and of those of a super-segment |
//! | `flow`, `flows` | to which flow a frame belongs, and what is remembered of it |
//! | `draw`, `lots`, `loss`, `quantile` | random numbers, and what they decide |
//! | `packet`, `shaper`, `queue`, `rate` | from being put to being out |
//! | `alter`, `line` | what the wire writes into packets, and how long it has them |
//!
//! Invariants: no floating-point function but `+ - * /` and square root decides anything, so that fates are the same on every machine;
//! memory is bounded; terms that ask for nothing cost nothing.

mod alter;
mod draw;
mod exposure;
mod fate;
mod fates;
mod flow;
mod flows;
mod line;
mod loss;
mod lots;
mod packet;
mod pipe;
mod quantile;
mod queue;
mod rate;
#[cfg(test)]
mod samples;
mod shaper;
mod terms;

pub use exposure::{Exposure, Impairment};
pub use fate::{Cause, Counts, Fate, Marks, PacketId, Verdict};
pub use fates::{Fates, Shared};
pub use pipe::{Arrival, MEMORY, Pipe, PipeSeed};
pub use terms::{Chance, Distribution, Jitter, Limit, Loss, Queue, QueueKind, Rate, Reorder, Terms, Trace};
