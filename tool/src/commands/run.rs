//! `loggia run`

use std::fs;
use std::path::{Path, PathBuf};

use loggia_lab::file;
use loggia_lab::report::diff::Promise;

use super::load::{self, Lab, Refused};
use super::{outlets, show};
use crate::cli::{Global, Run};
use crate::exit::Exit;
use crate::process::Status;
use crate::progress::Progress;
use crate::run::conductor::Over;
use crate::run::perform::{Machine, Options, Outcome, perform};
use crate::run::place::Place;

/// A program in the foreground ends when it ends: a hundred years.
const FOR_EVER: std::time::Duration = std::time::Duration::from_secs(100 * 365 * 86_400);
/// What who cannot write a run folder can do without one.
const NO_RECORD: &str = ", or record nothing with --no-record";
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
    let useless = [("junit", run.junit.is_some()), ("verify", run.verify)];
    if let Some((option, _)) = useless.into_iter().find(|(_, given)| *given) {
        return Err(Refused(format!(
            "--{option} does not go with -- COMMAND: it passes its exit code through and has no verdict"
        )));
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
    lab.plan.precise |= run.precise;
    outlets::check(global, None)?;
    let recording = match (&run.out, &global.pcap) {
        (Some(out), _) => Recording::Kept(fresh(out, "")?),
        (None, Some(_)) => Recording::temporary()?,
        (None, None) => Recording::None,
    };
    let folder = recording.folder();
    outlets::snapped(global, folder.as_deref())?;
    let options = Options {
        seed: global.seed.unwrap_or(lab.plan.seed),
        place: Place::Terminal,
        folder: folder.clone(),
        snap: global.snap.unwrap_or_default(),
        echo: false,
        lag_limit: time(&global.lag_limit, "lag-limit")?,
        real: true,
        progress: Progress::hidden(),
    };
    let mut outcome = performed(&lab, &options, machine)?;
    if let Some(folder) = &folder {
        finish(&lab, &options, global, &mut outcome, folder);
    }
    show::warnings(&outcome, None);
    show::slow(&outcome);
    Ok(passed_through(&outcome, &lab, global))
}

/// The exit code of the one program.
fn passed_through(outcome: &Outcome, lab: &Lab, global: &Global) -> Exit {
    let Some(part) = outcome.parts.first() else { return Exit::Fault };
    if let Some((error, exit)) = &part.error {
        eprintln!("loggia: {error}");
        return *exit;
    }
    if outcome.over == Over::Deadline && outcome.refused.is_empty() {
        let deadline = file::show(lab.plan.deadline.as_secs_f64(), file::Unit::Time);
        eprintln!("loggia: {} was stopped by the deadline of {deadline}", part.command);
        return Exit::Inconclusive;
    }
    if let (Some(status @ Status::Signal { .. }), false) = (part.status, global.quiet) {
        eprintln!("loggia: {} was ended by {status}", part.command);
    }
    match part.status {
        _ if !outcome.refused.is_empty() => Exit::CannotCarry,
        Some(status @ (Status::Exit(_) | Status::Signal { .. })) => Exit::Program(status.code()),
        None => {
            eprintln!("loggia: how {} ended is not known: the process that watches it was killed", part.command);
            Exit::Fault
        }
    }
}

