//! Lets time pass.

use std::time::Duration;

use clap::{CommandFactory, Parser};

use super::values::time;
use super::{Failure, Program, Setting, start};

/// Its entry.
pub const PROGRAM: Program =
    Program { name: "sleep", serves: false, command: Args::command, run: |args, setting| start(args, setting, run) };

/// Ends after a time.
#[derive(Parser, Debug)]
#[command(name = "sleep")]
struct Args {
    /// How long, e.g. 1.5s.
    #[arg(value_parser = time)]
    time: Duration,
}

async fn run(args: Args, setting: Setting) -> Result<(), Failure> {
    setting.stop.unless_told(loggia::time::sleep(&setting.host, args.time)).await;
    Ok(())
}
