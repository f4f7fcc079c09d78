//! Header and payload of a segment.

use core::hint::cold_path;

use super::decide::{self, Plan};
use crate::base::{Rope, TcpState};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::{ACK, CWR, ECE, FIN, Header, Options, PSH, SackBlocks, URG};
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::{Receiving, Tcb};
use crate::transport::tcp::{ecn, window};

/// The flags of a plan's segment.
pub(in crate::transport::tcp) fn flags_of(tcb: &Tcb, plan: &Plan) -> u8 {
    let mut flags = ACK;
    if plan.fin {
        flags |= FIN;
    }
    if plan.push {
        flags |= PSH;
    }
    if plan.again.is_none() && plan.len > 0 && ecn::is_reduced(tcb) {
        flags |= CWR;
    }
    flags
}

/// What the [`header`] of a plan's segment says that others do not.
pub(in crate::transport::tcp) fn complete(tcb: &mut Tcb, cx: &mut Cx<'_>, header: &mut Header, plan: &Plan) {
    if tcb.ecn.is_some() {
        ecn::accurate::fill(tcb, cx, header, plan.len > 0);
    }
    mark_urgent(tcb, header, plan.seq);
}

/// What it carries, shared.
#[inline(always)]
pub(in crate::transport::tcp) fn body_of(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan) -> Rope {
    if plan.len == 0 {
        return Rope::new();
    }
    let (start, len) = ((plan.seq - tcb.data_begin()) as usize, plan.len as usize);
    if let Some(sending) = &tcb.sending
        && sending.queue.is_in_first(start, len)
    {
        return sending.queue.slice_of_first(start, len);
    }
    // Sharing what was still being written to makes a chunk of it, which costs a little.
    tcb.with_sending(cx, |sending| sending.queue.slice(start, len))
}

/// The header of any segment of a synchronized connection, with the window and options of this moment.
#[inline(always)] // A header is made where it is used, not moved.
pub(in crate::transport::tcp) fn header(tcb: &mut Tcb, cx: &mut Cx<'_>, seq: Seq, flags: u8) -> Header {
    Header {
        src_port: tcb.inet.local_port,
        dst_port: tcb.inet.remote_port,
        seq,
        ack: tcb.rcv.nxt,
        flags: if ecn::is_echoing(tcb) { flags | ECE } else { flags },
        ae: false,
        window: advertise(tcb, cx),
        urgent: 0,
        options: Options { timestamps: timestamps(tcb, cx), sack: sack_blocks(tcb), ..Options::default() },
    }
}

/// The same where [`plain::is_plain`](super::plain::is_plain): it has timestamps and no other options.
#[inline(always)]
pub(in crate::transport::tcp) fn plain_header(tcb: &mut Tcb, cx: &mut Cx<'_>, seq: Seq, flags: u8) -> Header {
    let timestamps = Some((cx.now_ms().wrapping_add(tcb.ts_offset), tcb.rcv.ts_recent));
    let window = advertise_scaled(tcb, cx);
    let (src_port, dst_port, ack) = (tcb.inet.local_port, tcb.inet.remote_port, tcb.rcv.nxt);
    let options = Options { timestamps, ..Options::default() };
    Header { src_port, dst_port, seq, ack, flags, ae: false, window, urgent: 0, options }
}

/// RFC 7323 §3.2: our clock, and the peer's last one.
pub(in crate::transport::tcp) fn timestamps(tcb: &Tcb, cx: &Cx<'_>) -> Option<(u32, u32)> {
    tcb.timestamps.then(|| (cx.now_ms().wrapping_add(tcb.ts_offset), tcb.rcv.ts_recent))
}

/// Moves the window's right edge as far as it may go and gives the header's field.
#[inline(always)]
fn advertise(tcb: &mut Tcb, cx: &mut Cx<'_>) -> u16 {
    if tcb.state == TcpState::SynReceived {
        return window::on_wire(window::offered(tcb), 0).0;
    }
    advertise_scaled(tcb, cx)
}

/// The same once our SYN was acknowledged.
#[inline(always)]
fn advertise_scaled(tcb: &mut Tcb, cx: &mut Cx<'_>) -> u16 {
    let pressure = cx.base().budget.pressure();
    let (room, chosen) = window::room_and_choice(tcb, &cx.common.config, pressure);
    let (units, bytes) = window::on_wire_within(room, chosen, tcb.rcv.wscale);
    let edge = tcb.rcv.nxt + bytes;
    tcb.rcv.edge = tcb.rcv.edge.max(edge);
    count_zero_window(tcb, cx, units == 0);
    units
}

fn count_zero_window(tcb: &mut Tcb, cx: &mut Cx<'_>, closed: bool) {
    if closed == tcb.rcv.closed_window {
        return;
    }
    cold_path();
    tcb.rcv.closed_window = closed;
    let counters = &mut cx.base().counters.tcp_ext;
    let count = if closed { &mut counters.tcp_to_zero_window_adv } else { &mut counters.tcp_from_zero_window_adv };
    *count += 1;
}

/// RFC 2018 §4, RFC 2883 §4: a duplicate first, then what is here ahead of its time.
#[inline]
fn sack_blocks(tcb: &Tcb) -> SackBlocks {
    if !has_sack_blocks(tcb) {
        return SackBlocks::default();
    }
    cold_path();
    some_sack_blocks(tcb)
}

/// There is something to tell by SACK.
#[inline]
pub(in crate::transport::tcp) fn has_sack_blocks(tcb: &Tcb) -> bool {
    let is_early = |receiving: &Receiving| !receiving.out_of_order.is_empty();
    tcb.sack && (tcb.has_dsack() || tcb.receiving.as_deref().is_some_and(is_early))
}

#[inline(never)]
fn some_sack_blocks(tcb: &Tcb) -> SackBlocks {
    let mut blocks = SackBlocks::default();
    if tcb.has_dsack() {
        blocks.push(tcb.dsack.0, tcb.dsack.1);
    }
    if let Some(receiving) = &tcb.receiving {
        let room = decide::sack_room(tcb) - blocks.as_slice().len();
        for &(start, end) in receiving.out_of_order.sack_blocks(room).as_slice() {
            blocks.push(start, end);
        }
    }
    blocks
}

/// RFC 9293 §3.8.5, RFC 9293 MUST-62: the pointer names the byte after the urgent one, as Linux and everybody sends it (RFC 6093 §3).
fn mark_urgent(tcb: &mut Tcb, header: &mut Header, seq: Seq) {
    if !tcb.snd.urgent {
        return;
    }
    if tcb.snd.up.at_or_before(seq) {
        // Everything urgent was sent before; a retransmission of it comes with its own sequence number.
        return;
    }
    header.flags |= URG;
    header.urgent = (tcb.snd.up - seq).min(65_535) as u16;
}
