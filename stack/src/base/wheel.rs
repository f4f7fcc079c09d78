//! A hierarchical timer wheel: arming, moving and cancelling cost the same at ten timers and at a million.
//!
//! Eleven levels of 64 slots, six bits of the deadline (in nanoseconds) a level. A timer stands at the level of the
//! highest bit in which its deadline differs from the wheel's time, and moves down as that time comes near.
//! Deadlines are exact: a timer fires at the first [`Wheel::expire`] whose time is not before its deadline.
//!
//! Whoever was armed since the wheel was turned last stands aside in a list until it is turned again: most timers of a connection are cancelled or
//! moved before, and their place is never asked for.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use super::time::Instant;

const LEVELS: usize = 11;
const SLOTS: usize = 64;
/// The place of those that were not given one at a level yet.
const ASIDE: usize = LEVELS * SLOTS;
const NONE: u32 = u32::MAX;

/// Names an armed timer. Once it has fired or was cancelled the name is void.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerId(NonZeroU32);

impl TimerId {
    /// One more than the place, so that an optional name takes no more room.
    fn new(place: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(place))
    }

    fn place(self) -> u32 {
        self.0.get() - 1
    }
}

#[derive(Debug)]
struct Node<K> {
    deadline: u64,
    key: Option<K>,
    previous: u32,
    next: u32,
    place: u16,
}

/// The first and the last timer of a slot, or twice [`NONE`].
#[derive(Clone, Copy, Debug)]
struct Slot {
    head: u32,
    tail: u32,
}

const VACANT: Slot = Slot { head: NONE, tail: NONE };

/// Timers, each with a key that says whose it is.
#[derive(Debug)]
pub struct Wheel<K> {
    now: u64,
    /// The wheel needs not be turned before: no occupied slot begins earlier, and nothing that stands aside is due.
    quiet_until: u64,
    /// None of those that stand aside is due before.
    aside_until: u64,
    slots: Vec<Slot>,
    occupied: [u64; LEVELS],
    /// The levels at which something is occupied, a bit each.
    levels: u16,
    nodes: Vec<Node<K>>,
    free: u32,
    len: usize,
}

impl<K> Default for Wheel<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Wheel<K> {
    /// An empty wheel at the epoch.
    pub fn new() -> Self {
        Self {
            now: 0,
            quiet_until: u64::MAX,
            aside_until: u64::MAX,
            slots: alloc::vec![VACANT; ASIDE + 1],
            occupied: [0; LEVELS],
            levels: 0,
            nodes: Vec::new(),
            free: NONE,
            len: 0,
        }
    }

    /// How many timers are armed.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if none is armed.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Arms a timer. A deadline in the past fires at the next [`Wheel::expire`].
    pub fn arm(&mut self, deadline: Instant, key: K) -> TimerId {
        let index = self.take_node(deadline.nanos(), key);
        self.put_aside(index, deadline.nanos());
        self.len += 1;
        TimerId::new(index)
    }

    /// Moves an armed timer to another deadline.
    pub fn rearm(&mut self, timer: TimerId, deadline: Instant) {
        self.unlink(timer.place());
        self.nodes[timer.place() as usize].deadline = deadline.nanos();
        self.put_aside(timer.place(), deadline.nanos());
    }

    /// Disarms a timer that has not fired.
    pub fn cancel(&mut self, timer: TimerId) -> Option<K> {
        self.unlink(timer.place());
        self.release(timer.place())
    }

    /// When an armed timer fires.
    pub fn deadline(&self, timer: TimerId) -> Instant {
        Instant::from_nanos(self.nodes[timer.place() as usize].deadline)
    }

    /// A moment not after the first deadline; [`Instant::NEVER`] if nothing is armed.
    /// Of those that have a place it is exact if the first is due within 64 ns, else the start of the first occupied slot; of those that stand aside
    /// it is the first deadline, or that of one that was cancelled.
    pub fn next_deadline(&self) -> Instant {
        let placed = match self.first_slot() {
            Some((level, slot)) if level > 0 => self.slot_start(level, slot).max(self.now),
            Some((_, slot)) => self.now & !63 | slot as u64,
            None => u64::MAX,
        };
        Instant::from_nanos(placed.min(self.aside_until.max(self.now)))
    }

