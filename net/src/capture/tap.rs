//! A host's end of a capture: used under the host's lock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use loggia_stack::base::{Direction, Frame, Instant, LinkId, Why, event::class};
use loggia_stack::engine::Stack;
use loggia_stack::link::pcapng::LinkType;

use super::queue::{Packet, Queue};

/// A host's end of a capture; see [`Driver::tap`](crate::Driver::tap). With the last of its clones the capture ends.
#[derive(Debug)]
pub struct Tap {
    queue: Arc<Queue>,
    /// Behind interfaces' names, if several hosts write to one file.
    suffix: String,
}

impl Tap {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        queue.tapped();
        Self { queue, suffix: String::new() }
    }

    /// The same, with something behind the names of interfaces.
    pub(crate) fn named(&self, suffix: String) -> Self {
        let mut other = Self::new(self.queue.clone());
        other.suffix = suffix;
        other
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.queue.untapped();
    }
}

/// A tap in use.
#[derive(Debug)]
struct Tapped {
    tap: Tap,
    /// Nanoseconds from 1970 to the host's epoch.
    epoch: u64,
    interfaces: HashMap<LinkId, u32>,
}

/// What was sent again and has not left yet.
#[derive(Clone, Copy, Debug)]
struct Again {
    seq: u32,
    len: u32,
    why: Why,
}

/// Most repetitions that are remembered until they leave.
const AGAIN: usize = 64;

/// All captures of a host.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    taps: Vec<Tapped>,
    comments: bool,
    again: Vec<Again>,
    discarded: Vec<String>,
}

impl Taps {
    /// `now` is the host's present moment.
    pub(crate) fn add(&mut self, tap: Tap, now: Instant) {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let epoch = (wall.as_nanos() as u64).saturating_sub(now.nanos());
        self.taps.push(Tapped { tap, epoch, interfaces: HashMap::new() });
        self.refresh();
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.taps.is_empty()
    }

    /// True if what becomes of packets is wanted.
    pub(crate) fn wants_comments(&self) -> bool {
        self.comments
    }

    /// The classes of events that are wanted. Captures that were stopped are forgotten.
    pub(crate) fn classes(&mut self) -> u16 {
        if self.taps.iter().any(|tapped| !tapped.tap.queue.is_open()) {
            self.taps.retain(|tapped| tapped.tap.queue.is_open());
            self.refresh();
        }
        if self.comments { class::DISCARDS | class::CONTROL } else { 0 }
    }

    fn refresh(&mut self) {
        self.comments = self.taps.iter().any(|tapped| tapped.tap.queue.options.comments);
        self.again.clear();
    }

    /// Bytes were sent again; the segment leaves soon.
    pub(crate) fn sent_again(&mut self, seq: u32, len: u32, why: Why) {
        if self.again.len() == AGAIN {
            self.again.remove(0);
        }
        self.again.push(Again { seq, len: len.max(1), why });
    }

    /// The host dropped the packet that is under way.
    pub(crate) fn discarded(&mut self, why: &str) {
        self.discarded.push(format!("dropped: {why}"));
    }

    /// What was dropped until now is no packet that will be shown.
    pub(crate) fn forget_discarded(&mut self) {
        self.discarded.clear();
    }

    /// A packet came by a device, and what became of it is known.
    pub(crate) fn received(&mut self, stack: &Stack, link: LinkId, frame: Frame) {
        let comments = std::mem::take(&mut self.discarded);
        self.put(stack, link, Direction::In, frame, comments);
    }

    /// A packet was given to a device, which took it unless `refused` says otherwise.
    pub(crate) fn sent(&mut self, stack: &Stack, link: LinkId, frame: Frame, refused: Option<String>) {
        self.discarded.clear();
        let again = if self.again.is_empty() { None } else { self.take_again(&frame) };
        let again = again.map(|why| format!("sent again: {}", why.text()));
        self.put(stack, link, Direction::Out, frame, again.into_iter().chain(refused).collect());
    }

    /// Why a TCP segment was sent again, if it was.
    fn take_again(&mut self, frame: &Frame) -> Option<Why> {
        let at = usize::from(frame.l2_len) + usize::from(frame.l3_len) + 4;
        let seq = u32::from_be_bytes(frame.read(at).filter(|_| frame.l3_len > 0)?);
        let place = self.again.iter().position(|again| seq.wrapping_sub(again.seq) < again.len)?;
        Some(self.again.remove(place).why)
    }

    fn put(&mut self, stack: &Stack, link: LinkId, direction: Direction, frame: Frame, comments: Vec<String>) {
        for tapped in &mut self.taps {
            let Some(interface) = tapped.interface(stack, link) else { continue };
            let at = tapped.epoch + stack.now().nanos();
            let comments = if tapped.tap.queue.options.comments { comments.clone() } else { Vec::new() };
            tapped.tap.queue.packet(Packet { interface, at, direction, frame: frame.clone(), comments });
        }
    }

    /// An interface is gone: another may get its number.
    pub(crate) fn link_gone(&mut self, link: LinkId) {
        self.taps.iter_mut().for_each(|tapped| _ = tapped.interfaces.remove(&link));
    }
}

impl Tapped {
    fn interface(&mut self, stack: &Stack, link: LinkId) -> Option<u32> {
        if let Some(number) = self.interfaces.get(&link) {
            return Some(*number);
        }
        let status = stack.links().find(|status| status.link == link)?;
        let name = format!("{}{}", status.config.name, self.tap.suffix);
        let number = self.tap.queue.interface(name, LinkType::of(&status.config.medium));
        self.interfaces.insert(link, number);
        Some(number)
    }
}
