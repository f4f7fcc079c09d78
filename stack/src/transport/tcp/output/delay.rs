//! Whether an acknowledgement may wait, and how long (RFC 9293 §3.8.6.3, RFC 5681 §4.2), after Linux.
//!
//! Two modes. At the start, after a long pause and after loss the peer's window is small and each segment is acknowledged at once ("quick
//! ACKs"), for as many segments as half of our window takes. Once the application answers within that time what it receives, the
//! conversation is interactive ("pingpong") and acknowledgements wait for its data. What waits, waits for as long as segments came apart
//! lately: 40 ms at least (RFC 9293 MUST-40 allows 500 ms).

use super::acknowledge;
use crate::base::Duration;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::tcb::Tcb;
use crate::transport::tcp::window;

/// The shortest wait once data came (`TCP_ATO_MIN`), in milliseconds.
const LEAST_MS: u32 = 40;
/// The longest (`TCP_DELACK_MAX`), and that of a stream which does not wait for anybody.
const MOST_MS: u32 = 200;
const MOST_STREAMING_MS: u32 = 500;
/// The most quick acknowledgements in a row (`TCP_MAX_QUICKACKS`).
const MOST_QUICK: u32 = 16;

/// What waits for the rest of its batch: as much as one joined packet carries.
const MOST_OWED: u32 = 65_535;
/// So many of those that wait for it are looked through for one that waits already.
const BY_TURNS: usize = 8;

/// Data arrived in order: how far apart from the last is how long an acknowledgement may wait.
pub(in crate::transport::tcp) fn note_data(tcb: &mut Tcb, cx: &Cx<'_>) {
    let (now, ato) = (cx.now_ms(), u32::from(tcb.rcv.ato_ms));
    let (apart, rto) = (now.wrapping_sub(tcb.rcv.last_data_ms), tcb.round_trip.timeout().as_millis() as u32);
    let ato = if ato == 0 {
        add_quick(tcb);
        LEAST_MS
    } else if apart <= LEAST_MS / 2 {
        ato / 2 + LEAST_MS / 2
    } else if apart < ato {
        (ato / 2 + apart).min(rto)
    } else {
        if apart > rto {
            add_quick(tcb);
        }
        ato
    };
    tcb.rcv.ato_ms = ato as u16;
    tcb.rcv.last_data_ms = now;
}

/// As many quick acknowledgements as half of the window has segments.
fn add_quick(tcb: &mut Tcb) {
    let segments = window::offered(tcb) / (2 * u32::from(tcb.rcv.mss.max(1)));
    let quick = if segments == 0 { 2 } else { segments.min(MOST_QUICK) };
    tcb.rcv.quick = tcb.rcv.quick.max(quick as u8);
}

/// The peer seems to have lost something: it needs to hear from us at once.
pub(in crate::transport::tcp) fn quicken(tcb: &mut Tcb) {
    add_quick(tcb);
    tcb.rcv.interactive = false;
    tcb.rcv.ato_ms = LEAST_MS as u16;
}

/// Data leaves. Soon after data came it is an answer, and the next acknowledgements may wait for more of them.
pub(in crate::transport::tcp) fn note_answer(tcb: &mut Tcb, cx: &Cx<'_>) {
    if cx.now_ms().wrapping_sub(tcb.rcv.last_data_ms) < u32::from(tcb.rcv.ato_ms) {
        tcb.rcv.interactive = true;
    }
}

/// What was received must be acknowledged: at once if there is a gap (RFC 5681 §4.2) or in quick mode; if it is more than a full segment
/// (RFC 9293 SHLD-18, SHLD-19) as soon as what came with it was looked at; else later. Segments that came joined are one here, and those that
/// came together have one acknowledgement (RFC 9293 MUST-58, MUST-59) unless they are more than could have come joined.
#[inline(always)]
pub(in crate::transport::tcp) fn schedule(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    tcb.rcv.ack_due = true;
    let waiting = tcb.rcv.nxt - tcb.rcv.acked;
    let gap = tcb.receiving.as_ref().is_some_and(|receiving| !receiving.out_of_order.is_empty());
    let quick = tcb.options.quickack && tcb.rcv.quick > 0 && !tcb.rcv.interactive;
    if gap || quick {
        tcb.rcv.ack_now = true;
    } else if waiting > u32::from(tcb.rcv.mss) {
        if waiting > MOST_OWED || cx.net.is_last() {
            tcb.rcv.ack_now = true;
        } else {
            owe(cx);
        }
    } else {
        wait(tcb, cx);
    }
}

/// More has come than this segment, of this connection or others.
fn owe(cx: &mut Cx<'_>) {
    // One of many that come by turns may stand there twice, and acknowledges once.
    if !cx.common.owing.iter().rev().take(BY_TURNS).any(|id| *id == cx.id) {
        cx.common.owing.push(cx.id);
    }
}

/// Arms the timer; if it is nearly due anyway, or nothing is known to wait for, there is no wait.
fn wait(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let wait = longest_wait(tcb);
    let armed = tcb.timers.delayed_ack;
    if wait.is_zero() || (armed.is_set() && armed <= cx.now() + wait / 4) {
        tcb.rcv.ack_now = true;
    } else {
        tcb.timers.delayed_ack = armed.min(cx.now() + wait);
    }
}

fn longest_wait(tcb: &Tcb) -> Duration {
    let mut wait = u32::from(tcb.rcv.ato_ms);
    if wait > LEAST_MS {
        let most = if tcb.rcv.interactive || tcb.rcv.pushed > 0 { MOST_MS } else { MOST_STREAMING_MS };
        // A peer that has a round trip's worth of data to send has sent it by then.
        let round_trip = tcb.round_trip.smoothed().map_or(u32::MAX, |trip| (trip.as_millis() as u32).max(LEAST_MS));
        wait = wait.min(most).min(round_trip);
    }
    Duration::from_millis(wait.min(MOST_MS).into())
}

/// The wait is over and the application did not answer: it is not that kind of conversation, or segments come further apart.
pub(in crate::transport::tcp) fn waited(tcb: &mut Tcb) {
    let rto = tcb.round_trip.timeout().as_millis() as u32;
    let ato = if tcb.rcv.interactive { LEAST_MS } else { (u32::from(tcb.rcv.ato_ms) * 2).min(rto) };
    tcb.rcv.ato_ms = ato.min(u32::from(u16::MAX)) as u16;
    tcb.rcv.interactive = false;
}

/// The application read so many bytes. What it has read it may as well acknowledge: more than a full segment, or the end of something
/// shorter (a request, a message), unless an answer is likely to carry it.
pub(in crate::transport::tcp) fn was_read(tcb: &mut Tcb, cx: &mut Cx<'_>, count: usize) {
    if !tcb.rcv.ack_due {
        return;
    }
    let much = tcb.rcv.nxt - tcb.rcv.acked > u32::from(tcb.rcv.mss);
    let ended = tcb.rcv.pushed == 2 || (tcb.rcv.pushed == 1 && !tcb.rcv.interactive);
    if much || (count > 0 && ended && tcb.receiving.is_none()) {
        acknowledge::send(tcb, cx);
    }
}

/// An acknowledgement left, by itself or with data.
pub(in crate::transport::tcp) fn note_acknowledged(tcb: &mut Tcb) {
    if tcb.rcv.ack_due && tcb.rcv.quick > 0 {
        tcb.rcv.quick -= 1;
        if tcb.rcv.quick == 0 {
            tcb.rcv.ato_ms = LEAST_MS as u16;
        }
    }
    tcb.rcv.pushed = 0;
}
