//! The congestion window itself: `cwnd` and `ssthresh` in bytes, and what all algorithms do alike (RFC 5681, RFC 6928).

use crate::base::Duration;

/// `ssthresh` before the first loss: arbitrarily high (RFC 5681 §3.1).
pub(super) const UNLIMITED: u32 = u32::MAX;
/// No window that the wire can say is larger (RFC 7323 §2.3).
const LARGEST: u32 = 1 << 30;

/// The congestion window of a connection and what belongs to it, in bytes.
#[derive(Clone, Debug)]
pub struct Window {
    pub(super) cwnd: u32,
    pub(super) ssthresh: u32,
    pub(super) mss: u32,
}

/// RFC 6928 §2: ten segments, but of large ones only as many as 14,600 bytes are, and two of very large ones.
fn initial(mss: u32) -> u32 {
    (10 * mss).min(14_600.max(2 * mss))
}

/// A segment size that sums can be made of.
fn sane(mss: u32) -> u32 {
    mss.clamp(1, 1 << 16)
}

impl Window {
    pub(super) fn new(mss: u32) -> Self {
        let mss = sane(mss);
        Self { cwnd: initial(mss), ssthresh: UNLIMITED, mss }
    }

    /// How much may be in flight.
    pub fn cwnd(&self) -> u32 {
        self.cwnd
    }

    /// Where slow start ends; `u32::MAX` before the first loss.
    pub fn ssthresh(&self) -> u32 {
        self.ssthresh
    }

    /// The payload of a full segment.
    pub fn mss(&self) -> u32 {
        self.mss
    }

    /// The window a connection begins with (RFC 6928).
    pub fn initial(&self) -> u32 {
        initial(self.mss)
    }

    /// True below `ssthresh`.
    pub fn in_slow_start(&self) -> bool {
        self.cwnd < self.ssthresh
    }

    /// Before anything happened the window is the initial one of the new size; later it stays, for the path carries as many bytes.
    pub(super) fn set_mss(&mut self, mss: u32) {
        let mss = sane(mss);
        let untouched = self.ssthresh == UNLIMITED && self.cwnd == initial(self.mss);
        self.cwnd = if untouched { initial(mss) } else { self.cwnd.max(mss) };
        self.mss = mss;
    }

    /// Sets the window: a segment at least, 2^30 bytes at most.
    pub fn set_cwnd(&mut self, cwnd: u32) {
        self.cwnd = cwnd.clamp(self.mss, LARGEST);
    }

    /// Sets the threshold: two segments at least (RFC 5681 §3.1 equation 4).
    pub fn set_ssthresh(&mut self, ssthresh: u32) {
        self.ssthresh = ssthresh.max(2 * self.mss);
    }

    /// Adds so much to the window.
    pub fn grow(&mut self, bytes: u32) {
        self.set_cwnd(self.cwnd.saturating_add(bytes));
    }

    /// RFC 5681 §3.1 slow start; gives the bytes that were left when `ssthresh` was reached. Linux grows by all that was
    /// acknowledged; RFC 3465 §2.2 would allow two segments an acknowledgement, which with acknowledgements of 64 KiB is nothing.
    pub fn slow_start(&mut self, acked: u32) -> u32 {
        let used = acked.min(self.ssthresh.saturating_sub(self.cwnd));
        self.grow(used);
        acked - used
    }

    /// The threshold after a loss: `numerator/denominator` of the window, at least two segments (RFC 5681 §3.1 equation 4).
    pub fn reduce(&mut self, numerator: u32, denominator: u32) {
        let part = u64::from(self.cwnd) * u64::from(numerator) / u64::from(denominator);
        self.set_ssthresh(part as u32);
    }

    /// RFC 5681 §4.1: after idle time the window is not larger than the initial one. Linux (RFC 2861) halves it once for each
    /// timeout that passed, and remembers in `ssthresh` what it was.
    pub fn idle(&mut self, idle: Duration, rto: Duration) {
        let restart = initial(self.mss).min(self.cwnd);
        if self.ssthresh != UNLIMITED {
            self.ssthresh = self.ssthresh.max(self.cwnd / 4 * 3);
        }
        let timeouts = idle.as_nanos().checked_div(rto.as_nanos()).unwrap_or(0);
        self.cwnd = (self.cwnd >> timeouts.min(31)).max(restart);
    }
}
