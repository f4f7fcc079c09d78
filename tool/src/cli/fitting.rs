//! Which options that hold for every command mean something to which.

use clap::CommandFactory as _;

use super::{Cli, Global};

/// Commands that run something.
const RUN: [&str; 4] = ["run", "demo", "test", "replay"];
/// Commands that have something to tell machines.
const TELL: [&str; 7] = ["run", "demo", "test", "replay", "report", "sockets", "diff"];

/// An option, the commands it is for, and what to do elsewhere.
struct Fitting {
    option: &'static str,
    commands: &'static [&'static str],
    remedy: &'static str,
}

const FITTINGS: [Fitting; 5] = [
    Fitting {
        option: "pcap",
        commands: &RUN,
        remedy: "it is for commands that run something; a run folder has its captures in hosts/",
    },
    Fitting { option: "snap", commands: &RUN, remedy: "it is for commands that run something" },
    Fitting { option: "seed", commands: &RUN, remedy: "it is for commands that run something" },
    Fitting {
        option: "json",
        commands: &TELL,
        remedy: "what it shows is for people; machines read events.jsonl in the run folder",
    },
    // It has a default: given in vain it is not told from not given.
    Fitting { option: "lag_limit", commands: &RUN, remedy: "" },
];

/// Options that mean nothing to a command are refused, not ignored: what is wrong with those that were given.
pub fn unfit(command: &str, global: &Global) -> Option<String> {
    let given = |option: &str| match option {
        "pcap" => global.pcap.is_some(),
        "snap" => global.snap.is_some(),
        "seed" => global.seed.is_some(),
        "json" => global.json,
        _ => false,
    };
    let unfit = FITTINGS.iter().find(|fitting| given(fitting.option) && !fitting.commands.contains(&command))?;
    Some(format!("--{} has no effect here: {}", unfit.option, unfit.remedy))
}

/// The command line as help, man pages and completions show it: each command with what it takes. Not to be parsed with: what is changed
/// after a command was built confuses `clap`'s parser.
pub fn command() -> clap::Command {
    let mut all = Cli::command();
    all.build();
    let names: Vec<String> = all.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        for fitting in FITTINGS.iter().filter(|fitting| !fitting.commands.contains(&name.as_str())) {
            all = all.mut_subcommand(&name, |command| command.mut_arg(fitting.option, |option| option.hide(true)));
        }
    }
    all
}
