//! What a description names must be there, and once only.

use std::collections::{HashMap, HashSet};

use super::description::{Description, Host, LinksOf, Program, What};
use super::errors::Errors;
use super::glob::glob;
use super::one_of;
use super::source::{Span, Spanned};

/// Names of hosts that came of one of the file: `client-1`, `client-2`, or the plain one.
pub(crate) fn members(host: &Host) -> Vec<String> {
    match &host.count {
        None => vec![host.name.value.clone()],
        Some(count) => (1..=count.value).map(|number| format!("{}-{number}", host.name.value)).collect(),
    }
}

impl Description {
    /// What the file says about a program of the [plan](crate::plan::Program::name): `server`, `client-2`, `server.db`. Its places are those
    /// that [errors](Errors::add) about it should show.
    pub fn program(&self, name: &str) -> Option<&Program> {
        let (host, program) = name.split_once('.').map_or((name, None), |(host, program)| (host, Some(program)));
        let host = self.hosts.iter().find(|known| members(known).iter().any(|member| member == host))?;
        host.programs.iter().find(|known| known.name.as_ref().map(|name| name.as_str()) == program)
    }
}

/// Notes whatever is named but not there, or there twice.
pub(super) fn check(description: &Description, declared: &[String], errors: &mut Errors) {
    let complete = errors.problems().is_empty();
    let mut names = Names { description, errors, links: Vec::new(), hosts: Vec::new() };
    names.collect(declared);
    names.once();
    names.ends();
    names.addresses();
    names.published();
    names.changes();
    names.starts();
    names.checks();
    if complete {
        names.after();
        names.something_runs();
    }
}

struct Names<'a> {
    description: &'a Description,
    errors: &'a mut Errors,
    /// All names by which links can be meant.
    links: Vec<String>,
    /// All names by which hosts can be meant.
    hosts: Vec<String>,
}

