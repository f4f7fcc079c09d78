//! What this thread allocated. All subjects run on the same allocator; what others free that this thread allocated is not seen.

use crate::sys;

/// Since the beginning of the thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heap {
    /// How many allocations were made; growing a block counts as one.
    pub allocations: u64,
    /// Bytes asked for and not given back.
    pub live: i64,
}

impl Heap {
    /// Now.
    pub fn now() -> Self {
        let (allocations, live) = sys::counts();
        Self { allocations, live }
    }

    /// What was added since.
    pub fn since(earlier: Self) -> Self {
        let now = Self::now();
        Self { allocations: now.allocations - earlier.allocations, live: now.live - earlier.live }
    }
}

/// False if the program brought an allocator of its own, and nothing here means anything.
pub fn is_counted() -> bool {
    sys::is_counted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_and_given_back_is_counted() {
        assert!(is_counted());
        let before = Heap::now();
        let block = std::hint::black_box(vec![0u8; 1000]);
        assert_eq!(Heap::since(before), Heap { allocations: 1, live: 1000 });
        drop(block);
        assert_eq!(Heap::since(before), Heap { allocations: 1, live: 0 });
    }
}
