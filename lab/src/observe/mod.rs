//! What happens in a world, told once to whoever captures, logs, measures and checks.

use loggia_stack::base::{Direction, Event, Frame, Instant};
use loggia_stack::link::{Train, cut};

use crate::link::{Fate, Fates, PacketId};
use crate::world::{HostId, World};

/// One direction of one link: `wire` counts the links, `end` is the end the packets come from (0 or 1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PipeId {
    /// Which link.
    pub wire: usize,
    /// From which end.
    pub end: usize,
}

/// A frame at the border of a host. Its transport checksum may still be [partial](loggia_stack::base::Checksum::Partial), and it may be a
/// super-segment.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// When.
    pub at: Instant,
    /// Which host.
    pub host: HostId,
    /// Which of its interfaces: 0 for the first (`eth0`).
    pub port: usize,
    /// Which way, seen from the host.
    pub direction: Direction,
    /// The direction of the link it is put onto or came from.
    pub pipe: PipeId,
    /// Its name there, under which [`Observer::fate`] tells of it (for frames that leave) or has told (for those that arrived).
    pub packet: PacketId,
    /// How many names it has from that one on: more than one if it is a super-segment whose packets have each their own.
    pub names: u64,
    /// The frame, Ethernet header included.
    pub frame: &'a Frame,
    /// Its packets, if it is a super-segment.
    pub train: Option<&'a Train>,
}

/// Who wants to know. All methods are called in the order in which things happen.
pub trait Observer: Send {
    /// A frame left a host or arrived at one. Of those that leave it is a single packet; see [`Observer::train`].
    fn frame(&mut self, seen: &Seen<'_>) {
        let _ = seen;
    }

    /// A super-segment left a host, and these fates were decided then, in order: its packets', and maybe some of packets before it. Without
    /// a method of one's own each of its packets is told by [`Observer::frame`], and its fate after it.
    fn train(&mut self, seen: &Seen<'_>, fates: &Fates) {
        let mut fates = fates.iter().peekable();
        let mut tell_until = |observer: &mut Self, packet: u64| {
            while let Some(fate) = fates.next_if(|fate| fate.packet.0 < packet) {
                observer.fate(seen.pipe, &fate);
            }
        };
        tell_until(self, seen.packet.0);
        if seen.names == 1 {
            self.frame(seen);
        } else {
            for (packet, frame) in (seen.packet.0..).zip(cut(seen.frame.clone())) {
                self.frame(&Seen { packet: PacketId(packet), names: 1, frame: &frame, train: None, ..*seen });
                tell_until(self, packet + 1);
            }
        }
        tell_until(self, u64::MAX);
    }

    /// What became of a packet. Comes after the [`Observer::frame`] of its leaving, and before that of its arrival.
    fn fate(&mut self, pipe: PipeId, fate: &Fate) {
        let _ = (pipe, fate);
    }

    /// At `at` a switch put a packet that came by one link onto another, where it has another name. Comes before its fate there. A frame that
    /// is flooded is told once for each link, and one that the link cuts once for each packet.
    fn relayed(&mut self, at: Instant, from: (PipeId, PacketId), to: (PipeId, PacketId)) {
        let _ = (at, from, to);
    }

    /// Something happened in a stack.
    fn event(&mut self, host: HostId, event: &Event) {
        let _ = (host, event);
    }

    /// Something a person should find in the record: a program started, a link changed. `topic` is a word (`program`, `link`, `lab`).
    fn note(&mut self, at: Instant, host: Option<HostId>, topic: &str, text: &str) {
        let _ = (at, host, topic, text);
    }

    /// The world is about to end; stacks and links can still be asked.
    fn end(&mut self, world: &World) {
        let _ = world;
    }

    /// Classes of stack events it wants (see [`class`](loggia_stack::base::event::class)); asked once.
    fn classes(&self) -> u16 {
        0
    }
}
