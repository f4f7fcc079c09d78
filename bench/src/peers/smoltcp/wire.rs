//! A cable in memory. Buffers are used again, so that nothing is allocated for a frame.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;

/// As many frames as a queue of a device would take.
const LIMIT: usize = 1024;

/// Frames under way in one direction, and buffers to use again.
#[derive(Default)]
pub(super) struct Frames {
    frames: VecDeque<(Vec<u8>, usize)>,
    spare: Vec<Vec<u8>>,
}

/// Who holds the frames of one direction.
pub(super) trait Lane: Clone + Default {
    fn with<R>(&self, work: impl FnOnce(&mut Frames) -> R) -> R;
}

impl Lane for Rc<RefCell<Frames>> {
    fn with<R>(&self, work: impl FnOnce(&mut Frames) -> R) -> R {
        work(&mut self.borrow_mut())
    }
}

impl Lane for Arc<Mutex<Frames>> {
    fn with<R>(&self, work: impl FnOnce(&mut Frames) -> R) -> R {
        work(&mut self.lock().expect("no panic"))
    }
}

/// One end.
pub(super) struct Port<L> {
    rx: L,
    tx: L,
    capabilities: DeviceCapabilities,
}

/// Both ends of a new cable.
pub(super) fn cable<L: Lane>(mtu: usize, checksums: bool) -> [Port<L>; 2] {
    let mut capabilities = DeviceCapabilities::default();
    capabilities.medium = Medium::Ip;
    capabilities.max_transmission_unit = mtu;
    if !checksums {
        capabilities.checksum = ChecksumCapabilities::ignored();
    }
    let (up, down) = (L::default(), L::default());
    let client = Port { rx: down.clone(), tx: up.clone(), capabilities: capabilities.clone() };
    [client, Port { rx: up, tx: down, capabilities }]
}

pub(super) struct Arrived<'a, L>(&'a L, Vec<u8>, usize);
pub(super) struct Leaving<'a, L>(&'a L);

impl<L: Lane> RxToken for Arrived<'_, L> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        let Self(lane, buffer, len) = self;
        let result = read(&buffer[..len]);
        lane.with(|frames| frames.spare.push(buffer));
        result
    }
}

impl<L: Lane> TxToken for Leaving<'_, L> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut buffer = self.0.with(|frames| frames.spare.pop()).unwrap_or_default();
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        let result = write(&mut buffer[..len]);
        self.0.with(|frames| frames.frames.push_back((buffer, len)));
        result
    }
}

impl<L: Lane> Device for Port<L> {
    type RxToken<'a>
        = Arrived<'a, L>
    where
        L: 'a;
    type TxToken<'a>
        = Leaving<'a, L>
    where
        L: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Arrived<'_, L>, Leaving<'_, L>)> {
        let (buffer, len) = self.rx.with(|frames| frames.frames.pop_front())?;
        Some((Arrived(&self.rx, buffer, len), Leaving(&self.tx)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Leaving<'_, L>> {
        self.tx.with(|frames| frames.frames.len() < LIMIT).then_some(Leaving(&self.tx))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.capabilities.clone()
    }
}
