//! What can be said on the command line.
//!
//! Each command is a file in [`crate::commands`]; here is only what they take. Man page and completions are generated from this.

mod dashes;
mod fitting;
mod publish;
mod seed;
mod snap;
mod terms;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use loggia_lab::record::Snap;

pub use dashes::{explain, forgotten_dashes};
pub use fitting::{command, unfit};
pub use seed::seeded;
pub use terms::LinkTerms;

/// Runs unmodified clients and servers on a described network, without root.
#[derive(Parser, Debug)]
#[command(name = "loggia", version, max_term_width = 110, disable_help_subcommand = true, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all held · 1 a check or an expected state failed · 2 usage or file error · 3 inconclusive ·
4 a program used something Loggia cannot carry · 125 Loggia's own fault · 126/127 cannot execute / not found ·
130 interrupted. `loggia run -- COMMAND` passes the command's own exit code through.";

/// What holds for every command.
#[derive(Args, Debug, Clone, Default)]
pub struct Global {
    /// The seed of everything random; otherwise that of LOGGIA_SEED, else the lab file's, else 1.
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Also writes every host's capture to DIR/HOST.pcapng.
    #[arg(long, global = true, value_name = "DIR")]
    pub pcap: Option<PathBuf>,
    /// How much of each packet captures keep: `all`, `headers`, or so many bytes.
    #[arg(long, global = true, value_name = "WHAT", value_parser = snap::snap)]
    pub snap: Option<Snap>,
    /// Prints the result as one JSON object on stdout.
    #[arg(long, global = true)]
    pub json: bool,
    /// Prints nothing but errors and what the programs print.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// How late one of a hundred moments may be before a run in real time says nothing.
    #[arg(long, global = true, value_name = "TIME", default_value = "20ms")]
    pub lag_limit: String,
    /// When to use colours.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

/// When to use colours.
#[derive(ValueEnum, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Runs a lab that ships inside the program and shows what happened; `demo list` names them.
    Demo(Demo),
    /// Runs a lab file, or one command on a host of its own.
    Run(Box<Run>),
    /// Runs every lab file below the given folders as a test.
    Test(Test),
    /// Runs a recorded lab again: the same file, the same seed.
    Replay(Replay),
    /// Says what differs between two runs, by event.
    Diff(Diff),
    /// Shows where the calls cut the stream and where the segments did.
    Boundaries(View),
    /// Shows the packets of a connection between its two ends, with their fates.
    Ladder(View),
    /// Lists the sockets of a run at its end.
    Sockets(Sockets),
    /// Explains where a connection's time went.
    Why(Why),
    /// Prints a run's result again.
    Report(Report),
    /// Serves a folder by HTTP on this machine's own sockets.
    Serve(Serve),
    /// Not built yet: seeds times parameters.
    #[command(hide = true)]
    Sweep(Later),
    /// Not built yet: the same in the browser.
    #[command(hide = true)]
    View(Later),
    /// Not built yet: the stack on a TUN or TAP device.
    #[command(hide = true)]
    Attach(Later),
    /// Prints shell completions.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
    /// Prints the manual page (roff), or that of a command.
    Man {
        /// Which command.
        command: Option<String>,
    },
}

/// Whatever is said to a command that is not built yet.
#[derive(Args, Debug)]
pub struct Later {
    /// Anything.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub rest: Vec<std::ffi::OsString>,
}

/// `loggia demo`
#[derive(Args, Debug)]
pub struct Demo {
    /// Which one; `list` lists them.
    #[arg(default_value = "web")]
    pub name: String,
    /// Keeps the run folder here.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Prints the lab file instead of running it: a beginning for one's own.
    #[arg(long)]
    pub show: bool,
}

/// `loggia run`
#[derive(Args, Debug)]
#[command(override_usage = "loggia run [OPTIONS] FILE.toml\n       loggia run [OPTIONS] -- COMMAND [ARG]...\n       \
                            loggia run [OPTIONS] --host NAME='COMMAND' --host NAME='COMMAND'...")]
