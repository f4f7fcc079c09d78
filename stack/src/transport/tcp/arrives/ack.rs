//! Fifth, the ACK field (RFC 9293 §3.10.7.4, RFC 5961 §5, RFC 5681, RFC 6675).

use core::hint::cold_path;

use super::{Arrival, Step, discard, timestamp, usual};
use crate::base::event::class;
use crate::base::{Cause, Discard, Duration, Instant, TcpState, What};
use crate::transport::tcp::calls::data;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::{ACK, FIN, SYN, SackBlocks};
use crate::transport::tcp::output::{acknowledge, decide, record, reset};
use crate::transport::tcp::recovery::{self, News};
use crate::transport::tcp::scoreboard::Delivered;
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::state::Input;
use crate::transport::tcp::tcb::{Retry, Tcb};
use crate::transport::tcp::{busy, ecn, handshake, stamps, state, timers, tuning, usage};

pub(super) fn check_ack(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    if !arrival.has(ACK) {
        return discard(cx, arrival, Discard::TcpBadFlags);
    }
    if tcb.state == TcpState::SynReceived {
        cold_path();
        if check_ack_of_syn(tcb, cx, arrival) == Step::Done {
            return Step::Done;
        }
    }
    if check_range(tcb, cx, arrival) == Step::Done {
        return Step::Done;
    }
    if tcb.ecn.is_some() {
        cold_path();
        ecn::arrived(tcb, arrival);
    }
    let later = timestamp::is_later(tcb, arrival);
    timestamp::remember(tcb, cx, arrival);
    tcb.tally.last_received_ms = cx.now_ms();
    tcb.recovery.probes = 0;
    if usual::is_usual(tcb, arrival) {
        return usual::take(tcb, cx, arrival);
    }
    cold_path();
    take_any(tcb, cx, arrival, later)
}

/// The general way; `later`: the peer's clock has gone on.
#[inline(never)]
fn take_any(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>, later: bool) -> Step {
    let mut news = take(tcb, cx, arrival);
    news.later = later;
    recovery::acknowledged(tcb, cx, &news);
    ecn::acknowledged(tcb, cx, arrival, &news);
    if news.crowded {
        tuning::acknowledged(tcb, cx);
    }
    after(tcb, cx, news.acked > 0)
}

/// SYN-RECEIVED: the acknowledgement of our SYN opens the connection; any other is answered by a RST.
#[inline(never)] // Most segments come later.
fn check_ack_of_syn(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) -> Step {
    let iss = tcb.snd.una;
    // Data may have gone out before this acknowledgement, with our SYN or after the peer's (RFC 7413 §4.2).
    let may_be_more = tcb.fast_open.is_some() && arrival.header.ack.after(iss + 1);
    let ack = if may_be_more { iss + 1 } else { arrival.header.ack };
    if ack != iss + 1 {
        reset_answer(tcb, cx, ack);
        return discard(cx, arrival, Discard::TcpFutureAck);
    }
    let (acked, sent_at) = match &mut tcb.sending {
        Some(sending) => {
            let delivered = sending.acked(ack, 0, &mut cx.common.spare.chunks);
            (delivered.bytes, delivered.sent_at)
        }
        None => (1, arrival.syn_sent),
    };
    tcb.snd.una = ack;
    take_round_trip(tcb, cx, acked, sent_at, echo_of(tcb, arrival));
    tcb.count_delivered(1);
    let window = u32::from(arrival.header.window) << if arrival.has(SYN) { 0 } else { tcb.snd.wscale };
    if tcb.ecn.is_some() {
        ecn::third_ack(tcb, cx, arrival);
    }
    handshake::settle(tcb, cx, window, arrival.header.seq);
    tcb.advance(cx.base(), Input::AckOfSyn, Cause::Segment);
    if tcb.in_flight() {
        record::arm_retransmission(tcb, cx);
    }
    if tcb.snd.fin {
        tcb.advance(cx.base(), Input::Close, Cause::Call);
    }
    tcb.shrink_sending(&mut cx.common.spare);
    tcb.notify(cx.base());
    Step::Continue
}

/// RFC 9293 §3.5.2 group 2: <SEQ=SEG.ACK><CTL=RST>, and the state stays.
#[cold]
#[inline(never)]
pub(super) fn reset_answer(tcb: &mut Tcb, cx: &mut Cx<'_>, ack: Seq) {
    reset::bare(tcb, cx, ack);
}

