//! Whose time it is: a host's, or the machine's.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use hyper::rt::{Sleep, Timer};
use loggia::Host;

/// A clock to wait by.
#[derive(Clone, Debug)]
pub enum Clock {
    /// A host's.
    Lab {
        /// The host.
        host: Host,
        /// What the clock on the wall showed at the epoch of the host's time.
        epoch: SystemTime,
    },
    /// The machine's.
    Machine,
}

/// A wait that ends.
pub(super) type Wait = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

impl Clock {
    /// Waits.
    pub(super) fn sleep(&self, time: Duration) -> Wait {
        match self {
            Self::Lab { host, .. } => Box::pin(loggia::time::sleep(host, time)),
            Self::Machine => Box::pin(tokio::time::sleep(time)),
        }
    }

    /// What the clock on the wall shows.
    pub fn wall(&self) -> SystemTime {
        match self {
            Self::Lab { host, epoch } => *epoch + Duration::from_nanos(host.now().nanos()),
            Self::Machine => SystemTime::now(),
        }
    }

    /// The clock as hyper wants it.
    pub(super) fn timer(&self) -> LabTimer {
        let lab = match self {
            Self::Lab { host, .. } => Duration::from_nanos(host.now().nanos()),
            Self::Machine => Duration::ZERO,
        };
        LabTimer { clock: self.clone(), base: Instant::now(), lab }
    }
}

/// hyper counts in the machine's moments: this one says which of them stands for which of the lab's.
#[derive(Clone, Debug)]
pub(super) struct LabTimer {
    clock: Clock,
    base: Instant,
    lab: Duration,
}

struct Waiting(Wait);

impl Future for Waiting {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl Sleep for Waiting {}

impl Timer for LabTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Waiting(self.clock.sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(self.now()))
    }

    fn now(&self) -> Instant {
        match &self.clock {
            Clock::Lab { host, .. } => self.base + Duration::from_nanos(host.now().nanos()).saturating_sub(self.lab),
            Clock::Machine => Instant::now(),
        }
    }
}
