//! Sixth, the URG bit (RFC 9293 §3.8.5, RFC 6093).

use super::{Arrival, Step};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::URG;
use crate::transport::tcp::state;
use crate::transport::tcp::tcb::{Tcb, Urgent};

/// Remembers where the urgent byte stands and tells the application at once (RFC 9293 MUST-32), before the data is here.
///
/// RFC 9293 MUST-30, MUST-31: it may be far ahead. RFC 9293 MUST-62 has the pointer name the byte after the last urgent one; the one urgent byte is the one before it. With
/// `tcp_stdurg` it is the pointed-to one (the reading of RFC 1122 before RFC 6093). A second urgent byte takes the place of the
/// first, as in Linux: there is room for one.
pub(super) fn check_urg(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    if arrival.has(URG) {
        take_urg(tcb, cx, arrival);
    }
    Step::Continue
}

#[cold]
#[inline(never)]
fn take_urg(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) {
    if !state::may_receive(tcb.state) {
        return;
    }
    let mut pointer = u32::from(arrival.header.urgent);
    if pointer > 0 && !cx.common.config.stdurg {
        pointer -= 1;
    }
    let up = arrival.header.seq + pointer;
    let already_passed = up.before(tcb.rcv.nxt);
    let known = tcb.rcv.urgent != Urgent::None && up.at_or_before(tcb.rcv.up);
    if !already_passed && !known {
        tcb.rcv.up = up;
        tcb.rcv.urgent = Urgent::Announced;
        tcb.notify(cx.base());
    }
}
