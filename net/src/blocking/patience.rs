//! For how long a thread waits.

use std::time::{Duration, Instant};

use loggia_stack::base::{Errno, SocketId};
use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::sol_socket;

/// How long one call waits, all its waits together: progress does not begin it anew, as on Linux.
#[derive(Debug)]
pub(crate) struct Patience {
    /// The option that says it, until one first has to wait.
    option: Option<i32>,
    /// For ever, if there is none.
    deadline: Option<Instant>,
}

impl Patience {
    /// As long as `SO_RCVTIMEO` says.
    pub(crate) fn reading() -> Self {
        Self { option: Some(sol_socket::SO_RCVTIMEO), deadline: None }
    }

    /// As long as `SO_SNDTIMEO` says.
    pub(crate) fn writing() -> Self {
        Self { option: Some(sol_socket::SO_SNDTIMEO), deadline: None }
    }

    /// Until then.
    pub(crate) fn until(deadline: Instant) -> Self {
        Self { option: None, deadline: Some(deadline) }
    }

    /// Until when one who has to wait now does so.
    pub(crate) fn deadline(&mut self, stack: &mut Stack, id: SocketId) -> Option<Instant> {
        if let Some(name) = self.option.take() {
            self.deadline = timeout(stack, id, name).ok().flatten().map(moment_in);
        }
        self.deadline
    }

    /// True if one has waited long enough.
    pub(crate) fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// What a timeout's option says, in `struct timeval`.
pub(super) fn timeout(stack: &mut Stack, id: SocketId, name: i32) -> Result<Option<Duration>, Errno> {
    let mut value = [0; 16];
    stack.getsockopt(id, sol_socket::LEVEL, name, &mut value)?;
    let word = |at: usize| value[at..].first_chunk().map_or(0, |bytes| i64::from_ne_bytes(*bytes)) as u64;
    let duration = Duration::from_secs(word(0)) + Duration::from_micros(word(8));
    Ok((!duration.is_zero()).then_some(duration))
}

/// When `time` will be over; a time that no clock reaches is over in a century.
pub(crate) fn moment_in(time: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + CENTURY)
}
