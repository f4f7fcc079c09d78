//! How long things take among the neighbours of a link (RFC 4861 §6.3.2, §10).

use crate::base::{Duration, Entropy, Instant};

/// MAX_MULTICAST_SOLICIT
pub(super) const MULTICAST_SOLICITS: u8 = 3;
/// MAX_UNICAST_SOLICIT
pub(super) const UNICAST_SOLICITS: u8 = 3;
/// DELAY_FIRST_PROBE_TIME
pub(super) const DELAY_FIRST_PROBE: Duration = Duration::from_secs(5);
/// How long a neighbour that did not answer is not asked again, however many packets there are for it.
pub(super) const FAILED_HOLD: Duration = Duration::from_secs(1);
/// For so long the first of several answers counts (as Linux's `locktime`): of two stations that answer an ARP request, or a proxy
/// and the station itself, the quicker one wins.
pub(super) const LOCK: Duration = Duration::from_secs(1);
/// MIN_RANDOM_FACTOR and MAX_RANDOM_FACTOR in percent
const RANDOM_PERCENT: (u32, u32) = (50, 150);
/// "at least every few hours" (RFC 4861 §6.3.4)
const DRAW_AGAIN: Duration = Duration::from_hours(2);

/// The times of one link, which routers may advertise.
#[derive(Debug)]
pub(crate) struct Times {
    /// BaseReachableTime
    base: Duration,
    /// ReachableTime, and until when it holds.
    reachable: (Duration, Instant),
    /// RetransTimer
    pub(super) retrans: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { base: Duration::from_secs(30), reachable: (Duration::ZERO, Instant::EPOCH), retrans: Duration::from_secs(1) }
    }
}

impl Times {
    /// What a router advertised, in milliseconds; 0 leaves a time as it is.
    pub(super) fn advertised(&mut self, reachable_ms: u32, retrans_ms: u32) {
        let base = Duration::from_millis(reachable_ms.into());
        if reachable_ms != 0 && base != self.base {
            self.base = base;
            self.reachable.1 = Instant::EPOCH;
        }
        if retrans_ms != 0 {
            // A floor, lest one forged advertisement make us flood the link.
            self.retrans = Duration::from_millis(u64::from(retrans_ms).max(100));
        }
    }

    /// ReachableTime: the base, multiplied by a random factor so that hosts do not probe in step.
    pub(super) fn reachable(&mut self, now: Instant, entropy: &mut Entropy) -> Duration {
        if now >= self.reachable.1 {
            let (least, most) = RANDOM_PERCENT;
            let percent = least + entropy.below(most - least + 1);
            self.reachable = (self.base * percent / 100, now + DRAW_AGAIN);
        }
        self.reachable.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reachable_time_is_random_between_half_and_one_and_a_half() {
        let mut entropy = Entropy::new(7.into());
        let mut times = Times::default();
        let mut now = Instant::EPOCH;
        let drawn: alloc::collections::BTreeSet<Duration> = (0..200)
            .map(|_| {
                now += DRAW_AGAIN;
                times.reachable(now, &mut entropy)
            })
            .collect();
        assert!(drawn.iter().all(|time| (15_000..=45_000).contains(&time.as_millis())));
        assert!(drawn.len() > 50);
        let one = times.reachable(now, &mut entropy);
        assert_eq!(times.reachable(now + Duration::from_mins(1), &mut entropy), one, "drawn only now and then");
    }

    #[test]
    fn an_advertised_time_counts_at_once_and_zero_changes_nothing() {
        let mut entropy = Entropy::new(7.into());
        let mut times = Times::default();
        times.reachable(Instant::EPOCH, &mut entropy);
        times.advertised(1000, 0);
        assert!(times.reachable(Instant::EPOCH, &mut entropy) <= Duration::from_millis(1500));
        assert_eq!(times.retrans, Duration::from_secs(1));
        times.advertised(0, 2000);
        assert_eq!(times.retrans, Duration::from_secs(2));
        times.advertised(0, 1);
        assert_eq!(times.retrans, Duration::from_millis(100));
    }
}
