//! CoDel (RFC 8289): a queue that stands for an interval is too long.

use loggia_stack::base::Instant;
use loggia_stack::base::time::Duration;

use super::Drops;
use super::fifo::Fifo;
use crate::link::fate::Cause;
use crate::link::packet::Packet;

/// The law, applied where packets leave. Names are those of the RFC's §5.
#[derive(Clone, Debug)]
pub(in crate::link) struct CoDel {
    target: Duration,
    interval: Duration,
    ecn: bool,
    /// When the sojourn time has been above the target for an interval.
    first_above_time: Option<Instant>,
    drop_next: Instant,
    count: u64,
    last_count: u64,
    dropping: bool,
    /// The largest packet so far: a queue of no more than one stands for no reason that dropping could mend.
    max_packet: u64,
}

impl CoDel {
    pub(super) fn new(target: Duration, interval: Duration, ecn: bool) -> Self {
        Self {
            target,
            interval,
            ecn,
            first_above_time: None,
            drop_next: Instant::EPOCH,
            count: 0,
            last_count: 0,
            dropping: false,
            max_packet: 0,
        }
    }

    /// RFC 8289 §5.5: the next packet that may leave; what is dropped instead of it goes to `drops`.
    pub(super) fn pop(&mut self, fifo: &mut Fifo, now: Instant, drops: &mut Drops) -> Option<Packet> {
        let (packet, ok_to_drop) = self.head(fifo, now);
        let Some(packet) = packet else {
            self.dropping = false;
            return None;
        };
        if !self.dropping {
            return if ok_to_drop { self.enter(packet, fifo, now, drops) } else { Some(packet) };
        }
        if !ok_to_drop {
            self.dropping = false;
            return Some(packet);
        }
        self.go_on(packet, fifo, now, drops)
    }

    /// Drops, or marks, as often as the law has fallen due.
    fn go_on(&mut self, mut packet: Packet, fifo: &mut Fifo, now: Instant, drops: &mut Drops) -> Option<Packet> {
        while self.dropping && now >= self.drop_next {
            self.count += 1;
            if self.ecn && packet.mark() {
                self.drop_next = self.control_law(self.drop_next);
                return Some(packet);
            }
            drops.push((packet, Cause::CoDel));
            let (next, ok_to_drop) = self.head(fifo, now);
            match next {
                Some(next) => packet = next,
                None => {
                    self.dropping = false;
                    return None;
                }
            }
            if ok_to_drop {
                self.drop_next = self.control_law(self.drop_next);
            } else {
                self.dropping = false;
            }
        }
        Some(packet)
    }

    /// The first drop of a series. If the last series was not long ago, it goes on at nearly the rate at which that ended.
    fn enter(&mut self, mut packet: Packet, fifo: &mut Fifo, now: Instant, drops: &mut Drops) -> Option<Packet> {
        let next = if self.ecn && packet.mark() {
            Some(packet)
        } else {
            drops.push((packet, Cause::CoDel));
            self.head(fifo, now).0
        };
        self.dropping = true;
        let delta = self.count - self.last_count;
        let recent = now.since(self.drop_next) < self.interval * 16;
        self.count = if delta > 1 && recent { delta } else { 1 };
        self.drop_next = self.control_law(now);
        self.last_count = self.count;
        next
    }

    /// RFC 8289 §5.6: the packet at the head, and whether the queue has been too long for an interval.
    fn head(&mut self, fifo: &mut Fifo, now: Instant) -> (Option<Packet>, bool) {
        let Some(packet) = fifo.pop() else {
            self.first_above_time = None;
            return (None, false);
        };
        self.max_packet = self.max_packet.max(u64::from(packet.size));
        if now.since(packet.since) < self.target || fifo.bytes() <= self.max_packet {
            self.first_above_time = None;
            return (Some(packet), false);
        }
        let first_above = *self.first_above_time.get_or_insert(now + self.interval);
        (Some(packet), now >= first_above)
    }

    /// `t + interval / sqrt(count)`, in integers: the same on every machine.
    fn control_law(&self, t: Instant) -> Instant {
        let interval = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX);
        let root = u128::from((self.count.clamp(1, 1 << 31) << 32).isqrt());
        t + Duration::from_nanos(((u128::from(interval) << 16) / root) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_law_is_that_of_the_square_root() {
        let mut codel = CoDel::new(MS(5), MS(100), false);
        for (count, millis) in [(1, 100.0), (2, 70.710_678), (4, 50.0), (100, 10.0), (12345, 0.900_021)] {
            codel.count = count;
            let nanos = codel.control_law(Instant::EPOCH).nanos() as f64;
            assert!((nanos / 1e6 - millis).abs() < 0.001, "{count}: {nanos}");
        }
    }

    /// A queue is fed one packet a millisecond and drained as fast, `behind` packets late: each has waited that many milliseconds.
    /// Gives the moments of drops and of marks.
    fn standing(behind: u64, ecn: bool, until: u64) -> (Vec<u64>, Vec<u64>) {
        let mut codel = CoDel::new(MS(5), MS(100), ecn);
        let (mut fifo, mut dropped, mut marked) = (Fifo::default(), Vec::new(), Vec::new());
        for now in 0..until {
            let packet = Packet::sample(1000, Instant::from_millis(now));
            fifo.push(if ecn { packet.capable() } else { packet });
            let mut drops = Drops::new();
            if now >= behind
                && let Some(packet) = codel.pop(&mut fifo, Instant::from_millis(now), &mut drops)
            {
                marked.extend(packet.marked.then_some(now));
            }
            // What was dropped is put again, so that the queue stands.
            for (packet, _) in drops {
                dropped.push(now);
                fifo.push(Packet { since: Instant::from_millis(now.saturating_sub(behind)), ..packet });
            }
        }
        (dropped, marked)
    }

    #[test]
    fn below_the_target_nothing_is_dropped() {
        assert_eq!(standing(4, false, 2000).0, [0u64; 0]);
    }

    #[test]
    fn above_the_target_dropping_begins_after_an_interval_and_grows() {
        let (dropped, _) = standing(20, false, 600);
        // The first packet that has waited for 5 ms is seen at 20; from then on at 100/sqrt(n).
        assert_eq!(dropped[..5], [120, 220, 291, 349, 399]);
    }

    #[test]
    fn capable_packets_are_marked_instead_and_none_is_dropped() {
        let (dropped, marked) = standing(20, true, 400);
        assert_eq!(dropped, [0u64; 0]);
        assert_eq!(marked, [120, 220, 291, 349, 399]);
    }
}
