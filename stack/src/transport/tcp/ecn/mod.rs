//! Explicit congestion notification: routers mark packets instead of dropping them, and the receiver tells the sender.
//!
//! ```text
//!   sender                      router marks                     receiver
//!   ECT(0) on what it sends ─────────────▶ CE ──────────────────▶ counted, or only seen
//!   the window shrinks, once a round trip ◀───────────────────── told
//! ```
//!
//! | file | what | source |
//! |---|---|---|
//! | `negotiate` | what both ends agree on with three bits of their SYNs | RFC 3168 §6.1.1, RFC 9768 §3.1 |
//! | `classic` | the receiver says that there was a mark until the sender says that it has slowed down | RFC 3168 |
//! | `accurate` | the receiver counts, in three bits of each segment and in an option | RFC 9768 |
//! | `counters`, `option` | the counting; the option on the wire | RFC 9768 §3.2 |
//!
//! After Linux, whose `tcp_ecn` says what is asked for and granted, and whose `tcp_ecn_fallback` whether a path that mangles the bits is
//! found out.

pub(super) mod accurate;
mod classic;
mod counters;
mod negotiate;
mod option;

use super::arrives::Arrival;
use super::cx::Cx;
use super::header::{CWR, Header, RST, SYN};
use super::recovery::{self, News};
use super::seq::Seq;
use super::tcb::{Phase, Tcb};
use accurate::Accurate;
pub(super) use negotiate::{Offer, answered, began, opened, syn_bits, synack_bits, synack_option, third_ack};
pub use option::AccurateOption;
pub(super) use option::KINDS as OPTION_KINDS;

/// The two bits of the traffic class (RFC 3168 §5): not capable, ECT(1), ECT(0), and the mark.
pub(super) const NOT_ECT: u8 = 0b00;
pub(super) const ECT_1: u8 = 0b01;
pub(super) const ECT_0: u8 = 0b10;
pub(super) const CE: u8 = 0b11;

/// What a connection knows of marks, if both ends agreed on feedback, or while it is asked for: most have no such box.
#[derive(Debug, Default)]
pub(super) struct Ecn {
    /// Feedback is accurate, and this is what was counted; else classic.
    pub(super) accurate: Option<Accurate>,
    /// A mark arrived, and the sender has not said that it heard of it (classic).
    echo: bool,
    /// The window was reduced; the next new data says so (classic).
    reduced: bool,
    /// Segments that arrived with acknowledgements which echo a mark (classic).
    pub(super) marked: u32,
    /// A packet came whose sender understands marks.
    pub(super) seen: bool,
    /// Until this is acknowledged, further marks are of the same congestion (RFC 3168 §6.1.2).
    point: Seq,
}

impl Ecn {
    fn is_classic(&self) -> bool {
        self.accurate.is_none()
    }
}

impl Tcb {
    fn accurate(&self) -> Option<&Accurate> {
        self.ecn.as_ref()?.accurate.as_ref()
    }

    fn accurate_mut(&mut self) -> Option<&mut Accurate> {
        self.ecn.as_mut()?.accurate.as_mut()
    }
}

/// Acknowledgements say that there was a mark (classic).
pub(super) fn is_echoing(tcb: &Tcb) -> bool {
    tcb.ecn.as_ref().is_some_and(|ecn| ecn.echo)
}

/// The next new data says that the window was reduced (classic).
pub(super) fn is_reduced(tcb: &Tcb) -> bool {
    tcb.ecn.as_ref().is_some_and(|ecn| ecn.reduced)
}

/// A segment left: what it tells need not be told again. (One for which the link had no room tells nothing.)
#[cold]
#[inline(never)]
pub(super) fn left(tcb: &mut Tcb, cx: &Cx<'_>, header: &Header, has_data: bool) {
    let duplicate = tcb.has_dsack().then_some(tcb.dsack.0);
    let Some(ecn) = tcb.ecn.as_mut().filter(|_| header.flags & (SYN | RST) == 0) else { return };
    match &mut ecn.accurate {
        Some(accurate) => accurate.left(header, has_data, duplicate, cx.now_ms()),
        None => ecn.reduced &= header.flags & CWR == 0,
    }
}

/// A segment of the connection arrived, acceptable, as it came.
#[cold]
#[inline(never)]
pub(super) fn arrived(tcb: &mut Tcb, arrival: &Arrival<'_>) {
    if let Some(ecn) = &mut tcb.ecn {
        ecn.seen |= arrival.codepoint != NOT_ECT;
        accurate::arrived(tcb, arrival);
    }
}

/// Data of it is taken.
#[cold]
#[inline(never)]
pub(super) fn data_arrived(tcb: &mut Tcb, arrival: &Arrival<'_>) {
    classic::data_arrived(tcb, arrival);
}

/// An acknowledgement arrived: what it tells of marks is a sign of congestion, once in a round trip, but nothing is sent again
/// (RFC 3168 §6.1.2, RFC 9768 §3.3).
pub(super) fn acknowledged(tcb: &mut Tcb, cx: &Cx<'_>, arrival: &Arrival<'_>, news: &News) {
    let counted = accurate::acknowledged(tcb, cx, arrival, news);
    let may = tcb.recovery.phase == Phase::Open && tcb.in_flight();
    let Some(ecn) = &mut tcb.ecn else { return };
    let echoed = classic::is_echo(ecn, arrival);
    if echoed {
        ecn.marked = ecn.marked.wrapping_add(news.segments());
    }
    let is_due = tcb.snd.una.at_or_after(ecn.point);
    if is_due {
        // Kept near, or it would lie ahead again after 2 GiB without a mark.
        ecn.point = tcb.snd.una;
    }
    if (counted || echoed) && may && is_due {
        ecn.point = tcb.snd.nxt;
        ecn.reduced = echoed;
        // That nothing had been lost does not take back what a mark asked for.
        recovery::forget_undo(tcb);
        tcb.congestion.marked();
    }
}

/// The two bits of a packet with a segment of the connection.
pub(super) fn codepoint(tcb: &Tcb, new_data: bool) -> u8 {
    let capable = match tcb.ecn.as_ref().map(|ecn| &ecn.accurate) {
        None => false,
        // RFC 9768 §3.2.2.5: acknowledgements and what goes again too, for their marks are counted.
        Some(Some(accurate)) => accurate.is_marking(),
        // RFC 3168 §6.1.4, §6.1.5: only new data.
        Some(None) => new_data,
    };
    if capable { ECT_0 } else { NOT_ECT }
}
