//! The acknowledgement that nearly every segment brings: of what was sent once, on a connection of which nothing was ever lost and whose rate
//! nobody measures. What [`ack`](super::ack) and `recovery` come to for it, without the questions whose answers are known.

use super::{Arrival, Step, ack};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::{FIN, SYN};
use crate::transport::tcp::output::decide;
use crate::transport::tcp::recovery::{self, Growth};
use crate::transport::tcp::tcb::{Phase, Retry, Tcb};
use crate::transport::tcp::{tuning, usage};

/// True if [`take`] does for it what the general way would do.
pub(super) fn is_usual(tcb: &Tcb, arrival: &Arrival) -> bool {
    let says_something = arrival.header.ack != tcb.snd.una || !arrival.payload.is_empty() || arrival.has(FIN);
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
pub(super) fn take(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival) -> Step {
    let acked = arrival.header.ack;
    let crowded = tuning::is_crowded(tcb, cx.config);
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

fn take_news(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival) {
    let mut growth = Growth { acked: 0, flight: decide::in_flight(tcb), limited: usage::is_limited(tcb), round_trip: None };
    let mss = tcb.sent_mss();
    ack::take_window(tcb, cx, arrival);
    let delivered = ack::advance_una(tcb, cx, arrival.header.ack);
    growth.acked = delivered.bytes;
    tcb.count_delivered(delivered.bytes.div_ceil(mss));
    tcb.round_trip.reset_back_off();
    growth.round_trip = ack::take_round_trip(tcb, cx, &delivered, ack::echo_of(tcb, arrival));
    recovery::nothing_lost(tcb, cx, &growth);
}
