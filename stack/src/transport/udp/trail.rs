//! Datagrams with the headers of one that came before, but for the checksum: what every layer found of that one is true of them. They came by its link,
//! their packet names its addresses, and so they go to its socket without being looked at again.
//!
//! The headers are kept of a datagram that came after another of its flow and its length. They are forgotten with whatever look-ups depend on: sockets
//! that are bound, connected or closed, and changes of routes, addresses and links.

use alloc::boxed::Box;

use super::header::{self, Header};
use super::receive::{describe, full};
use super::{Udp, base};
use crate::base::frame::HEAD;
use crate::base::{Checksum, Frame, Key, LinkId, Sum};
use crate::network::{Cast, Network, Packet, ipv4, ipv6, protocol};
use crate::transport::datagram::Datagram;

/// The largest link header: Ethernet's with a tag.
const LINK: usize = 18;
/// Bytes in which all headers of IPv6 have room, in whole words.
const LONG: usize = room_for(ipv6::HEADER_LEN);
/// The same of IPv4, whose datagrams are more.
const SHORT: usize = room_for(ipv4::HEADER_LEN);
const WORDS: usize = LONG / 8;

/// How far before the end of the headers the checksum is.
const CHECKSUM: usize = header::LEN - header::CHECKSUM as usize;

const fn room_for(network: usize) -> usize {
    (LINK + network + header::LEN).next_multiple_of(8)
}

/// The headers of a datagram, and what was found of them.
#[derive(Debug)]
pub(super) struct Trail {
    /// Its socket.
    pub(super) id: Key,
    /// What was told of it: without payload.
    pub(super) about: Datagram,
    /// How many datagrams its socket had got with the last that was queued of it and those that followed.
    pub(super) arrived: u64,
    /// [`Network::generation`] when it came.
    generation: u64,
    /// Bytes of the frame.
    pub(super) frame_len: usize,
    /// Bytes of all headers.
    pub(super) headers: usize,
    /// Bytes of the link's.
    pub(super) link_len: usize,
    /// All headers have room in [`SHORT`] bytes.
    is_short: bool,
    /// The headers where the head of a frame has them, at its end, and which bits of them must be the same: all but the checksum.
    same: [u64; WORDS],
    mask: [u64; WORDS],
    /// The sum of the pseudo-header and of the transport header without its checksum.
    sum: Sum,
}

impl Trail {
    /// That of a datagram for the socket `id`, which is not queued yet. None if nothing may follow: it must be of the usual ones, whole, and have payload
    /// and nothing behind that.
    pub(super) fn of(net: &mut Network, id: Key, packet: &Packet, header: Header) -> Option<Self> {
        let Packet { network: link_len, transport, len, ref frame, .. } = *packet;
        let is_short = packet.dst.is_v4();
        let network_len = if is_short { ipv4::HEADER_LEN } else { ipv6::HEADER_LEN };
        let is_usual = packet.cast == Cast::Unicast && transport == link_len + network_len && link_len <= LINK;
        let is_whole = frame.segment_size == 0 && len > header::LEN && transport + len == frame.len();
        if !(is_usual && is_whole) {
            return None;
        }
        let headers = transport + header::LEN;
        let (mut room, mut mask) = ([0; LONG], [0; LONG]);
        let head = last_of_head(frame, headers, &mut room);
        mask[LONG - headers..LONG - CHECKSUM].fill(0xff);
        let mut sum = Sum::pseudo(packet.src, packet.dst, protocol::UDP, len);
        sum.add(&head[LONG - header::LEN..LONG - CHECKSUM]);
        let (same, mask) = (words(head), words(&mask));
        let mut about = Datagram::default();
        describe(&mut about, base(net).now, packet, header);
        let (generation, frame_len) = (net.generation(), frame.len());
        Some(Self { id, about, arrived: 0, generation, frame_len, headers, link_len, is_short, same, mask, sum })
    }

    /// True if a frame that came by `link` has these headers and a right checksum, nothing waits in front of it, and nothing has changed.
    #[inline(always)]
    fn is_followed_by(&self, net: &Network, link: LinkId, frame: &Frame) -> bool {
        if !self.is_as_long_as(frame) || link != self.about.link {
            return false;
        }
        if self.is_short {
            self.is_followed_within::<SHORT>(net, link, frame)
        } else {
            self.is_followed_by_long(net, link, frame)
        }
    }

