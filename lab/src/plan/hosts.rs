//! Every host, and what of the machine leads to it.

use super::networks::Networks;
use super::planner::Planner;
use super::{Host, Published};
use crate::file::{self, members};
use crate::world::HostId;

impl Planner<'_> {
    pub(super) fn hosts(&mut self) {
        for host in &self.description.hosts {
            for name in members(host) {
                if host.uplink.is_some() {
                    self.plan.uplink = Some(HostId(self.plan.hosts.len()));
                }
                self.plan.hosts.push(Host {
                    name,
                    group: host.name.value.clone(),
                    names: host.names.iter().map(|name| name.value.clone()).collect(),
                    ports: Vec::new(),
                    routes: Vec::new(),
                    neighbours: Vec::new(),
                    forward: host.forward,
                });
                self.host_of.push(host);
            }
        }
    }

    pub(super) fn publish(&mut self, networks: &Networks) {
        for number in 0..self.host_of.len() {
            for publish in self.host_of[number].publish.clone() {
                let file::Publish { machine, machine_port, to, port, protocol } = publish.value;
                let named = to.as_ref().map(|name| self.hosts_named(name));
                let from = if named.is_some() { Some(HostId(number)) } else { self.plan.uplink };
                let to = named.map_or(Some(HostId(number)), |hosts| hosts.first().copied());
                let (Some(from), Some(to)) = (from, to) else { continue };
                if from != to && !self.reaches(from, to, networks) {
                    let name = |host: HostId| self.plan.hosts[host.0].name.clone();
                    let message = format!("no link leads from {:?} to {:?}", name(from), name(to));
                    self.errors.add(publish.span, message, "join them by links, switches or hosts with forward = true");
                }
                self.plan.publish.push(Published { machine, machine_port, protocol, from, to, port });
            }
        }
    }
}
