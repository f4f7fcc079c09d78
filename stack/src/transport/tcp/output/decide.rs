//! What to send next: a pure function of the connection.
//!
//! What is lost goes before what is new (RFC 6675 §4 `NextSeg`, RFC 8985 §6), but for new data that is to tell whether anything is.

use super::Push;
use crate::base::{TcpState, Why};
use crate::transport::tcp::ecn::accurate;
use crate::transport::tcp::header::{MAX_OPTIONS, TIMESTAMPS_LEN};
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::{Phase, Tcb};
use crate::transport::tcp::{fast_open, state};

/// One (super-)segment to be sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::transport::tcp) struct Plan {
    /// First sequence number.
    pub(in crate::transport::tcp) seq: Seq,
    /// Payload bytes.
    pub(in crate::transport::tcp) len: u32,
    /// It carries our FIN.
    pub(in crate::transport::tcp) fin: bool,
    /// It carries PSH: a write ends with it (RFC 9293 MUST-60, MUST-61), or it is more than one segment (Linux: who joins segments then
    /// knows that no more come).
    pub(in crate::transport::tcp) push: bool,
    /// Payload bytes of each segment if it is a super-segment, else 0.
    pub(in crate::transport::tcp) segment_size: u16,
    /// Why, if it is sent again.
    pub(in crate::transport::tcp) again: Option<Why>,
}

/// Nothing waits to be sent, new or again: the answer of most calls.
pub(in crate::transport::tcp) fn is_idle(tcb: &Tcb) -> bool {
    !has_fin(tcb) && tcb.sending.as_ref().is_none_or(|sending| tcb.unsent_len() == 0 && sending.board.lost_bytes() == 0)
}

/// A FIN of ours waits to be sent.
pub(in crate::transport::tcp) fn has_fin(tcb: &Tcb) -> bool {
    tcb.snd.fin & !tcb.snd.fin_sent
}

/// The next segment that may go, if any; no frame carries more than `most` bytes.
pub(in crate::transport::tcp) fn next(tcb: &Tcb, push: Push, most: u32) -> Option<Plan> {
    if !state::may_send(tcb.state) && !fast_open::server::may_send(tcb) {
        return None;
    }
    if tcb.recovery.fresh_first {
        return fresh_first(tcb, most);
    }
    lost(tcb, most).or_else(|| fresh(tcb, push, most))
}

/// RFC 5682 §2.1 step 2b: new data first, whatever Nagle's rule says; what is lost waits for its answer.
fn fresh_first(tcb: &Tcb, most: u32) -> Option<Plan> {
    let asked = tcb.snd.nxt.after(tcb.recovery.point);
    fresh(tcb, Push::Force, most).or_else(|| if asked { None } else { lost(tcb, most) })
}

/// Payload of one segment now: SACK blocks and counters of marks take their room.
pub(in crate::transport::tcp) fn mss(tcb: &Tcb) -> u32 {
    let has_blocks = tcb.sack && (tcb.has_dsack() || tcb.receiving.as_ref().is_some_and(|r| !r.out_of_order.is_empty()));
    let blocks = if has_blocks { 4 + 8 * sack_room(tcb) as u32 } else { 0 };
    let most = (MAX_OPTIONS - if tcb.timestamps { TIMESTAMPS_LEN } else { 0 }) as u32;
    u32::from(tcb.snd.mss) - (blocks + accurate::option_room(tcb)).min(most)
}

/// How many SACK blocks fit beside the other options.
pub(in crate::transport::tcp) fn sack_room(tcb: &Tcb) -> usize {
    if tcb.timestamps { 3 } else { 4 }
}

/// Bytes in flight as congestion control counts them. Without SACK each duplicate acknowledgement stands for a segment that left
/// the network (RFC 5681 §3.2 step 4, as a smaller flight instead of a larger window).
pub(in crate::transport::tcp) fn in_flight(tcb: &Tcb) -> u32 {
    let pipe = tcb.sending.as_ref().map_or(0, |sending| sending.board.pipe());
    if tcb.sack { pipe } else { pipe.saturating_sub(u32::from(tcb.recovery.dup_acks) * tcb.sent_mss()) }
}

