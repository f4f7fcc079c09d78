//! First, the sequence number: is anything of the segment within the window? (RFC 9293 §3.10.7.4)

use core::hint::cold_path;

use super::{Arrival, Step, discard};
use crate::base::Discard;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::ecn;
use crate::transport::tcp::header::{RST, SYN};
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::Tcb;

/// What lies wholly before the last acknowledgement or wholly beyond the window is answered by an acknowledgement and dropped.
///
/// As Linux does, and unlike the RFC's four cases, a segment is taken if it touches `[last ACK sent, right edge]`: with a closed
/// window the peer's acknowledgements, urgent pointers and resets still count (RFC 9293 MUST-66 asks for that).
pub(super) fn check_sequence(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    let edge = tcb.rcv.edge.max(tcb.rcv.nxt);
    if arrival.end().at_or_after(tcb.rcv.acked) && arrival.seq.at_or_before(edge) {
        return Step::Continue;
    }
    cold_path();
    if !arrival.has(RST) {
        answer_duplicate(tcb, cx, arrival);
    }
    discard(cx, arrival, Discard::TcpOutOfWindow)
}

/// RFC 9293 §3.10.7.4: "an acknowledgment should be sent in reply (unless the RST bit is set)". Empty segments are answered at
/// most every half second (Linux's `tcp_invalid_ratelimit`), lest two confused ends answer each other for ever.
#[cold]
#[inline(never)]
pub(super) fn answer_duplicate(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) {
    if arrival.payload.is_empty() || arrival.has(SYN) {
        let now = cx.now_ms().max(1);
        let limit = cx.common.config.invalid_ratelimit.as_millis() as u32;
        let last = tcb.tally.last_invalid_ms;
        if last != 0 && now.wrapping_sub(last) < limit {
            cx.base().counters.tcp_ext.tcp_ack_skipped += 1;
            return;
        }
        tcb.tally.last_invalid_ms = now;
    } else if tcb.sack && cx.common.config.dsack && arrival.seq.before(tcb.rcv.nxt) {
        // RFC 2883 §4: tell the peer that it sent this for nothing.
        cx.base().counters.tcp_ext.tcp_dsack_old_sent += 1;
        ecn::accurate::came_again(tcb, arrival.seq);
        tcb.dsack = (arrival.seq, (arrival.seq + arrival.payload.len() as u32).min(tcb.rcv.nxt));
    }
    tcb.rcv.ack_now = true;
}

/// RFC 2883 §4: the next acknowledgement tells what came for nothing.
#[cold]
#[inline(never)]
pub(super) fn note_duplicate(tcb: &mut Tcb, cx: &mut Cx<'_>, start: Seq, end: Seq) {
    ecn::accurate::came_again(tcb, start);
    if tcb.sack && cx.common.config.dsack {
        cx.base().counters.tcp_ext.tcp_dsack_old_sent += 1;
        tcb.dsack = (start, end);
    }
}
