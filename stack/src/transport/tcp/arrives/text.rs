//! Seventh, the text (RFC 9293 §3.10.7.4).

use super::{Arrival, Step, discard, sequence};
use crate::base::{Cause, Discard, Errno, TcpState};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::FIN;
use crate::transport::tcp::output::{delay, reset};
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::{Tcb, Urgent};
use crate::transport::tcp::{ecn, state, tuning};

/// Data within the window is taken: at the left edge to the reader, beyond a gap to the out-of-order queue.
#[inline]
pub(super) fn process_text(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    if arrival.payload.is_empty() { Step::Continue } else { take_text(tcb, cx, arrival) }
}

#[inline(never)]
fn take_text(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    if !state::may_receive(tcb.state) {
        // Behind the peer's FIN there is no data; what comes again from before it was acknowledged in vain.
        tcb.rcv.ack_now |= arrival.seq.before(tcb.rcv.nxt);
        return Step::Continue;
    }
    if nobody_reads(tcb, arrival) {
        return abort_on_data(tcb, cx, arrival);
    }
    cut_to_window(tcb, cx, arrival);
    if arrival.payload.is_empty() {
        tcb.rcv.ack_now = true;
        return Step::Continue;
    }
    if !cx.base().budget.allows(arrival.payload.len()) {
        // Never acknowledged, so never lost: the peer will send it again.
        cx.base().counters.tcp_ext.tcp_rcv_q_drop += 1;
        tcb.rcv.ack_now = true;
        return discard(cx, arrival, Discard::OutOfMemory);
    }
    learn_segment_size(tcb, arrival);
    if tcb.ecn.is_some() {
        ecn::data_arrived(tcb, arrival);
    }
    tuning::arrived(tcb, cx, arrival);
    if arrival.seq == tcb.rcv.nxt {
        take_in_order(tcb, cx, arrival);
    } else {
        keep_for_later(tcb, cx, arrival);
    }
    Step::Continue
}

/// After `close`, or after `SHUT_RD` once we sent our FIN, new data finds no reader (RFC 9293 §3.6.1).
fn nobody_reads(tcb: &Tcb, arrival: &Arrival<'_>) -> bool {
    let past = (arrival.seq + arrival.payload.len() as u32).after(tcb.rcv.nxt);
    past && tcb.shut_read && matches!(tcb.state, TcpState::FinWait1 | TcpState::FinWait2)
}

/// RFC 9293 §3.6.1, RFC 1122 §4.2.2.13: a RST tells the peer that its data was lost; as if there were no connection any more
/// (RFC 9293 §3.5.2 group 1). Where its data and our FIN cross, the RST comes behind the FIN and is too old for it; but what it acknowledges the
/// FIN with finds no connection, and is answered by one that is not.
#[cold]
#[inline(never)]
fn abort_on_data(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) -> Step {
    cx.base().counters.tcp_ext.tcp_abort_on_data += 1;
    reset::bare(tcb, cx, arrival.header.ack);
    tcb.fail(cx.base(), Errno::ECONNRESET, Cause::Segment);
    discard(cx, arrival, Discard::TcpAfterClose)
}

/// Cuts off what was received before (and tells of it by DSACK, RFC 2883 §4.1) and what lies beyond the window.
fn cut_to_window(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) {
    if arrival.seq.before(tcb.rcv.nxt) {
        cut_front(tcb, cx, arrival);
    }
    let edge = tcb.rcv.edge.max(tcb.rcv.nxt);
    let room = if edge.after(arrival.seq) { edge - arrival.seq } else { 0 };
    if arrival.payload.len() as u32 > room {
        cut_end(tcb, cx, arrival, room);
    }
}

#[cold]
#[inline(never)]
fn cut_front(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) {
    let old = (tcb.rcv.nxt - arrival.seq).min(arrival.payload.len() as u32);
    sequence::note_duplicate(tcb, cx, arrival.seq, arrival.seq + old);
    delay::quicken(tcb);
    arrival.payload.advance(old as usize);
    arrival.seq += old;
    tcb.rcv.ack_now = true;
}

#[cold]
#[inline(never)]
fn cut_end(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>, room: u32) {
    cx.base().counters.tcp_ext.tcp_zero_window_drop += u64::from(room == 0);
    arrival.payload.truncate(room as usize);
    arrival.whole = false;
    tcb.rcv.ack_now = true;
}

