//! "Segment arrives" (RFC 9293 §3.10.7): a list of named steps, in the RFC's order.
//!
//! Each step says whether the next one is to follow. What a segment causes to be sent is decided after all steps.

mod ack;
mod fin;
mod reset;
mod sequence;
mod syn;
mod syn_sent;
mod text;
mod timestamp;
mod urgent;
mod usual;

pub(super) use timestamp::is_older;

use core::hint::cold_path;

use super::cx::Cx;
use super::ecn;
use super::header::{FIN, Header, SYN};
use super::output::{self, Push};
use super::seq::Seq;
use super::tcb::Tcb;
use crate::base::{Direction, Discard, Frame, Instant, Rope, TcpState, What};
use crate::network::Packet;

/// A segment on its way through the steps.
pub(super) struct Arrival<'a> {
    /// Its header.
    pub(super) header: &'a Header,
    /// Its data; steps cut off what lies outside the window.
    pub(super) payload: Rope,
    /// Where `payload` begins; moves when the front is cut off.
    pub(super) seq: Seq,
    /// Where a FIN of this segment stands: one past the last byte of data it came with.
    pub(super) fin_at: Seq,
    /// Nothing was cut off at the end: a FIN behind the data counts.
    pub(super) whole: bool,
    /// The two bits of its packet that say whether a router marked it (RFC 3168 §5).
    pub(super) codepoint: u8,
    /// Payload bytes of each segment if several were joined into this one, else 0.
    pub(super) segment_size: u16,
    /// When the SYN-ACK was sent, once, that it answers, if the connection was half open until now.
    pub(super) syn_sent: Option<Instant>,
}

impl<'a> Arrival<'a> {
    /// The segment of a packet, whose header was read; takes what the packet carries.
    pub(super) fn of(header: &'a Header, packet: &mut Packet, header_len: usize) -> Self {
        let mut arrival = Self::without_payload(header, packet.traffic_class, packet.len - header_len);
        arrival.segment_size = packet.frame.segment_size;
        if packet.len > header_len {
            arrival.payload = packet.take_payload(header_len);
        }
        arrival
    }

    /// Takes what a frame carries behind so many bytes of headers.
    #[inline(always)]
    pub(super) fn take_payload(&mut self, frame: &mut Frame, headers: usize) {
        let len = frame.len() - headers;
        if len > 0 {
            self.payload = frame.take_part(headers, len);
        }
    }

    /// A segment of which so many bytes of data are to be put in: most have none, and what is not there is not moved.
    #[inline(always)]
    pub(super) fn without_payload(header: &'a Header, traffic_class: u8, len: usize) -> Self {
        Self {
            seq: header.seq,
            fin_at: header.seq + u32::from(header.flags & SYN != 0) + len as u32,
            header,
            whole: true,
            segment_size: 0,
            syn_sent: None,
            codepoint: traffic_class & ecn::CE,
            payload: Rope::new(),
        }
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.header.flags & flag != 0
    }

    /// Sequence space of data, SYN and FIN.
    pub(super) fn space(&self) -> u32 {
        self.payload.len() as u32 + u32::from(self.has(SYN)) + u32::from(self.has(FIN))
    }

    /// As how many segments it came.
    pub(super) fn segments(&self) -> u32 {
        if self.segment_size == 0 {
            return 1;
        }
        cold_path();
        (self.payload.len() as u32).div_ceil(self.segment_size.into()).max(1)
    }

    /// One past the last sequence number.
    pub(super) fn end(&self) -> Seq {
        self.seq + self.space()
    }
}

/// Whether the next step follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Go on.
    Continue,
    /// The segment is dealt with.
    Done,
}

/// RFC 9293 §3.10.7.4, first to eighth (the third, security, is history; RFC 7323 §5.3 puts PAWS before the first), until one of them
/// is done with the segment.
fn steps(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) {
    let _done = timestamp::check_paws(tcb, cx, arrival) == Step::Done
        || sequence::check_sequence(tcb, cx, arrival) == Step::Done
        || reset::check_rst(tcb, cx, arrival) == Step::Done
        || syn::check_syn(tcb, cx, arrival) == Step::Done
        || ack::check_ack(tcb, cx, arrival) == Step::Done
        || urgent::check_urg(tcb, cx, arrival) == Step::Done
        || text::process_text(tcb, cx, arrival) == Step::Done
        || fin::check_fin(tcb, cx, arrival) == Step::Done;
}

/// A segment of this connection arrives.
pub(super) fn segment(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) {
    report(tcb, cx, arrival);
    count(tcb, arrival);
    if tcb.state == TcpState::SynSent {
        cold_path();
        syn_sent::segment(tcb, cx, arrival);
    } else {
        steps(tcb, cx, arrival);
    }
    if tcb.state == TcpState::Closed {
        cold_path();
        return;
    }
    output::run(tcb, cx, Push::Normal);
}

fn count(tcb: &mut Tcb, arrival: &Arrival<'_>) {
    let segments = arrival.segments();
    tcb.tally.segs_in = tcb.tally.segs_in.wrapping_add(segments);
    let with_data = if arrival.payload.is_empty() { 0 } else { segments };
    tcb.tally.data_segs_in = tcb.tally.data_segs_in.wrapping_add(with_data);
}

fn report(tcb: &Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) {
    let header = &arrival.header;
    let shift = if arrival.has(SYN) { 0 } else { tcb.snd.wscale };
    cx.base().emit(What::Segment {
        socket: tcb.inet.owner,
        direction: Direction::In,
        seq: header.seq.0,
        ack: header.ack.0,
        window: u32::from(header.window) << shift,
        len: arrival.payload.len() as u32,
        flags: header.flags,
    });
}

/// The segment goes no further.
#[cold]
#[inline(never)]
fn discard(cx: &mut Cx<'_>, arrival: &Arrival<'_>, reason: Discard) -> Step {
    cx.base().discard(None, reason, arrival.payload.len());
    Step::Done
}
