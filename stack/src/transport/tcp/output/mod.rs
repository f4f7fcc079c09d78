//! Making output: decide (pure, gives a plan), fill (builds header and payload), record (what was sent changes the connection).
//!
//! ```text
//!   run ─► decide::next ─► fill ─► transmit::segment ─► record::sent ─┐
//!    ▲                                                                 │
//!    └──────────────────── while there is a plan ◄─────────────────────┘
//!   then: an acknowledgement that no segment carried, the zero-window timer, the wheel
//! ```

pub(super) mod acknowledge;
pub(super) mod burst;
pub(super) mod decide;
pub(super) mod delay;
pub(super) mod fill;
mod plain;
pub(super) mod record;
pub(super) mod reset;
pub(super) mod short;
pub(super) mod transmit;

use core::hint::cold_path;

use super::cx::Cx;
use super::mtu_probe::{self, Next};
use super::seq::Seq;
use super::tcb::Tcb;
use super::{busy, ecn, held, rate, state, timers, usage};
use crate::base::Errno;
use decide::Plan;

/// Whether a partial segment may go now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Push {
    /// As Nagle's rule says.
    #[default]
    Normal,
    /// More will be written at once (`MSG_MORE`): only full segments.
    More,
    /// Also what Nagle's rule or a cork holds back (`TCP_NODELAY` was set).
    Queued,
    /// Whatever there is (a timer said so).
    Force,
}

/// Sends what may be sent, then what must be acknowledged.
#[inline(always)]
pub(super) fn run(tcb: &mut Tcb, cx: &mut Cx<'_>, push: Push) {
    // After most segments there is neither.
    if tcb.rcv.ack_now || tcb.path_changed || tcb.ecn.is_some() || may_have_news(tcb) {
        run_all(tcb, cx, push);
    } else {
        timers::after_output(tcb, cx);
    }
}

#[inline(never)]
fn run_all(tcb: &mut Tcb, cx: &mut Cx<'_>, push: Push) {
    if held::holds(tcb, cx) {
        cold_path();
        return;
    }
    let (before, segments) = (tcb.snd.nxt, tcb.tally.segs_out);
    if tcb.ecn.is_some() {
        cold_path();
        ecn::accurate::refresh(tcb, cx);
    }
    if tcb.path_changed {
        cold_path();
        transmit::learn_path(tcb, cx);
    }
    rate::rest(tcb);
    if may_have_news(tcb) {
        if probe(tcb, cx) {
            send_all(tcb, cx, push);
        }
        note_news(tcb, cx, segments);
    }
    finish(tcb, cx, before);
}

/// Most connections that hear something have nothing to say.
fn may_have_news(tcb: &Tcb) -> bool {
    tcb.sending.is_some() || tcb.rate.is_some() || tcb.search.is_some() || decide::has_fin(tcb)
}

/// What could be sent was, after so many `segments` before: takes note of what holds back the rest.
fn note_news(tcb: &mut Tcb, cx: &Cx<'_>, segments: u32) {
    if tcb.sending.is_none() && tcb.rate.is_none() {
        return;
    }
    let (flight, unsent) = (decide::in_flight(tcb), tcb.unsent_len());
    if tcb.tally.segs_out != segments {
        usage::note(tcb, flight);
    }
    busy::after_output(tcb, cx.now(), unsent);
    rate::check_app_limited(tcb, flight, unsent);
}

/// The acknowledgement that no segment carried, and the timers; `before`: what was to be sent next.
#[inline(always)] // Of what is asked the most is known to who sent a segment.
fn finish(tcb: &mut Tcb, cx: &mut Cx<'_>, before: Seq) {
    if tcb.rcv.ack_now {
        acknowledge::send(tcb, cx);
    }
    if tcb.snd.nxt != before {
        timers::arm_probe(tcb, cx);
    }
    timers::after_output(tcb, cx);
}

