//! What sending a segment changes.

use super::decide::{self, Plan};
use super::{acknowledge, delay};
use crate::base::{What, Why};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::tcb::{Retry, Tcb};
use crate::transport::tcp::{mtu_probe, rate, recovery, stamps, timers};

/// The segment of `plan` was sent.
pub(in crate::transport::tcp) fn sent(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan) {
    acknowledge::carried(tcb);
    if tcb.rate.is_some() {
        rate::before_sending(tcb, cx.now());
    }
    let in_flight = decide::in_flight(tcb);
    match plan.again {
        None => sent_new(tcb, cx, plan),
        Some(why) => sent_again(tcb, cx, plan, why),
    }
    rate::sent(tcb, cx, in_flight, plan.len + u32::from(plan.fin), segments(plan) as u32);
    arm_retransmission(tcb, cx);
}

/// Segments that leave for a plan, as Linux counts them: those of a super-segment each.
fn segments(plan: &Plan) -> u64 {
    match plan.segment_size {
        0 => 1,
        size => u64::from(plan.len.div_ceil(u32::from(size))),
    }
}

fn sent_new(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan) {
    let (now, space) = (cx.now(), plan.len + u32::from(plan.fin));
    let (end, sending) = (plan.seq + plan.len, tcb.sending.get_or_insert_with(|| cx.common.spare.sending()));
    sending.board.sent(plan.seq, space, now);
    if plan.len > 0 && !sending.pieces.is_cut_at(end) {
        sending.account(cx.base(), |sending| sending.pieces.sent(end));
    }
    let first = !tcb.in_flight();
    tcb.snd.nxt = plan.seq + space;
    recovery::sent(tcb, space);
    if first || tcb.timers.retry_kind == Retry::Probe {
        timers::arm_timeout(tcb, cx);
    }
    stamps::note(tcb, cx.base());
    tcb.snd.fin_sent |= plan.fin;
    if is_small(plan, decide::mss(tcb)) {
        tcb.snd.small = plan.seq + plan.len;
    }
    if plan.len > 0 {
        delay::note_answer(tcb, cx);
    }
    cx.base().counters.tcp_ext.tcp_orig_data_sent += segments(plan);
    // Sent is enough for `TCP_NOTSENT_LOWAT`; no acknowledgement is needed.
    if tcb.options.notsent_lowat != 0 || cx.common.config.notsent_lowat != u32::MAX {
        tcb.notify(cx.base());
    }
}

/// It ends with a segment smaller than others are.
fn is_small(plan: &Plan, mss: u32) -> bool {
    if plan.segment_size == 0 { plan.len < mss } else { !plan.len.is_multiple_of(mss) }
}

fn sent_again(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan, why: Why) {
    let (now, space) = (cx.now(), plan.len + u32::from(plan.fin));
    tcb.sending_mut().board.resent(plan.seq, space, now);
    tcb.recovery.first = false;
    mtu_probe::sent_again(tcb, plan);
    recovery::sent(tcb, space);
    recovery::sent_again(tcb, plan.len, space, cx.now_ms().wrapping_add(tcb.ts_offset));
    if plan.seq == tcb.snd.una && tcb.timers.retry_kind != Retry::Reorder {
        tcb.timers.retry = now.after_micros(tcb.round_trip.timeout_us());
        tcb.timers.retry_kind = Retry::Retransmit;
    }
    tcb.tally.retransmitted = tcb.tally.retransmitted.wrapping_add(segments(plan) as u32);
    if tcb.recovery.since_ms == 0 {
        tcb.recovery.since_ms = cx.now_ms().max(1);
    }
    let (socket, local, peer) = (tcb.inet.owner, tcb.inet.local_end(), tcb.peer());
    let base = cx.base();
    base.counters.tcp.retrans_segs += segments(plan);
    match why {
        Why::Timeout => base.counters.tcp_ext.tcp_slow_start_retrans += 1,
        Why::TailLossProbe => {}
        _ => base.counters.tcp_ext.tcp_fast_retrans += 1,
    }
    base.emit(What::Retransmit { socket, local, peer, seq: plan.seq.0, len: space, syn: false, why });
}

/// RFC 6298 §5.1: the timer runs while something is in flight.
pub(in crate::transport::tcp) fn arm_retransmission(tcb: &mut Tcb, cx: &Cx<'_>) {
    if !tcb.timers.retry.is_set() || tcb.timers.retry_kind == Retry::Persist {
        tcb.timers.retry = cx.now().after_micros(tcb.round_trip.timeout_us());
        tcb.timers.retry_kind = Retry::Retransmit;
    }
}