    /// The exact first deadline; costs a walk through one slot, and through those that stand aside.
    pub fn exact_deadline(&self) -> Instant {
        let placed = self.first_slot().map_or(u64::MAX, |(level, slot)| self.earliest(level * SLOTS + slot));
        Instant::from_nanos(placed.min(self.earliest(ASIDE)))
    }

    fn earliest(&self, place: usize) -> u64 {
        let mut earliest = u64::MAX;
        let mut index = self.slots[place].head;
        while index != NONE {
            let node = &self.nodes[index as usize];
            earliest = earliest.min(node.deadline);
            index = node.next;
        }
        earliest
    }

    /// Moves the wheel to `now` as far as the next timer that is due, and takes that timer out.
    /// Call it until it gives `None`; only then the wheel stands at `now`.
    #[inline]
    pub fn expire(&mut self, now: Instant) -> Option<K> {
        let now = now.nanos();
        if now < self.quiet_until {
            self.now = self.now.max(now);
            return None;
        }
        self.expire_until(now)
    }

    #[inline(never)]
    fn expire_until(&mut self, now: u64) -> Option<K> {
        if self.slots[ASIDE].head != NONE {
            self.spread(ASIDE);
            self.aside_until = u64::MAX;
        }
        while let Some((level, slot)) = self.first_slot() {
            if level == 0 {
                let due = self.now & !63 | slot as u64;
                if due > now {
                    break;
                }
                self.now = due;
                let index = self.slots[slot].head;
                self.unlink(index);
                return self.release(index);
            }
            let start = self.slot_start(level, slot);
            if start > now {
                break;
            }
            if let Some(index) = self.alone_and_due(level, slot, now) {
                self.now = self.now.max(self.nodes[index as usize].deadline);
                self.unlink(index);
                return self.release(index);
            }
            self.now = self.now.max(start);
            self.leave(level * SLOTS + slot);
            self.spread(level * SLOTS + slot);
        }
        self.now = self.now.max(now);
        self.quiet_until = self.first_slot().map_or(u64::MAX, |(level, slot)| self.slot_start(level, slot));
        None
    }

    /// The only timer of the first slot there is, if it is due: it needs not go down level by level.
    fn alone_and_due(&self, level: usize, slot: usize, now: u64) -> Option<u32> {
        let Slot { head, tail } = self.slots[level * SLOTS + slot];
        (head == tail && self.nodes[head as usize].deadline <= now).then_some(head)
    }

    /// Gives the timers of a slot, which nobody occupies any more, their places: at the levels below it, or, of those that stand aside, at any.
    fn spread(&mut self, place: usize) {
        let mut index = core::mem::replace(&mut self.slots[place], VACANT).head;
        while index != NONE {
            let Node { deadline, next, .. } = self.nodes[index as usize];
            let place = self.place_of(deadline.max(self.now));
            if self.append(place, index) {
                self.occupy(place);
            }
            index = next;
        }
    }

