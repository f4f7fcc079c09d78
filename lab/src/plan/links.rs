//! Every link with its ends, and that they make a network.

use loggia_stack::link::Mac;

use super::planner::Planner;
use super::{Link, Port};
use crate::file::{self, Spanned};
use crate::observe::PipeId;
use crate::world::{End, Frames, HostId, SwitchId};

/// What a name of an end stands for.
enum Station {
    Hosts(Vec<HostId>),
    Switch(SwitchId),
}

impl<'a> Planner<'a> {
    pub(super) fn links(&mut self) {
        let description = self.description;
        for link in &description.links {
            let [Some(one), Some(other)] = link.ends.each_ref().map(|end| self.station(end)) else { continue };
            let counted = |end: &Spanned<String>| description.hosts.iter().any(|host| host.name == *end && host.count.is_some());
            match link.ends.each_ref().map(counted) {
                [true, true] => {
                    let message = format!("both ends of [link.{}] have a count", link.name.value);
                    self.errors.add(link.ends[1].span, message, "put a switch between them: a link from it to each");
                }
                [false, false] => self.one_link(link, link.name.value.clone(), [one.station(0), other.station(0)]),
                [many, _] => {
                    let copies = if many { one.len() } else { other.len() };
                    for copy in 0..copies {
                        self.one_link(
                            link,
                            format!("{}-{}", link.name.value, copy + 1),
                            [one.station(copy), other.station(copy)],
                        );
                    }
                }
            }
        }
    }

    fn station(&self, name: &str) -> Option<Station> {
        let switch = self.plan.switches.iter().position(|switch| switch == name);
        if let Some(number) = switch {
            return Some(Station::Switch(SwitchId(number)));
        }
        let hosts = self.hosts_named(name);
        (!hosts.is_empty()).then_some(Station::Hosts(hosts))
    }

    fn one_link(&mut self, link: &'a file::Link, name: String, stations: [End; 2]) {
        let number = self.plan.links.len();
        let mut ends = stations;
        for (which, end) in ends.iter_mut().enumerate() {
            let pipe = PipeId { wire: number, end: which };
            match end {
                End::Host { host, port } => *port = self.plug(*host, link.mtu.value, pipe),
                End::Switch { switch, port } => *port = self.taken(*switch),
            }
        }
        let (group, terms, must_fire) = (link.name.value.clone(), link.terms(), link.must_fire);
        self.plan.links.push(Link { name, group, ends, terms, must_fire });
        self.link_of.push(link);
    }

    /// A new interface of a host.
    fn plug(&mut self, host: HostId, mtu: u32, pipe: PipeId) -> usize {
        let ports = &mut self.plan.hosts[host.0].ports;
        let number = ports.len();
        let [_, _, h1, h2] = (host.0 as u32).to_be_bytes();
        let [_, _, p1, p2] = (number as u32).to_be_bytes();
        let mac = Mac([2, 0, h1, h2, p1, p2]);
        ports.push(Port { name: format!("eth{number}"), mac, mtu, frames: Frames::default(), addresses: Vec::new(), pipe });
        number
    }

    /// How many ports of a switch are taken.
    fn taken(&self, switch: SwitchId) -> usize {
        let ends = self.plan.links.iter().flat_map(|link| link.ends);
        ends.filter(|end| matches!(end, End::Switch { switch: other, .. } if *other == switch)).count()
    }

    /// Notes links between switches that close a loop: frames would go round for ever.
    pub(super) fn loops(&mut self) {
        let mut tree: Vec<usize> = (0..self.plan.switches.len()).collect();
        for (number, link) in self.plan.links.iter().enumerate() {
            let [End::Switch { switch: one, .. }, End::Switch { switch: other, .. }] = link.ends else { continue };
            let (one, other) = (root(&tree, one.0), root(&tree, other.0));
            if one == other {
                let message = format!("[link.{}] closes a loop of switches", link.name);
                self.errors.add(
                    self.link_of[number].name.span,
                    message,
                    "leave it out, or put a host with forward = true in between: switches are joined as a tree",
                );
            }
            tree[one] = other;
        }
    }

    /// Notes hosts and switches that nothing leads to.
    pub(super) fn unplugged(&mut self) {
        let alone = self.plan.hosts.len() == 1 && self.plan.links.is_empty();
        let named = |name: &str| self.description.links.iter().flat_map(|link| &link.ends).any(|end| end.value == name);
        for (number, host) in self.plan.hosts.iter().enumerate() {
            if host.ports.is_empty() && !alone && !named(&host.group) {
                let message = format!("host {:?} has no link", host.group);
                self.errors.add(self.host_of[number].name.span, message, "name it in the ends of a [link.NAME]");
            }
        }
        for number in 0..self.plan.switches.len() {
            if self.taken(SwitchId(number)) == 0 {
                let name = &self.description.switches[number].name;
                self.errors.add(
                    name.span,
                    format!("switch {:?} has no link", name.value),
                    "name it in the ends of a [link.NAME]",
                );
            }
        }
    }
}

impl Station {
    fn len(&self) -> usize {
        match self {
            Self::Hosts(hosts) => hosts.len(),
            Self::Switch(_) => 1,
        }
    }

    /// The end for a copy of the link: the host of that number, or the one that all copies share.
    fn station(&self, copy: usize) -> End {
        match self {
            Self::Hosts(hosts) => End::Host { host: hosts[copy.min(hosts.len() - 1)], port: 0 },
            Self::Switch(switch) => End::Switch { switch: *switch, port: 0 },
        }
    }
}

/// The root of a node in a forest of parents.
pub(super) fn root(parents: &[usize], mut node: usize) -> usize {
    while parents[node] != node {
        node = parents[node];
    }
    node
}
