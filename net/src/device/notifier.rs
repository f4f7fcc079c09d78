//! How a device without a descriptor tells its host that it is ready.

use std::fmt;
use std::sync::Weak;

/// Whom a notifier tells.
pub(crate) trait Notified: Send + Sync {
    /// A device has something, or room.
    fn device_ready(&self);
}

/// Tells a host that one of its devices is ready. Cloning it is cheap; one that outlives its host does nothing.
#[derive(Clone)]
pub struct Notifier(Weak<dyn Notified>);

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notifier")
    }
}

impl Notifier {
    pub(crate) fn new(host: Weak<dyn Notified>) -> Self {
        Self(host)
    }

    /// There is something to receive, or room to send. What came is run through to the sockets on this very thread, and their readers are
    /// woken, unless another thread is at it already, which then goes on. It must not be called while holding what
    /// [`Device::send`](super::Device::send) or [`Device::receive`](super::Device::receive) take.
    ///
    /// From within `send` the host's own thread does the rest, a little later: the caller has the host's lock. `send` must not call the
    /// notifier of another host, which may be about to call this one's; [`Device::flush`](super::Device::flush) is the place for that.
    pub fn ready(&self) {
        if let Some(host) = self.0.upgrade() {
            host.device_ready();
        }
    }
}
