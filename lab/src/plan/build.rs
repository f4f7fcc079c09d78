//! From the plan to the world.

use loggia_stack::base::Seed;
use loggia_stack::engine::Config;
use loggia_stack::network::autoconf::LinkSettings;

use super::{Action, Change, Host, Plan, Port};
use crate::observe::PipeId;
use crate::world::{HostId, PortConfig, World};

/// The most that `SO_RCVBUF` and `SO_SNDBUF` may set, and TCP's windows grow to, as on a machine with a few gigabytes.
const RMEM_MAX: u32 = 6 << 20;
const WMEM_MAX: u32 = 4 << 20;

impl Plan {
    /// The world at its beginning, everything configured, nothing running. Hosts, switches and links have the numbers they have here.
    pub fn build(&self, seed: Seed) -> World {
        let mut world = World::new(seed);
        for host in &self.hosts {
            let id = world.add_host(&host.name, config(host));
            for port in &host.ports {
                let config = PortConfig { name: port.name.clone(), mac: port.mac, mtu: port.mtu, frames: port.frames };
                world.add_port(id, &config).expect("names and numbers were checked");
            }
        }
        self.switches.iter().for_each(|_| {
            world.add_switch();
        });
        for number in 0..self.hosts.len() {
            self.configure(&mut world, HostId(number));
        }
        // What hosts say when they get their addresses is not part of the run: the links come last.
        for link in &self.links {
            world.connect(&link.name, link.ends, link.terms.clone());
        }
        world
    }

    /// Addresses, routes and neighbours of a host.
    fn configure(&self, world: &mut World, id: HostId) {
        let host = &self.hosts[id.0];
        let links: Vec<_> = (0..host.ports.len()).map(|port| world.hosts()[id.0].link(port)).collect();
        let stack = world.stack(id);
        for (port, link) in host.ports.iter().zip(&links) {
            for cidr in &port.addresses {
                stack.add_address(*link, *cidr).expect("addresses were checked");
            }
        }
        for neighbour in &host.neighbours {
            stack.neighbour_set(links[neighbour.port], neighbour.addr, neighbour.mac).expect("fewer than the stack keeps");
        }
        for route in &host.routes {
            stack.add_route(route.to, route.gateway, links[route.port], 0).expect("gateways are on their links");
        }
        world.settle(id);
    }
}

fn config(host: &Host) -> Config {
    let mut config = Config::default();
    config.network.ipv4.forward = host.forward;
    config.network.ipv6.forwarding = host.forward;
    config.network.ipv6.link_defaults = LinkSettings::MANUAL;
    // A router of a described network has no reason to tell hosts of better ways: theirs are the shortest.
    config.network.ipv4.send_redirects = false;
    config.socket.rmem_max = RMEM_MAX;
    config.socket.wmem_max = WMEM_MAX;
    config
}

impl Change {
    /// Makes the change in the world, whose time has come to its moment.
    pub fn apply(&self, world: &mut World) {
        for action in &self.actions {
            match action {
                Action::Terms(pipe, terms) => world.set_terms(*pipe, (**terms).clone()),
                Action::Mtu { host, port, mtu } => {
                    let link = world.hosts()[host.0].link(*port);
                    // Whoever made the plan has checked the number.
                    let _ = world.stack(*host).set_mtu(link, *mtu);
                    world.settle(*host);
                }
            }
        }
        world.note(None, "link", &self.text);
    }
}

impl Port {
    /// The direction of the link that ends here.
    pub fn incoming(&self) -> PipeId {
        PipeId { wire: self.pipe.wire, end: 1 - self.pipe.end }
    }
}
