//! Frames from the devices, and what goes up.

use super::ethernet::{Header, ethertype};
use super::mac::Mac;
use super::offload::cut::Cutter;
use super::offload::join;
use super::offload::layout::{Layout, Transport};
use super::up::{LinkCast, Received, Up};
use super::{Links, Medium, ethernet};
use crate::base::{Checksum, Direction, Discard, Frame, LinkId, Sum, Version, What};

impl Links {
    /// A frame from the device. Whatever is wrong with it is counted.
    pub fn receive(&mut self, link: LinkId, mut frame: Frame) {
        if let Some(medium) = self.came_in(link, frame.len())
            && !self.backlog.continues(link, &mut frame)
            && let Some(received) = self.packet_of(link, medium, frame)
            && let Some(received) = self.in_one(received)
        {
            self.take_in(received);
        }
    }

    /// As [`Links::receive`] while this layer [is idle](Links::is_idle), but gives what [`Links::poll`] would give next anyway: a packet that does
    /// not wait to be joined with what comes with it. `more`: something does.
    #[inline(always)]
    pub fn receive_next(&mut self, link: LinkId, frame: Frame, more: bool) -> Option<Received> {
        debug_assert!(self.is_idle(), "nothing is overtaken");
        let medium = self.came_in(link, frame.len())?;
        let received = self.packet_of(link, medium, frame)?;
        let is_super = received.frame.segment_size != 0;
        if is_super || more { self.receive_next_of_many(received, more) } else { Some(received) }
    }

    #[inline(never)]
    fn receive_next_of_many(&mut self, received: Received, more: bool) -> Option<Received> {
        let received = self.in_one(received)?;
        if more && join::is_concerned(&received) && self.coalesces(received.link) {
            self.take_in(received);
            return None;
        }
        Some(received)
    }

    /// Counts a frame of so many bytes from the device, and says what it came by; nothing if the link takes none.
    #[inline(always)]
    fn came_in(&mut self, link: LinkId, len: usize) -> Option<Medium> {
        let Some(port) = self.ports.get_mut(link).filter(|port| port.up) else {
            self.drop_incoming(link, Discard::LinkDown, len);
            return None;
        };
        port.stats.rx_packets += 1;
        port.stats.rx_bytes += len as u64;
        self.base.emit(What::Frame { link, direction: Direction::In, len: len as u32 });
        Some(port.config.medium)
    }

    /// True if the link is up, and its frames have their packets there: behind a header that [was looked at](Links::inside_usual), or at their front.
    #[inline]
    pub fn has_packets_at(&self, link: LinkId, network: usize) -> bool {
        self.ports.get(link).is_some_and(|port| port.up && port.ethernet().is_some() == (network > 0))
    }

    /// The family of the packet in a frame from an Ethernet, and where it begins, if the header is that of nearly all: to us, untagged or with our tag. Of
    /// any other, and where the header does not lie together, others must say. Where frames are packets, as on loopback, the same.
    #[inline(always)] // For whoever looks at it next.
    pub fn inside_usual(&self, link: LinkId, frame: &Frame) -> Option<(Version, usize)> {
        match self.ports.get(link)?.config.medium {
            Medium::Ethernet { mac, vlan } => ethernet::inside_usual(frame, mac, vlan),
            // Those of a link of packets were looked at before; to say so costs each frame of an Ethernet more than it saves.
            Medium::Loopback | Medium::Ip => match frame.together(0, 1)?[0] >> 4 {
                4 => Some((Version::V4, 0)),
                6 => Some((Version::V6, 0)),
                _ => None,
            },
        }
    }

    /// Counts a frame of so many bytes from the device, of which all is known; false if the link takes none.
    #[inline]
    pub fn counts_in(&mut self, link: LinkId, len: usize) -> bool {
        self.came_in(link, len).is_some()
    }

