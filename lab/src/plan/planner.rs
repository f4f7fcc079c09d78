//! A plan in the making.

use super::networks::Networks;
use super::{Link, Plan};
use crate::file::{self, Description, Errors};
use crate::world::{End, HostId};

/// A plan in the making, and what is wrong so far.
pub(super) struct Planner<'a> {
    pub(super) description: &'a Description,
    pub(super) errors: Errors,
    pub(super) plan: Plan,
    /// From which host of the description each host came.
    pub(super) host_of: Vec<&'a file::Host>,
    /// From which link of the description each link came.
    pub(super) link_of: Vec<&'a file::Link>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(description: &'a Description) -> Self {
        let plan = Plan {
            title: description.title.clone(),
            description: description.description.clone(),
            seed: description.seed,
            deadline: description.deadline,
            determinism: description.determinism,
            precise: description.precise,
            hosts: Vec::new(),
            switches: description.switches.iter().map(|switch| switch.name.value.clone()).collect(),
            links: Vec::new(),
            programs: Vec::new(),
            changes: Vec::new(),
            checks: description.checks.clone(),
            publish: Vec::new(),
            uplink: None,
        };
        let errors = Errors::new(description.source.clone());
        Self { description, errors, plan, host_of: Vec::new(), link_of: Vec::new() }
    }

    /// All steps, each on what the ones before have made; what is wrong is noted and the next step does what it can.
    pub(super) fn plan(mut self) -> Result<Plan, Errors> {
        self.hosts();
        self.links();
        self.loops();
        self.unplugged();
        let networks = Networks::of(&self.plan);
        self.addresses(&networks);
        self.changes();
        self.checks();
        self.frames(&networks);
        self.routes(&networks);
        self.neighbours(&networks);
        self.programs(&networks);
        self.publish(&networks);
        self.errors.or(self.plan)
    }

    /// Hosts that came of this one of the description, or the one of this name.
    pub(super) fn hosts_named(&self, name: &str) -> Vec<HostId> {
        self.plan.hosts_named(name)
    }
}

impl Link {
    /// The numbers of its ends that are interfaces of hosts.
    pub(super) fn host_ends(&self) -> impl Iterator<Item = (HostId, usize)> {
        self.ends.iter().filter_map(|end| match end {
            End::Host { host, port } => Some((*host, *port)),
            End::Switch { .. } => None,
        })
    }
}
