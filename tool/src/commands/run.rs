//! `loggia run`

use std::fs;
use std::path::{Path, PathBuf};

use loggia_lab::file;

use super::load::{self, Lab, Refused};
use super::{present, show};
use crate::cli::{Global, Run};
use crate::exit::Exit;
use crate::process::Status;
use crate::run::perform::{Machine, Options, Outcome, perform};
use crate::run::place::Place;

/// A program in the foreground ends when it ends: a hundred years.
const FOR_EVER: std::time::Duration = std::time::Duration::from_secs(100 * 365 * 86_400);
/// Where run folders go if nothing is said.
pub(super) const RUNS: &str = "loggia-runs";

pub(super) fn run(run: &Run, global: &Global, machine: &mut Machine) -> Result<Exit, Refused> {
    if run.command.is_empty() { lab(run, global, machine) } else { command(run, global, machine) }
}

/// One program in the foreground; its exit code is passed through.
fn command(run: &Run, global: &Global, machine: &mut Machine) -> Result<Exit, Refused> {
    if let Some(option) = [("host", &run.host), ("check", &run.check)].into_iter().find(|(_, given)| !given.is_empty()) {
        return Err(Refused(format!("--{} does not go with -- COMMAND: its lab has one program", option.0)));
    }
    if global.json {
        return Err(Refused("--json does not go with -- COMMAND: what is printed is the command's own".into()));
    }
    if let (Some((option, _)), false, true) = (run.link.pairs().first(), run.uplink, run.publish.is_empty()) {
        return Err(Refused(format!("--{option} has no effect: nothing crosses the link; add --uplink or --publish PORT:PORT")));
    }
    let mut lab = load::from_options("command".into(), &options(run, global))?;
    if run.deadline.is_none() {
        lab.plan.deadline = FOR_EVER;
    }
    let folder = run.out.as_deref().map(fresh).transpose()?;
    let options = Options {
        seed: seed(global, &lab),
        place: Place::Terminal,
        folder: folder.clone(),
        echo: false,
        precise: run.precise,
        lag_limit: time(&global.lag_limit, "lag-limit")?,
        real: true,
    };
    let outcome = performed(&lab, &options, machine)?;
    show::warnings(&outcome);
    if let Some(folder) = &folder {
        finish(&lab, &options, global, &outcome, folder);
    }
    Ok(passed_through(&outcome))
}

/// The exit code of the one program.
fn passed_through(outcome: &Outcome) -> Exit {
    let Some(part) = outcome.parts.first() else { return Exit::Fault };
    if let Some((error, exit)) = &part.error {
        eprintln!("loggia: {error}");
        return *exit;
    }
    match part.status {
        _ if !outcome.refused.is_empty() => Exit::CannotCarry,
        Some(status @ (Status::Exit(_) | Status::Signal { .. })) => Exit::Program(status.code()),
        None => Exit::Fault,
    }
}

fn lab(run: &Run, global: &Global, machine: &mut Machine) -> Result<Exit, Refused> {
    let mut lab = match &run.file {
        Some(path) => {
            if let Some((option, _)) = run.link.pairs().first() {
                return Err(Refused(format!("--{option} does not go with a lab file: say it in [link.NAME]")));
            }
            load::from_file(path)?
        }
        None if run.host.is_empty() => {
            return Err(Refused(
                "nothing to run: give a lab file, or -- COMMAND, or --host NAME='COMMAND' (see loggia run --help)".into(),
            ));
        }
        None => load::from_options("hosts".into(), &options(run, global))?,
    };
    if let (Some(deadline), Some(_)) = (&run.deadline, &run.file) {
        lab.plan.deadline = time(deadline, "deadline")?;
    }
    present::check(&lab)?;
    let folder = match &run.out {
        _ if run.no_record => None,
        Some(out) => Some(fresh(out)?),
        None => Some(numbered(&lab.name)?),
    };
    let outcome = recorded(&lab, global, run.precise, folder.clone(), machine)?;
    let exit = outcome.exit();
    if let Some(path) = &run.junit {
        super::test::junit(path, &[(lab.name.clone(), &outcome)])?;
    }
    if run.verify {
        return verify(&lab, global, run.precise, folder.as_deref(), &outcome, machine);
    }
    Ok(exit)
}

/// Runs a lab and shows what came of it.
pub(super) fn recorded(
    lab: &Lab,
    global: &Global,
    precise: bool,
    folder: Option<PathBuf>,
    machine: &mut Machine,
) -> Result<Outcome, Refused> {
    let outcome = played(lab, global, precise, folder.clone(), machine)?;
    show::outcome(lab, &outcome, folder.as_deref(), global);
    Ok(outcome)
}

