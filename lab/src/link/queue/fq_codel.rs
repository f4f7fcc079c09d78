//! FQ-CoDel (RFC 8290): flows take turns, and each has CoDel of its own.

use std::collections::VecDeque;

use loggia_stack::base::Instant;

use super::codel::CoDel;
use super::fifo::Fifo;
use super::{Drops, within};
use crate::link::fate::Cause;
use crate::link::packet::Packet;
use crate::link::terms::Limit;

/// Most queues, as Linux.
const MAX_QUEUES: u32 = 65_536;

/// Queues, and the order in which they have their turns.
#[derive(Debug)]
pub(in crate::link) struct FqCoDel {
    queues: Vec<Queue>,
    /// Queues that have just begun to send: they go first, once.
    new: VecDeque<u32>,
    old: VecDeque<u32>,
    quantum: i64,
    limit: Limit,
    packets: u64,
    bytes: u64,
}

#[derive(Debug)]
struct Queue {
    fifo: Fifo,
    law: CoDel,
    /// Bytes it may still send in this turn.
    deficit: i64,
    listed: bool,
}

impl FqCoDel {
    pub(super) fn new(law: CoDel, limit: Limit, flows: u32, quantum: u32) -> Self {
        let queue = || Queue { fifo: Fifo::default(), law: law.clone(), deficit: 0, listed: false };
        Self {
            queues: (0..flows.clamp(1, MAX_QUEUES)).map(|_| queue()).collect(),
            new: VecDeque::new(),
            old: VecDeque::new(),
            quantum: i64::from(quantum.max(1)),
            limit,
            packets: 0,
            bytes: 0,
        }
    }

    pub(super) fn set_limit(&mut self, limit: Limit) {
        self.limit = limit;
    }

    /// RFC 8290 §4.1. If the whole is too long then, the longest queue loses the packet at its head.
    pub(super) fn push(&mut self, packet: Packet, drops: &mut Drops) {
        let fits = within(self.limit, self.packets, self.bytes, packet.size);
        self.restore(packet);
        if !fits {
            self.make_room(drops);
        }
    }

    pub(super) fn restore(&mut self, packet: Packet) {
        self.packets += 1;
        self.bytes += u64::from(packet.size);
        // The flow is a hash already.
        let number = crate::link::draw::below(packet.flow, self.queues.len() as u64) as u32;
        let queue = &mut self.queues[number as usize];
        queue.fifo.push(packet);
        if !queue.listed {
            (queue.listed, queue.deficit) = (true, self.quantum);
            self.new.push_back(number);
        }
    }

    fn make_room(&mut self, drops: &mut Drops) {
        while !within(self.limit, self.packets.saturating_sub(1), self.bytes, 0) {
            let longest = self.new.iter().chain(&self.old).max_by_key(|number| self.queues[**number as usize].fifo.bytes());
            let Some(packet) = longest.copied().and_then(|number| self.queues[number as usize].fifo.pop()) else { return };
            self.forget(&packet);
            drops.push((packet, Cause::QueueFull));
        }
    }

    /// RFC 8290 §4.2.
    pub(super) fn pop(&mut self, now: Instant, drops: &mut Drops) -> Option<Packet> {
        loop {
            let is_new = !self.new.is_empty();
            let list = if is_new { &mut self.new } else { &mut self.old };
            let number = *list.front()?;
            let queue = &mut self.queues[number as usize];
            if queue.deficit <= 0 {
                queue.deficit += self.quantum;
                list.pop_front();
                self.old.push_back(number);
                continue;
            }
            let before = drops.len();
            let packet = queue.law.pop(&mut queue.fifo, now, drops);
            drops[before..].iter().for_each(|(packet, _)| {
                self.packets -= 1;
                self.bytes -= u64::from(packet.size);
            });
            if let Some(packet) = packet {
                queue.deficit -= i64::from(packet.size);
                self.forget(&packet);
                return Some(packet);
            }
            self.emptied(number, is_new);
        }
    }

    /// An empty new queue becomes an old one first, so that nobody gains by sending one packet at a time.
    fn emptied(&mut self, number: u32, was_new: bool) {
        if was_new && !self.old.is_empty() {
            self.new.pop_front();
            self.old.push_back(number);
            return;
        }
        if was_new {
            self.new.pop_front()
        } else {
            self.old.pop_front()
        };
        self.queues[number as usize].listed = false;
    }

    pub(super) fn any(&self, is_it: &mut dyn FnMut(&Packet) -> bool) -> bool {
        self.queues.iter().flat_map(|queue| queue.fifo.iter()).any(is_it)
    }

    pub(super) fn drain(&mut self) -> Vec<Packet> {
        let mut packets: Vec<Packet> = self.queues.iter_mut().flat_map(|queue| queue.fifo.drain()).collect();
        self.queues.iter_mut().for_each(|queue| queue.listed = false);
        self.new.clear();
        self.old.clear();
        (self.packets, self.bytes) = (0, 0);
        packets.sort_by_key(|packet| packet.id);
        packets
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packets == 0
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn forget(&mut self, packet: &Packet) {
        self.packets -= 1;
        self.bytes -= u64::from(packet.size);
    }
}
