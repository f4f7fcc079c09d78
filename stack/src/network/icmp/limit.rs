//! How many errors we send (RFC 1812 §4.3.2.8, RFC 4443 §2.4 (f)): a bucket for all of them and one for each destination.
//! Numbers and shapes are Linux's; the destinations remembered are bounded.

use crate::base::{Addr, Duration, Entropy, Instant};
use crate::network::lru::Lru;

/// How many destinations are remembered.
const CAPACITY: usize = 1024;
/// How many messages to one destination may come at once (Linux: `XRLIM_BURST_FACTOR`).
const BURST: u32 = 6;

/// What an error is allowed by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// Between two messages to one destination; zero: no limit.
    pub(super) interval: Duration,
    /// Messages a second to all.
    pub(super) per_second: u32,
    /// Messages at once to all.
    pub(super) burst: u32,
}

/// Why an error is not sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Denied {
    /// Too many in all.
    Global,
    /// Too many to this destination.
    Destination,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: Duration,
    last: Instant,
}

/// Rate limits of the ICMP messages we send.
#[derive(Debug)]
pub(crate) struct Limits {
    credit: u32,
    /// When the global bucket was last filled; never: it is full.
    filled: Option<Instant>,
    destinations: Lru<Addr, Bucket>,
}

impl Limits {
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self { credit: 0, filled: None, destinations: Lru::new(entropy.key("icmp limit"), CAPACITY) }
    }

    /// Asks for leave to send an error to `dst`. `jitter` is a random number below 3: the global bucket must not be readable as
    /// an exact count from outside (CVE-2020-25705), so that a message costs one credit on average.
    pub(super) fn allow(&mut self, dst: Addr, now: Instant, rate: Rate, jitter: u32) -> Result<(), Denied> {
        self.fill(now, rate);
        if self.credit == 0 {
            return Err(Denied::Global);
        }
        // Only what passes the limit of its destination costs a credit of all, as in Linux since 6.12: else one host's silence
        // could be brought about, and seen, by another.
        if !self.destination(dst, now, rate.interval) {
            return Err(Denied::Destination);
        }
        self.credit = self.credit.saturating_sub(jitter);
        Ok(())
    }

    fn fill(&mut self, now: Instant, rate: Rate) {
        let Some(filled) = self.filled else {
            self.filled = Some(now);
            self.credit = rate.burst;
            return;
        };
        let nanos = now.since(filled).min(Duration::from_secs(1)).as_nanos() as u64;
        let fresh = (nanos * u64::from(rate.per_second) / 1_000_000_000) as u32;
        if fresh > 0 {
            self.filled = Some(now);
            self.credit = self.credit.saturating_add(fresh).min(rate.burst);
        }
    }

    fn destination(&mut self, dst: Addr, now: Instant, interval: Duration) -> bool {
        let full = interval * BURST;
        let bucket = self.destinations.get_or_insert(dst, || Bucket { tokens: full, last: now });
        bucket.tokens = bucket.tokens.saturating_add(now.since(bucket.last)).min(full);
        bucket.last = now;
        match bucket.tokens.checked_sub(interval) {
            Some(left) => {
                bucket.tokens = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { interval: Duration::from_secs(1), per_second: 1000, burst: 50 };
    const HOST: Addr = Addr::v4(192, 0, 2, 1);

    fn limits() -> Limits {
        Limits::new(&Entropy::new(1.into()))
    }

    #[test]
    fn a_destination_gets_six_at_once_and_then_one_a_second() {
        let mut limits = limits();
        let mut sent = |at: Instant| (0..20).filter(|_| limits.allow(HOST, at, RATE, 0).is_ok()).count();
        assert_eq!(sent(Instant::EPOCH), 6);
        assert_eq!(sent(Instant::from_millis(999)), 0);
        assert_eq!(sent(Instant::from_millis(1000)), 1);
        assert_eq!(sent(Instant::from_secs(1000)), 6);
    }

    #[test]
    fn all_together_get_fifty_at_once_and_then_a_thousand_a_second() {
        let mut limits = limits();
        let mut host = 0u32;
        let mut sent = |at: Instant| {
            let mut any = || {
                host += 1;
                limits.allow(Addr::from_v4(host.to_be_bytes()), at, RATE, 1)
            };
            (0..200).filter(|_| any() != Err(Denied::Global)).count()
        };
        assert_eq!(sent(Instant::EPOCH), 50);
        assert_eq!(sent(Instant::from_millis(10)), 10);
        assert_eq!(sent(Instant::from_secs(10)), 50);
    }

    #[test]
    fn a_flood_of_sources_does_not_grow_the_memory() {
        let mut limits = limits();
        for host in 0..10_000u32 {
            let _ = limits.destination(Addr::from_v4(host.to_be_bytes()), Instant::EPOCH, RATE.interval);
        }
        assert_eq!(limits.destinations.len(), CAPACITY);
    }
}