    /// Counts as many frames of so many bytes each, by a link that takes them, where nobody wants to hear of each.
    pub fn counts_in_many(&mut self, link: LinkId, count: usize, len: usize) {
        if let Some(port) = self.ports.get_mut(link) {
            port.stats.rx_packets += count as u64;
            port.stats.rx_bytes += (count * len) as u64;
        }
    }

    /// The IP packet in a frame from the device, if there is one.
    #[inline(always)] // What comes of it stays in registers.
    fn packet_of(&mut self, link: LinkId, medium: Medium, mut frame: Frame) -> Option<Received> {
        let inside = match medium {
            Medium::Ethernet { mac, vlan } => self.inside_ethernet(link, &frame, mac, vlan),
            Medium::Ip | Medium::Loopback => self.inside_ip(link, &frame),
        };
        let Inside { version, network, cast } = inside?;
        note_link_header(&mut frame, network.into(), version);
        Some(Received { link, version, frame, network: network.into(), cast })
    }

    fn coalesces(&self, link: LinkId) -> bool {
        self.ports.get(link).is_some_and(|port| port.config.offloads.coalesce)
    }

    /// True if [`Links::poll`] has nothing to give.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.backlog.is_empty()
    }

    /// The next thing the network layer must know. Frames sent on loopback come up here as [`Up::Received`].
    /// Segments that wait to be joined come when there is nothing else, so whoever has several frames gives them all before asking.
    pub fn poll(&mut self) -> Option<Up> {
        self.backlog.pop().or_else(|| self.poll_looped())
    }

    fn poll_looped(&mut self) -> Option<Up> {
        let received = self.next_looped()?;
        self.counts_looped(&received).then_some(Up::Received(received))
    }

    /// As [`Links::counts_in`], of a frame that was sent on loopback.
    pub fn counts_looped(&mut self, received: &Received) -> bool {
        self.came_in(received.link, received.frame.len()).is_some()
    }

    /// The next frame that was sent on loopback, if [`Links::poll`] has nothing to give before it. It [is not counted](Links::counts_in) yet.
    #[inline]
    pub fn next_looped(&mut self) -> Option<Received> {
        let received = self.backlog.pop_looped()?;
        if let Some(port) = self.ports.get_mut(received.link) {
            port.queue.release(received.frame.len());
        }
        Some(received)
    }

    #[inline(always)]
    fn inside_ip(&mut self, link: LinkId, frame: &Frame) -> Option<Inside> {
        let version = match frame.read::<1>(0) {
            None => return self.drop_incoming(link, Discard::FrameTooShort, 0),
            Some([first]) => first >> 4,
        };
        let version = match version {
            4 => Version::V4,
            6 => Version::V6,
            _ => return self.drop_incoming(link, Discard::FrameUnknownType, frame.len()),
        };
        Some(Inside { version, network: 0, cast: LinkCast::Unicast })
    }

    #[inline(never)]
    fn inside_ethernet(&mut self, link: LinkId, frame: &Frame, own: Mac, own_vlan: Option<u16>) -> Option<Inside> {
        let Some(header) = Header::parse(frame) else {
            return self.drop_incoming(link, Discard::FrameTooShort, frame.len());
        };
        let Some(cast) = self.cast(link, own, header.dst) else {
            return self.drop_incoming(link, Discard::FrameNotForUs, frame.len());
        };
        // A tag with VLAN 0 carries only a priority (IEEE 802.1Q): the frame counts as untagged.
        if header.vlan.filter(|&vlan| vlan != 0) != own_vlan {
            return self.drop_incoming(link, Discard::FrameWrongVlan, frame.len());
        }
        let network = header.len as u8;
        match header.ethertype {
            ethertype::IPV4 => Some(Inside { version: Version::V4, network, cast }),
            ethertype::IPV6 => Some(Inside { version: Version::V6, network, cast }),
            ethertype::ARP => {
                self.arp_receive(link, frame, header.len, cast);
                None
            }
            _ => self.drop_incoming(link, Discard::FrameUnknownType, frame.len()),
        }
    }

    /// How a frame to `dst` is addressed; none if it is not for us.
    fn cast(&self, link: LinkId, own: Mac, dst: Mac) -> Option<LinkCast> {
        if dst == own {
            Some(LinkCast::Unicast)
        } else if dst == Mac::BROADCAST {
            Some(LinkCast::Broadcast)
        } else {
            let port = self.ports.get(link)?;
            (dst.is_group() && port.groups.takes(dst)).then_some(LinkCast::Multicast)
        }
    }

    /// What is taken in as one packet. Super-segments of UDP are cut again and taken in, for each datagram is one message; those of TCP that are
    /// longer than any packet are cut into such as can say how long they are.
    #[inline]
    fn in_one(&mut self, received: Received) -> Option<Received> {
        if received.frame.segment_size == 0 { Some(received) } else { self.super_segment(received) }
    }

    fn super_segment(&mut self, mut received: Received) -> Option<Received> {
        let layout = Layout::of(&received.frame, received.network).filter(|layout| layout.version == received.version);
        match layout {
            Some(layout) if layout.transport == Transport::Tcp && layout.end - layout.l3 <= join::LARGEST => {}
            Some(layout) if trusted(&received.frame, &layout) => {
                self.take_in_cut(received, layout);
                return None;
            }
            _ => received.frame.segment_size = 0,
        }
        Some(received)
    }

    fn take_in_cut(&mut self, received: Received, layout: Layout) {
        let Received { link, version, frame, network, cast } = received;
        let at_once = if layout.transport == Transport::Tcp { join::LARGEST - layout.payload } else { 0 };
        let mut cutter = Cutter::new(frame, layout, at_once, false);
        while let Some(frame) = cutter.next() {
            self.take_in(Received { link, version, frame, network, cast });
        }
    }

    /// An IP packet: TCP may be joined.
    fn take_in(&mut self, received: Received) {
        if !self.backlog.has_room() {
            self.drop_incoming(received.link, Discard::LinkBacklogFull, received.frame.len());
            return;
        }
        if self.coalesces(received.link) {
            self.backlog.join(received);
        } else {
            self.backlog.receive(received);
        }
    }

    /// Counts a frame that came in and goes no further: nothing of it is received.
    #[cold]
    pub(super) fn drop_incoming(&mut self, link: LinkId, reason: Discard, len: usize) -> Option<Inside> {
        if let Some(port) = self.ports.get_mut(link) {
            port.stats.rx_dropped += 1;
        }
        self.base.discard(Some(link), reason, len);
        None
    }
}

