//! After a retransmission timeout: slow start through what was in flight, unless it turns out that nothing was lost (F-RTO, RFC 5682).

use super::{News, losses, undo};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::output::decide;
use crate::transport::tcp::tcb::{Phase, Tcb};

/// The retransmission timer fired with data in flight (RFC 6298 §5.4, RFC 5681 §3.1, RFC 5682 §2.1 step 1).
pub(in crate::transport::tcp) fn begin(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let fresh = tcb.recovery.phase == Phase::Open;
    // As in Linux: one reduction for what was in flight, however it is found to be lost.
    let first =
        fresh || !tcb.recovery.point.after(tcb.snd.una) || (tcb.recovery.phase == Phase::Loss && tcb.recovery.timeouts == 0);
    let repeated = tcb.recovery.timeouts > 0;
    if first {
        undo::remember(tcb);
    }
    tcb.congestion.timeout(first);
    let frto = cx.common.config.frto && (fresh || repeated);
    let losses = losses::of(tcb);
    losses.doubting = frto;
    losses.tail_probe = None;
    tcb.recovery.phase = Phase::Loss;
    tcb.recovery.point = tcb.snd.nxt;
    tcb.recovery.has_point = true;
    tcb.recovery.dup_acks = 0;
    tcb.recovery.first = true;
    tcb.recovery.fresh_first = false;
    tcb.recovery.timeouts = tcb.recovery.timeouts.saturating_add(1);
}

/// An acknowledgement during it.
pub(super) fn acknowledged(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    if news.acked > 0 && (undo::all_duplicates(tcb) || undo::is_of_original(tcb, news)) {
        cx.base().counters.tcp_ext.tcp_loss_undo += 1;
        return undo::restore(tcb, cx, true);
    }
    if losses::of(tcb).doubting {
        doubt(tcb, cx, news);
    }
    if tcb.recovery.phase == Phase::Loss && tcb.snd.una.at_or_after(tcb.recovery.point) {
        tcb.recovery.phase = Phase::Open;
        tcb.recovery.dup_acks = 0;
        tcb.recovery.first = false;
        tcb.recovery.fresh_first = false;
    }
}

/// RFC 5682 §2.1 and §3.1 steps 2 and 3, as Linux has them.
fn doubt(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    let point = tcb.recovery.point;
    let original = [news.delivered.original, news.sacked.original].into_iter().flatten().any(|end| end.at_or_before(point));
    if original {
        // Step 3b: what was not sent again arrives: it was not lost.
        cx.base().counters.tcp_ext.tcp_spurious_rtos += 1;
        cx.base().counters.tcp_ext.tcp_loss_undo += 1;
        return undo::restore(tcb, cx, true);
    }
    if tcb.snd.nxt.after(point) {
        if news.sacked.bytes > 0 || news.duplicate {
            // Step 3a: the loss was real.
            losses::of(tcb).doubting = false;
        }
    } else if news.acked > 0 && tcb.snd.una.before(point) {
        // Step 2b: new data asks the peer what it has.
        let may = tcb.unsent_len() > 0 && decide::window_room(tcb) > 0;
        tcb.recovery.fresh_first = may;
        losses::of(tcb).doubting = may;
    }
}