impl Names<'_> {
    fn collect(&mut self, declared: &[String]) {
        self.links.extend_from_slice(declared);
        for link in &self.description.links {
            let counts = link.ends.iter().filter_map(|end| self.host(end)).filter_map(|host| host.count.as_ref());
            let copies: Vec<_> = counts.flat_map(|count| (1..=count.value).map(|n| format!("{}-{n}", link.name.value))).collect();
            self.links.extend(copies);
        }
        for host in &self.description.hosts {
            self.hosts.push(host.name.value.clone());
            if host.count.is_some() {
                self.hosts.extend(members(host));
            }
        }
    }

    fn host(&self, name: &str) -> Option<&Host> {
        self.description.hosts.iter().find(|host| host.name.value == name)
    }

    fn is_switch(&self, name: &str) -> bool {
        self.description.switches.iter().any(|switch| switch.name.value == name)
    }

    /// Hosts, switches and further names are names of one kind, links of another.
    fn once(&mut self) {
        let description = self.description;
        let mut stations: Vec<(String, Span, &str)> = Vec::new();
        for host in &description.hosts {
            stations.push((host.name.value.clone(), host.name.span, "a host"));
            stations.extend(host.names.iter().map(|name| (name.to_lowercase(), name.span, "a further name of a host")));
            if host.count.is_some() {
                stations.extend(members(host).into_iter().map(|name| (name, host.name.span, "a host that came of a count")));
            }
        }
        stations.extend(description.switches.iter().map(|switch| (switch.name.value.clone(), switch.name.span, "a switch")));
        self.twice(&stations);
        let mut links: Vec<(String, Span, &str)> =
            description.links.iter().map(|link| (link.name.value.clone(), link.name.span, "a link")).collect();
        for (link, copies) in description.links.iter().map(|link| (link, format!("{}-", link.name.value))) {
            let many = link.ends.iter().any(|end| self.host(end).is_some_and(|host| host.count.is_some()));
            let copy = |name: &&String| {
                many && name.strip_prefix(&copies).is_some_and(|rest| rest.parse::<u32>().is_ok_and(|n| n.to_string() == rest))
            };
            let clash = description.links.iter().map(|link| &link.name.value).find(copy);
            links.extend(clash.map(|name| (name.clone(), link.name.span, "a link that came of a count")));
        }
        self.twice(&links);
    }

    fn twice(&mut self, all: &[(String, Span, &str)]) {
        let mut seen: HashMap<&str, &str> = HashMap::new();
        for (name, span, what) in all {
            if let Some(first) = seen.insert(name, what) {
                let message = if first == *what {
                    format!("{name:?} is {first} twice")
                } else {
                    format!("{name:?} is both {first} and {what}")
                };
                self.errors.add(*span, message, "expected a name of its own for each");
            }
        }
    }

    fn ends(&mut self) {
        for end in self.description.links.iter().flat_map(|link| &link.ends) {
            if self.host(end).is_none() && !self.is_switch(end) {
                let description = self.description;
                let hosts = description.hosts.iter().map(|host| host.name.as_str());
                let known = hosts.chain(description.switches.iter().map(|switch| switch.name.as_str()));
                let remedy = format!("add [host.{}]; {}", end.value, one_of("or name one of", end, known));
                self.errors.add(end.span, format!("there is no host or switch {:?}", end.value), remedy);
            }
        }
    }

    fn addresses(&mut self) {
        let description = self.description;
        for host in &description.hosts {
            for address in &host.addresses {
                let Some(link) = &address.link else { continue };
                let of_host = |link: &&super::Link| link.ends.iter().any(|end| end.value == host.name.value);
                let own: Vec<_> = description.links.iter().filter(of_host).map(|link| link.name.as_str()).collect();
                if !own.contains(&link.as_str()) {
                    let remedy = one_of("expected one of", link, own.iter().copied());
                    self.errors.add(link.span, format!("host {:?} has no link {:?}", host.name.value, link.value), remedy);
                }
            }
        }
    }

    fn published(&mut self) {
        let description = self.description;
        let mut uplinks = description.hosts.iter().filter_map(|host| Some((&host.name, host.uplink.as_ref()?)));
        let first = uplinks.next();
        for (name, uplink) in uplinks {
            let message = format!("{:?} is one uplink too many", name.value);
            self.errors.add(
                uplink.span,
                message,
                format!("one host stands for the machine, and {:?} does", first.map_or("", |(first, _)| first.as_str())),
            );
        }
        let mut taken = HashSet::new();
        for host in &description.hosts {
            for publish in &host.publish {
                let socket = (publish.machine, publish.machine_port, publish.protocol);
                let copies = host.count.as_ref().map_or(1, |count| count.value);
                if publish.machine_port != 0 && (!taken.insert(socket) || copies > 1) {
                    let message = format!(
                        "port {}/{} of {} is published twice",
                        publish.machine_port,
                        publish.protocol.name(),
                        publish.machine
                    );
                    self.errors.add(
                        publish.span,
                        message,
                        "expected another port of the machine for each, or 0 for any free one",
                    );
                }
                match &publish.to {
                    Some(to) => self.single(&Spanned::new(to.clone(), publish.span)),
                    None if first.is_none() => {
                        let message = format!("host {:?} publishes a port, and no host stands for the machine", host.name.value);
                        let remedy = format!(
                            "let a host open the connections: [host.client] publish = [\"{}:{}:{}\"], or give one uplink = true",
                            publish.machine_port, host.name.value, publish.port
                        );
                        self.errors.add(publish.span, message, remedy);
                    }
                    None => {}
                }
            }
        }
    }

    /// Notes a name that is not that of exactly one host.
    fn single(&mut self, name: &Spanned<String>) {
        self.known_host(name);
        if let Some(count) = self.host(name).and_then(|host| host.count.as_ref()).map(|count| count.value) {
            let remedy = format!("expected one of them: \"{}-1\"", name.value);
            self.errors.add(name.span, format!("{:?} is {count} hosts", name.value), remedy);
        }
    }

    fn known_host(&mut self, name: &Spanned<String>) {
        if !self.hosts.contains(&name.value) {
            let remedy = one_of("expected one of", name, self.declared_hosts());
            self.errors.add(name.span, format!("there is no host {:?}", name.value), remedy);
        }
    }

    fn declared_hosts(&self) -> impl Iterator<Item = &str> {
        self.description.hosts.iter().map(|host| host.name.as_str())
    }

    fn known_link(&mut self, name: &str, span: Span) {
        if !self.links.iter().any(|known| known == name) {
            let remedy = one_of("expected one of", name, self.links.iter().map(String::as_str));
            self.errors.add(span, format!("there is no link {name:?}"), remedy);
        }
    }

    fn changes(&mut self) {
        let description = self.description;
        for change in &description.changes {
            if change.at.value >= description.deadline {
                let deadline = super::show(description.deadline.as_secs_f64(), super::Unit::Time);
                self.errors.add(
                    change.at.span,
                    "this change never happens",
                    format!("the run ends at {deadline}: state an earlier t or a later deadline"),
                );
            }
            match &change.what {
                What::Links { of, .. } => {
                    for of in of {
                        match &of.value {
                            LinksOf::Link(name) => self.known_link(name, of.span),
                            LinksOf::Host(name) => self.known_host(&Spanned::new(name.clone(), of.span)),
                        }
                    }
                }
                What::Partition(groups) => self.partition(groups),
            }
        }
    }

    /// Notes programs that would start or be stopped when the run is over.
    fn starts(&mut self) {
        let description = self.description;
        // No deadline at all was refused already.
        let programs = description.hosts.iter().flat_map(|host| &host.programs).filter(|_| !description.deadline.is_zero());
        for program in programs {
            let start = Some(program.start).filter(|start| *start >= description.deadline);
            let stop = program.stop.at.filter(|at| *at >= description.deadline);
            for (at, what) in [(start, "never starts"), (stop, "is never stopped")] {
                let Some(at) = at else { continue };
                let [at, deadline] = [at, description.deadline].map(|time| super::show(time.as_secs_f64(), super::Unit::Time));
                self.errors.add(
                    program.command.span,
                    format!("this program {what}: {at} is not before the end"),
                    format!("the run ends at {deadline}: state an earlier moment or a later deadline"),
                );
            }
        }
    }

    fn partition(&mut self, groups: &[Vec<Spanned<String>>]) {
        let mut seen = HashSet::new();
        for name in groups.iter().flatten() {
            if !self.is_switch(name) {
                self.known_host(name);
            }
            if !seen.insert(name.as_str()) {
                self.errors.add(name.span, format!("{:?} is in a partition twice", name.value), "expected it in one group");
            }
        }
    }

    fn checks(&mut self) {
        let description = self.description;
        for check in &description.checks {
            let mut parts = check.metric.split('.');
            if let (Some("link"), Some(link), Some(_)) = (parts.next(), parts.next(), parts.next()) {
                self.known_link(link, check.metric.span);
            }
            for (label, pattern) in &check.filter {
                let known = match label.as_str() {
                    "host" => &self.hosts,
                    "link" => &self.links,
                    _ => continue,
                };
                if !known.iter().any(|name| glob(pattern, name)) {
                    let message = format!("no {} is called {:?}", label.value, pattern.value);
                    let remedy = one_of("expected a pattern for one of", pattern, known.iter().map(String::as_str));
                    self.errors.add(pattern.span, message, remedy);
                }
            }
        }
    }

    fn after(&mut self) {
        let programs = self.description.hosts.iter().flat_map(|host| &host.programs);
        let names: Vec<_> = programs.flat_map(|program| program.after.clone()).collect();
        for name in names {
            let (host, program) = name.split_once('.').map_or((name.as_str(), None), |(host, program)| (host, Some(program)));
            let of = self
                .description
                .hosts
                .iter()
                .find(|known| known.name.value == host || members(known).iter().any(|member| member == host));
            let Some(of) = of else {
                let name = Spanned::new(host.to_owned(), name.span);
                self.known_host(&name);
                continue;
            };
            let own: Vec<_> = of.programs.iter().filter_map(|program| program.name.as_ref()).map(|name| name.as_str()).collect();
            match program {
                Some(program) if !own.contains(&program) => {
                    let remedy = one_of("expected one of", program, own.iter().copied());
                    self.errors.add(name.span, format!("host {host:?} has no program {program:?}"), remedy);
                }
                None if of.programs.is_empty() => {
                    self.errors.add(
                        name.span,
                        format!("host {host:?} has no program to wait for"),
                        "give it run or program, or do not wait for it",
                    );
                }
                _ => {}
            }
        }
    }

    fn something_runs(&mut self) {
        let description = self.description;
        if description.hosts.iter().all(|host| host.programs.is_empty()) {
            let at = description.hosts.first().map_or(Span::default(), |host| host.name.span);
            let message = if description.hosts.is_empty() { "the lab has no host" } else { "the lab has no program" };
            self.errors.add(at, message, "nothing would run: state a host with run = [\"./server\"] or program = [\"web\"]");
        }
    }
}
