//! What was sent and not acknowledged, and what is known of it: SACKed, lost, sent again (RFC 2018 §5, RFC 8985 §5).
//!
//! Records are in sequence order and without gaps from `snd_una` to `snd_nxt`. A record may be a super-segment of many MSS; it is
//! split where the peer's SACK or ACK splits it.
//!
//! A connection that has one record with nothing known of it (most have) keeps it inline; all others have a [`Board`].

mod board;

use alloc::boxed::Box;

use super::header::SackBlocks;
use super::seq::Seq;
use crate::base::{Duration, Instant};
use board::Board;

/// What an acknowledgement told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Delivered {
    /// Bytes newly acknowledged, cumulatively or by SACK, that had not been before.
    pub bytes: u32,
    /// Of them, bytes newly acknowledged by SACK only.
    pub sacked: u32,
    /// When the latest-sent one of them was sent, if it was never sent again (Karn; RFC 6298 §3): the round trip's start.
    pub sent_at: Option<Instant>,
    /// Some newly delivered byte had been sent more than once.
    pub retransmitted: bool,
    /// When the latest-sent of what was sent once was sent, and its end (RFC 8985 §6.2 step 2).
    pub latest: Option<(Instant, Seq)>,
    /// The same of what was sent again.
    pub latest_resent: Option<(Instant, Seq)>,
    /// The same of what was sent again and lies last in the stream. (Of what was sent once the latest-sent lies last.)
    pub last_resent: Option<(Instant, Seq)>,
    /// The lowest end of what was sent once: an original arrived (RFC 5682 §2.1 step 3b).
    pub original: Option<Seq>,
    /// Something sent once was delivered after something sent later (RFC 8985 §6.2 step 3) ...
    pub reordered: bool,
    /// ... that ends so many bytes behind its begin.
    pub reordered_by: u32,
}

/// What [`Scoreboard::detect`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Detected {
    /// Bytes newly lost.
    pub lost: u32,
    /// Bytes whose retransmission was lost.
    pub again: u32,
    /// How long until more may be lost.
    pub wait: Option<Duration>,
    /// When the latest-sent of what is newly lost was sent.
    pub sent_at: Option<Instant>,
}

impl Detected {
    /// What has no time left and is not lost all the same stands behind something that was sent later: it is left to the
    /// retransmission timer, which a wait of nothing would put off for ever.
    fn wait_for(&mut self, left: Duration) {
        self.wait = self.wait.max(Some(left).filter(|left| !left.is_zero()));
    }
}

impl Delivered {
    /// Bytes that were sent once, at one time.
    fn once(bytes: u32, sent_at: Instant, end: Seq) -> Self {
        let some = bytes > 0;
        let latest = some.then_some((sent_at, end));
        Self { bytes, sent_at: some.then_some(sent_at), latest, original: some.then_some(end), ..Self::default() }
    }
}

/// The retransmission queue's book-keeping. Empty, it owns no memory.
#[derive(Debug, Default)]
pub struct Scoreboard {
    flight: Flight,
}

#[derive(Debug, Default)]
enum Flight {
    #[default]
    Nothing,
    /// `[start, end)` was sent once, at `sent_at`, and nothing is known of it.
    One {
        start: Seq,
        end: Seq,
        sent_at: Instant,
    },
    Many(Box<Board>),
}

impl Scoreboard {
    /// True if everything sent is acknowledged.
    pub fn is_empty(&self) -> bool {
        matches!(self.flight, Flight::Nothing)
    }

    /// Nothing is known of what is in flight but when it was sent, once and at one time.
    pub fn is_simple(&self) -> bool {
        !matches!(self.flight, Flight::Many(_))
    }

    /// The begin and the end of what is in flight, if nothing is known of it but when it was sent, once and at one time.
    pub fn single(&self) -> Option<(Seq, Seq)> {
        match self.flight {
            Flight::One { start, end, .. } => Some((start, end)),
            Flight::Nothing | Flight::Many(_) => None,
        }
    }

    /// New data (SYN and FIN count as one byte) was sent; it continues the last record if that was sent at the same time.
    #[inline]
    pub fn sent(&mut self, seq: Seq, len: u32, now: Instant) {
        match &self.flight {
            Flight::Nothing if len > 0 => self.flight = Flight::One { start: seq, end: seq + len, sent_at: now },
            _ => self.more_sent(seq, len, now),
        }
    }

    /// The same behind what is in flight.
    #[inline(never)]
    fn more_sent(&mut self, seq: Seq, len: u32, now: Instant) {
        match &mut self.flight {
            _ if len == 0 => {}
            Flight::One { end, sent_at, .. } if *end == seq && *sent_at == now => *end += len,
            _ => self.update(|board| board.sent(seq, len, now)),
        }
    }

    /// `[seq, seq+len)` was sent again.
    pub fn resent(&mut self, seq: Seq, len: u32, now: Instant) {
        self.update(|board| board.resent(seq, len, now));
    }

    /// Everything before `una` was acknowledged.
    pub fn acked(&mut self, una: Seq) -> Delivered {
        match &mut self.flight {
            Flight::One { start, end, sent_at } if una.before(*end) => {
                let bytes = if una.after(*start) { una - *start } else { 0 };
                *start += bytes;
                Delivered::once(bytes, *sent_at, una)
            }
            Flight::One { start, end, sent_at } => {
                let delivered = Delivered::once(*end - *start, *sent_at, *end);
                self.flight = Flight::Nothing;
                delivered
            }
            _ => self.update(|board| board.acked(una)),
        }
    }

