//! What arrived ahead of its time: segments beyond a gap, and the SACK blocks that tell the peer of them (RFC 2018, 2883).

use super::header::SackBlocks;
use super::seq::Seq;
use crate::base::Rope;

/// The out-of-order queue of a connection: disjoint runs, sorted. Empty, it owns no memory.
#[derive(Debug, Default)]
pub struct OutOfOrder {
    _todo: (),
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl OutOfOrder {
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    /// Memory held.
    pub fn charge(&self) -> usize {
        todo!()
    }
    /// Keeps `[seq, seq+len)`; what was there already is kept as it was (the first arrival wins) and returned as the
    /// duplicate range for a DSACK (RFC 2883).
    pub fn insert(&mut self, seq: Seq, payload: Rope) -> Option<(Seq, Seq)> {
        todo!()
    }
    /// Takes the run that begins at or before `rcv_nxt` and reaches beyond it, cut to begin at `rcv_nxt`.
    pub fn take(&mut self, rcv_nxt: Seq) -> Option<Rope> {
        todo!()
    }
    /// The SACK blocks, the run with the latest arrival first, then the ones reported before it (RFC 2018 §4).
    pub fn sack_blocks(&self, most: usize) -> SackBlocks {
        todo!()
    }
    /// Drops the runs furthest ahead until at most `charge` is held; says how many bytes went.
    pub fn prune(&mut self, charge: usize) -> usize {
        todo!()
    }
    pub fn clear(&mut self) {
        todo!()
    }
}
