//! Two streams made one: what is read from either is written to the other, and so are ends and resets.

use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};

/// Bytes that are kept each way.
const BUFFER: usize = 64 * 1024;

/// Connections that one door carries at a time, of one family: with their buffers they take 256 MiB. More wait until one of these has
/// ended, as they do for a server that is slow to accept.
pub(super) const MOST: usize = if cfg!(test) { 32 } else { 2048 };

/// One end of a relay.
pub(super) trait End: AsyncRead + AsyncWrite + Unpin {
    /// Sends what is written at once: whoever wrote it has decided that.
    fn hurry(&self);
    /// Dropping it resets the connection.
    fn break_off(&self);
}

impl End for loggia::tokio::net::TcpStream {
    fn hurry(&self) {
        let _ = self.set_nodelay(true);
    }

    fn break_off(&self) {
        let _ = self.set_zero_linger();
    }
}

impl End for tokio::net::TcpStream {
    fn hurry(&self) {
        let _ = self.set_nodelay(true);
    }

    fn break_off(&self) {
        let _ = self.set_zero_linger();
    }
}

/// An end that is not in use yet: dropped, it is broken off.
#[derive(Debug)]
pub(super) struct Spare<A: End>(Option<A>);

impl<A: End> Spare<A> {
    pub(super) fn new(end: A) -> Self {
        Self(Some(end))
    }

    pub(super) fn take(mut self) -> A {
        self.0.take().expect("it is taken once")
    }
}

impl<A: End> Drop for Spare<A> {
    fn drop(&mut self) {
        if let Some(end) = &self.0 {
            end.break_off();
        }
    }
}

/// Two ends that belong together. If it is dropped before both have ended both are broken off: who is cut off must not take it for an
/// orderly end.
pub(super) struct Relay<A: End, B: End> {
    one: A,
    other: B,
    ended: bool,
}

impl<A: End, B: End> Relay<A, B> {
    pub(super) fn new(one: A, other: B) -> Self {
        one.hurry();
        other.hurry();
        Self { one, other, ended: false }
    }

    /// Carries both ways until both streams have ended. If one breaks, so does the other.
    pub(super) async fn run(mut self) {
        let Self { one, other, .. } = &mut self;
        self.ended = copy_bidirectional_with_sizes(one, other, BUFFER, BUFFER).await.is_ok();
    }
}

impl<A: End, B: End> Drop for Relay<A, B> {
    fn drop(&mut self) {
        if !self.ended {
            self.one.break_off();
            self.other.break_off();
        }
    }
}
