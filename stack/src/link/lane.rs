//! The way into a link's queue for a packet that goes as it is.

use super::queue::OutputQueue;
use super::{Links, Medium};
use crate::base::{Base, Frame, LinkId};

/// The queue of a link that takes packets without a header of its own. It has room: whoever has it gives it a packet, or nothing happens.
#[derive(Debug)]
pub struct Lane<'a> {
    queue: &'a mut OutputQueue,
    checksums: bool,
    /// What every layer stands on.
    pub base: &'a mut Base,
}

impl Links {
    /// The lane for a packet of so many bytes, if the link has one and takes it now.
    #[inline(always)] // Whoever makes the packet does it with the queue in hand.
    pub fn lane(&mut self, link: LinkId, len: usize) -> Option<Lane<'_>> {
        let port = self.ports.get_mut(link)?;
        let is_open = port.config.medium == Medium::Ip && port.takes(len);
        let checksums = port.config.offloads.checksum;
        is_open.then_some(Lane { queue: &mut port.queue, checksums, base: &mut self.base })
    }
}

impl Lane<'_> {
    /// True if the device makes the checksums of transports: they may be left partial.
    #[inline]
    pub const fn has_checksums(&self) -> bool {
        self.checksums
    }

    /// Sends a packet of `len` bytes, for which the lane was asked.
    #[inline(always)]
    pub fn send(self, frame: Frame, len: usize) {
        debug_assert!(frame.segment_size == 0 && frame.len() == len, "a packet that needs nothing");
        self.queue.push_packet(frame, len);
    }
}
