//! The acknowledgement that nearly every segment brings: of what was sent once, on a connection of which nothing was ever lost and whose rate
//! nobody measures. What [`ack`] and `recovery` come to for it, without the questions whose answers are known.

use alloc::boxed::Box;

use super::{Arrival, Step, ack};
use crate::base::Instant;
use crate::base::event::class;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::{FIN, SYN};
use crate::transport::tcp::output::decide;
use crate::transport::tcp::recovery::{self, Growth};
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::{Phase, Retry, Sending, Tcb};
use crate::transport::tcp::{busy, timers, tuning, usage};

/// True if [`take`] does for it what the general way would do. What says nothing is a duplicate where something is in flight, and only there.
pub(super) fn is_usual(tcb: &Tcb, arrival: &Arrival<'_>) -> bool {
    // One question in the place of four.
    let says_something = (arrival.header.ack != tcb.snd.una) | !arrival.payload.is_empty() | arrival.has(FIN) | !tcb.in_flight();
    says_something && !arrival.has(SYN) && arrival.header.options.sack.is_empty() && is_calm(tcb)
}

/// Nothing was lost, nothing is searched for, and nothing is measured but the round trip.
fn is_calm(tcb: &Tcb) -> bool {
    let recovery = &tcb.recovery;
    tcb.sack
        && recovery.phase == Phase::Open
        && recovery.losses.is_none()
        && tcb.timers.retry_kind != Retry::Reorder
        && tcb.ecn.is_none()
        && tcb.rate.is_none()
        && tcb.search.is_none()
        && tcb.sending.as_ref().is_none_or(|sending| sending.board.is_simple())
}

/// Takes what it tells: bytes, window, round trip.
pub(super) fn take(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) -> Step {
    let acked = arrival.header.ack;
    if acked == tcb.snd.nxt && is_forsaken(tcb, cx) {
        return take_last(tcb, cx, acked);
    }
    let crowded = tuning::is_crowded(tcb, &cx.common.config);
    let is_news = acked.after(tcb.snd.una);
    if is_news {
        take_news(tcb, cx, arrival);
    } else {
        ack::take_window(tcb, cx, arrival);
    }
    if crowded {
        tuning::acknowledged(tcb, cx);
    }
    ack::after(tcb, cx, is_news)
}

/// Our FIN is in flight, and nobody can ask any more what the path was like: nothing that is learned of it now would ever be used.
fn is_forsaken(tcb: &Tcb, cx: &mut Cx<'_>) -> bool {
    tcb.snd.fin_sent && tcb.in_flight() && timers::is_orphan(tcb) && !cx.base().events.wanted(class::CONTROL)
}

/// Everything of ours has arrived, and no more will be sent.
fn take_last(tcb: &mut Tcb, cx: &mut Cx<'_>, acked: Seq) -> Step {
    deliver(tcb, cx, acked);
    ack::after(tcb, cx, true)
}

fn take_news(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) {
    let (flight, limited, mss) = (decide::in_flight(tcb), usage::is_limited(tcb), tcb.sent_mss());
    ack::take_window(tcb, cx, arrival);
    let (acked, sent_at) = deliver(tcb, cx, arrival.header.ack);
    tcb.count_delivered(if acked > mss { acked.div_ceil(mss) } else { u32::from(acked > 0) });
    tcb.round_trip.reset_back_off();
    let round_trip = ack::take_round_trip(tcb, cx, acked, sent_at, ack::echo_of(tcb, arrival));
    recovery::nothing_lost(tcb, cx, &Growth { acked, flight, limited, round_trip });
}

/// Drops what was acknowledged; says how many bytes of the sequence space it was, and when they were sent.
#[inline(always)] // All there is, mostly.
fn deliver(tcb: &mut Tcb, cx: &mut Cx<'_>, ack: Seq) -> (u32, Option<Instant>) {
    if let Some(sending) = tcb.sending.take_if(|sending| sending.ends_at(ack)) {
        return deliver_all(tcb, cx, ack, sending);
    }
    let delivered = ack::advance_una(tcb, cx, ack);
    (delivered.bytes, delivered.sent_at)
}

/// The same of all there is: what it was kept in goes with it.
#[inline(never)]
fn deliver_all(tcb: &mut Tcb, cx: &mut Cx<'_>, ack: Seq, sending: Box<Sending>) -> (u32, Option<Instant>) {
    let (acked, sent_at) = (ack - tcb.snd.una, sending.board.first_sent_at());
    busy::waits_no_more(tcb, sending.wait, cx.now());
    let data = sending.queue.len() as u32;
    cx.base().budget.release(sending.charge());
    cx.common.spare.keep_sending(sending);
    ack::moved_una(tcb, cx, ack, data);
    (acked, sent_at)
}
