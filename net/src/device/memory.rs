//! Devices that never leave memory: two ends for two hosts, and one that gives back.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Device, Notifier, Packet, Properties};

/// Most packets that wait for the other end; a packet may be 64 KiB.
const LIMIT: usize = 1024;

/// What goes one way.
#[derive(Debug, Default)]
struct Lane {
    state: Mutex<LaneState>,
}

#[derive(Debug, Default)]
struct LaneState {
    packets: VecDeque<Packet>,
    /// Who sends was told that it is full and waits.
    full: bool,
    /// Something was put in that its reader has not been told of.
    untold: bool,
    closed: bool,
}

impl Lane {
    fn lock(&self) -> MutexGuard<'_, LaneState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, packet: &Packet) -> io::Result<()> {
        let mut state = self.lock();
        if state.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if state.packets.len() >= LIMIT {
            state.full = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.packets.push_back(packet.clone());
        state.untold = true;
        Ok(())
    }

    fn take(&self) -> io::Result<Packet> {
        let mut state = self.lock();
        match state.packets.pop_front() {
            Some(packet) => Ok(packet),
            None if state.closed => Err(io::ErrorKind::UnexpectedEof.into()),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// What two ends share.
#[derive(Debug, Default)]
struct Wire {
    lanes: [Lane; 2],
    notifiers: Mutex<[Option<Notifier>; 2]>,
}

impl Wire {
    fn notify(&self, end: usize) {
        let notifier = self.notifiers.lock().unwrap_or_else(PoisonError::into_inner)[end].clone();
        if let Some(notifier) = notifier {
            notifier.ready();
        }
    }
}

/// One end of a [`pair`].
#[derive(Debug)]
pub struct Memory {
    wire: Arc<Wire>,
    end: usize,
    properties: Properties,
}

/// Two devices of which each receives what the other sends: a cable between two hosts of one process. At most 1024 packets wait each way;
/// then writers wait. Nothing is copied, no checksum is computed, and packets are up to 64 KiB large whatever the MTU, unless the
/// properties say otherwise. On an Ethernet the first end has the station's address of the properties, and the second the same with the
/// last bit the other way round.
///
/// ```
/// use loggia::device::{Properties, pair};
///
/// let [one, other] = pair(Properties::ip(1500));
/// # let _ = (one, other);
/// ```
pub fn pair(properties: Properties) -> [Memory; 2] {
    let wire = Arc::new(Wire::default());
    let properties = properties.checksum_offload(true).segmentation_offload(65_535).coalesce(false).queues(1);
    [0, 1].map(|end| {
        let properties = match properties.mac() {
            Some(mac) => properties.clone().station(sibling(mac, end)),
            None => properties.clone(),
        };
        Memory { wire: wire.clone(), end, properties }
    })
}

/// The two ends of an Ethernet have two addresses.
fn sibling(mut mac: [u8; 6], end: usize) -> [u8; 6] {
    mac[5] ^= end as u8;
    mac
}

impl Device for Memory {
    fn properties(&self) -> Properties {
        self.properties.clone()
    }

    fn receive(&self, _: usize) -> io::Result<Packet> {
        self.wire.lanes[1 - self.end].take()
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        self.wire.lanes[self.end].put(packet)
    }

    /// Tells the other end of what was sent, and that it may send again.
    fn flush(&self) {
        let sent = std::mem::take(&mut self.wire.lanes[self.end].lock().untold);
        let room = {
            let mut from = self.wire.lanes[1 - self.end].lock();
            let room = from.full && from.packets.len() <= LIMIT / 2;
            from.full &= !room;
            room
        };
        if sent || room {
            self.wire.notify(1 - self.end);
        }
    }

    fn attach(&self, notifier: Notifier) {
        self.wire.notifiers.lock().unwrap_or_else(PoisonError::into_inner)[self.end] = Some(notifier);
        // The other end may have been there first.
        self.wire.notify(self.end);
    }
}

impl Drop for Memory {
    /// Packets sent to an end that is gone are lost; its peer's device is lost once it has received what was left.
    fn drop(&mut self) {
        self.wire.lanes[1 - self.end].lock().closed = true;
        self.wire.lanes[self.end].lock().closed = true;
        self.wire.notify(1 - self.end);
    }
}

/// Gives its host back what the host sends.
#[derive(Debug, Default)]
pub struct Loopback {
    lane: Lane,
    notifier: Mutex<Option<Notifier>>,
}

impl Loopback {
    /// A new one, with IP packets of up to 65,535 bytes.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Device for Loopback {
    fn properties(&self) -> Properties {
        Properties::ip(65_535).checksum_offload(true).segmentation_offload(65_535).coalesce(false)
    }

    fn receive(&self, _: usize) -> io::Result<Packet> {
        self.lane.take()
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        self.lane.put(packet)
    }

    fn flush(&self) {
        let untold = std::mem::take(&mut self.lane.lock().untold);
        let notifier = self.notifier.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(notifier) = notifier.filter(|_| untold) {
            notifier.ready();
        }
    }

    fn attach(&self, notifier: Notifier) {
        *self.notifier.lock().unwrap_or_else(PoisonError::into_inner) = Some(notifier);
    }
}
