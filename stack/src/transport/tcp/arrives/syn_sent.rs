//! SYN-SENT (RFC 9293 §3.10.7.3).

use super::{Arrival, ack, discard};
use crate::base::{Cause, Discard, Duration, Instant, TcpState};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::{ACK, RST, SYN};
use crate::transport::tcp::output::{delay, record};
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::state::Input;
use crate::transport::tcp::tcb::Tcb;
use crate::transport::tcp::{busy, ecn, fast_open, handshake};

/// `TCP_DELACK_MAX`
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// First the ACK, second the RST, fourth the SYN.
#[inline(never)] // Most segments come later.
pub(super) fn segment(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) {
    let acks = arrival.has(ACK);
    if acks && !is_ack_of_syn(tcb, cx, arrival) {
        if !arrival.has(RST) {
            ack::reset_answer(tcb, cx, arrival.header.ack);
        }
        discard(cx, arrival, Discard::TcpFutureAck);
    } else if arrival.has(RST) {
        if acks {
            tcb.fail(cx.base(), super::reset::errno(TcpState::SynSent), Cause::Reset);
        } else {
            discard(cx, arrival, Discard::TcpBadFlags);
        }
    } else if !arrival.has(SYN) {
        discard(cx, arrival, Discard::TcpBadFlags);
    } else {
        handshake::take_syn(tcb, cx, arrival.header);
        if acks { open(tcb, cx, arrival) } else { both_open(tcb, cx, arrival) }
    }
}

/// The acknowledgement names our SYN, and the echoed timestamp one that we sent (RFC 7323 §3.2; as Linux checks).
fn is_ack_of_syn(tcb: &Tcb, cx: &Cx<'_>, arrival: &Arrival<'_>) -> bool {
    let echo_ok = match arrival.header.options.timestamps {
        Some((_, echo)) if tcb.timestamps && echo != 0 => {
            let now = cx.now_ms().wrapping_add(tcb.ts_offset);
            !super::timestamp::is_older(now, echo)
        }
        _ => true,
    };
    // Data in our SYN may be acknowledged or not (RFC 7413 §4.2.1).
    arrival.header.ack.after(tcb.snd.una) && arrival.header.ack.at_or_before(tcb.snd.nxt) && echo_ok
}

/// ESTABLISHED: our SYN is acknowledged and the peer's is here.
fn open(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) {
    let header = arrival.header;
    let data = header.ack - tcb.snd.una - 1;
    let sent_at = if let Some(syn) = tcb.sending.take_if(|sending| sending.queue.is_empty() && sending.ends_at(header.ack)) {
        // There was nothing but the SYN.
        let sent_at = syn.board.first_sent_at();
        cx.base().budget.release(syn.charge());
        cx.common.spare.keep_sending(syn);
        sent_at
    } else {
        more_than_syn(tcb, cx, header.ack, data)
    };
    tcb.snd.una = header.ack;
    tcb.snd.acked += u64::from(data);
    tcb.count_delivered(1);
    if tcb.fast_open.is_some() {
        fast_open::client::answered(tcb, cx, header.options.fast_open);
    }
    ecn::answered(tcb, cx, arrival, true);
    if let Some(sent) = sent_at {
        tcb.round_trip.sample(cx.now() - sent, tcb.snd.una, tcb.snd.nxt);
    }
    handshake::settle(tcb, cx, u32::from(header.window), header.seq);
    busy::acknowledged(tcb, cx.now(), &cx.common.config);
    tcb.shrink_sending(&mut cx.common.spare);
    tcb.advance(cx.base(), Input::SynAck, Cause::Segment);
    tcb.inet.soft_error = None;
    if tcb.fast_open.as_ref().is_some_and(|fast_open| fast_open.more) {
        leave_to_writer(tcb, cx);
    } else {
        tcb.rcv.ack_now = true;
    }
    if tcb.in_flight() {
        record::arm_retransmission(tcb, cx);
    }
    tcb.notify(cx.base());
    // RFC 9293 §3.10.7.3: data and FIN that came with the SYN are processed as in ESTABLISHED.
    arrival.seq = header.seq + 1;
    super::text::process_text(tcb, cx, arrival);
    super::fin::check_fin(tcb, cx, arrival);
}

/// Linux: a writer waits, and its data carries the acknowledgement.
#[cold]
#[inline(never)]
fn leave_to_writer(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    delay::quicken(tcb);
    tcb.rcv.ack_due = true;
    tcb.timers.delayed_ack = cx.now() + LONGEST_WAIT;
}

/// Everything before `ack` is acknowledged, the SYN and so many bytes that went with it or wait behind it; says when they were sent.
#[cold]
#[inline(never)]
fn more_than_syn(tcb: &mut Tcb, cx: &mut Cx<'_>, ack: Seq, data: u32) -> Option<Instant> {
    tcb.with_sending_chunks(cx, |sending, chunks| sending.acked(ack, data, chunks)).sent_at
}

/// Both ends opened at once (RFC 9293 MUST-10, §3.5 figure 7): SYN-RECEIVED, and our SYN goes again with an ACK.
#[cold]
#[inline(never)]
fn both_open(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) {
    ecn::answered(tcb, cx, arrival, false);
    tcb.advance(cx.base(), Input::Syn, Cause::Segment);
    handshake::send_syn(tcb, cx);
}
