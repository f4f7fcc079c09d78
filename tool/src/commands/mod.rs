//! The commands, a file each.

mod demo;
mod load;
mod manifest;
mod present;
mod replay;
mod run;
mod serve;
mod show;
mod test;
mod views;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::run::perform::Machine;

pub use load::{Lab, Refused};

/// Does what the command line says.
pub fn execute(cli: &Cli, machine: &mut Machine) -> Exit {
    let done = match &cli.command {
        Command::Run(run) => run::run(run, &cli.global, machine),
        Command::Demo(demo) => demo::demo(demo, &cli.global, machine),
        Command::Test(test) => test::test(test, &cli.global, machine),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Cli::command(), "loggia", &mut std::io::stdout());
            Ok(Exit::Held)
        }
        Command::Man => clap_mangen::Man::new(Cli::command())
            .render(&mut std::io::stdout())
            .map(|()| Exit::Held)
            .map_err(|error| Refused(error.to_string())),
        Command::Replay(replay) => replay::replay(replay, &cli.global, machine),
        Command::Diff(view) => views::diff(view, &cli.global),
        Command::Boundaries(view) => views::boundaries(view, &cli.global),
        Command::Ladder(view) => views::ladder(view, &cli.global),
        Command::Sockets(view) => views::sockets(view, &cli.global),
        Command::Why(view) => views::why(view, &cli.global),
        Command::Report(view) => views::report(view, &cli.global),
        Command::Serve(serve) => serve::serve(serve, &cli.global, machine),
    };
    done.unwrap_or_else(|Refused(message)| {
        eprintln!("{}", message.trim_end());
        Exit::Usage
    })
}
