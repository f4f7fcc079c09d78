//! How writes become pieces (see [`Pieces`]), after Linux's `tcp_sendmsg`.

use crate::base::MsgFlags;
use crate::transport::tcp::TcpConfig;
use crate::transport::tcp::output::decide;
use crate::transport::tcp::pieces::Pieces;
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::Tcb;

/// Without anything known of the peer's window, it is this large.
const SMALL_WINDOW: u32 = 536;
/// The smallest segment that any link takes (RFC 791 §3.1), without its header.
const LEAST: u32 = 48;

/// The most that a piece holds: whole segments, no more than a frame carries, and at most half of the largest window the peer ever offered, lest it have to
/// wait for the whole of it.
fn goal(tcb: &Tcb, most: u32) -> u32 {
    let mss = decide::mss(tcb);
    let cutoff = if tcb.snd.max_wnd > SMALL_WINDOW { tcb.snd.max_wnd / 2 } else { tcb.snd.max_wnd };
    let most = if cutoff > 0 { most.min(cutoff.max(LEAST)) } else { most };
    (most / mss).max(1) * mss
}

/// Where the next bytes that are written go.
#[derive(Clone, Copy)]
pub(super) struct Place {
    from: Seq,
    nxt: Seq,
    /// The most that a piece holds.
    goal: u32,
    /// Bytes that the piece which was begun last still takes; 0: another one must be begun.
    open: u32,
}

/// Behind all that was written before; a frame carries at most so much.
pub(super) fn place(tcb: &Tcb, most: u32) -> Place {
    let (goal, nxt) = (goal(tcb, most), tcb.snd.nxt);
    let (len, open) = match &tcb.sending {
        None => (0, 0),
        Some(sending) => (sending.queue.len() as u32, sending.pieces.room(nxt, goal)),
    };
    Place { from: tcb.data_begin() + len, nxt, goal, open }
}

impl Place {
    fn piece(&self) -> u32 {
        if self.open == 0 { self.goal } else { self.open }
    }

    /// The last piece takes no more.
    pub(super) fn is_at_end(&self) -> bool {
        self.open == 0
    }

    /// Bytes that a write may add if so many are left of the buffer: as in Linux, while any is left a piece is filled. (Linux fills one that was begun
    /// also if nothing is left.)
    pub(super) fn room(&self, left: usize) -> usize {
        if left == 0 { 0 } else { left.max(self.piece() as usize) }
    }

    /// Bytes that may be written before the next piece must be begun; none if that must wait until less is unsent
    /// (`TCP_NOTSENT_LOWAT`).
    pub(super) fn next_piece(&self, tcb: &Tcb, config: &TcpConfig) -> usize {
        let waits = self.open == 0 && tcb.unsent_len() >= notsent_lowat(tcb, config);
        if waits { 0 } else { self.piece() as usize }
    }

    /// So many bytes were appended there.
    pub(super) fn note(&self, pieces: &mut Pieces, count: u32) {
        let (mut at, end, mut open) = (self.from, self.from + count, self.open);
        while at != end {
            let next = at + if open == 0 { self.goal } else { open }.min(end - at);
            if open == 0 {
                pieces.begin(next);
            } else {
                pieces.extend(next);
            }
            at = next;
            open = pieces.room(self.nxt, self.goal);
        }
    }
}

/// `TCP_NOTSENT_LOWAT`, or the stack's.
pub(in crate::transport::tcp) fn notsent_lowat(tcb: &Tcb, config: &TcpConfig) -> u32 {
    if tcb.options.notsent_lowat == 0 { config.notsent_lowat } else { tcb.options.notsent_lowat }
}

/// So many bytes stand behind our SYN `iss`, in it.
pub(in crate::transport::tcp) fn note_syn_data(pieces: &mut Pieces, iss: Seq, count: u32) {
    pieces.begin(iss + 1 + count);
    pieces.push();
    pieces.close();
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