    /// The peer holds these blocks. Blocks outside `(una, nxt]` are ignored: a DSACK below `una` (RFC 2883), or nonsense.
    pub fn sacked(&mut self, blocks: &SackBlocks, una: Seq, nxt: Seq) -> Delivered {
        let valid = |&&(start, end): &&(Seq, Seq)| start.before(end) && start.after(una) && end.at_or_before(nxt);
        let mut delivered = Delivered::default();
        for &(start, end) in blocks.as_slice().iter().filter(valid) {
            self.update(|board| board.sacked(start, end, &mut delivered));
        }
        delivered
    }

    /// Takes note of what one acknowledgement delivered, cumulatively and by SACK (RFC 8985 §6.2 steps 2 and 3); `lowest` is the
    /// shortest round trip before it.
    pub fn advance(&mut self, delivered: &[&Delivered], now: Instant, lowest: Duration) {
        if let Flight::Many(board) = &mut self.flight {
            board.advance(delivered, now, lowest);
        }
    }

    /// Marks as lost what was sent more than a round trip and `window` before now, and before something that was delivered
    /// (RFC 8985 §6.2 step 5); retransmissions too.
    pub fn detect(&mut self, now: Instant, window: Duration) -> Detected {
        if let Flight::Many(board) = &mut self.flight { board.detect(now, window) } else { Detected::default() }
    }

    /// Takes all loss marks back.
    pub fn unmark_lost(&mut self) {
        if let Flight::Many(board) = &mut self.flight {
            board.unmark_lost();
        }
    }

    /// Marks the first record's first `mss` bytes as lost (NewReno without SACK). Gives the bytes newly marked.
    pub fn mark_first_lost(&mut self, mss: u32) -> u32 {
        self.update(|board| board.mark_first_lost(mss))
    }

    /// After a retransmission timeout: everything not SACKed is lost; what was resent counts as not resent.
    /// With `forget_sack` (the peer reneged, or RFC 2018 §8) SACK information goes too.
    pub fn mark_all_lost(&mut self, forget_sack: bool) {
        self.update(|board| board.mark_all_lost(forget_sack));
    }

    /// The first lost and not yet resent range, at most `max` bytes of it (RFC 6675 §4 `NextSeg` rule 1).
    pub fn next_lost(&self, max: u32) -> Option<(Seq, u32)> {
        self.board()?.next_lost(max)
    }

    /// The last segment of what is not SACKed (RFC 8985 §7.3).
    pub fn tail(&self, mss: u32) -> Option<(Seq, u32)> {
        match &self.flight {
            Flight::Nothing => None,
            Flight::One { start, end, .. } => {
                let len = (*end - *start - 1) % mss + 1;
                Some((*end - len, len))
            }
            Flight::Many(board) => board.tail(mss),
        }
    }

    /// Bytes in flight: sent, not SACKed, not lost, plus what was resent (RFC 6675 `pipe`). Kept, not computed.
    pub fn pipe(&self) -> u32 {
        match &self.flight {
            Flight::Nothing => 0,
            Flight::One { start, end, .. } => *end - *start,
            Flight::Many(board) => board.pipe(),
        }
    }

    /// Bytes SACKed above `snd_una`.
    pub fn sacked_bytes(&self) -> u32 {
        self.board().map_or(0, Board::sacked_bytes)
    }

    /// Bytes marked lost (resent or not).
    pub fn lost_bytes(&self) -> u32 {
        self.board().map_or(0, Board::lost_bytes)
    }

    /// Bytes sent again and not known to be lost again.
    pub fn resent_bytes(&self) -> u32 {
        self.board().map_or(0, Board::resent_bytes)
    }

    /// Segments SACKed above `snd_una`, as far as they can be told apart.
    pub fn sacked_segments(&self, mss: u32) -> u32 {
        self.board().map_or(0, |board| board.sacked_segments(mss))
    }

    /// End of the highest SACKed range.
    pub fn highest_sacked(&self) -> Option<Seq> {
        self.board()?.highest_sacked()
    }

    /// The peer SACKed the byte at `snd_una` and does not acknowledge it: it has thrown away what it said to hold (RFC 2018 §8).
    pub fn reneged(&self) -> bool {
        self.board().is_some_and(Board::reneged)
    }

    /// When the first unacknowledged byte was last sent.
    pub fn first_sent_at(&self) -> Option<Instant> {
        match &self.flight {
            Flight::Nothing => None,
            Flight::One { sent_at, .. } => Some(*sent_at),
            Flight::Many(board) => board.first_sent_at(),
        }
    }

    /// A moment before which nothing was sent that is still in flight, as far as is easily known.
    pub fn oldest_sent_at(&self) -> Option<Instant> {
        match &self.flight {
            Flight::Nothing => None,
            Flight::One { sent_at, .. } => Some(*sent_at),
            Flight::Many(board) => board.oldest_sent_at(),
        }
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.flight = Flight::Nothing;
    }

    fn board(&self) -> Option<&Board> {
        if let Flight::Many(board) = &self.flight { Some(board) } else { None }
    }

    /// Changes the board: made if there is something to keep in it, dropped if it is empty afterwards.
    fn update<T: Default>(&mut self, change: impl FnOnce(&mut Board) -> T) -> T {
        if let Flight::One { start, end, sent_at } = self.flight {
            let mut board = Box::new(Board::new(start));
            board.sent(start, end - start, sent_at);
            self.flight = Flight::Many(board);
        }
        let Flight::Many(board) = &mut self.flight else { return T::default() };
        let result = change(board);
        if board.is_empty() {
            self.flight = Flight::Nothing;
        }
        result
    }
}

#[cfg(test)]
mod tests;