/// RFC 5961 §5.2: acknowledgements from before the largest window ever, or of what was never sent, are not the peer's.
fn check_range(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) -> Step {
    let ack = arrival.header.ack;
    if ack.before(tcb.snd.una - tcb.snd.max_wnd) {
        acknowledge::challenge(tcb, cx);
        return discard(cx, arrival, Discard::TcpOldAck);
    }
    if ack.after(tcb.snd.nxt) {
        acknowledge::challenge(tcb, cx);
        return discard(cx, arrival, Discard::TcpFutureAck);
    }
    Step::Continue
}

/// What the acknowledgement tells: bytes, SACK, window, round trip.
fn take(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) -> News {
    let ack = arrival.header.ack;
    let crowded = tuning::is_crowded(tcb, &cx.common.config);
    let mut news = News {
        flight: decide::in_flight(tcb),
        limited: usage::is_limited(tcb),
        full: usage::is_full(tcb),
        crowded,
        ..News::default()
    };
    let (had_data, sent_mss) = (tcb.in_flight(), tcb.sent_mss());
    let window_changed = take_window(tcb, cx, arrival);
    if ack.after(tcb.snd.una) {
        news.acked = ack - tcb.snd.una;
        news.delivered = advance_una(tcb, cx, ack);
    }
    if tcb.sack && !arrival.header.options.sack.is_empty() && tcb.sending.is_some() {
        let (una, nxt) = (tcb.snd.una, tcb.snd.nxt);
        news.sacked = tcb.sending_mut().board.sacked(&arrival.header.options.sack, una, nxt);
    }
    // What was sent again went in segments of the size of now.
    news.mss = if news.delivered.retransmitted || news.sacked.retransmitted { u32::from(tcb.snd.mss.max(1)) } else { sent_mss };
    tcb.count_delivered(news.segments());
    if tcb.sack {
        news.dsack = duplicate_range(tcb, &arrival.header.options.sack, ack);
        let (now, lowest) = (cx.now(), tcb.round_trip.lowest().unwrap_or_default());
        if let Some(sending) = &mut tcb.sending {
            sending.board.advance(&[&news.delivered, &news.sacked], now, lowest);
        }
    }
    news.echo = echo_of(tcb, arrival);
    // RFC 5681 §2: what a duplicate acknowledgement is.
    news.repeated =
        ack == tcb.snd.una && news.acked == 0 && arrival.payload.is_empty() && !arrival.has(SYN | FIN) && !window_changed;
    news.duplicate = had_data && news.repeated;
    if news.acked > 0 {
        tcb.round_trip.reset_back_off();
    }
    let echo = news.echo.filter(|_| news.dsack.is_none());
    news.round_trip = take_round_trip(tcb, cx, news.delivered.bytes, news.delivered.sent_at, echo);
    news
}

/// The window, and that it changed; what waited for it has been idle as long (Linux).
#[inline(always)]
pub(super) fn take_window(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) -> bool {
    let changed = update_window(tcb, arrival);
    if changed && tcb.unsent_len() > 0 {
        data::slow_start_after_idle(tcb, cx);
    }
    changed
}

/// The timestamp of ours that it echoes.
pub(super) fn echo_of(tcb: &Tcb, arrival: &Arrival<'_>) -> Option<u32> {
    arrival.header.options.timestamps.map(|(_, echo)| echo).filter(|echo| tcb.timestamps && *echo != 0)
}

/// RFC 2883 §4: the first block tells of a duplicate if it lies below the acknowledgement, or within the second block. What was never
/// sent, or longer ago than a window, is nonsense (as in Linux).
fn duplicate_range(tcb: &Tcb, sack: &SackBlocks, ack: Seq) -> Option<(Seq, Seq)> {
    let (first, rest) = sack.as_slice().split_first()?;
    let (start, end) = *first;
    let old = end.at_or_before(ack);
    let inside = rest.first().is_some_and(|&(from, until)| start.at_or_after(from) && end.at_or_before(until));
    let sane = start.before(end) && end.at_or_before(tcb.snd.nxt) && start.at_or_after(tcb.snd.una - tcb.snd.max_wnd);
    ((old || inside) && sane).then_some((start, end))
}

/// RFC 9293 MUST-1, REC-1: unsigned, and 32 bits wide here. RFC 9293 §3.10.7.4: the window counts if the segment is not older than the one that
/// set it last. One that acknowledges no less than is acknowledged acknowledges no less than that one: SND.WL2 need not be kept.
fn update_window(tcb: &mut Tcb, arrival: &Arrival<'_>) -> bool {
    let (seq, ack) = (arrival.header.seq, arrival.header.ack);
    if ack.before(tcb.snd.una) || tcb.snd.wl1.after(seq) {
        return false;
    }
    let window = u32::from(arrival.header.window) << if arrival.has(SYN) { 0 } else { tcb.snd.wscale };
    let changed = window != tcb.snd.wnd;
    tcb.snd.wnd = window;
    tcb.snd.max_wnd = tcb.snd.max_wnd.max(window);
    tcb.snd.wl1 = seq;
    if tcb.timers.retry_kind == Retry::Persist && window > 0 {
        cold_path();
        tcb.timers.retry = Instant::NEVER;
        tcb.round_trip.reset_back_off();
        tcb.recovery.since_ms = 0;
    }
    changed
}