pub struct Run {
    /// A lab file.
    #[arg(value_name = "FILE.toml", conflicts_with_all = ["command", "host"])]
    pub file: Option<PathBuf>,
    /// One program, unmodified, on a host of its own; its exit code is passed through.
    #[arg(last = true, value_name = "COMMAND", allow_hyphen_values = true)]
    pub command: Vec<String>,
    /// A host and its program; `NAME*3=…` makes three. The first is linked with each other one.
    #[arg(long, value_name = "NAME=COMMAND")]
    pub host: Vec<String>,
    /// A check, e.g. 'tcp.request p(99)<450ms'.
    #[arg(long, value_name = "CHECK")]
    pub check: Vec<String>,
    /// Lets the machine's clients reach the program: `8080:80`, `127.0.0.1:8080:80`, `5353:53/udp`.
    #[arg(long, short, value_name = "[ADDR:]PORT:PORT[/udp]", value_parser = publish::ports)]
    pub publish: Vec<String>,
    /// Lets the program reach the machine's network through the described link; the machine itself is `machine.internal`.
    #[arg(long)]
    pub uplink: bool,
    /// What the link does.
    #[command(flatten)]
    pub link: LinkTerms,
    /// How long it may take; then the run is inconclusive. A lab takes 60s at most if nothing is said, a COMMAND as long as it likes.
    #[arg(long, value_name = "TIME")]
    pub deadline: Option<String>,
    /// Keeps the run folder here (a lab file's goes to loggia-runs/NAME otherwise).
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Records nothing: no run folder.
    #[arg(long, conflicts_with = "out")]
    pub no_record: bool,
    /// Writes a JUnit report.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Runs twice and compares; the second run folder is beside the first, with the ending `.again`.
    #[arg(long, conflicts_with = "no_record")]
    pub verify: bool,
    /// Traps the data calls too, so that the size of each send and recv is known; slower.
    #[arg(long)]
    pub precise: bool,
}

/// `loggia test`
#[derive(Args, Debug)]
pub struct Test {
    /// Folders (searched for *.toml) and files.
    #[arg(required = true, value_name = "DIR")]
    pub paths: Vec<PathBuf>,
    /// Runs each with N seeds, counting from its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub repeat: u64,
    /// Writes a JUnit report.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Carries each send and recv by itself, in all labs; see `precise` in a lab file.
    #[arg(long)]
    pub precise: bool,
    /// Keeps the run folders of failing labs here.
    #[arg(long, value_name = "DIR", default_value = "loggia-runs")]
    pub out: PathBuf,
}

/// `loggia replay`
#[derive(Args, Debug)]
pub struct Replay {
    /// The run folder.
    pub run: PathBuf,
    /// Keeps the new run folder here; beside the old one otherwise.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `loggia diff`
#[derive(Args, Debug)]
pub struct Diff {
    /// A run folder.
    pub one: PathBuf,
    /// Another.
    pub other: PathBuf,
}

/// `loggia boundaries`, `loggia ladder`
#[derive(Args, Debug)]
pub struct View {
    /// The run folder.
    pub run: PathBuf,
    /// Which connection: its number, or a part of its name such as `client-1` or `:80`; otherwise the one that carried data, if it is
    /// the only one. `boundaries` shows all of them then.
    pub connection: Option<String>,
    /// About how many lines are shown of each.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub lines: usize,
}

/// `loggia sockets`
#[derive(Args, Debug)]
pub struct Sockets {
    /// The run folder; the latest below loggia-runs otherwise.
    pub run: Option<PathBuf>,
}

/// `loggia why`
#[derive(Args, Debug)]
pub struct Why {
    /// The run folder.
    pub run: PathBuf,
    /// Which connection: its number, or a part of its name such as `client-2` or `:80`; all, in short, otherwise.
    pub connection: Option<String>,
}

/// `loggia report`
#[derive(Args, Debug)]
pub struct Report {
    /// The run folder.
    pub run: PathBuf,
}

/// `loggia serve`
#[derive(Args, Debug)]
pub struct Serve {
    /// The folder.
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Where to listen.
    #[arg(long, short, value_name = "ADDR:PORT", default_value = "127.0.0.1:8000")]
    pub listen: String,
}
