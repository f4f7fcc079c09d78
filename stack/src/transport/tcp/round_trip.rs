//! Round trip and retransmission timeout (RFC 6298), with Linux's floor of 200 ms, its ceiling of 120 s, its way of taking the
//! variance (`mdev` with a decaying maximum), in microseconds.
//!
//! RFC 6298 takes the variance with each sample. With a sample for each acknowledgement it then forgets a slow round trip within
//! one window, and a timeout comes too early; so Linux takes the largest variance of each round trip and lets only that decay.

use core::hint::cold_path;

use super::seq::Seq;
use crate::base::Duration;

/// The timeout before anything was measured (RFC 6298 §2.1).
const INITIAL: u32 = 1_000_000;
/// The same after a handshake that had to be repeated (RFC 6298 §5.7).
const AFTER_RESENT_HANDSHAKE: u32 = 3_000_000;
/// Linux's `TCP_RTO_MIN`. RFC 6298 §2.4 wants the timeout to be at least a second; Linux wants the part of it that is variance to be
/// at least this.
const FLOOR: u32 = 200_000;
/// Linux's `TCP_RTO_MAX`; RFC 6298 §2.5 allows any ceiling of at least 60 s.
const CEILING: u32 = 120_000_000;
/// A longer round trip than this counts as this: no timeout can follow it, and sums of it fit 32 bits.
const LONGEST: u32 = 300_000_000;

/// Estimator and timeout of a connection (RFC 9293 MUST-18). All times are in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct RoundTrip {
    /// Eight times the smoothed round trip; 0: nothing measured.
    srtt8: u32,
    /// Four times the smoothed mean deviation.
    mdev4: u32,
    /// The largest `mdev4` of the present round trip.
    mdev4_max: u32,
    /// What the timeout adds to the smoothed round trip.
    rttvar: u32,
    lowest: u32,
    /// The present round trip ends when this is acknowledged.
    round_end: Seq,
    backed_off: u8,
    handshake_was_resent: bool,
}

impl Default for RoundTrip {
    fn default() -> Self {
        Self::new()
    }
}

impl RoundTrip {
    /// Nothing measured: RTO 1 s (RFC 6298 §2.1).
    pub const fn new() -> Self {
        Self {
            srtt8: 0,
            mdev4: 0,
            mdev4_max: 0,
            rttvar: 0,
            lowest: 0,
            round_end: Seq(0),
            backed_off: 0,
            handshake_was_resent: false,
        }
    }

    /// A round trip was measured, when everything before `una` was acknowledged and everything before `nxt` sent.
    pub fn sample(&mut self, rtt: Duration, una: Seq, nxt: Seq) {
        let micros = rtt.as_secs().saturating_mul(1_000_000).saturating_add(rtt.subsec_micros().into());
        let rtt = micros.clamp(1, LONGEST.into()) as u32;
        if self.srtt8 == 0 {
            self.first_sample(rtt, nxt);
        } else {
            self.next_sample(rtt);
            self.end_round(una, nxt);
        }
        self.lowest = self.lowest.min(rtt);
    }

    /// RFC 6298 §2.2
    fn first_sample(&mut self, rtt: u32, nxt: Seq) {
        self.srtt8 = rtt * 8;
        self.mdev4 = rtt * 2;
        self.rttvar = self.mdev4.max(FLOOR);
        self.mdev4_max = self.rttvar;
        self.lowest = rtt;
        self.round_end = nxt;
    }

    /// RFC 6298 §2.3, alpha 1/8 and beta 1/4.
    fn next_sample(&mut self, rtt: u32) {
        let error = i64::from(rtt) - i64::from(self.srtt8 / 8);
        self.srtt8 = (i64::from(self.srtt8) + error).max(1) as u32;
        let mut change = error.abs() - i64::from(self.mdev4 / 4);
        // Linux: when the round trip gets shorter that is no reason for a longer timeout, so the variance follows slowly.
        if error < 0 && change > 0 {
            change /= 8;
        }
        self.mdev4 = (i64::from(self.mdev4) + change).clamp(0, i64::from(u32::MAX)) as u32;
        self.mdev4_max = self.mdev4_max.max(self.mdev4);
        self.rttvar = self.rttvar.max(self.mdev4_max);
    }

    /// Once a round trip the variance falls a quarter of the way to the largest deviation of that round trip.
    fn end_round(&mut self, una: Seq, nxt: Seq) {
        if una.after(self.round_end) {
            self.rttvar -= self.rttvar.saturating_sub(self.mdev4_max) / 4;
            self.round_end = nxt;
            self.mdev4_max = FLOOR;
        }
    }

    /// The smoothed round trip in microseconds; none before the first sample.
    #[inline]
    pub fn smoothed_us(&self) -> Option<u32> {
        (self.srtt8 > 0).then_some(self.srtt8 / 8)
    }

    /// Smoothed round trip; none before the first sample.
    pub fn smoothed(&self) -> Option<Duration> {
        (self.srtt8 > 0).then(|| micros(self.srtt8 / 8))
    }

    /// Mean deviation of the round trip (Linux's `tcpi_rttvar`); zero before the first sample.
    pub fn variance(&self) -> Duration {
        micros(self.mdev4 / 4)
    }

    /// Lowest sample seen.
    pub fn lowest(&self) -> Option<Duration> {
        (self.srtt8 > 0).then(|| micros(self.lowest))
    }

    /// The timeout, backed off (RFC 6298 §5.5), between floor and ceiling.
    pub fn timeout(&self) -> Duration {
        Duration::from_micros(self.timeout_us())
    }

