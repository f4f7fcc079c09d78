//! How a connection is kept alive.

use std::time::Duration;

/// As `socket2::TcpKeepalive`: when a connection on which nothing happens is asked whether the other end is still there. What is not said stays
/// as it is.
#[derive(Clone, Debug, Default)]
pub struct TcpKeepalive {
    pub(super) time: Option<Duration>,
    pub(super) interval: Option<Duration>,
    pub(super) retries: Option<u32>,
}

impl TcpKeepalive {
    /// As the stack has it: after two hours, each 75 seconds, nine times.
    pub const fn new() -> Self {
        Self { time: None, interval: None, retries: None }
    }

    /// After so long without anything from the other end (`TCP_KEEPIDLE`), in whole seconds.
    #[must_use]
    pub const fn with_time(self, time: Duration) -> Self {
        Self { time: Some(time), ..self }
    }

    /// So long after a question without an answer the next is sent (`TCP_KEEPINTVL`), in whole seconds.
    #[must_use]
    pub const fn with_interval(self, interval: Duration) -> Self {
        Self { interval: Some(interval), ..self }
    }

    /// So many questions without an answer end the connection (`TCP_KEEPCNT`).
    #[must_use]
    pub const fn with_retries(self, retries: u32) -> Self {
        Self { retries: Some(retries), ..self }
    }
}
