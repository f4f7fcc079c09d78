//! Explicit congestion notification (RFC 3168 §6): a router marks instead of dropping, the receiver echoes, the sender slows down.
//!
//! ```text
//!   sender                         router                        receiver
//!   ECT(0) data ──────────────────▶ CE ─────────────────────────▶ `echo` is set
//!   the window shrinks, once ◀──────────────── ECE in all acknowledgements
//!   CWR with the next new data ─────────────────────────────────▶ `echo` is taken back
//! ```

use super::arrives::Arrival;
use super::header::{CWR, ECE, SYN};
use super::output::delay;
use super::seq::Seq;
use super::tcb::{Phase, Tcb};

/// ECT(0) in the traffic class, which says that marks are understood, and CE, the mark (RFC 3168 §5).
pub(super) const ECT_0: u8 = 0b10;
pub(super) const CE: u8 = 0b11;

/// What a connection knows of marks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ecn {
    /// Both ends agreed on it.
    pub(super) agreed: bool,
    /// A mark arrived, and the sender has not said that it heard of it.
    pub(super) echo: bool,
    /// The window was reduced; the next new data says so.
    pub(super) reduced: bool,
    /// Until this is acknowledged, further echoes are of the same congestion (RFC 3168 §6.1.2).
    point: Seq,
}

/// RFC 3168 §6.1.1: this SYN asks for it.
pub(super) fn is_asked_for(flags: u8) -> bool {
    flags & (SYN | ECE | CWR) == SYN | ECE | CWR
}

/// RFC 3168 §6.1.1: this SYN-ACK agrees.
pub(super) fn is_granted(flags: u8) -> bool {
    flags & (SYN | ECE | CWR) == SYN | ECE
}

/// RFC 3168 §6.1.3: marks on data are echoed until the sender has reduced its window.
pub(super) fn data_arrived(tcb: &mut Tcb, arrival: &Arrival) {
    if !tcb.ecn.agreed || arrival.payload.is_empty() {
        return;
    }
    if arrival.has(CWR) {
        tcb.ecn.echo = false;
        tcb.rcv.ack_now = true;
    }
    if arrival.marked && !tcb.ecn.echo {
        tcb.ecn.echo = true;
        // As in Linux: the sender's window may be very small.
        delay::quicken(tcb);
    }
}

/// RFC 3168 §6.1.2: an echo is a sign of congestion, once in a round trip, but nothing is sent again.
pub(super) fn acknowledged(tcb: &mut Tcb, arrival: &Arrival) {
    let heard = tcb.ecn.agreed && arrival.has(ECE) && !arrival.has(SYN);
    if heard && tcb.recovery.phase == Phase::Open && tcb.snd.una.at_or_after(tcb.ecn.point) && tcb.in_flight() {
        tcb.congestion.marked();
        tcb.ecn.point = tcb.snd.nxt;
        tcb.ecn.reduced = true;
    }
}

/// The connection begins, at this sequence number.
pub(super) fn begin(tcb: &mut Tcb, agreed: bool) {
    tcb.ecn = Ecn { agreed, point: tcb.snd.una, ..Ecn::default() };
}
