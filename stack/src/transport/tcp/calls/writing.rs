//! How writes become pieces (see [`Pieces`]), after Linux's `tcp_sendmsg`.

use crate::base::MsgFlags;
use crate::transport::tcp::TcpConfig;
use crate::transport::tcp::output::decide;
use crate::transport::tcp::pieces::Pieces;
use crate::transport::tcp::segment_size::MAX_SUPER;
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::Tcb;

/// Without anything known of the peer's window, it is this large.
const SMALL_WINDOW: u32 = 536;
/// The smallest segment that any link takes (RFC 791 §3.1), without its header.
const LEAST: u32 = 48;

/// The most that a piece holds: whole segments, and at most half of the largest window the peer ever offered, lest it have to
/// wait for the whole of it.
fn goal(tcb: &Tcb) -> u32 {
    let mss = decide::mss(tcb);
    let cutoff = if tcb.snd.max_wnd > SMALL_WINDOW { tcb.snd.max_wnd / 2 } else { tcb.snd.max_wnd };
    let most = if cutoff > 0 { MAX_SUPER.min(cutoff.max(LEAST)) } else { MAX_SUPER };
    (most / mss).max(1) * mss
}

/// Bytes that may be written before the next piece must be begun; none if that must wait until less is unsent
/// (`TCP_NOTSENT_LOWAT`).
pub(super) fn next_piece(tcb: &Tcb, config: &TcpConfig) -> usize {
    let goal = goal(tcb);
    let room = tcb.sending.as_ref().map_or(0, |sending| sending.pieces.room(tcb.snd.nxt, goal));
    let next = match room {
        0 if tcb.unsent_len() >= notsent_lowat(tcb, config) => 0,
        0 => goal,
        room => room,
    };
    next as usize
}

/// Bytes that a write may add if so many are left of the buffer: as in Linux, while any is left a piece is filled. (Linux fills one that was begun also
/// if nothing is left.)
pub(super) fn room(tcb: &Tcb, left: usize) -> usize {
    let goal = goal(tcb);
    let open = tcb.sending.as_ref().map_or(0, |sending| sending.pieces.room(tcb.snd.nxt, goal));
    let piece = if open == 0 { goal } else { open };
    if left == 0 { 0 } else { left.max(piece as usize) }
}

/// `TCP_NOTSENT_LOWAT`, or the stack's.
pub(in crate::transport::tcp) fn notsent_lowat(tcb: &Tcb, config: &TcpConfig) -> u32 {
    if tcb.options.notsent_lowat == 0 { config.notsent_lowat } else { tcb.options.notsent_lowat }
}

/// What a write adds to the stream.
pub(super) struct Grown {
    from: Seq,
    count: u32,
    goal: u32,
    nxt: Seq,
}

/// So many bytes are about to be appended.
pub(super) fn grow(tcb: &Tcb, count: u32) -> Grown {
    Grown { from: tcb.data_begin() + tcb.unacked_len(), count, goal: goal(tcb), nxt: tcb.snd.nxt }
}

impl Grown {
    /// They were.
    pub(super) fn note(&self, pieces: &mut Pieces) {
        let (mut at, end) = (self.from, self.from + self.count);
        while at != end {
            let room = pieces.room(self.nxt, self.goal);
            let next = at + if room == 0 { self.goal } else { room }.min(end - at);
            if room == 0 {
                pieces.begin(next);
            } else {
                pieces.extend(next);
            }
            at = next;
        }
    }
}

/// So many bytes stand behind our SYN `iss`, in it.
pub(in crate::transport::tcp) fn note_syn_data(pieces: &mut Pieces, iss: Seq, count: u32) {
    pieces.begin(iss + 1 + count);
    pieces.push();
    pieces.close();
}

/// The last piece takes no more.
pub(super) fn is_full(tcb: &Tcb) -> bool {
    tcb.sending.as_ref().is_some_and(|sending| sending.pieces.room(tcb.snd.nxt, goal(tcb)) == 0)
}

/// RFC 9293 §3.9.1.2: when half of the peer's window was written without a push, one is due although the application goes on.
pub(super) fn push_if_due(tcb: &mut Tcb) {
    let (una, half) = (tcb.snd.una, tcb.snd.max_wnd / 2);
    let pieces = &mut tcb.sending_mut().pieces;
    if pieces.is_push_due(una, half) {
        pieces.push();
    }
}

/// The call is over: what it wrote is pushed (RFC 9293 MUST-60) unless more was announced; `MSG_EOR` ends the piece.
pub(super) fn end_write(tcb: &mut Tcb, flags: MsgFlags, taken: usize, whole: bool) {
    if taken == 0 || tcb.sending.is_none() {
        return;
    }
    if flags.contains(MsgFlags::MORE) {
        push_if_due(tcb);
    } else {
        tcb.sending_mut().pieces.push();
    }
    if flags.contains(MsgFlags::EOR) && whole {
        tcb.sending_mut().pieces.close();
    }
}
