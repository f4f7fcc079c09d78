//! What was sent and not acknowledged, and what is known of it: SACKed, lost, sent again (RFC 2018 §5, RFC 6675).
//!
//! Records are in sequence order and without gaps from `snd_una` to `snd_nxt`. A record may be a super-segment of many MSS; it is
//! split where the peer's SACK or ACK splits it.

use super::header::SackBlocks;
use super::seq::Seq;
use crate::base::Instant;

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
}

/// The retransmission queue's book-keeping. Empty, it owns no memory.
#[derive(Debug, Default)]
pub struct Scoreboard {
    _todo: (),
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl Scoreboard {
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    /// New data (SYN and FIN count as one byte) was sent; it continues the last record.
    pub fn sent(&mut self, seq: Seq, len: u32, now: Instant) {
        todo!()
    }
    /// `[seq, seq+len)` was sent again.
    pub fn resent(&mut self, seq: Seq, len: u32, now: Instant) {
        todo!()
    }
    /// Everything before `una` was acknowledged.
    pub fn acked(&mut self, una: Seq) -> Delivered {
        todo!()
    }
    /// The peer holds these blocks. Blocks outside `[una, nxt]` are ignored.
    pub fn sacked(&mut self, blocks: &SackBlocks, una: Seq, nxt: Seq) -> Delivered {
        todo!()
    }
    /// Marks as lost what RFC 6675's `IsLost` says: at least `dup_thresh` SACKed runs or more than `(dup_thresh-1) * mss` SACKed
    /// bytes above it. Gives the bytes newly marked.
    pub fn mark_lost(&mut self, dup_thresh: u32, mss: u32) -> u32 {
        todo!()
    }
    /// Marks the first record's first `mss` bytes as lost (NewReno without SACK).
    pub fn mark_first_lost(&mut self, mss: u32) -> u32 {
        todo!()
    }
    /// After a retransmission timeout: everything not SACKed is lost; what was resent counts as not resent.
    /// With `forget_sack` (the peer reneged, or RFC 2018 §8) SACK information goes too.
    pub fn mark_all_lost(&mut self, forget_sack: bool) {
        todo!()
    }
    /// The first lost and not yet resent range, at most `max` bytes of it.
    pub fn next_lost(&self, max: u32) -> Option<(Seq, u32)> {
        todo!()
    }
    /// RFC 6675's rule 3: the first range below the highest SACKed byte neither SACKed, lost nor resent.
    pub fn next_hole(&self, max: u32) -> Option<(Seq, u32)> {
        todo!()
    }
    /// Bytes in flight: sent, not SACKed, not lost, plus what was resent (RFC 6675 `pipe`). Kept, not computed.
    pub fn pipe(&self) -> u32 {
        todo!()
    }
    /// Bytes SACKed above `snd_una`.
    pub fn sacked_bytes(&self) -> u32 {
        todo!()
    }
    /// Bytes marked lost (resent or not).
    pub fn lost_bytes(&self) -> u32 {
        todo!()
    }
    /// End of the highest SACKed range.
    pub fn highest_sacked(&self) -> Option<Seq> {
        todo!()
    }
    /// When the first unacknowledged byte was last sent.
    pub fn first_sent_at(&self) -> Option<Instant> {
        todo!()
    }
    pub fn clear(&mut self) {
        todo!()
    }
}
