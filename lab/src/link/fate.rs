//! What became of a packet, and why.

use loggia_stack::base::Instant;
use loggia_stack::base::time::Duration;

/// Names a packet among those of one direction of one link: the first is 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PacketId(pub u64);

/// What became of a packet. Each packet that was put gets exactly one with [`Verdict::Delivered`] or [`Verdict::Dropped`], at the latest
/// when it leaves the queue. If the link copies it, a second one follows at once, under the same name and with [`Marks::duplicate`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fate {
    /// Which packet.
    pub packet: PacketId,
    /// Which flow it belongs to: a hash of addresses, protocol and ports, with direction; the same on all links and in all runs.
    /// 0 on a link that does nothing to single packets.
    pub flow: u64,
    /// Which of the flow's packets, counted from 1 since the link began to look at single packets; 0 if it does not.
    pub number: u64,
    /// When this was decided.
    pub at: Instant,
    /// What was decided.
    pub verdict: Verdict,
}

/// What was decided.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Verdict {
    /// It arrives.
    Delivered {
        /// When.
        arrives: Instant,
        /// How long it waited in the queue.
        queued: Duration,
        /// What else was done to it.
        marks: Marks,
    },
    /// It does not arrive.
    Dropped(Cause),
}

/// What else was done to a packet that arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Marks {
    /// It is a copy that the link made.
    pub duplicate: bool,
    /// A copy of it arrives as well.
    pub duplicated: bool,
    /// This bit, counted from the first of the IP packet, was flipped.
    pub corrupted: Option<u32>,
    /// It overtook an earlier packet of its flow.
    pub reordered: bool,
    /// It was marked with "congestion experienced".
    pub ecn: bool,
}

/// Why a packet does not arrive.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// The loss model said so.
    Loss,
    /// The queue was full, or the link's memory.
    QueueFull,
    /// CoDel dropped it from its queue.
    CoDel,
    /// RED dropped it early.
    Red,
    /// The link was down.
    Down,
    /// It is larger than the link carries.
    TooBig,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Loss, Self::QueueFull, Self::CoDel, Self::Red, Self::Down, Self::TooBig];

    /// Its name in metrics, captures and events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::QueueFull => "queue-full",
            Self::CoDel => "codel",
            Self::Red => "red",
            Self::Down => "down",
            Self::TooBig => "too-big",
        }
    }
}

/// How many packets met which fate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Packets that were put.
    pub sent: u64,
    /// Bytes that were put.
    pub sent_bytes: u64,
    /// Packets that arrived, copies included.
    pub delivered: u64,
    /// Bytes that arrived.
    pub delivered_bytes: u64,
    /// Packets dropped, by [`Cause::ALL`].
    pub dropped: [u64; 6],
    /// Copies made.
    pub duplicated: u64,
    /// Packets damaged.
    pub corrupted: u64,
    /// Packets that overtook an earlier one of their flow.
    pub reordered: u64,
    /// Packets marked.
    pub marked: u64,
    /// Most bytes that waited in the queue.
    pub queue_peak: u64,
}
