//! What the application wrote and the peer has not acknowledged: shared chunks from `snd_una` on.
//!
//! ```text
//!   snd_una            snd_nxt                 written
//!      │ sent, not acked  │  not sent yet         │
//!      ▼                  ▼                       ▼
//!   ┌──────┬──────────────┬──────┬────────────────┬ ─ ─ ─
//!   │chunk │    chunk     │chunk │  tail (grows)  │ room
//!   └──────┴──────────────┴──────┴────────────────┴ ─ ─ ─
//!      0       offsets count from snd_una
//! ```

use bytes::Bytes;

use crate::base::Rope;

/// The send queue of a connection. Empty, it owns no memory.
#[derive(Debug, Default)]
pub struct SendQueue {
    _todo: (),
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl SendQueue {
    /// Bytes from `snd_una` to the last one written.
    pub fn len(&self) -> usize {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    /// Memory held, counted as buffers count it (chunks with their overhead).
    pub fn charge(&self) -> usize {
        todo!()
    }
    /// Copies `data` in: small writes share a chunk, large ones get chunks of up to 64 KiB.
    pub fn write(&mut self, data: &[u8]) {
        todo!()
    }
    /// Takes a chunk as it is (zero copy).
    pub fn push(&mut self, chunk: Bytes) {
        todo!()
    }
    /// `len` bytes from `offset` on, shared; at most 17 chunks, beyond that copied into one.
    pub fn slice(&mut self, offset: usize, len: usize) -> Rope {
        todo!()
    }
    /// Drops the first `count` bytes: they were acknowledged.
    pub fn release(&mut self, count: usize) {
        todo!()
    }
    pub fn clear(&mut self) {
        todo!()
    }
}
