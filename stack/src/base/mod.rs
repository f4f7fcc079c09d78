//! Layer 0, what every layer stands on: time, seed, addresses, buffers, timers, slabs, events, counters, the memory budget.
//!
//! Nothing here knows a protocol. [`Base`] is the one value of it that a stack has; layers above hold it and pass it on.

pub mod addr;
pub mod budget;
pub mod checksum;
pub mod counters;
pub mod discard;
pub mod entropy;
pub mod errno;
pub mod event;
pub mod flags;
pub mod frame;
pub mod notify;
pub mod reader;
pub mod ready;
pub mod ring;
pub mod rope;
pub mod sip;
pub mod slab;
pub mod time;
pub mod wheel;

pub use addr::{Addr, Cidr, SockAddr, Version};
pub use budget::{Budget, Pressure};
pub use checksum::Sum;
pub use counters::Counters;
pub use discard::Discard;
pub use entropy::{Between, Entropy, HashKey, Seed};
pub use errno::Errno;
pub use event::{AddressNews, Cause, Direction, Event, Events, TcpState, What, Why};
pub use flags::MsgFlags;
pub use frame::{Checksum, Frame};
pub use notify::Notify;
pub use reader::Reader;
pub use ready::Ready;
pub use ring::Ring;
pub use rope::{Pieces, Rope};
pub use sip::Sip;
pub use slab::{Key, Slab};
pub use time::{Duration, Instant};
pub use wheel::{TimerId, Wheel};

/// Names a socket of a stack.
pub type SocketId = Key;

/// Names a link of a stack: 1 for `lo`, 2 for the first that is added.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LinkId(pub u16);

/// Whose timer fired; each owner gives `key` its own meaning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timer {
    /// Who armed it.
    pub owner: TimerOwner,
    /// Which of the owner's.
    pub key: u64,
}

/// Who arms timers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum TimerOwner {
    /// ARP probes, neighbour states of both families.
    Neighbour,
    /// Reassembly.
    Fragments,
    /// Addresses: duplicate detection, lifetimes, router solicitation and advertisement.
    Autoconf,
    /// Group membership reports.
    Groups,
    /// An established (or opening, or closing) TCP connection.
    Tcp,
    /// The oldest of the half-open TCP connections that wait equally long.
    HalfOpen,
    /// The oldest TIME-WAIT record.
    TimeWait,
}

/// What every layer stands on.
#[derive(Debug)]
pub struct Base {
    /// The present moment: the last one the driver passed in.
    pub now: Instant,
    /// All randomness.
    pub entropy: Entropy,
    /// All timers.
    pub timers: Wheel<Timer>,
    /// The event stream.
    pub events: Events,
    /// All counters.
    pub counters: Counters,
    /// The memory budget.
    pub budget: Budget,
    /// Sockets whose readiness may have changed.
    pub notify: Notify,
}

impl Base {
    /// A base at moment `now` with a memory budget in bytes.
    pub fn new(seed: Seed, now: Instant, budget: usize, event_limit: usize) -> Self {
        let mut timers = Wheel::new();
        let nothing: Option<Timer> = timers.expire(now);
        debug_assert!(nothing.is_none());
        Self {
            now,
            entropy: Entropy::new(seed),
            timers,
            events: Events::new(event_limit),
            counters: Counters::new(),
            budget: Budget::new(budget),
            notify: Notify::default(),
        }
    }

    /// Arms a timer of `owner` that fires `after` from now.
    pub fn arm(&mut self, after: Duration, owner: TimerOwner, key: u64) -> TimerId {
        self.timers.arm(self.now + after, Timer { owner, key })
    }

    /// Counts and reports a discarded packet of `len` bytes.
    #[cold]
    pub fn discard(&mut self, link: Option<LinkId>, reason: Discard, len: usize) {
        self.counters.discards[reason as usize] += 1;
        self.events.emit(self.now, What::Discard { link, reason, len: len as u32 });
    }

    /// Reports an event that happens now.
    #[inline(always)] // Nothing is made of an event that nobody wants.
    pub fn emit(&mut self, what: What) {
        self.events.emit(self.now, what);
    }
}