/// The largest segment seen is what "every second full-sized segment" counts by (RFC 1122 §4.2.3.2; Linux's `rcv_mss`). A smaller one
/// ends something.
fn learn_segment_size(tcb: &mut Tcb, arrival: &Arrival<'_>) {
    let size = if arrival.segment_size != 0 { arrival.segment_size } else { arrival.payload.len().min(65_535) as u16 };
    if size >= tcb.rcv.mss {
        tcb.rcv.mss = size;
    } else {
        tcb.rcv.pushed = (tcb.rcv.pushed + 1).min(2);
    }
}

fn take_in_order(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) {
    let payload = core::mem::take(&mut arrival.payload);
    let len = payload.len() as u32;
    watch_urgent(tcb, arrival.seq, &payload);
    tcb.with_receiving(cx, |receiving| receiving.queue.push(payload));
    advance_nxt(tcb, len);
    if tcb.receiving.as_ref().is_some_and(|receiving| !receiving.out_of_order.is_empty()) {
        fill_from_later(tcb, cx);
    }
    cx.base().counters.tcp_ext.tcp_hp_hits += 1;
    delay::note_data(tcb, cx);
    delay::schedule(tcb, cx);
    tcb.notify(cx.base());
}

fn advance_nxt(tcb: &mut Tcb, len: u32) {
    tcb.rcv.nxt += len;
    tcb.rcv.received += u64::from(len);
}

/// A gap was filled: what waited behind it follows (RFC 5681 §4.2: acknowledged at once).
#[cold]
#[inline(never)]
fn fill_from_later(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    tcb.rcv.ack_now = true;
    loop {
        let nxt = tcb.rcv.nxt;
        let Some(run) = tcb.with_receiving(cx, |receiving| receiving.out_of_order.take(nxt)) else { break };
        let len = run.len() as u32;
        watch_urgent(tcb, nxt, &run);
        tcb.with_receiving(cx, |receiving| receiving.queue.push(run));
        advance_nxt(tcb, len);
    }
}

/// Ahead of its time: kept, and a duplicate acknowledgement with SACK tells the peer at once (RFC 5681 §4.2, RFC 2018 §3).
#[cold]
#[inline(never)]
fn keep_for_later(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) {
    tcb.rcv.ack_now = true;
    let payload = core::mem::take(&mut arrival.payload);
    let seq = arrival.seq;
    cx.base().counters.tcp_ext.tcp_ofo_queue += 1;
    let duplicate = tcb.with_receiving(cx, |receiving| receiving.out_of_order.insert(seq, payload));
    if let Some((start, end)) = duplicate
        && tcb.sack
        && cx.common.config.dsack
    {
        cx.base().counters.tcp_ext.tcp_dsack_ofo_sent += 1;
        tcb.dsack = (start, end);
    }
    prune(tcb, cx);
}

/// What many small segments cost beyond their payload must not pass the buffer's size: the furthest go first (they were not acknowledged).
fn prune(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let limit = tuning::receive_buffer(tcb, &cx.common.config) as usize;
    let held = tcb.receive_charge();
    if held <= limit {
        return;
    }
    let dropped = tcb.with_receiving(cx, |receiving| {
        let rest = receiving.out_of_order.charge().saturating_sub(held - limit);
        receiving.out_of_order.prune(rest)
    });
    if dropped > 0 {
        let counters = &mut cx.base().counters.tcp_ext;
        counters.prune_called += 1;
        counters.ofo_pruned += 1;
    }
}

/// Catches the urgent byte when it comes by in order.
fn watch_urgent(tcb: &mut Tcb, start: Seq, payload: &crate::base::Rope) {
    if tcb.rcv.urgent == Urgent::Announced && tcb.rcv.up.at_or_after(start) {
        look_for_urgent(tcb, start, payload);
    }
}

#[cold]
#[inline(never)]
fn look_for_urgent(tcb: &mut Tcb, start: Seq, payload: &crate::base::Rope) {
    let offset = (tcb.rcv.up - start) as usize;
    let mut byte = [0];
    if payload.copy_to(offset, &mut byte) == 1 {
        tcb.rcv.urgent = Urgent::Here(byte[0]);
    }
}

/// True if the arrival's FIN still stands right behind its data.
pub(super) fn carries_fin(arrival: &Arrival<'_>) -> bool {
    arrival.has(FIN) && arrival.whole
}
