//! Initial sequence numbers and timestamp offsets: keyed hashes over the ends (RFC 6528 §3, RFC 7323 §5.4).

use super::seq::Seq;
use crate::base::{Addr, Entropy, HashKey, Instant, SockAddr};

/// The keys of both.
#[derive(Debug)]
pub(super) struct Isn {
    sequence: HashKey,
    timestamp: HashKey,
    /// The offset that was asked for last: connections between two hosts follow each other.
    last: Option<(Addr, Addr, u32)>,
}

impl Isn {
    pub(super) fn new(entropy: &Entropy) -> Self {
        Self { sequence: entropy.key("tcp isn"), timestamp: entropy.key("tcp timestamp"), last: None }
    }

    /// RFC 9293 MUST-8, MUST-9, SHLD-1: a clock of 4 microseconds (64 ns as Linux has it) plus a secret function of the ends.
    pub(super) fn sequence(&self, now: Instant, local: SockAddr, remote: SockAddr) -> Seq {
        Seq((now.nanos() >> 6) as u32) + self.sequence.secret(&ends(local, remote)) as u32
    }

    /// The offset is the same for all connections between two hosts, so that PAWS works across connections (RFC 7323 §5.4).
    pub(super) fn timestamp_offset(&mut self, local: Addr, remote: Addr) -> u32 {
        match self.last {
            Some((from, to, offset)) if (from, to) == (local, remote) => offset,
            _ => {
                let offset = self.between(local, remote);
                self.last = Some((local, remote, offset));
                offset
            }
        }
    }

    /// A number that belongs to two hosts.
    pub(super) fn between(&self, local: Addr, remote: Addr) -> u32 {
        self.timestamp.secret(&ends(SockAddr::new(local, 0), SockAddr::new(remote, 0))) as u32
    }
}

fn ends(local: SockAddr, remote: SockAddr) -> [u8; 36] {
    let mut bytes = [0; 36];
    bytes[..16].copy_from_slice(&local.addr.octets());
    bytes[16..32].copy_from_slice(&remote.addr.octets());
    bytes[32..34].copy_from_slice(&local.port.to_be_bytes());
    bytes[34..].copy_from_slice(&remote.port.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9293 MUST-8, MUST-9, RFC 6528 §3: the number rises with the clock for the same ends and tells nothing about other ends.
    #[test]
    fn the_sequence_rises_with_time_and_differs_by_ends() {
        let isn = Isn::new(&Entropy::new(1.into()));
        let [a, b] = [1, 2].map(|port| SockAddr::new(Addr::V4_LOOPBACK, port));
        let at = |ms| isn.sequence(Instant::from_millis(ms), a, b);
        assert_eq!(at(1) - at(0), 15_625);
        assert_ne!(at(0), isn.sequence(Instant::EPOCH, b, a));
    }

    /// RFC 7323 §5.4
    #[test]
    fn two_hosts_have_an_offset_of_their_own_however_often_it_is_asked_for() {
        let mut isn = Isn::new(&Entropy::new(1.into()));
        let [a, b, c] = [1, 2, 3].map(|host| Addr::v4(10, 0, 0, host));
        for _ in 0..2 {
            assert_eq!(isn.timestamp_offset(a, b), isn.between(a, b));
            assert_eq!(isn.timestamp_offset(a, b), isn.between(a, b));
            assert_ne!(isn.timestamp_offset(a, c), isn.timestamp_offset(a, b));
            assert_ne!(isn.timestamp_offset(b, a), isn.timestamp_offset(a, b));
        }
    }
}