/// Asks how large packets may be, if that is to be known; says whether other data may follow.
fn probe(tcb: &mut Tcb, cx: &mut Cx<'_>) -> bool {
    if tcb.search.is_none() || !state::may_send(tcb.state) {
        return true;
    }
    cold_path();
    mtu_probe::renew(tcb, cx);
    match mtu_probe::next(tcb, &cx.common.config) {
        Next::Data => true,
        Next::Wait => false,
        Next::Probe(plan) => {
            match send(tcb, cx, &plan) {
                Ok(()) => mtu_probe::sent(tcb, &plan),
                Err(Errno::EMSGSIZE) => mtu_probe::too_large(tcb),
                // The others meet the same error.
                Err(_) => {}
            }
            true
        }
    }
}

/// The next segment that may go. How much may go at once is only asked where there is something.
fn next(tcb: &Tcb, cx: &mut Cx<'_>, push: Push) -> Option<Plan> {
    if decide::is_idle(tcb) {
        return None;
    }
    let most = transmit::most_at_once(tcb, cx.net);
    decide::next(tcb, push, burst::largest(tcb, &cx.common.config, most))
}

fn send_all(tcb: &mut Tcb, cx: &mut Cx<'_>, push: Push) {
    while let Some(plan) = next(tcb, cx, push) {
        if rate::holds(tcb, cx.now()) || !send_one(tcb, cx, &plan) {
            break;
        }
    }
}

/// Sends the segment of a plan, or counts it as lost; says whether there may be more.
fn send_one(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan) -> bool {
    match send(tcb, cx, plan) {
        Ok(()) => true,
        Err(errno) => not_sent(tcb, cx, plan, errno),
    }
}

/// The segment of a plan was not sent; says whether there may be more.
fn not_sent(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan, errno: Errno) -> bool {
    match errno {
        Errno::ENOBUFS => {
            wait_for_link(tcb, cx);
            return false;
        }
        // The path shrank and the plan is made anew with smaller segments; if it did not, the segment counts as lost.
        Errno::EMSGSIZE if transmit::learn_path(tcb, cx) => {}
        errno => {
            tcb.inet.soft_error = Some(errno);
            record::sent(tcb, cx, plan);
        }
    }
    true
}

/// Sends the segment of a plan.
pub(super) fn send(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan) -> Result<(), Errno> {
    transmit(tcb, cx, plan)?;
    record::sent(tcb, cx, plan);
    Ok(())
}

/// Makes the segment of a plan and lets it go; what that changes is not recorded yet.
#[inline(always)] // Of a plan that was made just now most is known.
fn transmit(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan) -> Result<(), Errno> {
    let flags = fill::flags_of(tcb, plan);
    if plan.segment_size == 0 && plain::is_plain(tcb) {
        if plan.len == 0 {
            return plain::send_bare(tcb, cx, plan.seq, flags);
        }
        let body = fill::body_of(tcb, cx, plan);
        return plain::send(tcb, cx, plan.seq, flags, body);
    }
    transmit_any(tcb, cx, plan, flags)
}

/// The same of a super-segment, or one that is not plain.
#[inline(never)]
fn transmit_any(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan, flags: u8) -> Result<(), Errno> {
    let mut header = fill::header(tcb, cx, plan.seq, flags);
    fill::complete(tcb, cx, &mut header, plan);
    let body = fill::body_of(tcb, cx, plan);
    transmit::segment(tcb, cx, &header, body, plan.segment_size)
}

/// Sends one segment of new data whatever congestion control says (RFC 8985 §7.3); false if there is none that the peer takes.
pub(super) fn one_new(tcb: &mut Tcb, cx: &mut Cx<'_>) -> bool {
    decide::one_new(tcb).is_some_and(|plan| send(tcb, cx, &plan).is_ok())
}

fn wait_for_link(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if !core::mem::replace(&mut tcb.blocked, true) {
        cx.common.blocked.push_back(cx.id);
    }
}
