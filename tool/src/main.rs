//! The program `loggia`.

use std::process::ExitCode;

use clap::Parser as _;
use loggia_cli::cli::Cli;
use loggia_cli::commands::execute;

fn main() -> ExitCode {
    ExitCode::from(execute(&Cli::parse()).code())
}
