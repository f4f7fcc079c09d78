//! A path in numbers: every round trip `cwnd` bytes go out and their acknowledgements come back evenly spread.

use super::*;

pub(super) const MSS: u32 = 1000;
/// RFC 9406 §4.3.
pub(super) const CAREFUL: Careful = Careful { samples: 8, css_rounds: 5 };

pub(super) struct Path {
    pub(super) control: Congestion,
    pub(super) now: Instant,
    rtt: Duration,
    /// Every how many segments one is lost.
    lose: u64,
    sent: u64,
}

impl Clone for Path {
    fn clone(&self) -> Self {
        let mut control = Congestion::new(self.control.algorithm(), MSS);
        control.restore(self.control.remember());
        Self { control, ..*self }
    }
}

impl Path {
    pub(super) fn new(algorithm: Algorithm, rtt_ms: u64, lose: u64) -> Self {
        let control = Congestion::new(algorithm, MSS);
        Self { control, now: Instant::from_secs(5), rtt: Duration::from_millis(rtt_ms), lose, sent: 0 }
    }

    /// One round trip; gives how many segments it carried.
    pub(super) fn round(&mut self) -> u64 {
        let segments = u64::from(self.control.cwnd() / MSS);
        let (start, mut recovering) = (self.now, false);
        for i in 1..=segments {
            self.now = start + self.rtt * i as u32 / segments as u32;
            self.sent += 1;
            if self.sent.is_multiple_of(self.lose) {
                self.control.loss();
                recovering = true;
            } else if !recovering {
                self.ack(MSS, true);
            }
        }
        if recovering {
            self.control.recovered();
        }
        segments
    }

    pub(super) fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = rtt;
    }

    pub(super) fn ack(&mut self, acked: u32, limited: bool) {
        let (now, rtt, in_flight) = (self.now, Some(self.rtt), self.control.cwnd());
        self.control.acked(&Ack { now, acked, in_flight, srtt: rtt, rtt, lowest: None, limited }, CAREFUL);
    }

    /// The mean of `cwnd` in segments, after some losses from a window of `start` segments on.
    pub(super) fn average(&mut self, start: u32) -> f64 {
        self.control.set_cwnd(start * MSS);
        self.control.loss();
        while self.sent < self.lose * 4 {
            self.round();
        }
        let (before, mut rounds) = (self.sent, 0);
        while self.sent < before + self.lose * 6 {
            self.round();
            rounds += 1;
        }
        (self.sent - before) as f64 / f64::from(rounds)
    }
}