/// What the link header says of the packet behind it.
pub(super) struct Inside {
    version: Version,
    /// Where in the frame the packet starts.
    network: u8,
    cast: LinkCast,
}

/// Says where the link header ends. A partial checksum stays where it is: who brought the frame may have counted from its front. One that
/// begins before a transport header can is nobody's.
#[inline(always)]
fn note_link_header(frame: &mut Frame, network: usize, version: Version) {
    if let Checksum::Partial { .. } = frame.checksum {
        let start = usize::from(frame.l2_len) + usize::from(frame.l3_len);
        let shortest = if version == Version::V4 { 20 } else { 40 };
        match start.checked_sub(network) {
            Some(l3) if l3 >= shortest => frame.l3_len = l3 as u16,
            _ => frame.checksum = Checksum::Unknown,
        }
    }
    frame.l2_len = network as u8;
}

/// True if the checksum of the whole is right or known to be: once it is cut nobody can tell.
fn trusted(frame: &Frame, layout: &Layout) -> bool {
    frame.checksum != Checksum::Unknown || {
        let mut head = [0; crate::base::frame::HEAD];
        frame.copy_to(0, &mut head[..layout.payload]);
        let (src, dst) = layout.addresses(&head);
        let len = layout.end - layout.l4;
        frame.sum(layout.l4, len, Sum::pseudo(src, dst, layout.transport.number(), len)).finish() == 0
    }
}