fn lab(run: &Run, global: &Global, machine: &mut Machine) -> Result<Exit, Refused> {
    let meant = |refused| meant_a_command(run, refused);
    fits(run).map_err(meant)?;
    let mut lab = match &run.file {
        Some(path) => load::from_file(path).map_err(meant)?,
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
    lab.plan.precise |= run.precise;
    outlets::check(global, run.junit.as_deref())?;
    let recording = match &run.out {
        _ if run.no_record && global.pcap.is_some() => Recording::temporary()?,
        _ if run.no_record => Recording::None,
        Some(out) => Recording::Kept(fresh(out, NO_RECORD)?),
        None => Recording::Kept(numbered(&lab.name, NO_RECORD)?),
    };
    let folder = recording.folder();
    outlets::snapped(global, folder.as_deref())?;
    let outcome = played(&lab, global, folder.clone(), machine)?;
    show::warnings(&outcome, None);
    show::outcome(&lab, &outcome, recording.kept(), global);
    let exit = outcome.exit();
    let reported = run.junit.as_deref().map_or(Ok(()), |path| super::test::junit(path, &[(lab.name.clone(), &outcome)], &[]));
    if let Err(Refused(message)) = reported {
        eprintln!("loggia: {message}");
        return Ok(Exit::Fault);
    }
    if run.verify {
        return verify(&lab, global, folder.as_deref(), &outcome, machine);
    }
    Ok(exit)
}

/// What is no lab file is mostly a command without its `--`.
fn meant_a_command(run: &Run, Refused(message): Refused) -> Refused {
    let hint = run.file.as_deref().and_then(crate::cli::forgotten_dashes);
    Refused(hint.map_or_else(|| message.clone(), |hint| format!("{message}\n  = {hint}")))
}

/// Options that would have no effect on what is run are refused.
fn fits(run: &Run) -> Result<(), Refused> {
    let link = run.link.pairs().first().map(|(option, _)| *option);
    let machine = [("publish", !run.publish.is_empty()), ("uplink", run.uplink)];
    let machine = machine.into_iter().find(|(_, given)| *given).map(|(option, _)| option);
    let refused = match (&run.file, link, machine) {
        (Some(_), Some("at"), _) => "--at does not go with a lab file: say it in [[at]]".into(),
        (Some(_), Some(option), _) => format!("--{option} does not go with a lab file: say it in [link.NAME]"),
        (Some(_), _, Some(option)) => format!("--{option} does not go with a lab file: say it in [host.NAME]"),
        (Some(_), ..) if !run.check.is_empty() => "--check does not go with a lab file: add a [[check]]".into(),
        (None, Some(option), _) if run.host.len() == 1 => {
            format!("--{option} has no effect: the first host is linked with each other one, and there is no other --host")
        }
        (None, _, Some(option)) if !run.host.is_empty() => {
            format!("--{option} is for -- COMMAND; for several hosts write a lab file with {option} in [host.NAME]")
        }
        _ => return Ok(()),
    };
    Err(Refused(refused))
}

/// Where a run is recorded.
enum Recording {
    /// Nowhere.
    None,
    /// In a folder that stays.
    Kept(PathBuf),
    /// In a folder that goes when the captures were copied from it.
    Temporary(PathBuf),
}

impl Recording {
    fn temporary() -> Result<Self, Refused> {
        let path = std::env::temp_dir().join(format!("loggia-run-{}", std::process::id()));
        fresh(&path, "").map(Self::Temporary)
    }

    fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::None => None,
            Self::Kept(folder) | Self::Temporary(folder) => Some(folder.clone()),
        }
    }

    fn kept(&self) -> Option<&Path> {
        match self {
            Self::Kept(folder) => Some(folder),
            Self::None | Self::Temporary(_) => None,
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Self::Temporary(folder) = self {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// Runs a lab and shows what came of it.
pub(super) fn recorded(lab: &Lab, global: &Global, folder: Option<PathBuf>, machine: &mut Machine) -> Result<Outcome, Refused> {
    let outcome = played(lab, global, folder.clone(), machine)?;
    show::warnings(&outcome, None);
    show::outcome(lab, &outcome, folder.as_deref(), global);
    Ok(outcome)
}

/// Runs a lab; shows what the programs say, and no more.
pub(super) fn played(lab: &Lab, global: &Global, folder: Option<PathBuf>, machine: &mut Machine) -> Result<Outcome, Refused> {
    let place = folder.clone().map_or(Place::Inherit, Place::Folder);
    let quiet = global.quiet || global.json;
    // Programs that write to the terminal themselves would write into the line.
    let progress = if quiet || folder.is_none() { Progress::hidden() } else { Progress::run(&lab.name, lab.plan.deadline) };
    let options = Options {
        seed: global.seed.unwrap_or(lab.plan.seed),
        place,
        folder: folder.clone(),
        snap: global.snap.unwrap_or_default(),
        echo: !quiet,
        lag_limit: time(&global.lag_limit, "lag-limit")?,
        real: false,
        progress,
    };
    if folder.is_none() {
        begin_outputs(lab)?;
    }
    let mut outcome = performed(lab, &options, machine)?;
    if let Some(folder) = &folder {
        finish(lab, &options, global, &mut outcome, folder);
    }
    Ok(outcome)
}

/// Without a run folder programs append to the files of the lab, which begin empty.
fn begin_outputs(lab: &Lab) -> Result<(), Refused> {
    for path in lab.plan.programs.iter().flat_map(|program| [&program.stdout, &program.stderr]).flatten() {
        fs::File::create(path).map_err(|error| Refused(format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

/// A second run of the same must give the same.
fn verify(lab: &Lab, global: &Global, first: Option<&Path>, outcome: &Outcome, machine: &mut Machine) -> Result<Exit, Refused> {
    let second = first.map(again).map(|path| fresh(&path, "")).transpose()?;
    let quiet = Global { quiet: true, ..global.clone() };
    let again = recorded(lab, &quiet, second.clone(), machine)?;
    let (Some(first), Some(second)) = (first, second) else {
        return Err(Refused("--verify compares run folders, and there are none".into()));
    };
    let promise = if outcome.level == "full" { Promise::All } else { Promise::Order };
    let same = super::views::compare(first, &second, promise, global)?;
    Ok(if same {
        outcome.exit()
    } else if outcome.exit() == Exit::Held {
        Exit::Failed
    } else {
        again.exit()
    })
}

/// Where the second run of `--verify` goes: beside the first.
fn again(first: &Path) -> PathBuf {
    let mut name = first.file_name().unwrap_or_default().to_owned();
    name.push(".again");
    first.with_file_name(name)
}

fn performed(lab: &Lab, options: &Options, machine: &mut Machine) -> Result<Outcome, Refused> {
    if let Some(folder) = &options.folder {
        super::manifest::begin(lab, options, folder).map_err(|error| Refused(format!("{}: {error}", folder.display())))?;
    }
    perform(&lab.plan, options, machine).map_err(|error| Refused(format!("loggia: {error}")))
}

/// What belongs in the run folder besides the record, and beside it. What cannot be written is a failure of the record.
fn finish(lab: &Lab, options: &Options, global: &Global, outcome: &mut Outcome, folder: &Path) {
    let whole = outcome.failures.len();
    // First what room was set aside for.
    if let Err(error) = super::manifest::finish(lab, options, outcome, folder) {
        outcome.failures.push(format!("{}: {error}", folder.display()));
    }
    if let Err(Refused(message)) = super::test::junit(&folder.join("junit.xml"), &[(lab.name.clone(), outcome)], &[]) {
        outcome.failures.push(message);
    }
    outcome.failures.extend(copy_outputs(lab, folder));
    if let Some(pcap) = &global.pcap
        && let Err(error) = super::manifest::copy_captures(folder, pcap)
    {
        outcome.failures.push(format!("{}: {error}", pcap.display()));
    }
    if outcome.failures.len() > whole {
        // It says what failed, if there is room for that.
        let _ = super::manifest::finish(lab, options, outcome, folder);
    }
}

/// Copies logs to the files that the lab names for them; what failed.
fn copy_outputs(lab: &Lab, folder: &Path) -> Vec<String> {
    let mut failures = Vec::new();
    for program in &lab.plan.programs {
        let host = &lab.plan.hosts[program.host.0].name;
        let logs = crate::run::place::logs(folder, host, &program.name);
        for (log, copy) in logs.iter().zip([&program.stdout, &program.stderr]) {
            if let Some(copy) = copy
                && let Err(error) = fs::copy(log, copy)
            {
                failures.push(format!("{}: {error}", copy.display()));
            }
        }
    }
    failures
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

/// A run folder that is empty, or a refusal. `or` is what else can be done than to choose another folder.
pub(super) fn fresh(path: &Path, or: &str) -> Result<PathBuf, Refused> {
    let refused = |error: std::io::Error| {
        Refused(format!("the run folder {} cannot be written: {error}; choose another with --out DIR{or}", path.display()))
    };
    fs::create_dir_all(path).map_err(refused)?;
    if fs::read_dir(path).map_err(refused)?.next().is_some() {
        let path = path.display();
        return Err(Refused(format!(
            "{path} is not empty, and no run overwrites another; choose another folder with --out DIR{or}"
        )));
    }
    outlets::folder(path).map_err(refused)?;
    Ok(path.into())
}

/// The next run folder of a lab: `loggia-runs/NAME-1`, `NAME-2`, ...
pub(super) fn numbered(name: &str, or: &str) -> Result<PathBuf, Refused> {
    let taken = |number: &u32| Path::new(RUNS).join(format!("{name}-{number}")).exists();
    let number = (1..u32::MAX).find(|number| !taken(number)).unwrap_or(u32::MAX);
    fresh(&Path::new(RUNS).join(format!("{name}-{number}")), or)
}
