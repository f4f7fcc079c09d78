//! Loss recovery: what acknowledgements tell about losses (RFC 5681 §3.2, RFC 6582, RFC 6675), and when it is over.
//!
//! What to send again is the scoreboard's knowledge, when to send it is `output`'s decision, how much is congestion control's.

use super::congestion::Ack;
use super::cx::Cx;
use super::output::decide;
use super::scoreboard::Delivered;
use super::tcb::{Phase, Tcb};
use crate::base::{Duration, What};

/// What one acknowledgement told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct News {
    /// Sequence space newly acknowledged cumulatively.
    pub(super) acked: u32,
    /// What the cumulative part delivered.
    pub(super) delivered: Delivered,
    /// What SACK delivered.
    pub(super) sacked: Delivered,
    /// It is a duplicate acknowledgement (RFC 5681 §2).
    pub(super) duplicate: bool,
    /// The send buffer had no room for a writer before it.
    pub(super) crowded: bool,
    /// Bytes in flight before it.
    pub(super) flight: u32,
    /// The round trip it measured.
    pub(super) round_trip: Option<Duration>,
}

/// An acceptable acknowledgement arrived.
pub(super) fn acknowledged(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    if news.acked == 0 && news.sacked.bytes == 0 && !news.duplicate {
        return;
    }
    leave(tcb, cx, news);
    if tcb.in_flight() {
        if tcb.sack { count_lost_by_sack(tcb, cx, news) } else { count_duplicates(tcb, cx, news) }
    }
    grow(tcb, cx, news);
    report(tcb, cx);
}

/// Everything that was in flight when recovery began is acknowledged (RFC 6582 §3.2 step 3 "full", RFC 6675 §5).
fn leave(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    if tcb.recovery.phase == Phase::Open && tcb.snd.una.after(tcb.recovery.point) {
        tcb.recovery.has_point = false;
    }
    if tcb.recovery.phase == Phase::Open || news.acked == 0 || tcb.snd.una.before(tcb.recovery.point) {
        return;
    }
    if tcb.recovery.phase == Phase::Recovery {
        tcb.congestion.recovered(cx.now());
    }
    tcb.recovery.phase = Phase::Open;
    tcb.recovery.dup_acks = 0;
    tcb.recovery.first = false;
}

/// RFC 6675 §5: with enough SACKed above it, a range is lost.
fn count_lost_by_sack(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    if news.sacked.bytes == 0 && news.acked == 0 {
        return;
    }
    let (threshold, mss) = (u32::from(cx.config.reordering), u32::from(tcb.snd.mss));
    let lost = tcb.sending_mut().board.mark_lost(threshold, mss);
    if lost > 0 && tcb.recovery.phase == Phase::Open {
        cx.base().counters.tcp_ext.tcp_sack_recovery += 1;
        enter(tcb, cx, news.flight);
    }
}

/// RFC 5681 §3.2, RFC 6582 §3.2: without SACK the third duplicate acknowledgement tells of a loss, and a partial
/// acknowledgement of the next one.
fn count_duplicates(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    let mss = u32::from(tcb.snd.mss);
    if news.duplicate {
        tcb.recovery.dup_acks = tcb.recovery.dup_acks.saturating_add(1);
        let again = tcb.recovery.has_point && tcb.snd.una.at_or_before(tcb.recovery.point);
        if tcb.recovery.phase == Phase::Open && tcb.recovery.dup_acks == cx.config.reordering && !again {
            tcb.sending_mut().board.mark_first_lost(mss);
            cx.base().counters.tcp_ext.tcp_reno_recovery += 1;
            enter(tcb, cx, news.flight);
        }
    } else if tcb.recovery.phase == Phase::Recovery {
        // Partial: the segments it covers had left the network, but for the one that was lost and sent again.
        let segments = (news.acked / mss).saturating_sub(1).min(255) as u8;
        tcb.recovery.dup_acks = tcb.recovery.dup_acks.saturating_sub(segments);
        tcb.sending_mut().board.mark_first_lost(mss);
        tcb.recovery.first = true;
    } else if news.acked > 0 {
        tcb.recovery.dup_acks = 0;
    }
}

/// Fast recovery begins (RFC 5681 §3.2 steps 2 and 3, RFC 6675 §5 step 4).
fn enter(tcb: &mut Tcb, cx: &mut Cx<'_>, flight: u32) {
    tcb.recovery.phase = Phase::Recovery;
    tcb.recovery.point = tcb.snd.nxt;
    tcb.recovery.has_point = true;
    tcb.recovery.first = true;
    tcb.congestion.loss(cx.now(), flight);
}

/// Outside fast recovery acknowledged data opens the window (RFC 5681 §3.1): what is newly known to have arrived. A cumulative
/// acknowledgement that jumps over what was SACKed before counts that no second time.
fn grow(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    if news.acked == 0 || tcb.recovery.phase == Phase::Recovery {
        return;
    }
    let (cwnd, mss) = (tcb.congestion.cwnd(), u32::from(tcb.snd.mss));
    let used = if tcb.congestion.in_slow_start() { news.flight.saturating_mul(2) } else { news.flight.saturating_add(mss) };
    let ack = Ack {
        now: cx.now(),
        acked: news.delivered.bytes.saturating_add(news.sacked.bytes),
        in_flight: news.flight,
        srtt: tcb.round_trip.smoothed(),
        rtt: news.round_trip,
        limited: used > cwnd,
    };
    tcb.congestion.acked(&ack);
}

fn report(tcb: &Tcb, cx: &mut Cx<'_>) {
    let (socket, in_flight) = (tcb.inet.owner, decide::in_flight(tcb));
    let (cwnd, ssthresh) = (tcb.congestion.cwnd(), tcb.congestion.ssthresh());
    cx.base().emit(What::Congestion { socket, cwnd, ssthresh, in_flight });
}
