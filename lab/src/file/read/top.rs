//! The whole file.

use loggia_stack::base::time::Duration;

use crate::file::node::{Entry, Node, NodeKind};
use crate::file::reader::{Fields, Reader};
use crate::file::schema::{SWITCH, TOP};
use crate::file::source::{Span, Spanned};
use crate::file::{Command, Description, Determinism, Host, Program, Switch};

impl Reader<'_> {
    /// Everything the file says; what is wrong is noted, and something harmless stands for it.
    pub(in crate::file) fn description(&mut self, root: &Node) -> Option<Description> {
        let top = self.fields(&TOP, "the file".into(), root)?;
        self.schema(&top);
        let hosts: Vec<Host> = self.named(&top, "host").into_iter().filter_map(|entry| self.host(entry)).collect();
        let determinism = self.determinism(&top);
        self.virtual_time(&top, determinism, &hosts);
        Some(Description {
            source: self.errors.source().clone(),
            seed: self.whole(&top, "seed", 0..=i64::MAX).map_or(1, |seed| seed.value as u64),
            deadline: self.deadline(&top),
            title: self.text(&top, "title").map(|title| title.value),
            description: self.text(&top, "description").map(|text| text.value),
            precise: self.truth(&top, "precise").is_some_and(|precise| precise.value),
            determinism,
            links: self.named(&top, "link").into_iter().filter_map(|entry| self.link(entry)).collect(),
            switches: self.named(&top, "switch").into_iter().filter_map(|entry| self.switch(entry)).collect(),
            hosts,
            changes: self.listed(&top, "at").iter().filter_map(|node| self.change(node)).collect(),
            checks: self.listed(&top, "check").iter().filter_map(|node| self.check(node)).collect(),
        })
    }

    fn schema(&mut self, top: &Fields<'_>) {
        if !top.has("schema") {
            self.errors.add(Span::default(), "the file lacks schema", "begin it with: schema = 1");
        }
        self.whole(top, "schema", 1..=1);
    }

    fn deadline(&mut self, top: &Fields<'_>) -> Duration {
        let deadline = self.time(top, "deadline");
        if let (Some(Spanned { value: Duration::ZERO, .. }), Some(node)) = (&deadline, top.get("deadline")) {
            self.refuse("deadline", node, "expected more than no time");
        }
        deadline.map_or(Duration::from_secs(60), |deadline| deadline.value)
    }

    fn determinism(&mut self, top: &Fields<'_>) -> Determinism {
        top.get("determinism").and_then(|node| self.choice("determinism", node, &Determinism::ALL)).unwrap_or_default()
    }

    /// Notes what keeps the time real although the file wants it decided by the seed.
    fn virtual_time(&mut self, top: &Fields<'_>, determinism: Determinism, hosts: &[Host]) {
        if determinism == Determinism::Net {
            return;
        }
        let foreign = |program: &&Program| matches!(program.command.value, Command::Run(_));
        let reason = hosts.iter().find_map(|host| match host.programs.iter().find(foreign) {
            Some(_) => Some(format!("a program of the machine runs on host {:?}", host.name.value)),
            None if host.uplink.as_ref().is_some_and(|uplink| uplink.value) => {
                Some(format!("host {:?} has an uplink to the machine", host.name.value))
            }
            None if !host.publish.is_empty() => Some(format!("host {:?} publishes ports on the machine", host.name.value)),
            None => None,
        });
        if let Some(reason) = reason {
            self.errors.add(
                top.place("determinism"),
                format!("determinism cannot be {:?}: {reason}, and its time is real", determinism.name()),
                "leave determinism out, or have built-in programs only, without uplink and publish",
            );
        }
    }

    fn switch(&mut self, entry: &Entry) -> Option<Switch> {
        self.fields(&SWITCH, format!("[switch.{}]", entry.key.value), &entry.node)?;
        Some(Switch { name: entry.key.clone() })
    }

    /// The tables `[WHAT.NAME]`; their names are checked.
    fn named<'n>(&mut self, top: &Fields<'n>, what: &str) -> Vec<&'n Entry> {
        let Some(node) = top.get(what) else { return Vec::new() };
        if matches!(node.kind, NodeKind::List(_)) {
            self.errors.add(node.span, format!("a {what} needs a name"), format!("write [{what}.NAME] instead of [[{what}]]"));
            return Vec::new();
        }
        let entries = self.table(&format!("[{what}]"), node).unwrap_or_default();
        // What has a wrong name is still there for those that name it.
        entries.iter().inspect(|entry| self.name(what, &entry.key)).collect()
    }

    /// Notes that a link, switch, host or program cannot be called this.
    pub(in crate::file) fn name(&mut self, what: &str, name: &Spanned<String>) {
        if let Some(wrong) = wrong_name(name) {
            let remedy = "letters a to z, digits and hyphens, at most 63, as in host names: \"server-1\"";
            self.errors.add(name.span, format!("{what} cannot be called {:?}: {wrong}", name.value), remedy);
        }
    }

    /// The tables `[[WHAT]]`.
    fn listed<'n>(&mut self, top: &Fields<'n>, what: &str) -> &'n [Node] {
        match top.get(what).map(|node| (node, &node.kind)) {
            None => &[],
            Some((_, NodeKind::List(nodes))) => nodes,
            Some((node, _)) => {
                self.errors.add(
                    node.span,
                    format!("{what} cannot be {}", node.shown()),
                    format!("write [[{what}]], with two brackets, for each"),
                );
                &[]
            }
        }
    }
}

/// Why something cannot have this name; names are DNS labels (RFC 1123 §2.1), so that hosts are found by them.
fn wrong_name(name: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    match name {
        "" => Some("it is empty"),
        "localhost" => Some("that is every host's own name"),
        _ if name.len() > 63 => Some("it is longer than 63"),
        _ if name.chars().any(|c| c.is_ascii_uppercase()) => Some("it has capitals"),
        _ if !name.chars().all(plain) => Some("it has other characters"),
        _ if name.starts_with('-') || name.ends_with('-') => Some("it begins or ends with a hyphen"),
        _ => None,
    }
}
