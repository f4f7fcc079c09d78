//! Links that switches join are one network.

use std::collections::HashMap;

use super::Plan;
use super::links::root;
use crate::world::{End, HostId};

/// An interface of a host.
pub(super) type PortId = (HostId, usize);

/// Which links belong together.
pub(super) struct Networks {
    /// The network of each link.
    pub(super) of_link: Vec<usize>,
    /// The links of each network, in order.
    pub(super) links: Vec<Vec<usize>>,
    /// The interfaces in each network, in the order of its links and their ends.
    pub(super) ports: Vec<Vec<PortId>>,
    /// Those of them that are of routers.
    pub(super) routers: Vec<Vec<PortId>>,
}

impl Networks {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut parents: Vec<usize> = (0..plan.links.len()).collect();
        let mut first: HashMap<usize, usize> = HashMap::new();
        for (number, link) in plan.links.iter().enumerate() {
            for end in link.ends {
                let End::Switch { switch, .. } = end else { continue };
                let other = *first.entry(switch.0).or_insert(number);
                let (one, other) = (root(&parents, number), root(&parents, other));
                // The earlier one stays the root, so that trees stay flat and networks are numbered by their first link.
                parents[one.max(other)] = one.min(other);
            }
        }
        let mut numbers: HashMap<usize, usize> = HashMap::new();
        let mut networks = Self { of_link: Vec::new(), links: Vec::new(), ports: Vec::new(), routers: Vec::new() };
        for (number, link) in plan.links.iter().enumerate() {
            let next = networks.links.len();
            let network = *numbers.entry(root(&parents, number)).or_insert(next);
            if network == next {
                networks.links.push(Vec::new());
                networks.ports.push(Vec::new());
            }
            networks.of_link.push(network);
            networks.links[network].push(number);
            networks.ports[network].extend(link.host_ends());
        }
        let router = |(host, _): &&PortId| plan.hosts[host.0].forward;
        networks.routers = networks.ports.iter().map(|ports| ports.iter().filter(router).copied().collect()).collect();
        networks
    }

    /// The network an interface is in.
    pub(super) fn of_port(&self, plan: &Plan, (host, port): PortId) -> usize {
        self.of_link[plan.hosts[host.0].ports[port].pipe.wire]
    }
}
