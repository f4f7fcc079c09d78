//! What is known of a link's querier (RFC 9776 §7.2.1, §8; RFC 9777 §8.2.1, §9).

use crate::base::{Duration, Instant, TimerId};

use super::message::{Dialect, Query};

/// The largest robustness variable: three bits.
const DEFAULT_ROBUSTNESS: u8 = 2;
const DEFAULT_INTERVAL: Duration = Duration::from_secs(125);

/// What is known of a link's querier, of one family.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Querier {
    /// Until when the oldest dialect is spoken.
    oldest_until: Option<Instant>,
    /// Until when the older dialect is spoken.
    older_until: Option<Instant>,
    robustness: u8,
    interval: Duration,
    /// When a query about all groups is answered, in the current dialect.
    pub general: Option<Instant>,
    pub timer: Option<TimerId>,
}

impl Querier {
    /// How to speak now.
    pub(super) fn dialect(&self, now: Instant) -> Dialect {
        let holds = |until: Option<Instant>| until.is_some_and(|until| now < until);
        if holds(self.oldest_until) {
            Dialect::Oldest
        } else if holds(self.older_until) {
            Dialect::Older
        } else {
            Dialect::Current
        }
    }

    /// How often a change is told.
    pub(super) fn robustness(&self) -> u8 {
        if self.robustness == 0 { DEFAULT_ROBUSTNESS } else { self.robustness }
    }

    /// A query was heard: its dialect is spoken for the "older version querier present timeout" (RFC 9776 §8.12).
    pub(super) fn heard(&mut self, now: Instant, query: &Query) {
        let interval = if self.interval.is_zero() { DEFAULT_INTERVAL } else { self.interval };
        let timeout = interval * u32::from(self.robustness()) + query.max_response;
        match query.dialect {
            Dialect::Oldest => self.oldest_until = Some(now + timeout),
            Dialect::Older => self.older_until = Some(now + timeout),
            Dialect::Current => {
                // RFC 9776 §4.1.6, §4.1.7: zero means the default.
                self.robustness = query.robustness;
                self.interval = query.interval;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Addr;

    fn query(dialect: Dialect) -> Query {
        let (group, sources) = (Addr::V4_ANY, alloc::vec::Vec::new());
        Query { dialect, max_response: Duration::from_secs(10), group, robustness: 3, interval: Duration::from_secs(60), sources }
    }

    #[test]
    fn an_old_querier_is_humoured_until_it_has_been_silent_long_enough() {
        // RFC 9776 §7.2.1, §8.12
        let mut querier = Querier::default();
        assert_eq!(querier.dialect(Instant::EPOCH), Dialect::Current);
        querier.heard(Instant::EPOCH, &query(Dialect::Older));
        assert_eq!(querier.dialect(Instant::from_secs(259)), Dialect::Older);
        assert_eq!(querier.dialect(Instant::from_secs(260)), Dialect::Current, "2 * 125 s + 10 s");
        querier.heard(Instant::from_secs(300), &query(Dialect::Oldest));
        querier.heard(Instant::from_secs(400), &query(Dialect::Older));
        assert_eq!(querier.dialect(Instant::from_secs(500)), Dialect::Oldest, "the oldest wins");
        assert_eq!(querier.dialect(Instant::from_secs(600)), Dialect::Older);
    }

    #[test]
    fn the_querier_s_robustness_is_taken_over() {
        // RFC 9776 §4.1.6
        let mut querier = Querier::default();
        assert_eq!(querier.robustness(), 2);
        querier.heard(Instant::EPOCH, &query(Dialect::Current));
        assert_eq!(querier.robustness(), 3);
        querier.heard(Instant::EPOCH, &query(Dialect::Older));
        assert_eq!(querier.dialect(Instant::from_secs(189)), Dialect::Older, "3 * 60 s + 10 s");
        assert_eq!(querier.dialect(Instant::from_secs(190)), Dialect::Current);
    }
}
