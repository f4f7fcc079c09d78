//! When and how what arrived is acknowledged (RFC 9293 §3.8.6.3, RFC 5681 §4.2).

use super::{fill, transmit};
use crate::base::{Duration, Rope};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::ACK;
use crate::transport::tcp::tcb::Tcb;

/// How long an acknowledgement waits for company (Linux's `TCP_DELACK_MIN`; RFC 9293 MUST-40 allows 500 ms).
const DELAY: Duration = Duration::from_millis(40);
/// Acknowledgements sent at once when a connection starts or after loss, so that the peer's window opens (Linux's quick ACKs).
pub(in crate::transport::tcp) const QUICK: u8 = 16;

/// Data arrived in order: at least every second full-sized segment is acknowledged at once (RFC 9293 SHLD-18, SHLD-19), others may wait;
/// segments that came joined are one here and have one acknowledgement (RFC 9293 MUST-58, MUST-59).
pub(in crate::transport::tcp) fn data_arrived(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    tcb.rcv.ack_due = true;
    let waiting = tcb.rcv.nxt - tcb.rcv.acked;
    let gap = tcb.receiving.as_ref().is_some_and(|receiving| !receiving.out_of_order.is_empty());
    let quick = tcb.options.quickack && tcb.rcv.quick > 0 && !tcb.rcv.interactive;
    if waiting > u32::from(tcb.rcv.mss) || gap || quick {
        tcb.rcv.ack_now = true;
    } else if !tcb.timers.delayed_ack.is_set() {
        tcb.timers.delayed_ack = cx.now() + DELAY;
    }
}

/// A segment carried the acknowledgement.
pub(in crate::transport::tcp) fn carried(tcb: &mut Tcb) {
    tcb.rcv.acked = tcb.rcv.nxt;
    tcb.rcv.ack_due = false;
    tcb.rcv.ack_now = false;
    tcb.rcv.quick = tcb.rcv.quick.saturating_sub(1);
    tcb.dsack = (tcb.rcv.nxt, tcb.rcv.nxt);
    tcb.timers.delayed_ack = crate::base::Instant::NEVER;
}

/// Sends an acknowledgement by itself (RFC 9293 §3.10.7.4). If the link is full it is lost, as any segment may be:
/// the peer will ask again.
pub(in crate::transport::tcp) fn send(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let seq = tcb.snd.nxt;
    send_at(tcb, cx, seq);
}

/// The same with another sequence number: probes use one before the window, which the peer must answer.
pub(in crate::transport::tcp) fn send_at(tcb: &mut Tcb, cx: &mut Cx<'_>, seq: crate::transport::tcp::seq::Seq) {
    let header = fill::header(tcb, cx, seq, ACK);
    let _lost_if_full = transmit::segment(tcb, cx, header, Rope::new(), 0);
    carried(tcb);
}

/// RFC 5961 §5, §7: a challenge to a segment that may be forged, limited for the whole stack.
pub(in crate::transport::tcp) fn challenge(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let (now, limit) = (cx.now(), cx.config.challenge_ack_limit);
    let base = &mut cx.net.links.base;
    if cx.limits.challenge(now, limit, &mut base.entropy) {
        base.counters.tcp_ext.tcp_challenge_ack += 1;
        send(tcb, cx);
    } else {
        base.counters.tcp_ext.tcp_ack_skipped += 1;
    }
}
