//! The program `loggia`.

use std::process::ExitCode;

use clap::Parser as _;
use loggia_cli::cli::Cli;
use loggia_cli::commands::execute;
use loggia_cli::exit::Exit;
use loggia_cli::run::perform::Machine;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // First of all: from here on there may be threads.
    let exit = match Machine::start() {
        Ok(mut machine) => execute(&cli, &mut machine),
        Err(error) => {
            eprintln!("loggia: cannot start: {error}");
            Exit::Fault
        }
    };
    ExitCode::from(exit.code())
}