    #[inline(never)] // Beside the other one it would cost that registers.
    fn is_followed_by_long(&self, net: &Network, link: LinkId, frame: &Frame) -> bool {
        self.is_followed_within::<LONG>(net, link, frame)
    }

    #[inline(always)]
    fn is_followed_within<const ROOM: usize>(&self, net: &Network, link: LinkId, frame: &Frame) -> bool {
        let mut room = [0; ROOM];
        let head = last_of_head(frame, self.headers, &mut room);
        self.has_headers_of(head) && self.is_open(net, link) && self.is_sound(head, frame)
    }

    /// True if what comes by `link` may follow: nothing waits in front of it, and nothing has changed.
    #[inline(always)]
    pub(super) fn is_open(&self, net: &Network, link: LinkId) -> bool {
        link == self.about.link && net.is_idle() && net.generation() == self.generation
    }

    /// What a frame carries that has these headers and a right checksum, if it lies together.
    #[inline(always)]
    pub(super) fn payload<'a>(&self, frame: &'a Frame) -> Option<&'a [u8]> {
        let Some((head, payload)) = frame.as_short(self.frame_len, self.payload_len()) else {
            return self.payload_elsewhere(frame);
        };
        let follows = match head.last_chunk() {
            Some(head) if self.is_short => self.is_followed_with::<SHORT>(head, frame, payload),
            _ => return self.payload_of_long(frame, head, payload),
        };
        follows.then_some(payload)
    }

    #[inline(never)] // Beside the other one it would cost that registers.
    fn payload_of_long<'a>(&self, frame: &'a Frame, head: &[u8], payload: &'a [u8]) -> Option<&'a [u8]> {
        match head.last_chunk() {
            Some(head) => self.is_followed_with::<LONG>(head, frame, payload).then_some(payload),
            None => self.payload_elsewhere(frame),
        }
    }

    #[inline(always)]
    fn is_followed_with<const ROOM: usize>(&self, head: &[u8; ROOM], frame: &Frame, payload: &[u8]) -> bool {
        frame.segment_size == 0 && self.has_headers_of(head) && self.is_sound_with(head, frame, payload)
    }

    #[inline(never)]
    fn payload_elsewhere<'a>(&self, frame: &'a Frame) -> Option<&'a [u8]> {
        if self.is_short { self.payload_within::<SHORT>(frame) } else { self.payload_within::<LONG>(frame) }
    }

    #[inline(always)]
    fn payload_within<'a, const ROOM: usize>(&self, frame: &'a Frame) -> Option<&'a [u8]> {
        let mut room = [0; ROOM];
        let head = last_of_head(frame, self.headers, &mut room);
        let follows = self.is_as_long_as(frame) && self.has_headers_of(head) && self.is_sound(head, frame);
        if follows { frame.together(self.headers, self.payload_len()) } else { None }
    }

    #[inline(always)]
    fn is_as_long_as(&self, frame: &Frame) -> bool {
        frame.len() == self.frame_len && frame.segment_size == 0
    }

    /// Bytes of payload.
    #[inline(always)]
    pub(super) fn payload_len(&self) -> usize {
        self.frame_len - self.headers
    }

    /// All words are looked at: a fixed number costs less than the few that could do.
    #[inline(always)]
    fn has_headers_of<const ROOM: usize>(&self, head: &[u8; ROOM]) -> bool {
        let (head, first) = (head.as_chunks().0, WORDS - ROOM / 8);
        let mut differ = 0;
        for ((word, same), mask) in head.iter().zip(&self.same[first..]).zip(&self.mask[first..]) {
            differ |= (u64::from_ne_bytes(*word) ^ same) & mask;
        }
        differ == 0
    }

    /// True if the checksum is right or known to be. One that says that there is none is left to others.
    #[inline(always)]
    fn is_sound<const ROOM: usize>(&self, head: &[u8; ROOM], frame: &Frame) -> bool {
        match frame.checksum {
            Checksum::Unknown => {
                let sum = self.sum_with(head);
                checksum(head) != 0 && frame.sum(self.headers, self.frame_len - self.headers, sum).finish() == 0
            }
            _ => self.is_known_sound(frame),
        }
    }

    /// As [`Trail::is_sound`], with the payload at hand.
    #[inline(always)]
    fn is_sound_with<const ROOM: usize>(&self, head: &[u8; ROOM], frame: &Frame, payload: &[u8]) -> bool {
        if frame.checksum != Checksum::Unknown {
            return self.is_known_sound(frame);
        }
        let mut sum = self.sum_with(head);
        sum.add_short(payload);
        checksum(head) != 0 && sum.finish() == 0
    }

    /// True if the checksum is known to be right.
    #[inline(always)]
    fn is_known_sound(&self, frame: &Frame) -> bool {
        match frame.checksum {
            Checksum::Unknown => false,
            Checksum::Verified => true,
            // Of this header, or it says nothing.
            Checksum::Partial { .. } => usize::from(frame.l2_len) + usize::from(frame.l3_len) + header::LEN == self.headers,
        }
    }

    /// The sum of pseudo-header and transport header.
    #[inline(always)]
    fn sum_with<const ROOM: usize>(&self, head: &[u8; ROOM]) -> Sum {
        let mut sum = self.sum;
        sum.add_word(u32::from(checksum(head)));
        sum
    }
}

