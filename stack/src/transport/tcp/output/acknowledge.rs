//! How what arrived is acknowledged; when is decided in [`delay`].

use core::hint::cold_path;

use super::{delay, fill, plain, transmit};
use crate::base::{Errno, Rope};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::ecn;
use crate::transport::tcp::header::ACK;
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::Tcb;

/// A segment carried the acknowledgement.
pub(in crate::transport::tcp) fn carried(tcb: &mut Tcb) {
    tcb.rcv.acked = tcb.rcv.nxt;
    delay::note_acknowledged(tcb);
    tcb.rcv.ack_due = false;
    tcb.rcv.ack_now = false;
    tcb.dsack = (tcb.rcv.nxt, tcb.rcv.nxt);
    tcb.timers.delayed_ack = crate::base::Instant::NEVER;
}

/// Sends an acknowledgement by itself (RFC 9293 §3.10.7.4). If the link is full it is lost, as any segment may be:
/// the peer will ask again.
#[inline(always)]
pub(in crate::transport::tcp) fn send(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let seq = tcb.snd.nxt;
    send_at(tcb, cx, seq);
}

/// The same with another sequence number: probes use one before the window, which the peer must answer.
#[inline(always)]
pub(in crate::transport::tcp) fn send_at(tcb: &mut Tcb, cx: &mut Cx<'_>, seq: Seq) {
    let _lost_if_full = if plain::is_plain(tcb) {
        plain::send_bare(tcb, cx, seq, ACK)
    } else {
        cold_path();
        send_any(tcb, cx, seq)
    };
    carried(tcb);
}

#[inline(never)]
fn send_any(tcb: &mut Tcb, cx: &mut Cx<'_>, seq: Seq) -> Result<(), Errno> {
    let mut header = fill::header(tcb, cx, seq, ACK);
    if tcb.ecn.is_some() {
        ecn::accurate::fill(tcb, cx, &mut header, false);
    }
    transmit::segment(tcb, cx, &header, Rope::new(), 0)
}

/// RFC 5961 §5, §7: a challenge to a segment that may be forged, limited for the whole stack.
#[cold]
#[inline(never)]
pub(in crate::transport::tcp) fn challenge(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let (now, limit) = (cx.now(), cx.common.config.challenge_ack_limit);
    let base = &mut cx.net.links.base;
    if cx.common.limits.challenge(now, limit, &mut base.entropy) {
        base.counters.tcp_ext.tcp_challenge_ack += 1;
        send(tcb, cx);
    } else {
        base.counters.tcp_ext.tcp_ack_skipped += 1;
    }
}
