//! What `TCP_INFO` tells of the rate at which the path delivers, of connections that keep no samples: one measurement in a round trip.
//!
//! A segment is marked when it is sent; what was delivered until it is acknowledged, over that time, is the rate. It takes a few bytes
//! while something is in flight, and four for the result.

use crate::base::{Duration, Instant};
use crate::transport::tcp::seq::Seq;

/// The measurement that is under way.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::transport::tcp) struct Meter {
    mark: Option<Mark>,
    /// All that was written was out when something was last sent, and there was room for more.
    app_limited: bool,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Instant,
    end: Seq,
    /// Segments delivered before.
    delivered: u32,
    app_limited: bool,
}

/// A rate in units of 64 bytes a second, and above it whether the application limited it; 0: none was measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::transport::tcp) struct Metered(u32);

const APP_LIMITED: u32 = 1 << 31;
const UNIT: u64 = 64;

impl Metered {
    fn new(bytes_a_second: u64, app_limited: bool) -> Self {
        let rate = (bytes_a_second / UNIT).min(u64::from(APP_LIMITED - 1)) as u32;
        Self(if app_limited { rate | APP_LIMITED } else { rate })
    }

    /// Bytes a second, and whether the application limited it.
    pub(in crate::transport::tcp) fn get(self) -> (u64, bool) {
        (u64::from(self.0 & !APP_LIMITED) * UNIT, self.0 & APP_LIMITED != 0)
    }
}

impl Meter {
    /// New data that ends at `end` is sent behind other data; so many segments were delivered before.
    pub(super) fn sent(&mut self, now: Instant, end: Seq, delivered: u32) {
        let app_limited = self.app_limited;
        self.mark.get_or_insert(Mark { at: now, end, delivered, app_limited });
    }

    /// All that was written is out, and the congestion window has room, or not.
    pub(in crate::transport::tcp) fn output_ended(&mut self, app_limited: bool) {
        self.app_limited = app_limited;
    }

    /// Everything before `una` is acknowledged. As in Linux, a rate that the application limited counts only if it is more than was `known`.
    pub(super) fn acknowledged(&mut self, now: Instant, una: Seq, delivered: u32, mss: u32, known: Metered) -> Option<Metered> {
        let mark = self.mark.filter(|mark| una.at_or_after(mark.end))?;
        self.mark = None;
        let (passed, bytes) = (now - mark.at, u64::from(delivered.wrapping_sub(mark.delivered)) * u64::from(mss));
        if passed < Duration::from_micros(1) {
            return None;
        }
        let rate = (u128::from(bytes) * 1_000_000_000 / passed.as_nanos()).min(u128::from(u64::MAX)) as u64;
        (!mark.app_limited || rate >= known.get().0).then(|| Metered::new(rate, mark.app_limited))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn it_tells_what_a_round_trip_delivers() {
        let mut meter = Meter::default();
        meter.sent(ms(0), Seq(2000), 10);
        meter.sent(ms(5), Seq(3000), 10);
        assert_eq!(meter.acknowledged(ms(90), Seq(1000), 11, 1000, Metered::default()), None);
        let first = meter.acknowledged(ms(100), Seq(2000), 74, 1000, Metered::default());
        assert_eq!(first.map(Metered::get), Some((640_000, false)), "64 segments in 100 ms");
    }

    #[test]
    fn what_the_application_limits_counts_if_it_is_more() {
        for (delivered, counts) in [(5, false), (20, true)] {
            let mut meter = Meter::default();
            meter.output_ended(true);
            meter.sent(ms(0), Seq(1000), 0);
            let rate = meter.acknowledged(ms(100), Seq(1000), delivered, 1000, Metered::new(100_000, false));
            assert_eq!(rate.map(|rate| rate.get().1), counts.then_some(true));
        }
    }
}
