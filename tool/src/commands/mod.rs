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

use crate::cli::{self, Cli, Command, unfit};
use crate::exit::Exit;
use crate::run::perform::Machine;

pub use load::{Lab, Refused};

/// Does what the command line says; `name` is that of the command. To be called before there is any thread.
pub fn execute(cli: &Cli, name: &str) -> Exit {
    let global = &cli.global;
    let fits = unfit(name, global).map_or(Ok(()), |reason| Err(Refused(reason)));
    let done = fits.and_then(|()| match &cli.command {
        Command::Run(run) => on_machine(|machine| run::run(run, global, machine)),
        Command::Demo(demo) => on_machine(|machine| demo::demo(demo, global, machine)),
        Command::Test(test) => on_machine(|machine| test::test(test, global, machine)),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut cli::command(), "loggia", &mut text);
            print!("{}", String::from_utf8_lossy(&text));
            Ok(Exit::Held)
        }
        Command::Man { command } => man(command.as_deref()),
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
    });
    done.unwrap_or_else(|Refused(message)| {
        eprintln!("{}", message.trim_end());
        Exit::Usage
    })
}

/// The manual page of the program, or of one of its commands.
fn man(command: Option<&str>) -> Result<Exit, Refused> {
    let all = cli::command();
    let page = match command {
        None => all,
        Some(name) => {
            let found = all.get_subcommands().find(|command| command.get_name() == name && !command.is_hide_set());
            let found = found.ok_or_else(|| Refused(format!("there is no command {name:?}; loggia --help lists them")))?;
            found.clone()
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(Refused::of)?;
    print!("{}", String::from_utf8_lossy(&text));
    Ok(Exit::Held)
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