/// Whole segments that congestion control allows now, in bytes (RFC 9293 MUST-19).
fn congestion_room(tcb: &Tcb, mss: u32) -> u32 {
    // A SYN-ACK that is not acknowledged yet takes no room of the data that goes before its acknowledgement (RFC 7413 §4.2.2).
    let syn = u32::from(tcb.state == TcpState::SynReceived);
    let (cwnd, flight) = (tcb.congestion.cwnd(), in_flight(tcb).saturating_sub(syn));
    if flight == 0 { cwnd.max(mss) } else { cwnd.saturating_sub(flight) / mss * mss }
}

/// RFC 6675 §4 NextSeg rule 1: the first range that is lost and was not sent again. The first retransmission of a recovery
/// does not ask for room (RFC 5681 §3.2 step 3, RFC 6675 §5 step 4.3).
fn lost(tcb: &Tcb, most: u32) -> Option<Plan> {
    let board = &tcb.sending.as_ref()?.board;
    if board.lost_bytes() == 0 {
        return None;
    }
    let mss = mss(tcb);
    let room = if tcb.recovery.first { congestion_room(tcb, mss).max(mss) } else { congestion_room(tcb, mss) };
    if room == 0 {
        return None;
    }
    let (seq, len) = board.next_lost(room.min(most))?;
    let len = len.min(rest_of_piece(tcb, seq).unwrap_or(len));
    let why = if tcb.recovery.phase == Phase::Loss { Why::Timeout } else { Why::Fast };
    Some(again(tcb, seq, len, why))
}

/// What was sent in pieces goes again in the same pieces, as in Linux; our FIN belongs to the last one.
fn rest_of_piece(tcb: &Tcb, seq: Seq) -> Option<u32> {
    let (rest, is_last) = tcb.sending.as_ref()?.pieces.rest(seq)?;
    Some(rest + u32::from(is_last && tcb.snd.fin_sent))
}

/// A plan that sends `[seq, seq+len)` again; the range may contain our FIN.
pub(in crate::transport::tcp) fn again(tcb: &Tcb, seq: Seq, len: u32, why: Why) -> Plan {
    let data_end = tcb.data_begin() + tcb.unacked_len();
    let data = if seq.before(data_end) { len.min(data_end - seq) } else { 0 };
    let mss = mss(tcb);
    Plan {
        seq,
        len: data,
        fin: tcb.snd.fin && data < len,
        push: data > mss || (data > 0 && tcb.is_pushed_at(seq + data)),
        segment_size: if data > mss { mss as u16 } else { 0 },
        again: Some(why),
    }
}

/// New data within both windows, and our FIN behind the last of it.
fn fresh(tcb: &Tcb, push: Push, most: u32) -> Option<Plan> {
    let unsent = tcb.unsent_len();
    if unsent == 0 {
        return lone_fin(tcb);
    }
    let (mss, window) = (mss(tcb), window_room(tcb));
    let allowed = window.min(congestion_room(tcb, mss)).min(most);
    let (piece, is_last) = tcb.sending.as_ref().and_then(|sending| sending.pieces.rest(tcb.snd.nxt)).unwrap_or((unsent, true));
    let len = match (allowed >= piece, is_last) {
        (true, true) => hold_back_tail(tcb, push, piece, mss),
        // Nothing will be added to it: it need not wait.
        (true, false) => piece,
        (false, _) => whole_segments(tcb, push, allowed, mss),
    };
    (len > 0).then(|| Plan {
        seq: tcb.snd.nxt,
        len,
        fin: tcb.snd.fin && len == unsent && window > len,
        // A part of a segment that a timer had to force out was waited for long enough.
        push: len > mss || (push == Push::Force && len < mss) || tcb.is_pushed_at(tcb.snd.nxt + len),
        segment_size: if len > mss { mss as u16 } else { 0 },
        again: None,
    })
}

