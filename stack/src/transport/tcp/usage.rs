//! How much of the congestion window a connection uses (RFC 7661; Linux's `tcp_cwnd_validate`): a window that is not used is not proved,
//! and must not grow.

use super::output::decide;
use super::seq::Seq;
use super::tcb::Tcb;

/// The most that was in flight in the present window of data.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    most: u32,
    /// The window was full.
    full: bool,
    /// The present window of data ends here.
    end: Seq,
    begun: bool,
}

impl Usage {
    /// A window of data begins, with so much in flight up to `end`.
    pub(super) fn begun(most: u32, full: bool, end: Seq) -> Self {
        Self { most, full, end, begun: true }
    }
}

/// Output was made, so much is in `flight` now, and the congestion window ended it or not.
pub(super) fn note(tcb: &mut Tcb, flight: u32) {
    let (una, nxt, out) = (tcb.snd.una, tcb.snd.nxt, tcb.snd.nxt - tcb.snd.una);
    let full = flight + decide::mss(tcb) > tcb.congestion.cwnd();
    let Some(sending) = &mut tcb.sending else { return };
    let usage = &mut sending.usage;
    if !usage.begun || una.at_or_after(usage.end) || full || (!usage.full && out > usage.most) {
        *usage = Usage::begun(out, full, nxt);
    }
}

/// The window was full within the present window of data (`C.is_cwnd_limited`).
pub(super) fn is_full(tcb: &Tcb) -> bool {
    tcb.sending.as_ref().is_some_and(|sending| sending.usage.full)
}

/// The window held the sender back; in slow start it may also grow to twice what was in flight.
pub(super) fn is_limited(tcb: &Tcb) -> bool {
    let Some(usage) = tcb.sending.as_ref().map(|sending| sending.usage) else { return false };
    usage.full || (tcb.congestion.in_slow_start() && tcb.congestion.cwnd() < usage.most.saturating_mul(2))
}
