//! What was still to come when the deadline came, in words.

use std::fmt::Write as _;

use loggia_lab::file::{Command, Expect, Protocol, Ready, Unit, show};
use loggia_lab::plan::Program;

use super::{Conductor, Part, Phase, Sight};

/// Where the machine's own choice of ports begins: who listens above is not known to be a server.
const EPHEMERAL: u16 = 32_768;

impl Conductor {
    /// Keeps for each program what it lacked; to be asked while nobody was stopped yet.
    pub(super) fn deadline_came(&mut self, sight: &dyn Sight) {
        for number in 0..self.parts.len() {
            let part = &self.parts[number];
            self.parts[number].at_deadline = match part.phase {
                Phase::Waiting => Some(format!("never started: {}", self.waits_for(part, sight))),
                Phase::Running => Some(format!("still running at the deadline{}", advice(&part.program, sight))),
                _ => None,
            };
        }
    }

    fn waits_for(&self, part: &Part, sight: &dyn Sight) -> String {
        let unready = part.program.after.iter().map(|other| &self.parts[*other]).filter(|other| !other.ready);
        let lacks: Vec<String> = unready.map(|other| lack(other, sight)).collect();
        if lacks.is_empty() {
            let start = show(part.program.start.as_secs_f64(), Unit::Time);
            return format!("it was to start at {start}, and the deadline came first");
        }
        lacks.join("; ")
    }
}

fn lack(other: &Part, sight: &dyn Sight) -> String {
    let name = &other.program.name;
    match (&other.program.ready, other.phase) {
        (_, Phase::Waiting) => format!("waits for {name}, which did not start either"),
        (Ready::Listen(ports), _) => {
            let mut text = format!("waits for {name}");
            if ports.is_empty() {
                text += " to listen";
            } else {
                let _ = write!(text, ": {}", named(ports));
            }
            let found = sight.listening(other.program.host);
            let found = if found.is_empty() { "nothing".into() } else { named(&found) };
            let _ = write!(text, "; {name} listens on {found}");
            text
        }
        (Ready::Exit(status), _) => format!("waits for {name} to end with exit status {status}"),
        (Ready::Started, _) => format!("waits for {name} to start"),
    }
}

/// A program that listens and is to end by itself is mostly a server of which nobody has said that it is one.
fn advice(program: &Program, sight: &dyn Sight) -> String {
    let ends = matches!(program.expect, Expect::Exit(_) | Expect::Exited);
    if !ends || matches!(program.ready, Ready::Listen(_)) || matches!(program.command, Command::BuiltIn { .. }) {
        return String::new();
    }
    let served = sight.listening(program.host).into_iter().find(|(_, port)| *port < EPHEMERAL);
    let Some(port) = served else { return String::new() };
    let port = named(&[port]);
    format!(
        "; it listens on {port}: if it is a server, write ready = {{ listen = \"{port}\" }} and expect = \"running\" in its lab file, or with \
         --host name its host in a client's command"
    )
}

fn named(ports: &[(Protocol, u16)]) -> String {
    ports.iter().map(|(protocol, port)| format!("{}/{port}", protocol.name())).collect::<Vec<_>>().join(", ")
}
