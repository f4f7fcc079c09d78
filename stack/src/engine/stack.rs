//! The value that is one host.

use super::config::Config;
use crate::base::{Base, Instant, Seed};
use crate::link::Links;
use crate::network::Network;
use crate::socket::Sockets;

/// One host: links, addresses, routes, sockets. See the crate's page for its inputs and outputs.
///
/// ```
/// use loggia_stack::engine::{Config, Stack};
/// use loggia_stack::socket::numbers::{AF_INET, SOCK_DGRAM};
/// use loggia_stack::{Instant, Seed};
///
/// let mut stack = Stack::new(Config::default(), Seed::from(1), Instant::EPOCH);
/// let socket = stack.socket(AF_INET, SOCK_DGRAM, 0)?;
/// stack.bind(socket, &"127.0.0.1:53".parse().expect("an address"))?;
/// # Ok::<(), loggia_stack::Errno>(())
/// ```
#[derive(Debug)]
pub struct Stack {
    pub(super) net: Network,
    pub(super) sockets: Sockets,
}

impl Stack {
    /// A host with a loopback link (`lo`, 127.0.0.1/8 and ::1/128) at the moment `now`. The same `seed` and the same inputs give the
    /// same outputs, byte for byte.
    pub fn new(config: Config, seed: Seed, now: Instant) -> Self {
        let base = Base::new(seed, now, config.memory, config.max_events);
        let mut net = Network::new(Links::new(base));
        if let Some(secret) = config.network.ipv6.stable_secret {
            net.autoconf.set_secret(secret);
        }
        net.config = config.network;
        let sockets = Sockets::new(&net.links.base.entropy, config.socket, config.tcp);
        let mut stack = Self { net, sockets };
        stack.settle();
        stack
    }

    /// 64 random bits that follow from the seed: for identifiers of protocols that are built on sockets.
    pub fn random(&mut self) -> u64 {
        self.net.links.base.entropy.next_u64()
    }

    /// The present moment: the latest that was passed in.
    pub fn now(&self) -> Instant {
        self.net.links.base.now
    }
}
