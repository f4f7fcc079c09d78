//! SYN-SENT (RFC 9293 §3.10.7.3).

use super::{Arrival, ack, discard};
use crate::base::{Cause, Discard, TcpState};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::handshake;
use crate::transport::tcp::header::{ACK, RST, SYN};
use crate::transport::tcp::state::Input;
use crate::transport::tcp::tcb::Tcb;

/// First the ACK, second the RST, fourth the SYN.
pub(super) fn segment(tcb: &mut Tcb, cx: &mut Cx<'_>, mut arrival: Arrival) {
    let acks = arrival.has(ACK);
    if acks && !is_ack_of_syn(tcb, cx, &arrival) {
        if !arrival.has(RST) {
            ack::reset_answer(tcb, cx, arrival.header.ack);
        }
        discard(cx, &arrival, Discard::TcpFutureAck);
    } else if arrival.has(RST) {
        if acks {
            tcb.fail(cx.base(), super::reset::errno(TcpState::SynSent), Cause::Reset);
        } else {
            discard(cx, &arrival, Discard::TcpBadFlags);
        }
    } else if !arrival.has(SYN) {
        discard(cx, &arrival, Discard::TcpBadFlags);
    } else {
        handshake::take_syn(tcb, cx, &arrival.header);
        if acks { open(tcb, cx, &mut arrival) } else { both_open(tcb, cx) }
    }
}

/// The acknowledgement names our SYN, and the echoed timestamp one that we sent (RFC 7323 §3.2; as Linux checks).
fn is_ack_of_syn(tcb: &Tcb, cx: &Cx<'_>, arrival: &Arrival) -> bool {
    let echo_ok = match arrival.header.options.timestamps {
        Some((_, echo)) if tcb.timestamps && echo != 0 => {
            let now = cx.now_ms().wrapping_add(tcb.ts_offset);
            !super::timestamp::is_older(now, echo)
        }
        _ => true,
    };
    arrival.header.ack == tcb.snd.nxt && echo_ok
}

/// ESTABLISHED: our SYN is acknowledged and the peer's is here.
fn open(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival) {
    let header = arrival.header;
    let delivered = tcb.sending_mut().board.acked(header.ack);
    tcb.snd.una = header.ack;
    tcb.count_delivered(1);
    if let Some(sent) = delivered.sent_at {
        tcb.round_trip.sample(cx.now() - sent, tcb.snd.una, tcb.snd.nxt);
    }
    handshake::settle(tcb, cx, u32::from(header.window), header.seq, header.ack);
    tcb.shrink_sending();
    tcb.advance(cx.base(), Input::SynAck, Cause::Segment);
    tcb.inet.soft_error = None;
    tcb.rcv.ack_now = true;
    tcb.notify(cx.base());
    // RFC 9293 §3.10.7.3: data and FIN that came with the SYN are processed as in ESTABLISHED.
    arrival.seq = header.seq + 1;
    super::text::process_text(tcb, cx, arrival);
    super::fin::check_fin(tcb, cx, arrival);
}

/// Both ends opened at once (RFC 9293 MUST-10, §3.5 figure 7): SYN-RECEIVED, and our SYN goes again with an ACK.
fn both_open(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    tcb.advance(cx.base(), Input::Syn, Cause::Segment);
    handshake::send_syn(tcb, cx);
}
