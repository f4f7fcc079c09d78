//! What one direction of a link does, in netem's words.

use std::sync::Arc;

use loggia_stack::base::time::Duration;

/// What one direction of a link does to the packets that cross it. The default does nothing: no delay, no loss, no limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// One way.
    pub delay: Duration,
    /// By how much the delay of single packets differs.
    pub jitter: Option<Jitter>,
    /// Which packets are lost.
    pub loss: Option<Loss>,
    /// Which packets arrive twice.
    pub duplicate: Chance,
    /// Which packets arrive with one bit flipped.
    pub corrupt: Chance,
    /// Which packets arrive out of order.
    pub reorder: Option<Reorder>,
    /// How many bits a second leave the queue.
    pub rate: Option<Rate>,
    /// What waits for the rate.
    pub queue: Queue,
    /// Largest IP packet in bytes; larger ones are lost without a word, as on a link whose ends disagree.
    pub mtu: Option<u32>,
    /// True while nothing crosses.
    pub down: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: None,
            loss: None,
            duplicate: Chance::default(),
            corrupt: Chance::default(),
            reorder: None,
            rate: None,
            queue: Queue::default(),
            mtu: None,
            down: false,
        }
    }
}

impl Terms {
    /// True if a frame may cross as one super-segment of many packets: nothing here looks at single packets.
    pub fn takes_large_frames(&self) -> bool {
        self.jitter.is_none()
            && self.loss.is_none()
            && self.duplicate.probability == 0.0
            && self.corrupt.probability == 0.0
            && self.reorder.is_none()
            && self.rate.is_none()
            && self.mtu.is_none()
    }

    /// True if packets that are put at one moment arrive at one moment, as far as they arrive, and in the order in which they were put: those
    /// of a super-segment may travel together although each has its own fate.
    pub fn keeps_together(&self) -> bool {
        self.jitter.is_none() && self.reorder.is_none() && self.rate.is_none()
    }
}

/// How often something happens, and how much each packet takes after the one before it in its flow.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Chance {
    /// From 0 to 1.
    pub probability: f64,
    /// From 0 (independent) to 1: how often a packet repeats what the one before it drew, and so the correlation of neighbours.
    /// netem's word; but here how often anything happens does not depend on it.
    pub correlation: f64,
}

/// Variation of the delay. Packets of one flow overtake each other only if [`Jitter::overtake`] is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Jitter {
    /// Standard deviation (normal, Pareto) or largest deviation (uniform).
    pub spread: Duration,
    /// How the deviations are distributed.
    pub distribution: Distribution,
    /// As [`Chance::correlation`].
    pub correlation: f64,
    /// True if a packet may arrive before one that was sent earlier; otherwise it waits for it.
    pub overtake: bool,
}

/// How deviations of the delay are distributed. All but the trace have mean 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Evenly between -spread and +spread.
    Uniform,
    /// Normal, cut at four standard deviations.
    Normal,
    /// Pareto with shape 3, cut four standard deviations above its mean (netem's table ends there too).
    Pareto,
    /// A quarter normal, three quarters Pareto, as netem's table.
    ParetoNormal,
    /// One of these delays in nanoseconds after the other, in the order of the file, added to the delay.
    Trace(Arc<[u64]>),
}

/// Which packets are lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Loss {
    /// Each by itself.
    Independent(Chance),
    /// Two states. In the bad one packets are lost with `bad`, in the good one with `good`.
    GilbertElliott {
        /// Probability of going from good to bad at a packet.
        enter: f64,
        /// Probability of going from bad to good at a packet.
        leave: f64,
        /// Loss in the bad state.
        bad: f64,
        /// Loss in the good state.
        good: f64,
    },
    /// netem's four states: 1 received in a gap, 2 received in a burst, 3 lost in a burst, 4 lost alone in a gap.
    FourState {
        /// From 1 to 3.
        p13: f64,
        /// From 3 to 1.
        p31: f64,
        /// From 3 to 2.
        p32: f64,
        /// From 2 to 3.
        p23: f64,
        /// From 1 to 4.
        p14: f64,
    },
    /// Every `every`-th packet of a flow, the first lost being the `first`-th (counted from 1).
    Periodic {
        /// Distance of two losses in packets.
        every: u64,
        /// The first that is lost.
        first: u64,
    },
    /// These packets of each flow, counted from 1, in ascending order.
    List(Arc<[u64]>),
}

/// Which packets arrive out of order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reorder {
    /// How often.
    pub chance: Chance,
    /// The chosen packet overtakes: it arrives this much earlier than the delay says (at once if the delay is shorter).
    /// Without: it does not wait for the delay at all, as netem's.
    pub by: Option<Duration>,
}

/// How fast packets leave the queue.
#[derive(Clone, Debug, PartialEq)]
pub enum Rate {
    /// A token bucket.
    Fixed {
        /// Bits a second.
        bits: u64,
        /// Bytes the bucket holds: what may leave at once after a pause. With 0 every packet takes the time of its bits, as with
        /// netem's rate.
        burst: u64,
        /// Bytes that framing adds to each Ethernet frame (preamble, gap, cells); may be negative: -14 leaves the IP packet.
        overhead: i32,
    },
    /// Opportunities to send, each for 1500 bytes of IP packets, repeated for ever (mahimahi's format). Several small packets share
    /// one, a larger packet takes several.
    Trace(Trace),
}

/// Moments at which 1500 bytes may leave, in milliseconds since the epoch, ascending; repeated with the last one as the period.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace(pub Arc<[u64]>);

/// What waits for the rate. Without a rate nothing waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Queue {
    /// How it is managed.
    pub kind: QueueKind,
    /// How much it holds.
    pub limit: Limit,
    /// Marks packets of ECN-capable transports instead of dropping them, where the kind decides early.
    pub ecn: bool,
}

impl Default for Queue {
    /// netem's default: a thousand packets.
    fn default() -> Self {
        Self { kind: QueueKind::DropTail, limit: Limit::Packets(1000), ecn: false }
    }
}

/// How much a queue holds; an empty one always takes one packet. Bytes are those of Ethernet frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many packets.
    Packets(u64),
    /// So many bytes.
    Bytes(u64),
    /// Everything (up to [`MEMORY`](super::MEMORY)).
    Infinite,
}

/// How a queue is managed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum QueueKind {
    /// Full is full.
    DropTail,
    /// RFC 8289.
    CoDel {
        /// Acceptable standing delay; RFC 8289: 5 ms.
        target: Duration,
        /// A round trip; RFC 8289: 100 ms.
        interval: Duration,
    },
    /// RFC 8290.
    FqCoDel {
        /// As CoDel's.
        target: Duration,
        /// As CoDel's.
        interval: Duration,
        /// Queues; RFC 8290: 1024.
        flows: u32,
        /// Bytes a queue may send in its turn; RFC 8290: 1514.
        quantum: u32,
    },
    /// Random early detection (Floyd and Jacobson 1993), gentle.
    Red {
        /// Average queue in bytes at which dropping begins.
        min: u64,
        /// Average queue in bytes at which `probability` is reached.
        max: u64,
        /// Probability of dropping at `max`.
        probability: f64,
        /// Weight of a new sample in the average; 0.002.
        weight: f64,
    },
}
