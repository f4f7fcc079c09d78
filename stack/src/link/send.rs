//! Packets to the devices.

use core::hint::cold_path;

use super::ethernet::{Header, ethertype};
use super::mac::Mac;
use super::offload::cut::Cutter;
use super::offload::layout::{Layout, Transport};
use super::up::Hop;
use super::{Links, Medium, lane};
use crate::base::{Direction, Discard, Errno, Frame, LinkId, Version, What};

impl Links {
    /// Sends an IP packet (network header pushed, `l3_len` set). It may be a super-segment of TCP or UDP: then each segment must
    /// fit the MTU.
    ///
    /// `ENODEV` if there is no such link, `ENETDOWN` when it is down, `ENOBUFS` when its queue is full, `EMSGSIZE` if the packet is
    /// larger than the MTU. `Ok` does not say that the neighbour is there: a packet given up later comes back as
    /// [`Up::Unreachable`](super::Up::Unreachable).
    #[inline(always)] // Whoever made the packet looks at the link with it in hand.
    pub fn send(&mut self, link: LinkId, hop: Hop, version: Version, mut frame: Frame) -> Result<(), Errno> {
        frame.l2_len = 0;
        match self.ports.get_mut(link) {
            // A packet that goes as it is, on a link of packets.
            Some(port) if port.config.medium == Medium::Ip && frame.segment_size == 0 && port.takes(frame.len()) => {
                port.queue.push(frame);
                Ok(())
            }
            _ => self.send_any(link, hop, version, frame),
        }
    }

    #[inline(never)]
    fn send_any(&mut self, link: LinkId, hop: Hop, version: Version, mut frame: Frame) -> Result<(), Errno> {
        let Some(port) = self.ports.get_mut(link) else {
            return Err(self.refuse(link, Discard::LinkDown, frame.len(), Errno::ENODEV));
        };
        if !port.up {
            return Err(self.refuse(link, Discard::LinkDown, frame.len(), Errno::ENETDOWN));
        }
        if !port.queue.has_room() {
            return Err(self.refuse(link, Discard::LinkQueueFull, frame.len(), Errno::ENOBUFS));
        }
        if largest_packet(&mut frame) > port.config.mtu as usize {
            return Err(self.refuse(link, Discard::IpTooBig, frame.len(), Errno::EMSGSIZE));
        }
        match (port.config.medium, hop) {
            (Medium::Loopback, hop) => self.loop_back(link, hop, version, frame),
            (Medium::Ip, _) => port.queue.push(frame),
            (Medium::Ethernet { .. }, Hop::Broadcast) => self.put(link, Mac::BROADCAST, version, frame),
            (Medium::Ethernet { .. }, Hop::Multicast(group)) => self.put(link, Mac::multicast(group), version, frame),
            (Medium::Ethernet { .. }, Hop::Neighbour(addr)) => return self.send_to_neighbour(link, addr, version, frame),
        }
        Ok(())
    }

    /// How many packets of `len` bytes to `hop` may go as one super-segment now: as many as the queue would take one by one. None where each
    /// is dealt with for itself: on loopback, and while the neighbour is not there.
    pub fn takes_at_once(&self, link: LinkId, hop: Hop, len: usize) -> usize {
        let Some(port) = self.ports.get(link).filter(|port| port.takes(len)) else { return 0 };
        let header = match (port.config.medium, hop) {
            (Medium::Ip, _) => 0,
            (Medium::Ethernet { vlan, .. }, Hop::Neighbour(addr)) if self.is_there(link, addr) => Header::len_of(vlan),
            _ => return 0,
        };
        port.queue.room().div_ceil(header + len)
    }

    /// The next frame for the device, cut and with checksums as its offloads ask. None on loopback.
    #[inline]
    pub fn transmit(&mut self, link: LinkId) -> Option<Frame> {
        self.transmit_next(link).map(|(frame, _)| frame)
    }

    /// As [`Links::transmit`]; says too if a queue that was full has room again.
    #[inline(always)]
    pub fn transmit_next(&mut self, link: LinkId) -> Option<(Frame, bool)> {
        let port = self.ports.get_mut(link)?;
        let was_full = !port.queue.has_room();
        let frame = port.queue.pop(&port.config.offloads)?;
        let drained = was_full && {
            cold_path();
            port.queue.has_room()
        };
        let len = frame.len();
        port.stats.tx_packets += 1;
        port.stats.tx_bytes += len as u64;
        self.base.emit(What::Frame { link, direction: Direction::Out, len: len as u32 });
        Some((frame, drained))
    }

