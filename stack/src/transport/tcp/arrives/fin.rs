//! Eighth, the FIN bit (RFC 9293 §3.10.7.4).

use core::hint::cold_path;

use super::{Arrival, Step, text};
use crate::base::{Cause, TcpState};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::FIN;
use crate::transport::tcp::output::delay;
use crate::transport::tcp::state::{self, Input};
use crate::transport::tcp::tcb::Tcb;

/// A FIN counts once everything before it is here; one that comes early is remembered.
#[inline]
pub(super) fn check_fin(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    if arrival.has(FIN) || tcb.rcv.fin_seen {
        // Once for each connection.
        cold_path();
        return look_for_fin(tcb, cx, arrival);
    }
    Step::Done
}

#[inline(never)]
fn look_for_fin(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    // One behind what was taken is no FIN of this stream: it must not hide the real one.
    let ahead = arrival.fin_at.at_or_after(tcb.rcv.nxt);
    if text::carries_fin(arrival) && ahead && !tcb.rcv.fin_seen && state::may_receive(tcb.state) {
        tcb.rcv.fin_seen = true;
        tcb.rcv.fin_at = arrival.fin_at;
        tcb.rcv.ack_now |= arrival.fin_at != tcb.rcv.nxt;
    }
    if arrival.has(FIN) && !ahead {
        // Our acknowledgement of it was lost (RFC 9293 §3.10.7.4: what is not acceptable any more is acknowledged).
        tcb.rcv.ack_now = true;
    }
    if tcb.rcv.fin_seen && tcb.rcv.nxt.at_or_after(tcb.rcv.fin_at) && state::may_receive(tcb.state) {
        take_fin(tcb, cx);
    }
    Step::Done
}

/// Nothing comes behind the end.
#[inline(never)]
fn forget_early(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    tcb.with_receiving(cx, |receiving| receiving.out_of_order.clear());
}

/// The peer's direction is at its end.
fn take_fin(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    tcb.rcv.nxt += 1;
    tcb.shut_read = true;
    if tcb.receiving.is_some() {
        forget_early(tcb, cx);
    }
    if tcb.state == TcpState::Established {
        // As in Linux: the application is likely to close too, and its FIN can carry the acknowledgement.
        tcb.rcv.interactive = true;
        delay::schedule(tcb, cx);
    } else {
        tcb.rcv.ack_now = true;
    }
    tcb.advance(cx.base(), Input::Fin, Cause::Fin);
    if tcb.state == TcpState::TimeWait {
        // The acknowledgement must go before the record of a few bytes takes over.
        crate::transport::tcp::output::acknowledge::send(tcb, cx);
    }
    tcb.notify(cx.base());
}