/// Runs a lab; shows what the programs say, and no more.
pub(super) fn played(
    lab: &Lab,
    global: &Global,
    precise: bool,
    folder: Option<PathBuf>,
    machine: &mut Machine,
) -> Result<Outcome, Refused> {
    let place = folder.clone().map_or(Place::Inherit, Place::Folder);
    let quiet = global.quiet || global.json;
    let options = Options {
        seed: seed(global, lab),
        place,
        folder: folder.clone(),
        echo: !quiet,
        precise,
        lag_limit: time(&global.lag_limit, "lag-limit")?,
        real: false,
    };
    let outcome = performed(lab, &options, machine)?;
    show::warnings(&outcome);
    if let Some(folder) = &folder {
        finish(lab, &options, global, &outcome, folder);
    }
    Ok(outcome)
}

/// A second run of the same must give the same.
fn verify(
    lab: &Lab,
    global: &Global,
    precise: bool,
    first: Option<&Path>,
    outcome: &Outcome,
    machine: &mut Machine,
) -> Result<Exit, Refused> {
    let second = first.map(|first| first.with_extension("again")).map(|path| fresh(&path)).transpose()?;
    let quiet = Global { quiet: true, ..global.clone() };
    let again = recorded(lab, &quiet, precise, second.clone(), machine)?;
    let (Some(first), Some(second)) = (first, second) else {
        return Err(Refused("--verify compares run folders: it does not go with --no-record".into()));
    };
    let same = super::views::compare(first, &second, outcome.level == "full", global)?;
    Ok(if same {
        outcome.exit()
    } else if outcome.exit() == Exit::Held {
        Exit::Failed
    } else {
        again.exit()
    })
}

fn performed(lab: &Lab, options: &Options, machine: &mut Machine) -> Result<Outcome, Refused> {
    perform(&lab.plan, options, machine).map_err(|error| Refused(format!("loggia: {error}")))
}

/// What belongs in the run folder besides the record.
fn finish(lab: &Lab, options: &Options, global: &Global, outcome: &Outcome, folder: &Path) {
    if let Err(error) = super::manifest::write(lab, options, outcome, folder) {
        eprintln!("loggia: {}: {error}", folder.display());
    }
    for program in &lab.plan.programs {
        let host = &lab.plan.hosts[program.host.0].name;
        let logs = crate::run::place::logs(folder, host, &program.name);
        for (log, copy) in logs.iter().zip([&program.stdout, &program.stderr]) {
            if let Some(copy) = copy
                && let Err(error) = fs::copy(log, copy)
            {
                eprintln!("loggia: {}: {error}", copy.display());
            }
        }
    }
    if let Some(pcap) = &global.pcap
        && let Err(error) = super::manifest::copy_captures(folder, pcap)
    {
        eprintln!("loggia: {}: {error}", pcap.display());
    }
}

fn seed(global: &Global, lab: &Lab) -> u64 {
    let from_environment = || std::env::var("LOGGIA_SEED").ok().and_then(|seed| seed.parse().ok());
    global.seed.or_else(from_environment).unwrap_or(lab.plan.seed)
}

/// A time as a lab file has it: `500ms`.
fn time(text: &str, option: &str) -> Result<std::time::Duration, Refused> {
    file::duration(text).map_err(|remedy| Refused(format!("--{option} {text}: {remedy}")))
}

fn options(run: &Run, global: &Global) -> file::Options {
    let mut given: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: &str| given.push((name.into(), value.into()));
    run.link.pairs().iter().for_each(|(name, value)| add(name, value));
    run.host.iter().for_each(|host| add("host", host));
    run.check.iter().for_each(|check| add("check", check));
    run.publish.iter().for_each(|publish| add("publish", publish));
    if run.uplink {
        add("uplink", "true");
    }
    if let Some(deadline) = &run.deadline {
        add("deadline", deadline);
    }
    if let Some(seed) = global.seed {
        add("seed", &seed.to_string());
    }
    file::Options { given, command: run.command.clone() }
}

/// A run folder that is empty, or a refusal.
pub(super) fn fresh(path: &Path) -> Result<PathBuf, Refused> {
    let refused = |error: std::io::Error| Refused(format!("{}: {error}; choose another --out", path.display()));
    fs::create_dir_all(path).map_err(refused)?;
    if fs::read_dir(path).map_err(refused)?.next().is_some() {
        return Err(Refused(format!("{} is not empty: no run overwrites another; choose another --out", path.display())));
    }
    // Whether it can be written is known only by writing.
    let probe = path.join(".probe");
    fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(refused)?;
    Ok(path.into())
}

/// The next run folder of a lab: `loggia-runs/NAME-1`, `NAME-2`, ...
pub(super) fn numbered(name: &str) -> Result<PathBuf, Refused> {
    let taken = |number: &u32| Path::new(RUNS).join(format!("{name}-{number}")).exists();
    let number = (1..u32::MAX).find(|number| !taken(number)).unwrap_or(u32::MAX);
    fresh(&Path::new(RUNS).join(format!("{name}-{number}")))
}
