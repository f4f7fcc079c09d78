//! What waits for the rate: the disciplines.
//!
//! A queue that is empty always takes one packet, however small its limit.
//!
//! - `fifo`: packets in order, and what all disciplines store them in
//! - `codel`: the law of RFC 8289, for one queue
//! - `fq_codel`: RFC 8290, many of these in turn
//! - `red`: random early detection

mod codel;
mod fifo;
mod fq_codel;
mod red;

use loggia_stack::base::Instant;
use loggia_stack::base::time::Duration;

use super::draw::Draws;
use super::fate::Cause;
use super::packet::Packet;
use super::terms::{Limit, Queue, QueueKind};
use codel::CoDel;
use fifo::Fifo;
use fq_codel::FqCoDel;
use red::Red;

/// Packets that a queue drops, with the reason.
pub(super) type Drops = Vec<(Packet, Cause)>;

/// A queue with its discipline.
#[derive(Debug)]
pub(super) enum Discipline {
    Tail { fifo: Fifo, limit: Limit },
    CoDel { fifo: Fifo, limit: Limit, law: CoDel },
    FqCoDel(Box<FqCoDel>),
    Red { fifo: Fifo, limit: Limit, red: Red },
}

impl Discipline {
    /// An empty one. `pace` is how long a packet of a thousand bytes takes to leave.
    pub(super) fn new(queue: &Queue, pace: Duration, draws: Draws) -> Self {
        let (fifo, limit, ecn) = (Fifo::default(), queue.limit, queue.ecn);
        match queue.kind {
            QueueKind::DropTail => Self::Tail { fifo, limit },
            QueueKind::CoDel { target, interval } => Self::CoDel { fifo, limit, law: CoDel::new(target, interval, ecn) },
            QueueKind::FqCoDel { target, interval, flows, quantum } => {
                Self::FqCoDel(Box::new(FqCoDel::new(CoDel::new(target, interval, ecn), limit, flows, quantum)))
            }
            QueueKind::Red { min, max, probability, weight } => {
                Self::Red { fifo, limit, red: Red::new(min, max, probability, weight, ecn, pace, draws) }
            }
        }
    }

    /// Another limit, for packets that come.
    pub(super) fn set_limit(&mut self, new: Limit) {
        match self {
            Self::Tail { limit, .. } | Self::CoDel { limit, .. } | Self::Red { limit, .. } => *limit = new,
            Self::FqCoDel(queue) => queue.set_limit(new),
        }
    }

    /// Another rate.
    pub(super) fn set_pace(&mut self, pace: Duration) {
        if let Self::Red { red, .. } = self {
            red.set_pace(pace);
        }
    }

    /// A packet comes; it, or another in its place, may be dropped.
    pub(super) fn push(&mut self, mut packet: Packet, now: Instant, drops: &mut Drops) {
        match self {
            Self::Tail { fifo, limit } | Self::CoDel { fifo, limit, .. } => fifo.push_within(packet, *limit, drops),
            Self::FqCoDel(queue) => queue.push(packet, drops),
            Self::Red { fifo, limit, red } => {
                if red.spares(&mut packet, fifo.bytes(), now) {
                    fifo.push_within(packet, *limit, drops);
                } else {
                    drops.push((packet, Cause::Red));
                }
            }
        }
    }

    /// A packet comes that is neither refused nor reason to refuse another.
    pub(super) fn restore(&mut self, packet: Packet) {
        match self {
            Self::Tail { fifo, .. } | Self::CoDel { fifo, .. } | Self::Red { fifo, .. } => fifo.push(packet),
            Self::FqCoDel(queue) => queue.restore(packet),
        }
    }

    /// The packet that leaves at `at`; others may be dropped on that occasion.
    pub(super) fn pop(&mut self, at: Instant, drops: &mut Drops) -> Option<Packet> {
        match self {
            Self::Tail { fifo, .. } => fifo.pop(),
            Self::CoDel { fifo, law, .. } => law.pop(fifo, at, drops),
            Self::FqCoDel(queue) => queue.pop(at, drops),
            Self::Red { fifo, red, .. } => {
                let packet = fifo.pop();
                red.left(fifo.is_empty(), at);
                packet
            }
        }
    }

    /// All packets, about in the order in which they would leave.
    pub(super) fn drain(&mut self) -> Vec<Packet> {
        match self {
            Self::Tail { fifo, .. } | Self::CoDel { fifo, .. } | Self::Red { fifo, .. } => fifo.drain(),
            Self::FqCoDel(queue) => queue.drain(),
        }
    }

    /// True if one of the packets that wait is of this kind.
    pub(super) fn any(&self, mut is_it: impl FnMut(&Packet) -> bool) -> bool {
        match self {
            Self::Tail { fifo, .. } | Self::CoDel { fifo, .. } | Self::Red { fifo, .. } => fifo.iter().any(is_it),
            Self::FqCoDel(queue) => queue.any(&mut is_it),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Tail { fifo, .. } | Self::CoDel { fifo, .. } | Self::Red { fifo, .. } => fifo.is_empty(),
            Self::FqCoDel(queue) => queue.is_empty(),
        }
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Tail { fifo, .. } | Self::CoDel { fifo, .. } | Self::Red { fifo, .. } => fifo.bytes(),
            Self::FqCoDel(queue) => queue.bytes(),
        }
    }
}

/// True if one more packet of `size` bytes stays within the limit.
fn within(limit: Limit, packets: u64, bytes: u64, size: u32) -> bool {
    packets == 0
        || match limit {
            Limit::Packets(most) => packets < most,
            Limit::Bytes(most) => bytes + u64::from(size) <= most,
            Limit::Infinite => true,
        }
}
