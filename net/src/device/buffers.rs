//! Buffers that large packets are read to, kept for the next ones once nobody has those any more.
//!
//! An allocator that returns so much to the system and asks for it again makes the system clear its pages each time.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// What is kept at most: a megabyte of what was ever written to, twice that of addresses.
const MOST: usize = 16;

/// The buffers of one device.
#[derive(Debug, Default)]
pub(super) struct Buffers(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept(Mutex<Vec<Vec<u8>>>);

impl Kept {
    fn with<T>(&self, work: impl FnOnce(&mut Vec<Vec<u8>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Buffers {
    /// An empty buffer; that which came back last, if one did.
    pub(super) fn take(&self) -> Vec<u8> {
        self.0.with(Vec::pop).unwrap_or_default()
    }

    /// What is in the buffer, which comes back when nobody has it any more.
    pub(super) fn lend(&self, buffer: Vec<u8>) -> Bytes {
        Bytes::from_owner(Lent { buffer, kept: self.0.clone() })
    }
}

struct Lent {
    buffer: Vec<u8>,
    kept: Arc<Kept>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        // One too many goes without the lock.
        let more = self.kept.with(|kept| {
            if kept.len() < MOST {
                kept.push(std::mem::take(&mut buffer));
            }
            buffer
        });
        drop(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_when_nobody_has_it_any_more() {
        let buffers = Buffers::default();
        let mut buffer = buffers.take();
        buffer.extend_from_slice(&[7; 1000]);
        let at = buffer.as_ptr();
        let packet = buffers.lend(buffer);
        let part = packet.slice(10..20);
        drop(packet);
        assert_eq!(buffers.take().capacity(), 0, "somebody still reads it");
        assert_eq!(&part[..], [7; 10]);
        drop(part);
        let again = buffers.take();
        assert_eq!((again.as_ptr(), again.len()), (at, 0));
        let many: Vec<_> = (0..2 * MOST).map(|_| buffers.lend(vec![0; 9])).collect();
        drop(many);
        assert_eq!(buffers.0.with(|kept| kept.len()), MOST);
        // They may outlive the device.
        let last = buffers.lend(vec![1; 9]);
        drop(buffers);
        assert_eq!(&last[..], [1; 9]);
    }
}
