//! The commands, a file each.

mod demo;
mod load;
mod man;
mod manifest;
mod outlets;
mod present;
mod replay;
mod run;
mod serve;
mod show;
mod test;
mod views;

use crate::cli::{self, Cli, Command, Global, seeded, unfit};
use crate::exit::Exit;
use crate::run::perform::Machine;

pub use load::{Lab, Refused};

/// Does what the command line says; `name` is that of the command. To be called before there is any thread.
pub fn execute(cli: &Cli, name: &str) -> Exit {
    let fits = unfit(name, &cli.global).map_or(Ok(()), |reason| Err(Refused(reason)));
    let seeded = fits.and_then(|()| seeded(name, &cli.global).map_err(Refused));
    let done = seeded.and_then(|global| perform(&cli.command, &global));
    done.unwrap_or_else(|Refused(message)| {
        eprintln!("{}", message.trim_end());
        Exit::Usage
    })
}

fn perform(command: &Command, global: &Global) -> Result<Exit, Refused> {
    match command {
        Command::Run(run) => on_machine(|machine| run::run(run, global, machine)),
        Command::Demo(demo) => on_machine(|machine| demo::demo(demo, global, machine)),
        Command::Test(test) => on_machine(|machine| test::test(test, global, machine)),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut cli::command(), "loggia", &mut text);
            print!("{}", String::from_utf8_lossy(&text));
            Ok(Exit::Held)
        }
        Command::Man { command } => man::man(command.as_deref()),
        Command::Sweep(_) => Err(later("sweep", "loggia test DIR --repeat N runs many seeds")),
        Command::View(_) => Err(later("view", "loggia ladder, boundaries, why and sockets show a run as text")),
        Command::Attach(_) => Err(later("attach", "loggia run --uplink and --publish reach this machine's network")),
        Command::Replay(replay) => on_machine(|machine| replay::replay(replay, global, machine)),
        Command::Diff(view) => views::diff(view, global),
        Command::Boundaries(view) => views::boundaries(view, global),
        Command::Ladder(view) => views::ladder(view, global),
        Command::Sockets(view) => views::sockets(view, global),
        Command::Why(view) => views::why(view, global),
        Command::Report(view) => views::report(view, global),
        Command::Serve(serve) => on_machine(|machine| serve::serve(serve, global, machine)),
    }
}

/// What is said of a command that is planned and not there yet, and what there is meanwhile.
fn later(command: &str, meanwhile: &str) -> Refused {
    Refused(format!("loggia {command} is not built yet; meanwhile, {meanwhile}"))
}

/// Does what runs programs or waits for signals. Whatever else there is to do ends by Ctrl-C as any program does.
fn on_machine(work: impl FnOnce(&mut Machine) -> Result<Exit, Refused>) -> Result<Exit, Refused> {
    match Machine::start() {
        Ok(mut machine) => work(&mut machine),
        Err(error) => {
            eprintln!("loggia: cannot start: {error}");
            Ok(Exit::Fault)
        }
    }
}
