//! Delivery rate estimation (draft-ietf-ccwg-bbr §4.1, before draft-cheng-iccrg-delivery-rate-estimation): how fast the path hands
//! over what was sent.
//!
//! ```text
//!   first sent ───── sent                        send_elapsed
//!            prior ack ───────────────── ack     ack_elapsed
//!   └─ the flight between ──┘                    rate = delivered meanwhile / the longer of both
//! ```
//!
//! What the draft keeps for each packet is kept here for each moment at which something was sent: that is the same, for what leaves at
//! one moment has the same state but for what is in flight, of which the last one counts.

use alloc::collections::VecDeque;

use crate::base::{Duration, Instant};

/// State of the connection when something was sent (the draft's per-packet state P).
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Instant,
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    lost: u64,
    in_flight: u32,
    app_limited: bool,
}

/// What is known of the data delivered and lost on one connection (the draft's per-connection state C).
#[derive(Debug)]
pub(in crate::transport::tcp) struct Delivery {
    delivered: u64,
    delivered_at: Instant,
    /// When the latest-sent of what was delivered was sent.
    first_sent_at: Instant,
    lost: u64,
    /// The bubble of what the application failed to write ends when so much is delivered; 0: none.
    limited_until: u64,
    sent: VecDeque<Sent>,
    /// The last reliable sample in bytes a second, and whether the application limited it.
    rate: u64,
    rate_app_limited: bool,
}

/// One rate sample (the draft's RS).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::transport::tcp) struct Measured {
    /// `RS.delivery_rate`, bytes a second; 0: no reliable one.
    pub(in crate::transport::tcp) rate: u64,
    /// `RS.delivered`
    pub(in crate::transport::tcp) delivered: u64,
    /// `RS.prior_delivered`
    pub(in crate::transport::tcp) prior_delivered: u64,
    /// `RS.tx_in_flight`
    pub(in crate::transport::tcp) sent_in_flight: u32,
    /// `RS.lost`
    pub(in crate::transport::tcp) lost: u64,
    /// `RS.is_app_limited`
    pub(in crate::transport::tcp) app_limited: bool,
}

impl Delivery {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            delivered: 0,
            delivered_at: now,
            first_sent_at: now,
            lost: 0,
            limited_until: 0,
            sent: VecDeque::new(),
            rate: 0,
            rate_app_limited: false,
        }
    }

    /// `C.delivered`, bytes.
    pub(in crate::transport::tcp) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// The last reliable rate in bytes a second, and whether it is the application's.
    pub(in crate::transport::tcp) fn rate(&self) -> (u64, bool) {
        (self.rate, self.rate_app_limited)
    }

    /// What is sent now is less than the path would take.
    pub(in crate::transport::tcp) fn is_app_limited(&self) -> bool {
        self.limited_until != 0
    }

    /// `OnPacketSent`: something was sent; so much was in flight before, and is with it.
    pub(super) fn sent(&mut self, now: Instant, before: u32, in_flight: u32) {
        if before == 0 {
            self.first_sent_at = now;
            self.delivered_at = now;
        }
        if let Some(last) = self.sent.back_mut().filter(|last| last.at == now) {
            last.in_flight = last.in_flight.max(in_flight);
            return;
        }
        self.sent.push_back(Sent {
            at: now,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
            lost: self.lost,
            in_flight,
            app_limited: self.is_app_limited(),
        });
    }

    /// `MarkConnectionAppLimited`
    pub(in crate::transport::tcp) fn mark_app_limited(&mut self, in_flight: u32) {
        self.limited_until = (self.delivered + u64::from(in_flight)).max(1);
    }

    /// `UpdateRateSample` and `GenerateRateSample`: `bytes` were delivered, of which the latest was sent at `newest`. Whatever was delivered
    /// sooner than the `lowest` round trip gives no rate.
    pub(super) fn acknowledged(
        &mut self,
        now: Instant,
        bytes: u32,
        newest: Option<Instant>,
        lowest: Duration,
    ) -> Option<Measured> {
        self.delivered += u64::from(bytes);
        self.delivered_at = now;
        if self.is_app_limited() && self.delivered > self.limited_until {
            self.limited_until = 0;
        }
        let sent = self.find(newest?)?;
        self.first_sent_at = sent.at;
        let interval = sent.at.since(sent.first_sent_at).max(now.since(sent.delivered_at));
        let delivered = self.delivered - sent.delivered;
        let rate = if interval < lowest { 0 } else { rate_of(delivered, interval) };
        if rate > 0 && (!sent.app_limited || rate >= self.rate) {
            (self.rate, self.rate_app_limited) = (rate, sent.app_limited);
        }
        Some(Measured {
            rate,
            delivered,
            prior_delivered: sent.delivered,
            sent_in_flight: sent.in_flight,
            lost: self.lost - sent.lost,
            app_limited: sent.app_limited,
        })
    }

    /// So much was found lost, of which the latest was sent at `sent_at`. Gives what [`Measured`] tells of that one.
    pub(super) fn lost(&mut self, bytes: u32, sent_at: Option<Instant>) -> Option<Measured> {
        self.lost += u64::from(bytes);
        let sent = self.find(sent_at?)?;
        Some(Measured {
            sent_in_flight: sent.in_flight,
            lost: self.lost - sent.lost,
            app_limited: sent.app_limited,
            ..Measured::default()
        })
    }

    /// Nothing that was sent before `oldest` is in flight any more.
    pub(super) fn forget_before(&mut self, oldest: Option<Instant>) {
        let Some(oldest) = oldest else { return self.sent = VecDeque::new() };
        while self.sent.front().is_some_and(|sent| sent.at < oldest) {
            self.sent.pop_front();
        }
    }

    fn find(&self, at: Instant) -> Option<Sent> {
        let place = self.sent.partition_point(|sent| sent.at < at);
        self.sent.get(place).copied().filter(|sent| sent.at == at)
    }
}

