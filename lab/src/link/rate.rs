//! How fast packets leave the queue: when the next one may, and when it is out.

use std::sync::Arc;

use loggia_stack::base::Instant;
use loggia_stack::base::time::Duration;

use super::packet::Packet;
use super::terms::{Rate, Trace};

/// The sender at the head of the wire.
#[derive(Debug)]
pub(super) struct Server {
    kind: Kind,
    /// When the last packet that was sent is out.
    free: Instant,
}

#[derive(Debug)]
enum Kind {
    /// As fast as they come.
    Unlimited,
    Fixed(Bucket),
    Trace(Schedule),
}

impl Server {
    pub(super) fn new(rate: Option<&Rate>) -> Self {
        let kind = match rate {
            None => Kind::Unlimited,
            Some(&Rate::Fixed { bits, burst, overhead }) => Kind::Fixed(Bucket { bits, burst, overhead, paid: 0 }),
            Some(Rate::Trace(Trace(moments))) => Kind::Trace(Schedule::new(moments.clone())),
        };
        Self { kind, free: Instant::EPOCH }
    }

    /// Goes on at another rate once the packet that is being sent is out. A bucket that replaces another is empty then: changing the rate
    /// often must not give a burst each time.
    pub(super) fn set(&mut self, rate: Option<&Rate>) {
        let limited = !matches!(self.kind, Kind::Unlimited);
        let free = self.free;
        *self = Self { free, ..Self::new(rate) };
        if let Kind::Fixed(bucket) = &mut self.kind
            && limited
        {
            bucket.empty(free);
        }
    }

    /// True if nothing has to wait at `now`.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        matches!(self.kind, Kind::Unlimited) && self.free <= now
    }

    /// The earliest moment, not before `from`, at which a packet may leave the queue.
    pub(super) fn ready(&mut self, from: Instant) -> Instant {
        match &mut self.kind {
            Kind::Fixed(bucket) if bucket.bits == 0 => Instant::NEVER,
            Kind::Unlimited | Kind::Fixed(_) => from.max(self.free),
            // Several may share the opportunity at which the last one went out.
            Kind::Trace(schedule) => schedule.ready(from.max(self.free)),
        }
    }

    /// A packet leaves the queue at a moment that [`Server::ready`] gave; says when all of it is out.
    pub(super) fn send(&mut self, at: Instant, packet: &Packet) -> Instant {
        self.free = match &mut self.kind {
            Kind::Unlimited => at,
            Kind::Fixed(bucket) => bucket.send(at, packet.size),
            Kind::Trace(schedule) => schedule.send(packet.network_len()),
        };
        self.free
    }

    /// How long a packet of a thousand bytes takes.
    pub(super) fn pace(&self) -> Duration {
        match &self.kind {
            Kind::Unlimited => Duration::ZERO,
            Kind::Fixed(bucket) => Duration::from_nanos(BITS_OF_1000.checked_div(bucket.bits).unwrap_or(u64::MAX)),
            Kind::Trace(schedule) => Duration::from_nanos(schedule.period / schedule.moments.len().max(1) as u64),
        }
    }
}

const BITS_OF_1000: u64 = 8_000 * SECOND as u64;
const SECOND: u128 = 1_000_000_000;

/// A token bucket as a clock. Money would be tokens; this counts the debt instead: until when what was sent keeps the wire busy, were
/// it never to be faster than the rate. In units of 1/bits nanoseconds nothing is rounded, so there is no drift.
#[derive(Debug)]
struct Bucket {
    bits: u64,
    burst: u64,
    overhead: i32,
    /// The clock, ahead of the time when the bucket is empty by what the burst takes.
    paid: u128,
}

impl Bucket {
    fn send(&mut self, at: Instant, size: u32) -> Instant {
        let size = i64::from(size).saturating_add(i64::from(self.overhead)).max(0) as u128;
        // A moment is a whole nanosecond: less than one between two packets is no pause.
        if self.paid + u128::from(self.bits) <= self.units(at) {
            self.paid = self.units(at);
        }
        self.paid += size * 8 * SECOND;
        let out = self.paid.saturating_sub(self.ahead()).div_ceil(u128::from(self.bits.max(1)));
        at.max(Instant::from_nanos(u64::try_from(out).unwrap_or(u64::MAX)))
    }

    fn empty(&mut self, at: Instant) {
        self.paid = self.units(at) + self.ahead();
    }

    fn units(&self, at: Instant) -> u128 {
        u128::from(at.nanos()) * u128::from(self.bits)
    }

    fn ahead(&self) -> u128 {
        u128::from(self.burst) * 8 * SECOND
    }
}

/// Bytes that leave at one opportunity.
const OPPORTUNITY: u32 = 1500;

/// Opportunities at the moments of a file, again and again. What nobody uses is gone.
#[derive(Debug)]
struct Schedule {
    /// Nanoseconds since the beginning of a round, ascending.
    moments: Arc<[u64]>,
    /// Nanoseconds a round takes.
    period: u64,
    /// Where it is: which round, which moment of it, and how many bytes may still go at that.
    round: u64,
    at: usize,
    left: u32,
}

impl Schedule {
    fn new(millis: Arc<[u64]>) -> Self {
        let moments: Arc<[u64]> = millis.iter().map(|millis| Instant::from_millis(*millis).nanos()).collect();
        // A round that takes no time would have its opportunities all at once, for ever.
        let period = moments.last().map_or(1, |last| (*last).max(1_000_000));
        Self { moments, period, round: 0, at: 0, left: OPPORTUNITY }
    }

    fn moment(&self) -> Instant {
        let Some(moment) = self.moments.get(self.at) else { return Instant::NEVER };
        Instant::from_nanos(self.round.saturating_mul(self.period).saturating_add(*moment))
    }

