//! Programs that ship with Loggia: clients and servers of a lab that need nothing installed. They run on a host's sockets through crate
//! `loggia`, in real and in virtual time alike: they wait with [`loggia::time`], draw nothing at random and start no task that outlives
//! them.
//!
//! | module | what |
//! |---|---|
//! | [`web`], [`get`] | HTTP server and client |
//! | [`echo`], [`discard`], [`chargen`] | RFC 862, 863, 864 |
//! | [`bulk`], [`sink`], [`rr`] | many bytes one way; requests and responses |
//! | [`udp_send`], [`udp_sink`] | numbered datagrams |
//! | [`hear`], [`say`] | messages one can read |
//! | [`print`](mod@print), [`sleep`] | a line of text; the passing of time |
//! | [`ends`], [`service`], [`pattern`], [`times`], [`values`] | what they have in common |
//! | [`output`], [`failure`], [`misunderstood`] | what they say, and what is said of their arguments |
//! | [`stop`] | being told to end |

pub mod bulk;
pub mod chargen;
pub mod discard;
pub mod echo;
pub mod ends;
pub mod failure;
pub mod get;
pub mod hear;
pub mod misunderstood;
pub mod output;
pub mod pattern;
pub mod print;
pub mod rr;
pub mod say;
pub mod service;
pub mod sink;
pub mod sleep;
pub mod stop;
pub mod times;
pub mod udp_send;
pub mod udp_sink;
pub mod values;
pub mod web;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::SystemTime;

use clap::Parser;
use loggia::Host;

pub use failure::Failure;
pub use misunderstood::Misunderstood;
pub use output::Output;
pub use stop::{Stop, Stopper};

/// Where a program runs.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its host.
    pub host: Host,
    /// Its standard output and error.
    pub out: Output,
    /// Relative paths are relative to this.
    pub directory: PathBuf,
    /// What the clock on the wall showed at the epoch of the host's time.
    pub epoch: SystemTime,
    /// Whether it was told to end.
    pub stop: Stop,
}

/// A program that runs; gives its exit code.
pub type Running = Pin<Box<dyn Future<Output = u8> + Send>>;

/// A built-in program.
#[derive(Clone, Copy)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// True if it serves until it is stopped.
    pub serves: bool,
    /// What it takes.
    pub command: fn() -> clap::Command,
    /// Runs it with the arguments after its name. Exit codes: 0, 1 if it failed, 2 for arguments it does not understand.
    pub run: fn(Vec<String>, Setting) -> Running,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Program({})", self.name)
    }
}

impl Program {
    /// What it is for, in a line.
    pub fn about(&self) -> String {
        (self.command)().get_about().map(ToString::to_string).unwrap_or_default()
    }

    /// Whether it understands these arguments, as far as that is known before it runs.
    pub fn understands(&self, args: &[String]) -> Result<(), Misunderstood> {
        match (self.command)().no_binary_name(true).try_get_matches_from(args) {
            Err(error) if error.use_stderr() => Err(Misunderstood::of(&error)),
            _ => Ok(()),
        }
    }
}

/// All of them.
pub const ALL: &[Program] = &[
    web::PROGRAM,
    get::PROGRAM,
    echo::PROGRAM,
    discard::PROGRAM,
    chargen::PROGRAM,
    bulk::PROGRAM,
    sink::PROGRAM,
    rr::PROGRAM,
    udp_send::PROGRAM,
    udp_sink::PROGRAM,
    say::PROGRAM,
    hear::PROGRAM,
    print::PROGRAM,
    sleep::PROGRAM,
];

/// The program of this name.
pub fn by_name(name: &str) -> Option<&'static Program> {
    ALL.iter().find(|program| program.name == name)
}

/// Names of all, or of those that serve: constants for the readers of lab files.
const fn names<const N: usize>(only_servers: bool) -> [&'static str; N] {
    let mut names = [""; N];
    let (mut from, mut to) = (0, 0);
    while from < ALL.len() {
        if ALL[from].serves || !only_servers {
            names[to] = ALL[from].name;
            to += 1;
        }
        from += 1;
    }
    names
}

const fn servers() -> usize {
    let (mut at, mut count) = (0, 0);
    while at < ALL.len() {
        count += ALL[at].serves as usize;
        at += 1;
    }
    count
}

/// Names of all.
pub const NAMES: &[&str] = &names::<{ ALL.len() }>(false);
/// Names of those that serve until they are stopped.
pub const SERVERS: &[&str] = &names::<{ servers() }>(true);

/// Reads the arguments and runs the program.
fn start<A: Parser, F: Future<Output = Result<(), Failure>> + Send + 'static>(
    args: Vec<String>,
    setting: Setting,
    run: impl FnOnce(A, Setting) -> F,
) -> Running {
    let command = A::command().no_binary_name(true);
    let parsed = command.try_get_matches_from(args).and_then(|matches| A::from_arg_matches(&matches));
    match parsed {
        Ok(args) => {
            let out = setting.out.clone();
            let name = A::command().get_name().to_owned();
            let running = run(args, setting);
            Box::pin(async move {
                match running.await {
                    Ok(()) => 0,
                    Err(failure) => {
                        out.error(&format!("{name}: {failure}"));
                        1
                    }
                }
            })
        }
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            let text = error.render().to_string();
            if code == 2 {
                setting.out.error(text.trim_end());
            } else {
                setting.out.line(text.trim_end());
            }
            Box::pin(std::future::ready(code))
        }
    }
}