#[inline(always)]
fn checksum<const ROOM: usize>(head: &[u8; ROOM]) -> u16 {
    u16::from_be_bytes([head[ROOM - CHECKSUM], head[ROOM - CHECKSUM + 1]])
}

fn words(bytes: &[u8; LONG]) -> [u64; WORDS] {
    let (words, _) = bytes.as_chunks();
    core::array::from_fn(|at| u64::from_ne_bytes(words[at]))
}

/// The first `headers` bytes of a frame at the end of an array; what is before them means nothing. Nearly always they are in its head, else they are
/// copied to `room`.
#[inline(always)]
fn last_of_head<'a, const ROOM: usize>(frame: &'a Frame, headers: usize, room: &'a mut [u8; ROOM]) -> &'a [u8; ROOM] {
    let end = (HEAD + headers).checked_sub(frame.head().len()).filter(|end| *end <= HEAD);
    match end.and_then(|end| frame.head_area()[..end].last_chunk()) {
        Some(window) => window,
        None => {
            *room = frame.copy_of_first(headers);
            room
        }
    }
}

impl Udp {
    /// Keeps the headers of the datagram that was delivered just now; before it its socket had got `arrived`.
    pub(super) fn leave(&mut self, trail: Trail, arrived: u64) {
        let now = self.sockets[trail.id].endpoint.queue.arrived();
        let is_queued = now > arrived;
        self.trail = Some(Box::new(Trail { arrived: if is_queued { now } else { u64::MAX }, ..trail }));
    }

    /// True if a datagram may follow another.
    #[inline]
    pub fn has_trail(&self) -> bool {
        self.trail.is_some()
    }

    /// Receives a frame from a link, if it follows a datagram: as any other, but nobody looks at it again. Else it is given back.
    #[inline(always)] // Called from two places, of which one is where nearly all datagrams go.
    pub fn follow(&mut self, net: &mut Network, link: LinkId, frame: Frame, more: bool) -> Option<Frame> {
        let Self { sockets, trail: Some(trail), .. } = self else { return Some(frame) };
        if !trail.is_followed_by(net, link, &frame) {
            return Some(frame);
        }
        if !net.counts_in(link, frame.len(), trail.link_len, more) {
            return None;
        }
        let (endpoint, base, start) = (&mut sockets[trail.id].endpoint, base(net), trail.headers);
        let behind = trail.arrived == endpoint.queue.arrived();
        let (len, delivered) = (frame.len() - start, endpoint.deliver_like(base, &trail.about, behind, frame, start));
        match delivered {
            Ok(()) => {
                trail.arrived = endpoint.queue.arrived();
                base.counters.udp.in_datagrams += 1;
            }
            Err(refused) => full(base, link, header::LEN + len, refused),
        }
        None
    }
}
