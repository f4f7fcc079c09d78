//! The keys of a program, in `[host.NAME]` or `[host.NAME.programs.PROGRAM]`.

use std::path::PathBuf;

use crate::file::node::{Node, NodeKind};
use crate::file::reader::{Fields, Reader, text_of};
use crate::file::schema;
use crate::file::source::Spanned;
use crate::file::{Command, Expect, Program, Ready, RestartWhen, one_of, words};

impl Reader<'_> {
    /// The program that a table states, if it states one.
    pub(super) fn program(&mut self, fields: &Fields<'_>, name: Option<Spanned<String>>) -> Option<Program> {
        let command = self.command(fields, name.is_some());
        self.not_for_built_in(fields, command.as_ref());
        let ready = self.ready(fields).or_else(|| self.server(command.as_ref()?));
        let (stop, restart) = (self.stop(fields), self.restart(fields));
        let expect = self.expect(fields).or_else(|| {
            let ends = self.ends_by_itself(command.as_ref()?) && stop.at.is_none() && restart.when != RestartWhen::Always;
            ends.then_some(Expect::Exit(0))
        });
        let program = Program {
            ready,
            after: self.texts(fields, "after").unwrap_or_default(),
            start: self.time(fields, "start").map(|start| start.value).unwrap_or_default(),
            stop,
            restart,
            expect,
            env: self.env(fields),
            cwd: self.path(fields, "cwd"),
            user: self.user(fields),
            stdin: self.path(fields, "stdin"),
            stdout: self.path(fields, "stdout"),
            stderr: self.path(fields, "stderr"),
            name,
            command: command?,
        };
        Some(program)
    }

    /// Notes what a built-in program would not look at: it is part of Loggia and no process.
    fn not_for_built_in(&mut self, fields: &Fields<'_>, command: Option<&Spanned<Command>>) {
        let Some(Command::BuiltIn { name, .. }) = command.map(|command| &command.value) else { return };
        let reasons = [
            ("stdin", "it reads no input: leave stdin out, or run a program of the machine"),
            ("env", "it reads no environment: say it in its arguments, or run a program of the machine"),
            ("user", "it is part of Loggia and runs as its user: leave user out, or run a program of the machine"),
        ];
        for (key, remedy) in reasons.into_iter().filter(|(key, _)| fields.has(key)) {
            self.errors.add(fields.place(key), format!("{key} has no effect on the built-in program {name:?}"), remedy);
        }
    }

    /// A built-in program that serves is ready when it listens.
    fn server(&self, command: &Spanned<Command>) -> Option<Spanned<Ready>> {
        match &command.value {
            Command::BuiltIn { name, .. } if self.around.servers.contains(&name.as_str()) => {
                Some(Spanned::new(Ready::Listen(Vec::new()), command.span))
            }
            _ => None,
        }
    }

    /// True for a built-in program that does not serve: it ends by itself, also if others wait for it to listen.
    fn ends_by_itself(&self, command: &Spanned<Command>) -> bool {
        matches!(&command.value, Command::BuiltIn { name, .. } if !self.around.servers.contains(&name.as_str()))
    }

    fn command(&mut self, fields: &Fields<'_>, required: bool) -> Option<Spanned<Command>> {
        match (fields.get("run"), fields.get("program")) {
            (Some(_), Some(node)) => {
                self.errors.add(
                    node.span,
                    format!("{} has both run and program", fields.title),
                    "state one of them; a second program is [host.NAME.programs.PROGRAM]",
                );
                None
            }
            (Some(node), None) => self.words(fields, "run", node).map(|words| words.map(Command::Run)),
            (None, Some(node)) => self.built_in(fields, node),
            (None, None) => {
                self.without_command(fields, required);
                None
            }
        }
    }

    fn without_command(&mut self, fields: &Fields<'_>, required: bool) {
        let of_programs = |key: &&Spanned<String>| schema::PROGRAM.key(key).is_some();
        if required {
            self.missing(fields, "run");
        } else if let Some(key) = fields.keys().find(of_programs) {
            self.errors.add(
                key.span,
                format!("{} says nothing: {} has no program", key.value, fields.title),
                "state run or program as well",
            );
        }
    }

    fn built_in(&mut self, fields: &Fields<'_>, node: &Node) -> Option<Spanned<Command>> {
        let Spanned { value: mut words, span } = self.words(fields, "program", node)?;
        let name = words.remove(0);
        let known = self.around.programs;
        if !known.contains(&name.as_str()) {
            let remedy = one_of("a program of the machine is `run`, a built-in one is one of", &name, known.iter().copied());
            self.errors.add(span, format!("there is no built-in program {name:?}"), remedy);
        }
        Some(Spanned::new(Command::BuiltIn { name, args: words }, span))
    }

    /// The words of a command: at least one, and the first says something.
    fn words(&mut self, fields: &Fields<'_>, name: &str, node: &Node) -> Option<Spanned<Vec<String>>> {
        let words = match &node.kind {
            NodeKind::Text(text) => match words::split(text) {
                Ok(words) => words,
                Err(wrong) => {
                    self.refuse(name, node, wrong);
                    return None;
                }
            },
            NodeKind::List(nodes) => match nodes.iter().map(text_of).collect::<Option<Vec<_>>>() {
                Some(words) => words.into_iter().map(|word| word.value).collect(),
                None => {
                    self.refuse_by_schema(fields, name, node);
                    return None;
                }
            },
            _ => Vec::new(),
        };
        if words.first().is_none_or(String::is_empty) || words.iter().any(|word| word.contains('\0')) {
            self.refuse_by_schema(fields, name, node);
            return None;
        }
        Some(Spanned::new(words, node.span))
    }

    fn env(&mut self, fields: &Fields<'_>) -> Vec<(String, String)> {
        let entries = fields.get("env").and_then(|node| self.table("env", node)).unwrap_or_default();
        let mut env = Vec::new();
        for entry in entries {
            let value = match &entry.node.kind {
                NodeKind::Text(text) if !text.contains('\0') => text.clone(),
                NodeKind::Whole(number) => number.to_string(),
                _ => {
                    self.refuse(&entry.key.value, &entry.node, "a variable of the environment is a text or a whole number");
                    continue;
                }
            };
            if entry.key.is_empty() || entry.key.contains(['=', '\0']) {
                self.errors.add(
                    entry.key.span,
                    format!("{:?} is no name of a variable", entry.key.value),
                    "a name is not empty and has no `=`",
                );
            }
            env.push((entry.key.value.clone(), value));
        }
        env
    }

    fn path(&mut self, fields: &Fields<'_>, name: &str) -> Option<Spanned<PathBuf>> {
        let path = self.text(fields, name)?;
        if path.is_empty() {
            self.errors.add(path.span, format!("{name} is empty"), "expected the name of a file or folder");
        }
        Some(path.map(PathBuf::from))
    }

    fn user(&mut self, fields: &Fields<'_>) -> Option<Spanned<String>> {
        let node = fields.get("user")?;
        match &node.kind {
            NodeKind::Whole(number) if *number >= 0 => Some(Spanned::new(number.to_string(), node.span)),
            NodeKind::Text(name) if name.is_empty() => {
                self.refuse_by_schema(fields, "user", node);
                None
            }
            _ => self.text(fields, "user"),
        }
    }
}