/// One segment of new data, or our FIN, whatever congestion control and Nagle's rule say (RFC 8985 §7.3).
pub(in crate::transport::tcp) fn one_new(tcb: &Tcb) -> Option<Plan> {
    let unsent = tcb.unsent_len();
    if unsent == 0 {
        return lone_fin(tcb);
    }
    let piece = tcb.sending.as_ref().and_then(|sending| sending.pieces.rest(tcb.snd.nxt)).map_or(unsent, |(rest, _)| rest);
    let len = piece.min(mss(tcb));
    (len <= window_room(tcb)).then(|| Plan {
        seq: tcb.snd.nxt,
        len,
        fin: tcb.snd.fin && len == unsent && window_room(tcb) > len,
        push: tcb.is_pushed_at(tcb.snd.nxt + len),
        segment_size: 0,
        again: None,
    })
}

/// Our FIN when no data is left to carry it.
fn lone_fin(tcb: &Tcb) -> Option<Plan> {
    // CLOSING too: the peer's FIN may have come while the window held ours back.
    let closing = matches!(tcb.state, TcpState::FinWait1 | TcpState::Closing | TcpState::LastAck);
    let due = tcb.snd.fin && !tcb.snd.fin_sent && window_room(tcb) > 0 && closing;
    due.then_some(Plan { seq: tcb.snd.nxt, len: 0, fin: true, push: false, segment_size: 0, again: None })
}

/// Bytes of new data the peer's window takes.
pub(in crate::transport::tcp) fn window_room(tcb: &Tcb) -> u32 {
    // Before our SYN-ACK is acknowledged the window is that of the peer's SYN, and lies behind ours (RFC 7413 §4.2.2).
    let edge = tcb.data_begin() + tcb.snd.wnd;
    if edge.after(tcb.snd.nxt) { edge - tcb.snd.nxt } else { 0 }
}

/// What is next would go if the peer's window took it.
pub(in crate::transport::tcp) fn is_held_by_window(tcb: &Tcb) -> bool {
    let mss = mss(tcb);
    window_room(tcb) < mss.min(tcb.unsent_len()) && congestion_room(tcb, mss) > 0
}

/// Less than all may go: whole segments only, or a part of one if that is half of the largest window the peer ever offered
/// (RFC 9293 MUST-38, §3.8.6.2.1 condition 3) or a timer said so.
fn whole_segments(tcb: &Tcb, push: Push, allowed: u32, mss: u32) -> u32 {
    if allowed >= mss {
        return allowed / mss * mss;
    }
    let enough = push == Push::Force || (!tcb.in_flight() && allowed >= tcb.snd.max_wnd / 2);
    if enough { allowed } else { 0 }
}

/// All may go: the last, partial segment waits while Nagle's rule (RFC 9293 SHLD-7, MUST-17) or a cork holds it.
fn hold_back_tail(tcb: &Tcb, push: Push, unsent: u32, mss: u32) -> u32 {
    let tail = if unsent < mss { unsent } else { unsent % mss };
    if tail == 0 || matches!(push, Push::Queued | Push::Force) || tcb.snd.fin {
        return unsent;
    }
    let urgent = tcb.snd.urgent && tcb.snd.up.after(tcb.snd.nxt);
    let corked = push == Push::More || tcb.options.cork;
    // Minshall's variant, as Linux has it: only a *small* segment in flight holds back the next small one.
    let small_in_flight = tcb.snd.small.after(tcb.snd.una) && tcb.snd.small.at_or_before(tcb.snd.nxt);
    let nagle = !tcb.options.nodelay && small_in_flight;
    if !urgent && (corked || nagle) { unsent - tail } else { unsent }
}
