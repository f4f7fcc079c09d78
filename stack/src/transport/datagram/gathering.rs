//! Short datagrams that are copied together.

use alloc::vec::Vec;

/// The last record of a queue, while datagrams that have its headers and its size are put into it. They are counted when there are no more.
#[derive(Debug)]
pub struct Gathering<'a> {
    pub(super) bytes: &'a mut Vec<u8>,
    /// Where those of `bytes` begin that were not used yet.
    pub(super) at: &'a mut u32,
    /// How many are let in.
    pub(super) room: usize,
    /// How many were put in.
    pub(super) count: usize,
}

impl Gathering<'_> {
    /// True if another one is let in.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.count < self.room
    }

    /// Takes one in.
    #[inline(always)]
    pub fn take_in(&mut self, datagram: &[u8]) {
        append(self.bytes, self.at, datagram);
        self.count += 1;
    }
}

/// Puts a datagram behind those that were copied together, of which the first `at` bytes were used.
#[inline(always)]
pub(super) fn append(bytes: &mut Vec<u8>, at: &mut u32, datagram: &[u8]) {
    if bytes.len() + datagram.len() > bytes.capacity() {
        make_room(bytes, at);
    }
    bytes.extend_from_slice(datagram);
}

/// What was used makes room for others once it is half of all: what is read as fast as it comes would else be kept for good. So many are followed by
/// more.
#[inline(never)]
fn make_room(bytes: &mut Vec<u8>, at: &mut u32) {
    let used = *at as usize;
    if used * 2 >= bytes.len() {
        bytes.drain(..used);
        *at = 0;
    } else {
        bytes.reserve(3 * bytes.len());
    }
}

/// The first `count` of those that were not used yet are.
#[inline]
pub(super) fn use_up(bytes: &mut Vec<u8>, at: &mut u32, count: usize) {
    /// So much may be held for few.
    const LITTLE: usize = 4096;
    *at += count as u32;
    let left = bytes.len() - *at as usize;
    if bytes.capacity() > LITTLE + 8 * left && left > 0 {
        give_back(bytes, at);
    }
}

/// What is left of many may stay for long, and is charged for itself alone.
#[cold]
fn give_back(bytes: &mut Vec<u8>, at: &mut u32) {
    *bytes = bytes[*at as usize..].to_vec();
    *at = 0;
}
