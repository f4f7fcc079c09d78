//! smoltcp's device, for tests in which it is the other host.

use std::collections::VecDeque;

use smoltcp::phy::{self, Device, DeviceCapabilities};

/// Frames that came and frames that go.
pub(crate) struct Queues {
    medium: phy::Medium,
    mtu: usize,
    pub(crate) arrived: VecDeque<Vec<u8>>,
    pub(crate) leaving: Vec<Vec<u8>>,
}

impl Queues {
    /// An empty one. `mtu` counts the link's header, as smoltcp does: bytes of a frame.
    pub(crate) fn new(medium: phy::Medium, mtu: usize) -> Self {
        Self { medium, mtu, arrived: VecDeque::new(), leaving: Vec::new() }
    }
}

pub(crate) struct Arrived(Vec<u8>);
pub(crate) struct Leaving<'a>(&'a mut Vec<Vec<u8>>);

impl phy::RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl phy::TxToken for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut frame = vec![0; len];
        let result = write(&mut frame);
        self.0.push(frame);
        result
    }
}

impl Device for Queues {
    type RxToken<'a> = Arrived;
    type TxToken<'a> = Leaving<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Arrived, Leaving<'_>)> {
        let frame = self.arrived.pop_front()?;
        Some((Arrived(frame), Leaving(&mut self.leaving)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Leaving<'_>> {
        Some(Leaving(&mut self.leaving))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = self.medium;
        capabilities.max_transmission_unit = self.mtu;
        capabilities
    }
}
