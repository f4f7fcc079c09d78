//! The program `loggia`.

use std::process::ExitCode;

use clap::Parser as _;
use loggia_cli::cli::{self, Cli};
use loggia_cli::commands::execute;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => ExitCode::from(execute(&cli).code()),
        Err(error) => unreadable(&error),
    }
}

/// What cannot be read is told, with what was probably meant.
fn unreadable(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    let words: Vec<String> = std::env::args().collect();
    if let (true, Some(hint)) = (error.use_stderr(), cli::explain(&words)) {
        eprintln!("\n  = {hint}");
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
