//! Several stacks behind one set of addresses: which of them a flow is for.
//!
//! Whoever runs N stacks side by side gives each packet to one of them by the ends of its flow, and the same rule tells a stack which ports
//! are its own: a connection takes one whose answers come back to it. Our own address is no part of the rule: it is not known before a route
//! is chosen, and spreads nothing that the other end's does not.
//!
//! Datagrams to an ephemeral port go by that port alone, so that a socket without a fixed other end (a resolver's, say) is in one place.

use crate::base::{Addr, Entropy, HashKey, Seed};
use crate::network::protocol;

/// The rule that all stacks of a set have in common.
#[derive(Clone, Copy, Debug)]
pub struct Shards {
    key: HashKey,
    count: u16,
    ephemeral: (u16, u16),
}

/// One stack of a set.
#[derive(Clone, Copy, Debug)]
pub struct Shard {
    /// The rule.
    pub shards: Shards,
    /// Which it is, from 0.
    pub index: u16,
}

impl Shards {
    /// A set of `count` stacks (at least one); flows are spread by `seed`, which peers must not know, and `ephemeral` is the range of
    /// ephemeral ports in all of them, in the place of [`ip_local_port_range`](crate::socket::Config::ip_local_port_range).
    pub fn new(seed: Seed, count: u16, ephemeral: (u16, u16)) -> Self {
        Self { key: Entropy::new(seed).key("shards"), count: count.max(1), ephemeral }
    }

    /// How many they are.
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// The range of ephemeral ports.
    pub(crate) const fn ephemeral(&self) -> (u16, u16) {
        self.ephemeral
    }

    /// Which stack a TCP connection is for, by its two ends.
    pub fn tcp(&self, local_port: u16, remote: Addr, remote_port: u16) -> u16 {
        self.flow(protocol::TCP, local_port, remote, remote_port)
    }

    /// Which stack a datagram is for, by its two ends.
    pub fn udp(&self, local_port: u16, remote: Addr, remote_port: u16) -> u16 {
        if (self.ephemeral.0..=self.ephemeral.1).contains(&local_port) {
            return self.flow(protocol::UDP, local_port, Addr::V4_ANY, 0);
        }
        self.flow(protocol::UDP, local_port, remote, remote_port)
    }

    /// Which stack something else is for, by who sent it and a number.
    pub fn other(&self, protocol: u8, remote: Addr, number: u16) -> u16 {
        self.flow(protocol, number, remote, 0)
    }

    fn flow(&self, protocol: u8, local_port: u16, remote: Addr, remote_port: u16) -> u16 {
        // What stands in the place of our address tells protocols apart.
        let local = if remote.is_v4() { Addr::v4(0, 0, 0, protocol) } else { Addr::from_v6([protocol; 16]) };
        let hash = self.key.flow(local, local_port, remote, remote_port);
        ((u64::from(hash as u32) * u64::from(self.count)) >> 32) as u16
    }
}

impl Shard {
    /// True if a connection with these ends comes to this stack.
    pub(crate) fn has_tcp(&self, local_port: u16, remote: Addr, remote_port: u16) -> bool {
        self.shards.tcp(local_port, remote, remote_port) == self.index
    }

    /// True if all that comes to this ephemeral UDP port comes to this stack.
    pub(crate) fn has_udp(&self, local_port: u16) -> bool {
        self.shards.udp(local_port, Addr::V4_ANY, 0) == self.index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: (u16, u16) = (32_768, 60_999);

    #[test]
    fn every_stack_gets_its_share_of_flows_that_differ_in_anything() {
        let shards = Shards::new(7.into(), 5, RANGE);
        let differ: [fn(u16) -> u16; 4] = [
            |n| Shards::new(7.into(), 5, RANGE).tcp(80, Addr::from_v4((0x0a00_0000 + u32::from(n)).to_be_bytes()), 5000),
            |n| Shards::new(7.into(), 5, RANGE).tcp(80, Addr::v4(10, 0, 0, 9), n),
            |n| Shards::new(7.into(), 5, RANGE).tcp(n, Addr::V6_LOOPBACK, 80),
            |n| Shards::new(7.into(), 5, RANGE).udp(53, Addr::v4(10, 0, 0, 9), n),
        ];
        for of in differ {
            let mut got = [0; 5];
            (0..5000).for_each(|n| got[usize::from(of(n))] += 1);
            assert!(got.iter().all(|count| (800..1200).contains(count)), "{got:?}");
        }
        assert_eq!(shards.count(), 5);
    }

    #[test]
    fn a_datagram_to_an_ephemeral_port_goes_by_that_port_alone() {
        let shards = Shards::new(7.into(), 8, RANGE);
        for port in [RANGE.0, 40_000, RANGE.1] {
            let at = shards.udp(port, Addr::v4(10, 0, 0, 9), 53);
            assert!((0..100).all(|n| shards.udp(port, Addr::V6_LOOPBACK, n) == at));
        }
        let spread = |port| (0..100).any(|n| shards.udp(port, Addr::V4_LOOPBACK, n) != shards.udp(port, Addr::V4_LOOPBACK, 0));
        assert!(spread(RANGE.0 - 1) && spread(RANGE.1 + 1));
    }

    #[test]
    fn one_stack_has_everything() {
        let alone = Shard { shards: Shards::new(7.into(), 1, RANGE), index: 0 };
        assert!((0..1000).all(|n| alone.has_tcp(n, Addr::V4_LOOPBACK, n) && alone.has_udp(n)));
        assert_eq!(Shards::new(7.into(), 0, RANGE).count(), 1, "none is one");
    }
}