    /// The device did not take a frame of so many bytes, and it is lost: it has not left after all.
    pub fn refused(&mut self, link: LinkId, len: usize) {
        if let Some(port) = self.ports.get_mut(link) {
            port.stats.tx_packets -= 1;
            port.stats.tx_bytes -= len as u64;
            port.stats.tx_dropped += 1;
        }
        self.base.counters.discards[Discard::DeviceRefused as usize] += 1;
    }

    /// True if [`Links::transmit`] has nothing to give: devices ask far more often than there is something.
    #[inline]
    pub fn has_nothing_for(&self, link: LinkId) -> bool {
        self.ports.get(link).is_none_or(|port| port.queue.is_empty())
    }

    /// True if the link's queue has room for another packet.
    pub fn has_room(&self, link: LinkId) -> bool {
        self.ports.get(link).is_some_and(|port| port.queue.has_room())
    }

    /// Puts a packet whose link address is known into the queue.
    pub(super) fn put(&mut self, link: LinkId, to: Mac, version: Version, mut frame: Frame) {
        if let Some((own, vlan)) = self.ports.ethernet(link) {
            Header::push(&mut frame, to, own, vlan, ethertype::of(version));
            self.enqueue(link, frame);
        }
    }

    /// Puts a message of this layer's own into the queue.
    pub(super) fn put_control(&mut self, link: LinkId, to: Mac, ethertype: u16, mut frame: Frame) {
        let Some(port) = self.ports.get_mut(link) else { return };
        let Some((own, vlan)) = port.ethernet() else { return };
        if !port.up {
            return self.drop_outgoing(link, Discard::LinkDown, frame.len());
        }
        if !port.queue.has_room_for_control() {
            return self.drop_outgoing(link, Discard::LinkQueueFull, frame.len());
        }
        Header::push(&mut frame, to, own, vlan, ethertype);
        port.queue.push(frame);
    }

    /// Appends a frame to the queue; packets that had waited for a link address may find it full.
    fn enqueue(&mut self, link: LinkId, frame: Frame) {
        match self.ports.get_mut(link) {
            Some(port) if port.queue.has_room() => port.queue.push(frame),
            _ => self.drop_outgoing(link, Discard::LinkQueueFull, frame.len()),
        }
    }

    /// What is sent on loopback waits to be asked for. It keeps its partial checksum, for it never leaves memory; datagrams are
    /// cut, for each is one message.
    fn loop_back(&mut self, link: LinkId, hop: Hop, version: Version, frame: Frame) {
        let layout = if frame.segment_size == 0 { None } else { Layout::of(&frame, 0) };
        match layout.filter(|layout| layout.transport == Transport::Udp) {
            None => self.loop_back_one(link, hop, version, frame),
            Some(layout) => {
                let mut cutter = Cutter::new(frame, layout, 0, false);
                while let Some(frame) = cutter.next() {
                    self.loop_back_one(link, hop, version, frame);
                }
            }
        }
    }

    fn loop_back_one(&mut self, link: LinkId, hop: Hop, version: Version, frame: Frame) {
        if let Some(port) = self.ports.get_mut(link) {
            lane::loop_back(&mut self.base, port, &mut self.backlog, (link, version, hop.cast()), frame);
        }
    }

    /// Counts a packet that does not leave, and gives the errno for it.
    pub(super) fn refuse(&mut self, link: LinkId, reason: Discard, len: usize, errno: Errno) -> Errno {
        self.drop_outgoing(link, reason, len);
        errno
    }

    /// Counts a packet that does not leave.
    #[cold]
    pub(super) fn drop_outgoing(&mut self, link: LinkId, reason: Discard, len: usize) {
        if let Some(port) = self.ports.get_mut(link) {
            port.stats.tx_dropped += 1;
        }
        self.base.discard(Some(link), reason, len);
    }
}

/// Bytes of the largest packet that leaves: of a super-segment, those of one segment. A segment size on what needs no cutting, or
/// cannot be cut, is taken away.
fn largest_packet(frame: &mut Frame) -> usize {
    let segment = usize::from(frame.segment_size);
    if segment == 0 {
        return frame.len();
    }
    match Layout::of(frame, 0) {
        Some(layout) if layout.payload_len() > segment => layout.payload + segment,
        _ => {
            frame.segment_size = 0;
            frame.len()
        }
    }
}
