//! The stack's memory budget: every socket and cache charges here what it holds.

/// How near the budget is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Pressure {
    /// Below three quarters of the budget: buffers may grow to their limits.
    #[default]
    Low,
    /// Above three quarters: buffers do not grow, windows are not opened beyond what was promised, caches are trimmed.
    High,
    /// At the budget: only what was promised to peers is kept; new data and new connections are refused.
    Full,
}

/// Bytes in use against a limit. A charge tells what is held, whether or not it was allowed: whoever may refuse asks
/// [`Budget::allows`] first.
#[derive(Clone, Debug)]
pub struct Budget {
    limit: usize,
    used: usize,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self { limit, used: 0 }
    }

    /// Bytes that may be used.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes in use.
    pub const fn used(&self) -> usize {
        self.used
    }

    /// True if `bytes` more stay within the limit.
    pub const fn allows(&self, bytes: usize) -> bool {
        self.used.saturating_add(bytes) <= self.limit
    }

    /// Counts `bytes` as held.
    pub fn charge(&mut self, bytes: usize) {
        self.used += bytes;
    }

    /// Counts `bytes` as given back.
    pub fn release(&mut self, bytes: usize) {
        debug_assert!(self.used >= bytes, "released {bytes} of {}", self.used);
        self.used = self.used.saturating_sub(bytes);
    }

    /// Something that held `before` bytes holds `after` now.
    #[inline]
    pub fn settle(&mut self, before: usize, after: usize) {
        self.charge(after);
        self.release(before);
    }

    /// The state of the budget.
    pub const fn pressure(&self) -> Pressure {
        if self.used >= self.limit {
            Pressure::Full
        } else if self.used >= self.limit / 4 * 3 {
            Pressure::High
        } else {
            Pressure::Low
        }
    }
}
