//! When a program is ready, how it is stopped and started again, and in which state it must be found.

use crate::file::node::{Node, NodeKind};
use crate::file::reader::{Fields, Reader, texts_of};
use crate::file::schema::{EXPECT, READY, RESTART, STOP};
use crate::file::signals::{self, signal_number};
use crate::file::source::Spanned;
use crate::file::{Expect, Protocol, Ready, Restart, RestartWhen, Stop};

const RESTARTS: [(&str, RestartWhen); 3] =
    [("never", RestartWhen::Never), ("on-failure", RestartWhen::OnFailure), ("always", RestartWhen::Always)];

const STATES: [(&str, Expect); 3] = [("running", Expect::Running), ("exited", Expect::Exited), ("any", Expect::Any)];

impl Reader<'_> {
    pub(super) fn ready(&mut self, fields: &Fields<'_>) -> Option<Spanned<Ready>> {
        let node = fields.get("ready")?;
        let ready = match &node.kind {
            NodeKind::Table(_) => {
                let table = self.fields(&READY, format!("ready of {}", fields.title), node)?;
                self.ready_of(&table, node)
            }
            NodeKind::Text(text) if text == "started" => Some(Ready::Started),
            NodeKind::Text(text) if text == "listen" => Some(Ready::Listen(Vec::new())),
            _ => {
                self.refuse(
                    &format!("ready of {}", fields.title),
                    node,
                    "expected \"started\", \"listen\" or a table: ready = { listen = \"tcp/8080\" }",
                );
                None
            }
        };
        ready.map(|ready| Spanned::new(ready, node.span))
    }

    fn ready_of(&mut self, table: &Fields<'_>, node: &Node) -> Option<Ready> {
        match (table.get("listen"), self.status(table)) {
            (Some(listen), None) if !table.has("exit") => self.ports(listen).map(Ready::Listen),
            (None, Some(status)) => Some(Ready::Exit(status)),
            (None, None) if table.has("exit") => None,
            _ => {
                self.refuse("ready", node, "expected one of listen and exit: ready = { listen = \"tcp/8080\" }");
                None
            }
        }
    }

    fn ports(&mut self, node: &Node) -> Option<Vec<(Protocol, u16)>> {
        let ports: Option<Vec<_>> = texts_of(node).and_then(|texts| texts.iter().map(|text| port(text)).collect());
        let ports = ports.filter(|ports| !ports.is_empty());
        if ports.is_none() {
            self.refuse("listen", node, "expected a port with its protocol, or a list of them: listen = \"tcp/8080\"");
        }
        ports
    }

    /// The exit status of a table.
    fn status(&mut self, table: &Fields<'_>) -> Option<i32> {
        self.whole(table, "exit", 0..=255).map(|status| status.value as i32)
    }

    fn signal(&mut self, node: &Node) -> Option<i32> {
        let name = match &node.kind {
            NodeKind::Text(name) => name.clone(),
            NodeKind::Whole(number) => number.to_string(),
            _ => String::new(),
        };
        let number = signal_number(&name);
        if number.is_none() {
            self.refuse("a signal", node, signals::remedy(&name));
        }
        number
    }

    pub(super) fn stop(&mut self, fields: &Fields<'_>) -> Stop {
        let default = Stop::default();
        let Some(node) = fields.get("stop") else { return default };
        let NodeKind::Table(_) = &node.kind else {
            return Stop { signal: self.signal(node).unwrap_or(default.signal), ..default };
        };
        let Some(table) = self.fields(&STOP, format!("stop of {}", fields.title), node) else { return default };
        Stop {
            signal: table.get("signal").and_then(|node| self.signal(node)).unwrap_or(default.signal),
            at: self.time(&table, "at").map(|at| at.value),
            grace: self.time(&table, "grace").map_or(default.grace, |grace| grace.value),
            exit: self.whole(&table, "exit", 0..=255).map(|status| status.value as i32),
        }
    }

    pub(super) fn restart(&mut self, fields: &Fields<'_>) -> Restart {
        let Some(node) = fields.get("restart") else { return Restart::default() };
        let NodeKind::Table(_) = &node.kind else {
            let when = self.choice("restart", node, &RESTARTS).unwrap_or_default();
            return Restart { when, ..Restart::default() };
        };
        let Some(table) = self.fields(&RESTART, format!("restart of {}", fields.title), node) else { return Restart::default() };
        if !table.has("when") {
            self.missing(&table, "when");
        }
        Restart {
            when: table.get("when").and_then(|node| self.choice("when", node, &RESTARTS)).unwrap_or_default(),
            delay: self.time(&table, "delay").map(|delay| delay.value).unwrap_or_default(),
            most: self.whole(&table, "most", 1..=1_000_000).map(|most| most.value as u32),
        }
    }

    pub(super) fn expect(&mut self, fields: &Fields<'_>) -> Option<Expect> {
        let node = fields.get("expect")?;
        let NodeKind::Table(_) = &node.kind else {
            if let NodeKind::Whole(status) = &node.kind {
                self.refuse("expect", node, format!("did you mean {{ exit = {status} }}?"));
                return None;
            }
            return self.choice("expect", node, &STATES);
        };
        let table = self.fields(&EXPECT, format!("expect of {}", fields.title), node)?;
        match (self.status(&table), table.get("signal")) {
            (Some(status), None) => Some(Expect::Exit(status)),
            (None, Some(node)) if !table.has("exit") => self.signal(node).map(Expect::Signal),
            (None, None) if table.has("exit") => None,
            _ => {
                self.refuse("expect", node, "expected one of exit and signal: expect = { exit = 0 }");
                None
            }
        }
    }
}

/// `tcp/8080`
fn port(text: &str) -> Option<(Protocol, u16)> {
    let (protocol, port) = text.split_once('/')?;
    let protocol = [Protocol::Tcp, Protocol::Udp].into_iter().find(|known| known.name() == protocol)?;
    port.parse().ok().filter(|port| *port != 0).map(|port| (protocol, port))
}