    /// The occupied slot that comes first. Lower levels always come before higher ones.
    #[inline]
    fn first_slot(&self) -> Option<(usize, usize)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        Some((level, self.occupied[level].trailing_zeros() as usize))
    }

    /// Something stands at a place.
    fn occupy(&mut self, place: usize) {
        let level = place / SLOTS;
        self.occupied[level] |= 1 << (place % SLOTS);
        self.levels |= 1 << level;
    }

    /// Nothing stands there any more.
    fn leave(&mut self, place: usize) {
        let level = place / SLOTS;
        self.occupied[level] &= !(1 << (place % SLOTS));
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    /// The last of a place has gone.
    fn vacate(&mut self, place: usize) {
        if place == ASIDE { self.aside_until = u64::MAX } else { self.leave(place) }
    }

    fn slot_start(&self, level: usize, slot: usize) -> u64 {
        let shift = 6 * level as u32;
        let above = u64::MAX.checked_shl(shift + 6).unwrap_or(0);
        (self.now & above) | (slot as u64) << shift
    }

    fn place_of(&self, deadline: u64) -> usize {
        let differs = deadline ^ self.now;
        let level = (63 - (differs | 1).leading_zeros() as usize) / 6;
        let slot = (deadline >> (6 * level)) as usize % SLOTS;
        level * SLOTS + slot
    }

    fn take_node(&mut self, deadline: u64, key: K) -> u32 {
        let node = Node { deadline, key: Some(key), previous: NONE, next: NONE, place: 0 };
        if self.free == NONE {
            self.nodes.push(node);
            return self.nodes.len() as u32 - 1;
        }
        let index = self.free;
        self.free = self.nodes[index as usize].next;
        self.nodes[index as usize] = node;
        index
    }

    fn release(&mut self, index: u32) -> Option<K> {
        let node = &mut self.nodes[index as usize];
        node.next = self.free;
        self.free = index;
        self.len -= 1;
        node.key.take()
    }

    /// Until the wheel is turned.
    fn put_aside(&mut self, index: u32, deadline: u64) {
        self.aside_until = self.aside_until.min(deadline);
        self.quiet_until = self.quiet_until.min(deadline);
        self.append(ASIDE, index);
    }

    /// Puts a timer behind the others of a place; says if it is the only one.
    fn append(&mut self, place: usize, index: u32) -> bool {
        let slot = &mut self.slots[place];
        let tail = core::mem::replace(&mut slot.tail, index);
        match self.nodes.get_mut(tail as usize) {
            Some(last) => last.next = index,
            None => slot.head = index,
        }
        let node = &mut self.nodes[index as usize];
        node.place = place as u16;
        node.previous = tail;
        node.next = NONE;
        tail == NONE
    }

    fn unlink(&mut self, index: u32) {
        let Node { previous, next, place, .. } = self.nodes[index as usize];
        let place = place as usize;
        let slot = &mut self.slots[place];
        if previous == NONE {
            slot.head = next;
        }
        if next == NONE {
            slot.tail = previous;
        }
        if slot.head == NONE {
            return self.vacate(place);
        }
        if previous != NONE {
            self.nodes[previous as usize].next = next;
        }
        if next != NONE {
            self.nodes[next as usize].previous = previous;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::entropy::Entropy;
    use alloc::collections::BTreeMap;

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn a_timer_fires_at_its_deadline_and_not_before() {
        let mut wheel = Wheel::new();
        wheel.arm(at(1_000_000), 'a');
        assert!(wheel.next_deadline() <= at(1_000_000));
        assert_eq!(wheel.expire(at(999_999)), None);
        assert_eq!(wheel.expire(at(1_000_000)), Some('a'));
        assert_eq!(wheel.next_deadline(), Instant::NEVER);
    }

    #[test]
    fn a_deadline_in_the_past_fires_at_once() {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.expire(at(5_000)), None);
        wheel.arm(at(10), 'a');
        assert_eq!(wheel.next_deadline(), at(5_000), "time does not go back");
        assert_eq!(wheel.expire(at(5_000)), Some('a'));
    }

    #[test]
    fn never_is_a_deadline_like_any_other() {
        let mut wheel = Wheel::new();
        let timer = wheel.arm(Instant::NEVER, 'n');
        assert_eq!(wheel.expire(at(u64::MAX - 1)), None);
        assert_eq!(wheel.cancel(timer), Some('n'));
        assert!(wheel.is_empty());
    }

    /// Most timers of a connection are.
    #[test]
    fn what_is_cancelled_before_the_wheel_turns_never_has_a_place() {
        let mut wheel = Wheel::new();
        let [first, second] = [10, 20].map(|micros| wheel.arm(at(1000 * micros), micros));
        assert_eq!((wheel.levels, wheel.next_deadline()), (0, at(10_000)));
        assert_eq!(wheel.cancel(first), Some(10));
        assert!(wheel.next_deadline() <= at(20_000), "early, never late");
        assert_eq!(wheel.exact_deadline(), at(20_000));
        assert_eq!(wheel.expire(at(9_999)), None);
        assert_eq!((wheel.levels, wheel.cancel(second)), (0, Some(20)));
        assert_eq!(wheel.next_deadline(), Instant::NEVER);

        let third = wheel.arm(at(30_000), 30);
        assert_eq!(wheel.expire(at(15_000)), None, "it is turned for those that were cancelled");
        assert!(wheel.next_deadline() > at(15_000), "and not again");
        assert_eq!((wheel.levels.count_ones(), wheel.cancel(third)), (1, Some(30)));
        assert_eq!((wheel.levels, wheel.next_deadline()), (0, Instant::NEVER));
    }

    /// The wheel against a sorted map, over random arming, moving, cancelling and passing of time.
    #[test]
    fn behaves_like_a_sorted_map() {
        for seed in 0..50u64 {
            let mut random = Entropy::new(seed.into());
            let mut wheel = Wheel::new();
            let mut model: BTreeMap<u32, (u64, TimerId)> = BTreeMap::new();
            let mut now = 0u64;
            for name in 0..400u32 {
                let far = 1u64 << random.below(40);
                let deadline = now + random.next_u64() % far;
                match random.below(4) {
                    0 | 1 => drop(model.insert(name, (deadline, wheel.arm(at(deadline), name)))),
                    2 => {
                        if let Some((&key, &(_, timer))) = model.iter().next() {
                            wheel.rearm(timer, at(deadline));
                            model.insert(key, (deadline, timer));
                        }
                    }
                    _ => {
                        if let Some((key, (_, timer))) = model.pop_last() {
                            assert_eq!(wheel.cancel(timer), Some(key));
                        }
                    }
                }
                let first = model.values().map(|(deadline, _)| *deadline).min().map_or(Instant::NEVER, at);
                assert!(wheel.next_deadline() <= first, "seed {seed}: never late");
                assert_eq!(wheel.exact_deadline(), first, "seed {seed}");
                now += random.next_u64() % far;
                let mut last = 0;
                while let Some(key) = wheel.expire(at(now)) {
                    let (deadline, _) = model.remove(&key).expect("a timer fires once");
                    assert!(deadline <= now && deadline >= last, "seed {seed}: in order");
                    last = deadline;
                }
                assert!(model.values().all(|(deadline, _)| *deadline > now), "seed {seed}: all due ones fired");
                assert_eq!(wheel.len(), model.len());
            }
        }
    }

    /// The same where it is asked for one timer at a time, and others are armed, moved and cancelled before the next, near the ends of time and
    /// in the past, many for the same moment.
    #[test]
    fn nothing_is_late_or_lost_whenever_it_is_asked() {
        for seed in 0..400u64 {
            let mut random = Entropy::new(seed.into());
            let mut wheel = Wheel::new();
            let mut model: BTreeMap<u32, (u64, TimerId)> = BTreeMap::new();
            let mut now = if seed % 4 == 0 { u64::MAX - (1 << 40) } else { 0 };
            for name in 0..600u32 {
                let far = random.next_u64() % (1 << random.below(38));
                let deadline = match random.below(8) {
                    0 => now.saturating_sub(far),
                    1 => now,
                    2 => (now | 63).saturating_add(1),
                    3 => u64::MAX - far % 3,
                    _ => now.saturating_add(far),
                };
                match random.below(6) {
                    0..3 => drop(model.insert(name, (deadline, wheel.arm(at(deadline), name)))),
                    3 => {
                        if let Some((&key, &(_, timer))) = model.iter().nth(random.below(8) as usize) {
                            wheel.rearm(timer, at(deadline));
                            model.insert(key, (deadline, timer));
                        }
                    }
                    4 => {
                        if let Some((key, (_, timer))) = model.pop_first() {
                            assert_eq!(wheel.cancel(timer), Some(key));
                        }
                    }
                    _ => now = now.saturating_add(random.next_u64() % (1 << random.below(38))),
                }
                let first = model.values().map(|(deadline, _)| *deadline).min().unwrap_or(u64::MAX);
                assert!(wheel.next_deadline().nanos() <= first.max(now), "seed {seed}: never late");
                assert_eq!(wheel.exact_deadline().nanos(), first, "seed {seed}");
                let due = random.below(4);
                for _ in 0..due {
                    let Some(key) = wheel.expire(at(now)) else {
                        assert!(model.values().all(|(deadline, _)| *deadline > now), "seed {seed}: not late");
                        break;
                    };
                    assert!(model.remove(&key).expect("a timer fires once").0 <= now, "seed {seed}: not early");
                }
                assert_eq!(wheel.len(), model.len());
            }
        }
    }
}
