//! Proportional rate reduction (RFC 6937 with the slow start reduction bound, as Linux refines it): on the way from the old window to the
//! new one each acknowledgement lets a part of what it delivered be sent.

/// One reduction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Prr {
    /// RFC 6937 `RecoverFS`; the window before the reduction, as Linux takes it.
    before: u32,
    delivered: u32,
    out: u32,
}

/// What one acknowledgement says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// Bytes delivered.
    pub(super) delivered: u32,
    /// `snd_una` moved and nothing more is lost: the network takes what is sent again.
    pub(super) good: bool,
}

impl Prr {
    pub(super) fn begin(cwnd: u32) -> Self {
        Self { before: cwnd.max(1), delivered: 0, out: 0 }
    }

    /// Something was sent, new or again.
    pub(super) fn sent(&mut self, bytes: u32) {
        self.out = self.out.saturating_add(bytes);
    }

    /// The window now: what is in flight and what may be sent. `Nothing` delivered changes nothing.
    pub(super) fn window(&mut self, progress: Progress, ssthresh: u32, in_flight: u32, mss: u32) -> Option<u32> {
        if progress.delivered == 0 {
            return None;
        }
        self.delivered = self.delivered.saturating_add(progress.delivered);
        let allowed = if in_flight > ssthresh {
            self.proportional(ssthresh)
        } else {
            self.catch_up(progress, mss).min(ssthresh - in_flight)
        };
        // The first retransmission goes out at once.
        let least = if self.out == 0 { mss } else { 0 };
        Some(in_flight.saturating_add(allowed.max(least)))
    }

    /// RFC 6937 §3.1: in the same part as the window is reduced by.
    fn proportional(&self, ssthresh: u32) -> u32 {
        let share = (u64::from(ssthresh) * u64::from(self.delivered)).div_ceil(u64::from(self.before));
        share.saturating_sub(u64::from(self.out)).min(u64::from(u32::MAX)) as u32
    }

    /// RFC 6937 §3.1 PRR-SSRB where the acknowledgement is good news, PRR-CRB where it is not.
    fn catch_up(&self, progress: Progress, mss: u32) -> u32 {
        let owed = self.delivered.saturating_sub(self.out).max(progress.delivered);
        if progress.good { owed.saturating_add(mss) } else { owed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const MSS: u32 = 1000;

    /// RFC 6937 §4: a window of 20 halved, one segment lost: every second acknowledgement lets a segment go.
    #[test]
    fn half_of_what_is_delivered_is_sent() {
        let mut prr = Prr::begin(20 * MSS);
        let (mut in_flight, mut sent) = (19 * MSS, Vec::new());
        prr.window(Progress { delivered: MSS, good: false }, 10 * MSS, in_flight, MSS);
        prr.sent(MSS);
        for _ in 0..16 {
            in_flight -= MSS;
            let window = prr.window(Progress { delivered: MSS, good: false }, 10 * MSS, in_flight, MSS).unwrap();
            let may = (window - in_flight) / MSS * MSS;
            prr.sent(may);
            in_flight += may;
            sent.push(may / MSS);
        }
        assert_eq!(in_flight, 10 * MSS, "{sent:?}");
        assert!(sent.iter().all(|&n| n <= 1), "no burst: {sent:?}");
    }

    /// RFC 6937 §3.1: below the threshold it catches up by a segment more for each good acknowledgement, and not beyond.
    #[test]
    fn after_many_losses_it_catches_up_to_the_threshold() {
        let mut prr = Prr::begin(20 * MSS);
        let window = prr.window(Progress { delivered: MSS, good: false }, 10 * MSS, 3 * MSS, MSS);
        assert_eq!(window, Some(4 * MSS));
        prr.sent(MSS);
        assert_eq!(prr.window(Progress { delivered: MSS, good: true }, 10 * MSS, 3 * MSS, MSS), Some(5 * MSS));
        assert_eq!(prr.window(Progress { delivered: 9 * MSS, good: true }, 10 * MSS, 3 * MSS, MSS), Some(10 * MSS));
        assert_eq!(prr.window(Progress { delivered: 0, good: true }, 10 * MSS, 3 * MSS, MSS), None);
    }
}
