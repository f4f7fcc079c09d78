//! Every program, in an order in which each comes after those it waits for.

use super::Program;
use super::networks::Networks;
use super::planner::Planner;
use crate::file::{self, Expect, Ready, RestartWhen, Spanned};
use crate::world::HostId;

/// A program on one host, before it is known how many others it waits for.
struct Draft<'a> {
    name: String,
    host: HostId,
    program: &'a file::Program,
    /// The drafts it waits for, each with the place that says so.
    after: Vec<(usize, &'a Spanned<String>)>,
}

impl<'a> Planner<'a> {
    pub(super) fn programs(&mut self, networks: &Networks) {
        let mut drafts = self.drafts();
        for number in 0..drafts.len() {
            drafts[number].after = self.waits_for(&drafts, number, networks);
        }
        let Some(order) = self.order(&drafts) else { return };
        let mut places = vec![0; drafts.len()];
        order.iter().enumerate().for_each(|(place, draft)| places[*draft] = place);
        self.plan.programs = order.iter().map(|draft| drafts[*draft].program(&places)).collect();
    }

    fn drafts(&self) -> Vec<Draft<'a>> {
        let mut drafts = Vec::new();
        for (number, (host, file)) in self.plan.hosts.iter().zip(&self.host_of).enumerate() {
            for program in &file.programs {
                let name =
                    program.name.as_ref().map_or_else(|| host.name.clone(), |name| format!("{}.{}", host.name, name.value));
                drafts.push(Draft { name, host: HostId(number), program, after: Vec::new() });
            }
        }
        drafts
    }

    /// The programs that `after` of one means. A name of several hosts means them all.
    fn waits_for(&mut self, drafts: &[Draft<'a>], number: usize, networks: &Networks) -> Vec<(usize, &'a Spanned<String>)> {
        let Draft { host, program, .. } = &drafts[number];
        let mut waits = Vec::new();
        for name in &program.after {
            let (wanted, of_it) = name.split_once('.').map_or((name.as_str(), None), |(host, program)| (host, Some(program)));
            let hosts = self.hosts_named(wanted);
            let unreachable = hosts.iter().find(|other| !self.reaches(*host, **other, networks));
            if let Some(other) = unreachable {
                let (own, other) = (&self.plan.hosts[host.0].name, &self.plan.hosts[other.0].name);
                let message = format!("no link leads from {own:?} to {other:?}");
                self.errors.add(name.span, message, "join them by links, switches or hosts with forward = true");
            }
            let is_it = |draft: &Draft<'_>| {
                hosts.contains(&draft.host)
                    && of_it.is_none_or(|wanted| draft.program.name.as_ref().is_some_and(|name| name.value == wanted))
            };
            waits.extend((0..drafts.len()).filter(|other| is_it(&drafts[*other])).map(|other| (other, name)));
        }
        waits
    }

    /// The drafts, each after those it waits for, otherwise as in the file. Notes all that wait for each other.
    fn order(&mut self, drafts: &[Draft<'a>]) -> Option<Vec<usize>> {
        let mut order: Vec<usize> = Vec::new();
        let mut placed = vec![false; drafts.len()];
        let mut cycles = 0;
        while order.len() < drafts.len() {
            let before = order.len();
            for number in 0..drafts.len() {
                if !placed[number] && drafts[number].after.iter().all(|(other, _)| placed[*other]) {
                    placed[number] = true;
                    order.push(number);
                }
            }
            if order.len() == before {
                let way = cycle(drafts, &placed);
                self.tell_cycle(drafts, &way);
                cycles += 1;
                // As if they did not, so that others that do are found as well.
                way.iter().for_each(|(number, _)| placed[*number] = true);
                order.extend(way.iter().map(|(number, _)| *number));
            }
        }
        (cycles == 0).then_some(order)
    }

    fn tell_cycle(&mut self, drafts: &[Draft<'a>], way: &[(usize, &Spanned<String>)]) {
        let Some((first, said)) = way.first() else { return };
        let names: Vec<&str> = way.iter().map(|(number, _)| drafts[*number].name.as_str()).collect();
        let first = &drafts[*first].name;
        let message = match names.as_slice() {
            [one] => format!("{one} comes after itself"),
            _ => format!("these programs wait for each other: {} -> {first}", names.join(" -> ")),
        };
        self.errors.add(said.span, message, "leave one `after` out");
    }
}

/// Drafts of which each waits for the next and the last for the first, each with the place that says so; to be asked when everybody who is not
/// placed waits for somebody who is not either. Going on that way comes back.
fn cycle<'a>(drafts: &[Draft<'a>], placed: &[bool]) -> Vec<(usize, &'a Spanned<String>)> {
    let next = |number: usize| drafts[number].after.iter().find(|(other, _)| !placed[*other]).copied();
    let mut way: Vec<(usize, &Spanned<String>)> = Vec::new();
    let mut at = placed.iter().position(|placed| !placed).unwrap_or(0);
    while let Some((other, said)) = next(at) {
        if let Some(start) = way.iter().position(|(number, _)| *number == at) {
            return way.split_off(start);
        }
        way.push((at, said));
        at = other;
    }
    unreachable!("who waits for nobody is placed")
}

impl Draft<'_> {
    fn program(&self, places: &[usize]) -> Program {
        let file::Program { command, start, stop, restart, env, cwd, user, stdin, stdout, stderr, .. } = self.program.clone();
        let mut after: Vec<usize> = self.after.iter().map(|(other, _)| places[*other]).collect();
        after.sort_unstable();
        after.dedup();
        Program {
            name: self.name.clone(),
            host: self.host,
            command: command.value,
            ready: self.program.ready.as_ref().map_or(Ready::Started, |ready| ready.value.clone()),
            after,
            start,
            stop,
            restart,
            expect: self.expect(),
            env,
            cwd: cwd.map(|path| path.value),
            user: user.map(|user| user.value),
            stdin: stdin.map(|path| path.value),
            stdout: stdout.map(|path| path.value),
            stderr: stderr.map(|path| path.value),
        }
    }

    /// What is stated; otherwise what serves, is stopped or is always started again runs, and everything else ends well.
    fn expect(&self) -> Expect {
        let file::Program { ready, stop, restart, expect, .. } = self.program;
        let serves = matches!(ready.as_ref().map(|ready| &ready.value), Some(Ready::Listen(_)));
        let runs = serves || stop.at.is_some() || restart.when == RestartWhen::Always;
        expect.unwrap_or(if runs { Expect::Running } else { Expect::Exit(0) })
    }
}
