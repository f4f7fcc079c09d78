//! Prints a line.

use clap::{CommandFactory, Parser};

use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "print", serves: false, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Prints its arguments and ends.
#[derive(Parser, Debug)]
#[command(name = "print")]
struct Args {
    /// What to print.
    words: Vec<String>,
    /// Print to standard error.
    #[arg(long)]
    error: bool,
    /// End with a failure.
    #[arg(long)]
    fail: bool,
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    let text = args.words.join(" ");
    if args.error {
        setting.out.error(&text);
    } else {
        setting.out.line(&text);
    }
    if args.fail { Err(Failure("told to fail".into())) } else { Ok(()) }
}
