//! Initial sequence numbers and timestamp offsets: keyed hashes over the ends (RFC 6528 §3, RFC 7323 §5.4).

use super::flows::Tuple;
use super::seq::Seq;
use crate::base::{Addr, Between, Entropy, HashKey, Instant, SockAddr};

/// The keys of both.
#[derive(Debug)]
pub(super) struct Isn {
    sequence: HashKey,
    timestamp: HashKey,
    /// The hosts that were asked for last: connections between two follow each other.
    last: Option<Hosts>,
    /// The ends of the connection in TIME-WAIT whose place the next one takes, and the number behind its last.
    before: Option<(Tuple, Seq)>,
}

/// How far beyond the numbers of the connection before one begins that the clock would let begin among them: the largest window, as Linux.
const BEYOND: u32 = 65_537;

/// What all connections between two hosts have in common.
#[derive(Debug)]
struct Hosts {
    local: Addr,
    remote: Addr,
    sequence: Between,
    offset: u32,
}

impl Isn {
    pub(super) fn new(entropy: &Entropy) -> Self {
        Self { sequence: entropy.key("tcp isn"), timestamp: entropy.key("tcp timestamp"), last: None, before: None }
    }

    /// The next connection with these ends takes the place of one in TIME-WAIT, whose numbers ended before `snd_nxt`.
    pub(super) fn follow(&mut self, ends: Tuple, snd_nxt: Seq) {
        self.before = Some((ends, snd_nxt));
    }

    /// RFC 9293 MUST-8, MUST-9, SHLD-1: a clock of 4 microseconds (64 ns as Linux has it) plus a secret function of the ends. And the offset of
    /// timestamps: the same for all connections between two hosts, so that PAWS works across connections (RFC 7323 §5.4).
    #[inline(always)]
    pub(super) fn first(&mut self, now: Instant, local: SockAddr, remote: SockAddr) -> (Seq, u32) {
        let before = self.before.take();
        let hosts = self.hosts(local.addr, remote.addr);
        let secret = hosts.sequence.secret(local.port, remote.port) as u32;
        let sequence = Seq((now.nanos() >> 6) as u32) + secret;
        let ends = Tuple { local: local.addr, remote: remote.addr, local_port: local.port, remote_port: remote.port };
        match before {
            // RFC 9293 MAY-2 (RFC 1122 §4.2.2.13): larger than all numbers that one used. A fast one was ahead of the clock.
            Some((of, used)) if of == ends && !sequence.after(used) => (used + BEYOND, hosts.offset),
            _ => (sequence, hosts.offset),
        }
    }

    #[inline(always)]
    fn hosts(&mut self, local: Addr, remote: Addr) -> &Hosts {
        if self.last.as_ref().is_some_and(|last| (last.local, last.remote) != (local, remote)) {
            self.last = None;
        }
        let (sequence, timestamp) = (self.sequence, self.timestamp);
        self.last.get_or_insert_with(|| Hosts {
            local,
            remote,
            sequence: sequence.between(local, remote),
            offset: offset(timestamp, local, remote),
        })
    }

    /// A number that belongs to two hosts.
    pub(super) fn between(&self, local: Addr, remote: Addr) -> u32 {
        offset(self.timestamp, local, remote)
    }
}

fn offset(key: HashKey, local: Addr, remote: Addr) -> u32 {
    key.between(local, remote).secret(0, 0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9293 MUST-8, MUST-9, RFC 6528 §3: the number rises with the clock for the same ends and tells nothing about other ends.
    #[test]
    fn the_sequence_rises_with_time_and_differs_by_ends() {
        let mut isn = Isn::new(&Entropy::new(1.into()));
        let [a, b] = [1, 2].map(|port| SockAddr::new(Addr::V4_LOOPBACK, port));
        let mut at = |ms, from, to| isn.first(Instant::from_millis(ms), from, to).0;
        assert_eq!(at(1, a, b) - at(0, a, b), 15_625);
        assert_ne!(at(0, a, b), at(0, b, a));
    }

    /// RFC 9293 MAY-2
    #[test]
    fn who_follows_another_begins_beyond_its_numbers() {
        let mut isn = Isn::new(&Entropy::new(1.into()));
        let [a, b, c] = [1, 2, 3].map(|port| SockAddr::new(Addr::V4_LOOPBACK, port));
        let ends = Tuple { local: a.addr, remote: b.addr, local_port: a.port, remote_port: b.port };
        let now = Instant::from_millis(1);
        let (usual, other) = (isn.first(now, a, b), isn.first(now, a, c));
        let mut after = |used: Seq, to| {
            isn.follow(ends, used);
            isn.first(now, a, to)
        };
        assert_eq!(after(usual.0 - 1, b), usual, "the clock is beyond them");
        assert_eq!(after(usual.0, b).0, usual.0 + BEYOND);
        assert_eq!(after(usual.0 + 1_000_000, b).0, usual.0 + 1_000_000 + BEYOND);
        assert_eq!(after(usual.0 + 1_000_000, c), other, "other ends");
        assert_eq!(isn.first(now, a, b), usual, "it is asked once");
    }

    /// RFC 7323 §5.4
    #[test]
    fn two_hosts_have_an_offset_of_their_own_however_often_it_is_asked_for() {
        let mut isn = Isn::new(&Entropy::new(1.into()));
        let [a, b, c] = [1, 2, 3].map(|host| Addr::v4(10, 0, 0, host));
        let offset = |isn: &mut Isn, from, to| isn.first(Instant::EPOCH, SockAddr::new(from, 1), SockAddr::new(to, 2)).1;
        for _ in 0..2 {
            let between = isn.between(a, b);
            assert_eq!((offset(&mut isn, a, b), offset(&mut isn, a, b)), (between, between));
            assert_ne!(offset(&mut isn, a, c), between);
            assert_ne!(offset(&mut isn, b, a), between);
        }
    }
}
