//! What arrived in order and was not read yet.

use bytes::Bytes;

use crate::base::Rope;

/// The receive queue of a connection. Empty, it owns no memory.
#[derive(Debug, Default)]
pub struct ReceiveQueue {
    _todo: (),
}

#[allow(unused_variables, missing_docs, clippy::todo, clippy::needless_pass_by_ref_mut, clippy::unused_self)]
impl ReceiveQueue {
    /// Bytes that can be read.
    pub fn len(&self) -> usize {
        todo!()
    }
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    /// Memory held: what small slices pin is bounded by copying them together.
    pub fn charge(&self) -> usize {
        todo!()
    }
    pub fn push(&mut self, payload: Rope) {
        todo!()
    }
    /// Copies out from the front (after `skip` bytes) without taking.
    pub fn peek(&self, skip: usize, into: &mut [u8]) -> usize {
        todo!()
    }
    /// Drops the first `count` bytes.
    pub fn consume(&mut self, count: usize) {
        todo!()
    }
    /// Takes the first chunk, at most `max` bytes of it (zero copy).
    pub fn take(&mut self, max: usize) -> Option<Bytes> {
        todo!()
    }
    pub fn clear(&mut self) {
        todo!()
    }
}
