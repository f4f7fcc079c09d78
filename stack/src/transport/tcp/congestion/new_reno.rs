//! NewReno: a segment more each round trip, half after a loss (RFC 5681 §3.1, with the byte counting of RFC 3465).

use super::Ack;
use super::window::Window;

#[derive(Clone, Debug, Default)]
pub(super) struct NewReno {
    /// Growth that is owed, in parts of a byte of which `cwnd` make one.
    owed: u32,
}

impl NewReno {
    pub(super) fn acked(&mut self, window: &mut Window, ack: &Ack) {
        if !ack.limited {
            return;
        }
        let left = if window.in_slow_start() { window.slow_start(ack.acked) } else { ack.acked };
        self.avoid(window, left);
    }

    /// RFC 5681 §3.1 congestion avoidance: `SMSS*SMSS/cwnd` for each segment acknowledged, that is a segment each round trip.
    fn avoid(&mut self, window: &mut Window, acked: u32) {
        let cwnd = u64::from(window.cwnd);
        let owed = u64::from(acked) * u64::from(window.mss) + u64::from(self.owed).min(cwnd - 1);
        self.owed = (owed % cwnd) as u32;
        window.grow((owed / cwnd).min(u64::from(acked)) as u32);
    }

    /// RFC 5681 §3.1 equation 4.
    pub(super) fn reduce(&mut self, window: &mut Window) {
        window.reduce(1, 2);
        self.owed = 0;
    }
}