/// Bytes a second; 0 for no time at all.
fn rate_of(bytes: u64, interval: Duration) -> u64 {
    let nanos = interval.as_nanos();
    (u128::from(bytes) * 1_000_000_000).checked_div(nanos).unwrap_or(0).min(u128::from(u64::MAX)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// draft-ietf-ccwg-bbr §4.1.1.2: a flight of ten segments, sent at once, comes back over 10 ms: the acknowledgements tell the rate.
    #[test]
    fn the_rate_is_what_was_delivered_over_the_longer_interval() {
        let mut delivery = Delivery::new(ms(0));
        delivery.sent(ms(0), 0, 10_000);
        let first = delivery.acknowledged(ms(100), 1000, Some(ms(0)), Duration::from_millis(100));
        assert_eq!(first.map(|sample| sample.rate), Some(10_000), "1000 bytes in the whole round trip");
        for n in 1..10 {
            delivery.sent(ms(100 + n - 1), 9000, 10_000);
            delivery.acknowledged(ms(100 + n), 1000, Some(ms(0)), Duration::from_millis(100));
        }
        // What was sent at 108 ms: meanwhile ten segments were delivered, in 109 ms.
        let sample = delivery.acknowledged(ms(209), 1000, Some(ms(108)), Duration::from_millis(100)).expect("a sample");
        assert_eq!((sample.delivered, sample.prior_delivered), (2000, 9000));
        assert_eq!(
            sample.rate,
            2000 * 1000 / 108,
            "what was acknowledged before it had left 108 ms earlier: longer than the 101 ms since"
        );
    }

    /// draft-ietf-ccwg-bbr §4.1.2.3: a sample over less than the shortest round trip is no sample.
    #[test]
    fn what_comes_back_too_soon_gives_no_rate() {
        let mut delivery = Delivery::new(ms(0));
        delivery.sent(ms(0), 0, 1000);
        let sample = delivery.acknowledged(ms(5), 1000, Some(ms(0)), Duration::from_millis(10)).expect("a sample");
        assert_eq!((sample.rate, delivery.rate().0), (0, 0));
    }

    /// draft-ietf-ccwg-bbr §4.1.2.4: a bubble ends when what was in flight at its time is delivered.
    #[test]
    fn what_the_application_holds_back_is_told_of() {
        let mut delivery = Delivery::new(ms(0));
        delivery.sent(ms(0), 0, 1000);
        delivery.mark_app_limited(1000);
        delivery.sent(ms(1), 1000, 2000);
        let first = delivery.acknowledged(ms(100), 1000, Some(ms(0)), Duration::ZERO).expect("a sample");
        assert!(!first.app_limited && delivery.is_app_limited());
        let second = delivery.acknowledged(ms(101), 1000, Some(ms(1)), Duration::ZERO).expect("a sample");
        assert!(second.app_limited && !delivery.is_app_limited());
        assert_eq!(delivery.rate(), (19_801, true), "more than was known");
        delivery.mark_app_limited(0);
        delivery.sent(ms(200), 0, 1000);
        delivery.acknowledged(ms(300), 1000, Some(ms(200)), Duration::ZERO);
        assert_eq!(delivery.rate().0, 19_801, "a lower rate of the application's says nothing of the path");
    }

    #[test]
    fn losses_are_counted_from_when_the_lost_was_sent() {
        let mut delivery = Delivery::new(ms(0));
        delivery.sent(ms(0), 0, 5000);
        delivery.sent(ms(10), 5000, 9000);
        assert_eq!(delivery.lost(1000, Some(ms(0))).map(|lost| (lost.lost, lost.sent_in_flight)), Some((1000, 5000)));
        delivery.sent(ms(20), 8000, 9500);
        assert_eq!(delivery.lost(500, Some(ms(20))).map(|lost| (lost.lost, lost.sent_in_flight)), Some((500, 9500)));
        assert_eq!(delivery.lost(500, Some(ms(15))), None, "nothing was sent then");
    }

    #[test]
    fn what_is_not_in_flight_is_forgotten() {
        let mut delivery = Delivery::new(ms(0));
        (0..100).for_each(|at| delivery.sent(ms(at), 1, 2));
        delivery.forget_before(Some(ms(90)));
        assert_eq!(delivery.sent.len(), 10);
        delivery.forget_before(None);
        assert_eq!(delivery.sent.capacity(), 0);
    }
}