/// `una` moves: acknowledged data is dropped, and perhaps our FIN was in it.
pub(super) fn advance_una(tcb: &mut Tcb, cx: &mut Cx<'_>, ack: Seq) -> Delivered {
    let data = (ack - tcb.snd.una).min(tcb.unacked_len());
    let delivered = tcb.with_sending_chunks(cx, |sending, chunks| sending.acked(ack, data, chunks));
    moved_una(tcb, cx, ack, data);
    stamps::note(tcb, cx.base());
    busy::acknowledged(tcb, cx.now(), &cx.common.config);
    tcb.shrink_sending(&mut cx.common.spare);
    delivered
}

/// Everything before `ack` is acknowledged, of it so many bytes of data.
pub(super) fn moved_una(tcb: &mut Tcb, cx: &mut Cx<'_>, ack: Seq, data: u32) {
    tcb.snd.una = ack;
    tcb.snd.acked += u64::from(data);
    if tcb.snd.urgent {
        cold_path();
        tcb.snd.urgent = tcb.snd.up.after(ack);
    }
    tcb.recovery.progress = true;
    if data > 0 {
        tcb.notify(cx.base());
    }
}

/// RFC 9293 MUST-18, RFC 6298 §3 (Karn), RFC 7323 §4.1: from the send time of what was never sent again, else from the echoed timestamp.
/// `echo`: none if the acknowledgement answers what had arrived before, for then the timestamp may be that of long ago (RFC 7323 §5.3 R2).
#[inline(always)]
pub(super) fn take_round_trip(
    tcb: &mut Tcb,
    cx: &mut Cx<'_>,
    acked: u32,
    sent_at: Option<Instant>,
    echo: Option<u32>,
) -> Option<Duration> {
    let sample = match (sent_at, echo) {
        (Some(sent), _) => cx.now() - sent,
        (None, Some(echo)) if acked > 0 => since_echo(tcb, cx, echo)?,
        _ => return None,
    };
    tcb.round_trip.sample(sample, tcb.snd.una, tcb.snd.nxt);
    if cx.base().events.wanted(class::CONTROL) {
        report_round_trip(tcb, cx, sample);
    }
    Some(sample)
}

/// How long ago we sent a timestamp.
#[cold] // Of what was sent again.
#[inline(never)]
fn since_echo(tcb: &Tcb, cx: &Cx<'_>, echo: u32) -> Option<Duration> {
    let now = cx.now_ms().wrapping_add(tcb.ts_offset);
    let elapsed = now.wrapping_sub(echo);
    if elapsed > i32::MAX as u32 {
        return None;
    }
    // The clock is coarse: less than its step is not nothing (as in Linux).
    Some(Duration::from_millis(u64::from(elapsed.max(1))))
}

#[cold]
#[inline(never)]
fn report_round_trip(tcb: &Tcb, cx: &mut Cx<'_>, sample: Duration) {
    let (socket, srtt, rto) = (tcb.inet.owner, tcb.round_trip.smoothed_us().unwrap_or(0), tcb.round_trip.timeout_us());
    cx.base().emit(What::RoundTrip { socket, sample_us: sample.as_micros() as u32, srtt_us: srtt, rto_us: rto as u32 });
}

/// What the acknowledgement changes in the state, and the retransmission timer (RFC 6298 §5.2, 5.3).
#[inline(always)] // Nearly every segment acknowledges nothing, or what is known to be all.
pub(super) fn after(tcb: &mut Tcb, cx: &mut Cx<'_>, acked: bool) -> Step {
    if acked {
        after_news(tcb, cx);
    }
    if state::is_synchronized(tcb.state) { Step::Continue } else { Step::Done }
}

#[inline(never)]
fn after_news(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    tcb.recovery.timeouts = 0;
    tcb.recovery.since_ms = 0;
    timers::restart(tcb, cx);
    if tcb.snd.fin_sent && !tcb.in_flight() {
        tcb.advance(cx.base(), Input::AckOfFin, Cause::FinAcked);
        if tcb.state == TcpState::FinWait2 && timers::is_orphan(tcb) {
            timers::arm_fin_wait_2(tcb, cx);
        }
        tcb.notify(cx.base());
    }
}
