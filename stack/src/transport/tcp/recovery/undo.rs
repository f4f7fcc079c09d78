//! Taking a reduction back when nothing had been lost: all that was sent again is told of as a duplicate (DSACK, RFC 3708), or an
//! acknowledgement echoes a timestamp from before the first retransmission (Eifel, RFC 3522, RFC 4015).

use alloc::boxed::Box;

use super::{News, losses};
use crate::transport::tcp::congestion::Before;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::{Phase, Tcb};

/// The state before a reduction.
#[derive(Debug)]
pub(super) struct Undo {
    /// `snd_una` when it began.
    marker: Seq,
    /// Bytes sent again since that are not known to have been duplicates; none: nothing was sent again yet.
    resent: Option<u32>,
    /// Our clock as the timestamps have it when something was first sent again.
    stamp: Option<u32>,
    congestion: Box<Before>,
}

/// A reduction is about to be made.
pub(super) fn remember(tcb: &mut Tcb) {
    let resent = tcb.sending.as_ref().map_or(0, |sending| sending.board.resent_bytes());
    let undo = Undo {
        marker: tcb.snd.una,
        resent: (resent > 0).then_some(resent),
        stamp: None,
        congestion: Box::new(tcb.congestion.remember()),
    };
    losses::of(tcb).undo = Some(undo);
}

/// There is nothing to go back to any more; or a reduction is about to be made that no duplicate proves needless.
pub(in crate::transport::tcp) fn forget(tcb: &mut Tcb) {
    if let Some(losses) = &mut tcb.recovery.losses {
        losses.undo = None;
    }
}

/// Something was sent again.
pub(super) fn sent_again(tcb: &mut Tcb, bytes: u32, clock: u32) {
    if let Some(undo) = tcb.recovery.losses.as_mut().and_then(|losses| losses.undo.as_mut()) {
        undo.resent = Some(undo.resent.unwrap_or(0).saturating_add(bytes));
        undo.stamp.get_or_insert(clock);
    }
}

/// RFC 2883 §4, RFC 3708: the peer had received a range twice.
pub(super) fn duplicate(tcb: &mut Tcb, (start, end): (Seq, Seq)) {
    if let Some(undo) = tcb.recovery.losses.as_mut().and_then(|losses| losses.undo.as_mut())
        && end.after(undo.marker)
    {
        undo.resent = undo.resent.map(|resent| resent.saturating_sub(end - start));
    }
}

/// All that was sent again had arrived before.
pub(super) fn all_duplicates(tcb: &Tcb) -> bool {
    undo(tcb).is_some_and(|undo| undo.resent == Some(0))
}

/// RFC 3522 §3.2: the acknowledgement was caused by an original.
pub(super) fn is_of_original(tcb: &Tcb, news: &News) -> bool {
    let stamp = undo(tcb).and_then(|undo| undo.stamp);
    stamp.zip(news.echo).is_some_and(|(stamp, echo)| (echo.wrapping_sub(stamp) as i32) < 0)
}

fn undo(tcb: &Tcb) -> Option<&Undo> {
    tcb.recovery.losses.as_ref()?.undo.as_ref()
}

/// RFC 4015 §3.3: the windows are those of before, or larger if they have grown since. With `unmark` nothing counts as lost.
pub(super) fn restore(tcb: &mut Tcb, cx: &mut Cx<'_>, unmark: bool) {
    if let Some(undo) = losses::of(tcb).undo.take() {
        tcb.congestion.restore(*undo.congestion);
    }
    if unmark && let Some(sending) = &mut tcb.sending {
        sending.board.unmark_lost();
    }
    losses::of(tcb).doubting = false;
    tcb.recovery.phase = Phase::Open;
    tcb.recovery.dup_acks = 0;
    tcb.recovery.first = false;
    tcb.recovery.timeouts = 0;
    tcb.recovery.fresh_first = false;
    super::report(tcb, cx);
}
