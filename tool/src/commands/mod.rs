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

use crate::cli::{Cli, Command, Global};
use crate::exit::Exit;
use crate::run::perform::Machine;

pub use load::{Lab, Refused};

/// Does what the command line says. To be called before there is any thread.
pub fn execute(cli: &Cli) -> Exit {
    let global = &cli.global;
    let done = fits(&cli.command, global).and_then(|()| match &cli.command {
        Command::Run(run) => on_machine(|machine| run::run(run, global, machine)),
        Command::Demo(demo) => on_machine(|machine| demo::demo(demo, global, machine)),
        Command::Test(test) => on_machine(|machine| test::test(test, global, machine)),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "loggia", &mut text);
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
    let mut all = Cli::command();
    all.build();
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

/// Options that hold for every command and mean nothing to this one are refused, not ignored.
fn fits(command: &Command, global: &Global) -> Result<(), Refused> {
    let runs = matches!(command, Command::Run(_) | Command::Demo(_) | Command::Test(_) | Command::Replay(_));
    let tells = runs || matches!(command, Command::Report(_) | Command::Sockets(_) | Command::Diff(_));
    let given = [
        ("pcap", global.pcap.is_some(), runs, "it is for commands that run something; a run folder has its captures in hosts/"),
        ("seed", global.seed.is_some(), runs, "it is for commands that run something"),
        ("json", global.json, tells, "what it shows is for people; machines read events.jsonl in the run folder"),
    ];
    match given.into_iter().find(|(_, given, fits, _)| *given && !fits) {
        Some((option, _, _, remedy)) => Err(Refused(format!("--{option} has no effect here: {remedy}"))),
        None => Ok(()),
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