    fn advance(&mut self) {
        self.left = OPPORTUNITY;
        self.at += 1;
        if self.at >= self.moments.len() {
            (self.round, self.at) = (self.round + 1, 0);
        }
    }

    fn ready(&mut self, from: Instant) -> Instant {
        if self.left == 0 {
            self.advance();
        }
        if self.moment() < from {
            self.seek(from.nanos());
        }
        self.moment()
    }

    /// Goes forward to the first opportunity that is not before `nanos`.
    fn seek(&mut self, nanos: u64) {
        self.left = OPPORTUNITY;
        // The last moment of a round is the first of the next.
        self.round = nanos.saturating_sub(1) / self.period;
        let within = nanos - self.round * self.period;
        self.at = self.moments.partition_point(|moment| *moment < within);
        if self.at >= self.moments.len() {
            (self.round, self.at) = (self.round + 1, 0);
        }
    }

    fn send(&mut self, size: u32) -> Instant {
        let mut rest = size;
        while rest > self.left && self.moment().is_set() {
            rest -= self.left;
            self.advance();
        }
        self.left = self.left.saturating_sub(rest);
        self.moment()
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::Packet;
    use super::*;

    fn packet(size: usize) -> Packet {
        Packet::sample(size, Instant::EPOCH)
    }

    fn fixed(bits: u64, burst: u64, overhead: i32) -> Server {
        Server::new(Some(&Rate::Fixed { bits, burst, overhead }))
    }

    /// When each of `sizes` is out if all wait from the beginning.
    fn outs(server: &mut Server, sizes: &[usize]) -> Vec<u64> {
        let send = |size: &usize| {
            let at = server.ready(Instant::EPOCH);
            server.send(at, &packet(*size)).micros()
        };
        sizes.iter().map(send).collect()
    }

    #[test]
    fn a_packet_takes_its_bits() {
        assert_eq!(outs(&mut fixed(8_000_000, 0, 0), &[1000, 500, 60]), [1000, 1500, 1560]);
    }

    #[test]
    fn framing_counts() {
        assert_eq!(outs(&mut fixed(8_000_000, 0, 24), &[1000, 1000]), [1024, 2048]);
        assert_eq!(outs(&mut fixed(8_000_000, 0, -14), &[1000, 1000]), [986, 1972]);
        assert_eq!(outs(&mut fixed(8_000_000, 0, -5000), &[1000]), [0]);
    }

    #[test]
    fn a_burst_leaves_at_once_and_comes_back_with_time() {
        let mut server = fixed(8_000_000, 2500, 0);
        assert_eq!(outs(&mut server, &[1000, 1000, 1000, 1000]), [0, 0, 500, 1500]);
        let at = server.ready(Instant::from_millis(3));
        assert_eq!(server.send(at, &packet(1000)).micros(), 3000, "1500 bytes have come back");
        let at = server.ready(at);
        assert_eq!(server.send(at, &packet(1000)).micros(), 3500);
    }

    /// A third of a nanosecond a packet, a million times.
    #[test]
    fn nothing_is_rounded_away() {
        let mut server = fixed(3_000_000_000, 0, 0);
        let last = (0..1_000_000).fold(Instant::EPOCH, |at, _| {
            let ready = server.ready(at);
            server.send(ready, &packet(100))
        });
        // Each packet is out at the next whole nanosecond, but its successor does not start later for that.
        assert_eq!(last.nanos(), 800_000_000u64.div_ceil(3));
    }

    #[test]
    fn a_rate_of_nothing_lets_nothing_out() {
        assert_eq!(fixed(0, 0, 0).ready(Instant::EPOCH), Instant::NEVER);
        let mut empty = Server::new(Some(&Rate::Trace(Trace(Arc::new([])))));
        assert_eq!(empty.ready(Instant::EPOCH), Instant::NEVER);
    }

    #[test]
    fn another_rate_begins_when_the_packet_is_out_and_without_a_burst() {
        let mut server = fixed(8_000_000, 0, 0);
        assert_eq!(outs(&mut server, &[1000]), [1000]);
        server.set(Some(&Rate::Fixed { bits: 80_000_000, burst: 5000, overhead: 0 }));
        assert_eq!(outs(&mut server, &[1000, 1000]), [1100, 1200]);
        server.set(None);
        assert_eq!(outs(&mut server, &[1000, 1000]), [1200, 1200]);
    }

    fn trace(moments: &[u64]) -> Server {
        Server::new(Some(&Rate::Trace(Trace(moments.into()))))
    }

    /// Sizes are those of frames: 14 bytes more than the packets.
    #[test]
    fn small_packets_share_an_opportunity_and_a_large_one_takes_several() {
        let mut server = trace(&[1, 2, 2, 5]);
        assert_eq!(outs(&mut server, &[1514, 514, 514, 514, 1014]), [1000, 2000, 2000, 2000, 2000]);
        assert_eq!(outs(&mut server, &[1514 + 1500]), [6000], "500 bytes at 2 ms, then 5 and 6");
    }

    #[test]
    fn the_file_begins_again_with_its_last_moment() {
        let mut server = trace(&[1, 3, 10]);
        assert_eq!(outs(&mut server, &[1514; 7]), [1000, 3000, 10_000, 11_000, 13_000, 20_000, 21_000]);
    }

    #[test]
    fn an_opportunity_that_nobody_used_is_gone() {
        let mut server = trace(&[0, 4, 10]);
        for (from, ready) in
            [(1, 4), (4, 4), (5, 10), (10, 10), (11, 14), (1_000_000_000, 1_000_000_000), (1_000_000_005, 1_000_000_010)]
        {
            assert_eq!(server.ready(Instant::from_millis(from)), Instant::from_millis(ready), "from {from}");
        }
    }
}
