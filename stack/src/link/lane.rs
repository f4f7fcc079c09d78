//! The way into a link's queue for a packet that goes as it is, or behind a link header of which all is known.
//!
//! A link of packets takes it with nothing else to ask. On an Ethernet its neighbour must be one that is just sent to (`Table::just_sent_to`). Loopback keeps it
//! for whoever asks what came.

use core::hint::cold_path;

use super::backlog::Backlog;
use super::ethernet::{Header, ethertype};
use super::neighbour::{Progress, Table};
use super::port::Port;
use super::up::Received;
use super::{Hop, LinkCast, Links, Mac, Medium};
use crate::base::{Base, Direction, Frame, LinkId, Version, What};

/// The queue of a link. It has room: whoever has it gives it a packet, or nothing happens.
#[derive(Debug)]
pub struct Lane<'a> {
    port: &'a mut Port,
    onward: Onward,
    backlog: &'a mut Backlog,
    /// What every layer stands on.
    pub base: &'a mut Base,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug)]
enum Onward {
    /// It goes as it is.
    Bare,
    /// It goes to this neighbour, behind a link header.
    Framed(Mac),
    /// It comes back.
    Back,
}

/// A link, and what there is for packets that leave by it.
#[derive(Debug)]
pub struct Outlet<'a> {
    link: LinkId,
    port: &'a mut Port,
    neighbours: &'a mut Table,
    backlog: &'a mut Backlog,
    base: &'a mut Base,
}

impl Links {
    /// Where packets leave by a link, if there is such a one.
    #[inline(always)] // Whoever makes the packet does it with the queue in hand.
    pub fn outlet(&mut self, link: LinkId) -> Option<Outlet<'_>> {
        let Self { base, ports, neighbours, backlog, .. } = self;
        let port = ports.get_mut(link)?;
        Some(Outlet { link, port, neighbours, backlog, base })
    }
}

impl<'a> Outlet<'a> {
    /// The lane for a packet of so many bytes, if the link is one of packets and takes it now. Else there may be another.
    #[inline(always)] // The same.
    pub fn bare_lane(self, len: usize) -> Result<Lane<'a>, Self> {
        if !self.port.takes_bare(len) {
            cold_path();
            return Err(self);
        }
        Ok(self.lane_for(Onward::Bare))
    }

    /// The lane for a packet of so many bytes, if the link has one and takes it now. `progress`: what its sender knows of the neighbour.
    #[inline(always)] // The same.
    pub fn lane(mut self, hop: &Hop, len: usize, progress: Progress) -> Option<Lane<'a>> {
        let Hop::Neighbour(addr) = *hop else { return None };
        if !self.port.takes(len) {
            return None;
        }
        let Self { link, port, neighbours, base, .. } = &mut self;
        let onward = match port.config.medium {
            Medium::Ip => Onward::Bare,
            Medium::Ethernet { .. } => Onward::Framed(neighbours.just_sent_to(base, &mut port.times, (*link, addr), progress)?),
            // What is sent there keeps partial checksums, whatever its device could do.
            Medium::Loopback if !port.config.offloads.checksum => return None,
            Medium::Loopback => Onward::Back,
        };
        Some(self.lane_for(onward))
    }

    #[inline(always)]
    fn lane_for(self, onward: Onward) -> Lane<'a> {
        let Self { port, backlog, base, .. } = self;
        Lane { port, onward, backlog, base }
    }
}

impl Lane<'_> {
    /// True if the device makes the checksums of transports: they may be left partial.
    #[inline]
    pub const fn has_checksums(&self) -> bool {
        self.port.config.offloads.checksum
    }

    /// Sends a packet of `len` bytes, for which the lane was asked.
    #[inline(always)]
    pub fn send(self, link: LinkId, version: Version, frame: Frame, len: usize) {
        debug_assert!(frame.segment_size == 0 && frame.len() == len, "a packet that needs nothing");
        let Self { port, onward, backlog, base } = self;
        match onward {
            Onward::Bare => port.queue.push_packet(frame, len),
            Onward::Framed(to) => send_to(port, to, version, frame),
            Onward::Back => loop_back(base, port, backlog, (link, version, LinkCast::Unicast), frame),
        }
    }
}

/// A packet for a neighbour goes into the queue.
fn send_to(port: &mut Port, to: Mac, version: Version, mut frame: Frame) {
    if let Some((own, vlan)) = port.ethernet() {
        Header::push(&mut frame, to, own, vlan, ethertype::of(version));
        port.queue.push(frame);
    }
}

/// What is sent on loopback waits to be asked for.
pub(super) fn loop_back(
    base: &mut Base,
    port: &mut Port,
    backlog: &mut Backlog,
    (link, version, cast): (LinkId, Version, LinkCast),
    frame: Frame,
) {
    let len = frame.len();
    port.queue.hold(len);
    port.stats.tx_packets += 1;
    port.stats.tx_bytes += len as u64;
    base.emit(What::Frame { link, direction: Direction::Out, len: len as u32 });
    backlog.loop_back(Received { link, version, frame, network: 0, cast });
}
