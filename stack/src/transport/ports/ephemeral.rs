//! Ephemeral ports (RFC 6056): which are tried, and in which order.

use core::hint::cold_path;

use crate::base::{Addr, Entropy, HashKey};

use super::Rules;

/// Counters of the double hash; more of them tell less to a peer that counts (RFC 6056 §3.3.4).
const COUNTERS: usize = 256;

/// The range and the state of the search.
#[derive(Debug)]
pub(super) struct Ephemeral {
    first: u16,
    last: u16,
    offset_key: HashKey,
    counter_key: HashKey,
    draw_key: HashKey,
    drawn: u64,
    /// Grows to [`COUNTERS`] with the first connection: a protocol that never connects owns none.
    counters: alloc::vec::Vec<u32>,
    /// The ends that a port was chosen for last: connections to one server follow each other.
    known: Option<([u8; 34], Secrets)>,
}

/// What ends and secrets make.
#[derive(Clone, Copy, Debug)]
struct Secrets {
    /// Where the search begins.
    offset: u64,
    /// Which counter moves it on.
    counter: usize,
}

impl Ephemeral {
    pub(super) fn new(entropy: &Entropy, rules: Rules) -> Self {
        let [offset, counter, draw] = match rules {
            Rules::Tcp => ["tcp port offset", "tcp port counter", "tcp port draw"],
            Rules::Udp => ["udp port offset", "udp port counter", "udp port draw"],
        };
        Self {
            first: 32_768,
            last: 60_999,
            offset_key: entropy.key(offset),
            counter_key: entropy.key(counter),
            draw_key: entropy.key(draw),
            drawn: 0,
            counters: alloc::vec::Vec::new(),
            known: None,
        }
    }

    /// Ends in the wrong order are taken in the right one; port 0 is none.
    pub(super) fn set_range(&mut self, first: u16, last: u16) {
        self.first = first.min(last).max(1);
        self.last = first.max(last).max(1);
    }

    fn count(&self) -> u32 {
        u32::from(self.last - self.first) + 1
    }

    fn port(&self, number: u64) -> u16 {
        self.first + (number % u64::from(self.count())) as u16
    }

    /// A random start for [`Ephemeral::ports_from`].
    pub(super) fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.draw_key.secret(&self.drawn.to_le_bytes()) >> 1
    }

    /// All ports once, from a start on.
    pub(super) fn ports_from(&self, start: u64) -> impl Iterator<Item = u16> {
        (0..u64::from(self.count())).map(move |step| self.port(start + step))
    }

    /// The first port that is `free`, in the order of RFC 6056 §3.3.4: from an offset that depends on the ends and a secret,
    /// moved on by a counter that ends with another secret share, so that the next connection to the same peer does not ask for
    /// the ports of the ones before again.
    pub(super) fn choose(
        &mut self,
        local: Addr,
        remote: Addr,
        remote_port: u16,
        mut free: impl FnMut(u16) -> bool,
    ) -> Option<u16> {
        let mut ends = [0; 34];
        ends[..16].copy_from_slice(&local.octets());
        ends[16..32].copy_from_slice(&remote.octets());
        ends[32..].copy_from_slice(&remote_port.to_be_bytes());
        if self.counters.is_empty() {
            cold_path();
            self.make_counters();
        }
        let Secrets { offset, counter } = self.secrets(ends);
        (0..self.count()).find_map(|_| {
            let port = self.port(offset + u64::from(self.counters[counter]));
            self.counters[counter] = self.counters[counter].wrapping_add(1);
            free(port).then_some(port)
        })
    }

    fn secrets(&mut self, ends: [u8; 34]) -> Secrets {
        match self.known {
            Some((known, secrets)) if known == ends => secrets,
            _ => self.secrets_anew(ends),
        }
    }

    #[inline(never)] // Connections between two ends follow each other.
    fn secrets_anew(&mut self, ends: [u8; 34]) -> Secrets {
        let offset = self.offset_key.secret(&ends) >> 1;
        let counter = self.counter_key.secret(&ends) as usize % COUNTERS;
        self.known = Some((ends, Secrets { offset, counter }));
        Secrets { offset, counter }
    }

    #[cold]
    #[inline(never)]
    fn make_counters(&mut self) {
        self.counters = alloc::vec![0; COUNTERS];
    }
}
