//! Fourth, the SYN bit (RFC 9293 §3.10.7.4, RFC 5961 §4).

use super::{Arrival, Step, discard, sequence};
use crate::base::{Discard, TcpState};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::ecn;
use crate::transport::tcp::header::SYN;
use crate::transport::tcp::output::acknowledge;
use crate::transport::tcp::tcb::Tcb;

/// RFC 5961 §4.2: whatever its number, a SYN in a synchronized state is challenged: a peer that lost the connection will reset it.
pub(super) fn check_syn(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    if arrival.has(SYN) { take_syn(tcb, cx, arrival) } else { Step::Continue }
}

#[cold]
#[inline(never)]
fn take_syn(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    // Both ends opened at once: the SYN-ACK of the other one repeats its SYN, and its ACK counts (RFC 9293 §3.5, figure 7).
    if tcb.state == TcpState::SynReceived && arrival.header.seq + 1 == tcb.rcv.nxt {
        // As in Linux: what came a second time is told, be it a SYN.
        sequence::note_duplicate(tcb, cx, arrival.seq, arrival.seq + 1);
        tcb.rcv.ack_now = true;
        arrival.seq += 1;
        return Step::Continue;
    }
    cx.base().counters.tcp_ext.tcp_syn_challenge += 1;
    ecn::accurate::syn_came_again(tcb, arrival);
    acknowledge::challenge(tcb, cx);
    discard(cx, arrival, Discard::TcpChallenged)
}
