//! Second, the RST bit (RFC 9293 §3.10.7.4, RFC 5961 §3).

use super::{Arrival, Step, discard};
use crate::base::{Cause, Discard, Errno, TcpState};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::fast_open;
use crate::transport::tcp::header::RST;
use crate::transport::tcp::output::acknowledge;
use crate::transport::tcp::tcb::Tcb;

/// RFC 5961 §3.2: exactly at `rcv.nxt` it resets; elsewhere in the window it is challenged.
pub(super) fn check_rst(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    if arrival.has(RST) { take_rst(tcb, cx, arrival) } else { Step::Continue }
}

#[cold]
#[inline(never)]
fn take_rst(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    if arrival.header.seq != tcb.rcv.nxt {
        acknowledge::challenge(tcb, cx);
        return discard(cx, arrival, Discard::TcpChallenged);
    }
    // Linux: to the application a connection that took data from its SYN was open.
    let errno = if fast_open::server::may_send(tcb) { Errno::ECONNRESET } else { errno(tcb.state) };
    tcb.fail(cx.base(), errno, Cause::Reset);
    Step::Done
}

/// What the application gets (RFC 9293 MUST-12; MUST-11: who opened actively is refused), as Linux gives it: after the peer's FIN it is writing that fails.
pub(super) fn errno(state: TcpState) -> Errno {
    match state {
        TcpState::SynSent | TcpState::SynReceived => Errno::ECONNREFUSED,
        TcpState::CloseWait => Errno::EPIPE,
        _ => Errno::ECONNRESET,
    }
}
