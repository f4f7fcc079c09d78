//! Which events somebody wants.

use loggia_stack::base::event::class;

use super::what::What;

/// Which events to listen for, and how many may wait. Unless said: connections, retransmissions, drops and what happens to addresses,
/// neighbours and interfaces; 1024 wait.
///
/// ```
/// use loggia::events::Options;
///
/// let only_drops = Options::none().drops(true).capacity(100);
/// # let _ = only_drops;
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    connections: bool,
    states: bool,
    retransmissions: bool,
    network: bool,
    drops: bool,
    packets: bool,
    pub(super) capacity: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self::none().connections(true).retransmissions(true).network(true).drops(true)
    }
}

impl Options {
    /// Nothing yet.
    pub fn none() -> Self {
        Self {
            connections: false,
            states: false,
            retransmissions: false,
            network: false,
            drops: false,
            packets: false,
            capacity: 1024,
        }
    }

    /// Connections that were opened, closed, or failed to open.
    pub fn connections(mut self, on: bool) -> Self {
        self.connections = on;
        self
    }

    /// Every change of a TCP state.
    pub fn states(mut self, on: bool) -> Self {
        self.states = on;
        self
    }

    /// What was sent again.
    pub fn retransmissions(mut self, on: bool) -> Self {
        self.retransmissions = on;
        self
    }

    /// Interfaces, addresses, neighbours, and ICMP errors.
    pub fn network(mut self, on: bool) -> Self {
        self.network = on;
        self
    }

    /// Packets that went no further, with the cause.
    pub fn drops(mut self, on: bool) -> Self {
        self.drops = on;
        self
    }

    /// Every packet that passes an interface: many.
    pub fn packets(mut self, on: bool) -> Self {
        self.packets = on;
        self
    }

    /// How many events wait to be fetched; later ones are lost, and counted.
    pub fn capacity(mut self, events: usize) -> Self {
        self.capacity = events;
        self
    }

    /// The core's classes that these are of.
    pub(super) fn classes(&self) -> u16 {
        let pairs = [
            (self.connections || self.states, class::STATES),
            (self.retransmissions, class::CONTROL),
            (self.network, class::NETWORK),
            (self.drops, class::DISCARDS),
            (self.packets, class::FRAMES),
        ];
        pairs.iter().filter(|(on, _)| *on).fold(0, |classes, (_, class)| classes | class)
    }

    pub(super) fn want(&self, what: &What) -> bool {
        match what {
            What::Opened { .. } | What::Failed { .. } | What::Closed { .. } => self.connections,
            What::State { .. } => self.states,
            What::Retransmitted { .. } => self.retransmissions,
            What::IcmpError { .. } | What::Neighbour { .. } | What::Address { .. } | What::Interface { .. } => self.network,
            What::Dropped { .. } => self.drops,
            What::Packet { .. } => self.packets,
        }
    }
}