    /// The same in microseconds.
    #[inline]
    pub fn timeout_us(&self) -> u64 {
        let base = if self.srtt8 != 0 {
            self.srtt8 / 8 + self.rttvar
        } else {
            cold_path();
            if self.handshake_was_resent { AFTER_RESENT_HANDSHAKE } else { INITIAL }
        };
        // Beyond ten doublings the ceiling is reached from any base.
        let backed_off = u64::from(base) << self.backed_off.min(10);
        backed_off.min(u64::from(CEILING))
    }

    /// The timer fired: the timeout doubles (RFC 6298 §5.5).
    pub fn back_off(&mut self) {
        self.backed_off = self.backed_off.saturating_add(1);
    }

    /// New data was acknowledged: no back-off any more.
    pub fn reset_back_off(&mut self) {
        self.backed_off = 0;
    }

    /// How often the timeout was doubled.
    pub fn backed_off(&self) -> u8 {
        self.backed_off
    }

    /// The SYN had to be sent again and nothing was measured: RTO 3 s for data (RFC 6298 §5.7).
    pub fn handshake_was_resent(&mut self) {
        self.handshake_was_resent = true;
        self.backed_off = 0;
    }
}

fn micros(count: u32) -> Duration {
    Duration::from_micros(u64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Samples of one a round trip: each ends the round of the one before.
    struct Path {
        trip: RoundTrip,
        sent: u32,
    }

    impl Path {
        fn new() -> Self {
            Self { trip: RoundTrip::new(), sent: 0 }
        }

        fn sample(&mut self, rtt: Duration) -> &RoundTrip {
            self.sent += 100;
            self.trip.sample(rtt, Seq(self.sent), Seq(self.sent + 50));
            &self.trip
        }
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<RoundTrip>() <= 28);
    }

    /// RFC 6298 §2.1, §5.7
    #[test]
    fn before_a_sample_the_timeout_is_a_second_or_three_after_a_resent_syn() {
        let mut trip = RoundTrip::new();
        assert_eq!((trip.timeout(), trip.smoothed(), trip.lowest()), (ms(1000), None, None));
        trip.back_off();
        assert_eq!(trip.timeout(), ms(2000));
        trip.handshake_was_resent();
        assert_eq!(trip.timeout(), ms(3000));
    }

    /// RFC 6298 §2.2: SRTT is R, RTTVAR R/2, RTO SRTT + 4 RTTVAR.
    #[test]
    fn the_first_sample_gives_a_timeout_of_three_round_trips() {
        let mut path = Path::new();
        let trip = path.sample(ms(400));
        assert_eq!((trip.smoothed(), trip.variance(), trip.timeout()), (Some(ms(400)), ms(200), ms(1200)));
    }

    /// RFC 6298 §2.3: RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|, SRTT = 7/8 SRTT + 1/8 R.
    #[test]
    fn the_next_samples_are_smoothed() {
        let mut path = Path::new();
        path.sample(ms(400));
        let trip = path.sample(ms(800));
        assert_eq!((trip.smoothed(), trip.variance()), (Some(ms(450)), ms(250)));
        assert_eq!(trip.timeout(), ms(450 + 1000));
    }

    /// Linux adds at least 200 ms to the round trip, where RFC 6298 §2.4 has at least a second in all.
    #[test]
    fn a_steady_path_comes_to_the_round_trip_and_200_ms() {
        let mut path = Path::new();
        for _ in 0..100 {
            path.sample(ms(30));
        }
        assert_eq!(path.trip.smoothed(), Some(ms(30)));
        assert!((ms(230)..ms(231)).contains(&path.trip.timeout()), "{:?}", path.trip.timeout());
        assert!(path.trip.variance() < ms(1));
    }

    #[test]
    fn one_slow_round_trip_is_remembered_for_some_round_trips_however_many_samples_they_have() {
        let mut path = Path::new();
        (0..50).for_each(|_| _ = path.sample(ms(100)));
        let spike = path.sample(ms(900)).timeout();
        assert!(spike > ms(800));
        // A hundred more samples of the same round trip change the variance nothing.
        for _ in 0..100 {
            path.trip.sample(ms(100), Seq(path.sent + 1), Seq(path.sent + 50));
        }
        assert!(path.trip.timeout() > ms(700), "{:?}", path.trip.timeout());
        (0..30).for_each(|_| _ = path.sample(ms(100)));
        assert!(path.trip.timeout() < ms(310), "{:?}", path.trip.timeout());
    }

    #[test]
    fn a_path_that_gets_faster_does_not_lengthen_the_timeout() {
        let mut path = Path::new();
        (0..100).for_each(|_| _ = path.sample(ms(500)));
        let before = path.trip.timeout();
        assert!(path.sample(ms(50)).timeout() <= before);
        assert_eq!(path.trip.lowest(), Some(ms(50)));
    }

    /// RFC 6298 §5.5, §2.5
    #[test]
    fn each_timeout_doubles_it_up_to_the_ceiling() {
        let mut path = Path::new();
        path.sample(ms(100));
        let base = path.trip.timeout();
        for doubled in 1..=255u32 {
            path.trip.back_off();
            let want = (base * 2u32.saturating_pow(doubled.min(20))).min(Duration::from_mins(2));
            assert_eq!((path.trip.timeout(), path.trip.backed_off()), (want, doubled as u8));
        }
        path.trip.back_off();
        path.trip.reset_back_off();
        assert_eq!(path.trip.timeout(), base);
    }

    #[test]
    fn no_sample_is_too_short_or_too_long() {
        let mut path = Path::new();
        for rtt in [Duration::ZERO, Duration::MAX, Duration::ZERO, Duration::MAX, Duration::MAX, ms(1)] {
            let timeout = path.sample(rtt).timeout();
            assert!((ms(200)..=Duration::from_mins(2)).contains(&timeout));
            assert!(path.trip.smoothed().is_some());
        }
    }
}
