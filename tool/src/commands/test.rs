//! `loggia test`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use loggia_lab::check::Verdict;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;

use super::load::{self, Lab, Refused};
use super::run::{fresh, played};
use super::{outlets, show};
use crate::cli::{Global, Test};
use crate::exit::Exit;
use crate::progress::Progress;
use crate::run::perform::{Machine, Outcome};

pub(super) fn test(test: &Test, global: &Global, machine: &mut Machine) -> Result<Exit, Refused> {
    let files = labs(&test.paths)?;
    if files.is_empty() {
        return Err(Refused("no lab files (*.toml) below the given folders".into()));
    }
    // All are read before any is run: a wrong file is told at once, and keeps no other from being run.
    let (mut labs, wrong) = read(&files);
    labs.iter_mut().for_each(|(lab, _)| lab.plan.precise |= test.precise);
    wrong.iter().for_each(|wrong| eprintln!("{}", wrong.message));
    outlets::check(global, test.junit.as_deref())?;
    let mut done: Vec<Done> = Vec::new();
    let shows = !global.quiet && !global.json;
    let progress = if shows { Progress::runs(labs.len() as u64 * test.repeat) } else { Progress::hidden() };
    for (lab, file, number) in labs.iter().flat_map(|(lab, file)| repeated(lab, file, test.repeat)) {
        let seed = global.seed.unwrap_or(lab.plan.seed).wrapping_add(number);
        let name = format!("{} seed {seed}", file.display());
        progress.next(&name);
        let run = one(lab, name, seed, test, global, machine)?;
        progress.above(|| told(&run, shows, global));
        progress.done();
        let interrupted = run.outcome.exit() == Exit::Interrupted;
        done.push(run);
        if interrupted {
            break;
        }
    }
    progress.clear();
    // What has been found is written on every end, an interruption too.
    let runs: Vec<_> = done.iter().map(|run| (run.name.clone(), &run.outcome)).collect();
    let reported = test.junit.as_deref().map_or(Ok(()), |path| junit(path, &runs, &wrong));
    summary(&done, &wrong, shows, global);
    if let Err(Refused(message)) = reported {
        eprintln!("loggia: {message}");
        return Ok(Exit::Fault);
    }
    let read = if wrong.is_empty() { Exit::Held } else { Exit::Usage };
    Ok(done.iter().map(|run| run.outcome.exit()).fold(read, worse))
}

/// A file that is no lab.
pub(super) struct Wrong {
    file: PathBuf,
    /// Why.
    message: String,
}

fn read(files: &[PathBuf]) -> (Vec<(Lab, &Path)>, Vec<Wrong>) {
    let (mut labs, mut wrong) = (Vec::new(), Vec::new());
    for file in files {
        match load::from_file(file) {
            Ok(lab) => labs.push((lab, file.as_path())),
            Err(Refused(message)) => wrong.push(Wrong { file: file.clone(), message }),
        }
    }
    (labs, wrong)
}

/// A run that is over.
struct Done {
    name: String,
    seed: u64,
    outcome: Outcome,
    /// Kept if it did not hold.
    folder: Option<PathBuf>,
}

fn repeated<'a>(lab: &'a Lab, file: &'a Path, repeat: u64) -> impl Iterator<Item = (&'a Lab, &'a Path, u64)> {
    (0..repeat).map(move |number| (lab, file, number))
}

fn one(lab: &Lab, name: String, seed: u64, test: &Test, global: &Global, machine: &mut Machine) -> Result<Done, Refused> {
    let folder = test.out.join(format!("{}-seed-{seed}", lab.name));
    // An earlier failure of the same is done with.
    let _ = std::fs::remove_dir_all(&folder);
    let folder = fresh(&folder, "")?;
    let pcap = global.pcap.as_ref().map(|pcap| pcap.join(format!("{}-seed-{seed}", lab.name)));
    let quiet = Global { seed: Some(seed), quiet: true, json: false, pcap, ..global.clone() };
    let outcome = played(lab, &quiet, Some(folder.clone()), machine)?;
    let held = outcome.exit() == Exit::Held;
    if held {
        let _ = std::fs::remove_dir_all(&folder);
        let _ = std::fs::remove_dir(&test.out);
    }
    Ok(Done { name, seed, outcome, folder: (!held).then_some(folder) })
}

/// What came of a run: why it did not hold on stderr, a line for it on stdout.
fn told(run: &Done, shows: bool, global: &Global) {
    let Done { name, outcome, folder, .. } = run;
    show::warnings(outcome, Some(name));
    show::unheld(outcome, Some(name));
    if !shows {
        if let (Some(folder), false) = (folder, global.json) {
            eprintln!("loggia: {name}: {}: loggia replay {}", outcome.exit(), folder.display());
        }
        return;
    }
    match folder {
        None => println!("ok    {name} ({:.1} s)", outcome.lasted.as_secs_f64()),
        Some(folder) => {
            let mark = match outcome.exit() {
                Exit::Inconclusive => "?    ",
                Exit::Interrupted => "stop ",
                _ => "FAIL ",
            };
            println!("{mark} {name}: loggia replay {}", folder.display());
        }
    }
}

fn summary(done: &[Done], wrong: &[Wrong], shows: bool, global: &Global) {
    let of = |wanted: fn(Exit) -> bool| done.iter().filter(|run| wanted(run.outcome.exit())).count();
    let passed = of(|exit| exit == Exit::Held);
    let inconclusive = of(|exit| exit == Exit::Inconclusive);
    let interrupted = of(|exit| exit == Exit::Interrupted);
    let failed = done.len() - passed - inconclusive - interrupted;
    if global.json {
        let runs: Vec<_> = done
            .iter()
            .map(|Done { name, seed, outcome, folder }| {
                let findings = show::findings(outcome);
                let lasted = outcome.lasted.as_secs_f64();
                json!({ "name": name, "seed": seed, "exit": outcome.exit().code(), "lasted": lasted, "findings": findings, "folder": folder })
            })
            .collect();
        let refused: Vec<_> = wrong.iter().map(|wrong| json!({ "file": wrong.file, "why": wrong.message })).collect();
        println!(
            "{}",
            json!({ "passed": passed, "failed": failed, "inconclusive": inconclusive, "interrupted": interrupted, "refused": refused, "runs": runs })
        );
    } else if shows {
        let others = [(inconclusive, "inconclusive"), (interrupted, "interrupted"), (wrong.len(), "refused")];
        let others = others.iter().filter(|(many, _)| *many > 0).map(|(many, what)| format!(", {many} {what}"));
        println!("{passed} passed, {failed} failed{}", others.collect::<String>());
    }
}

fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Held => 0,
        Exit::Inconclusive => 1,
        Exit::Failed => 2,
        Exit::Interrupted => 4,
        _ => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// All lab files below the given places, in order, each once.
fn labs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Refused> {
    let mut search = Search::default();
    for path in paths {
        search.collect(path, Asked::ByName)?;
    }
    Ok(search.found.into_iter().collect())
}

/// Why the search looks at a path.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    /// The user has named it.
    ByName,
    /// It lies in a folder.
    InPassing,
}

/// A search for lab files.
#[derive(Default)]
struct Search {
    found: BTreeSet<PathBuf>,
    /// The folders that the search is in, as they are without symbolic links: a link that leads back to one of them leads nowhere new.
    way: Vec<PathBuf>,
}

impl Search {
    fn collect(&mut self, path: &Path, asked: Asked) -> Result<(), Refused> {
        let refused = |error: std::io::Error| Refused(format!("{}: {error}", path.display()));
        if path.is_dir() {
            let here = path.canonicalize().map_err(refused)?;
            if self.way.contains(&here) {
                return Ok(());
            }
            self.way.push(here);
            let done = self.folder(path);
            self.way.pop();
            return done;
        }
        if asked == Asked::ByName || path.extension().is_some_and(|ending| ending == "toml") {
            std::fs::metadata(path).map_err(refused)?;
            self.found.insert(path.into());
        }
        Ok(())
    }

    fn folder(&mut self, path: &Path) -> Result<(), Refused> {
        let refused = |error: std::io::Error| Refused(format!("{}: {error}", path.display()));
        for entry in std::fs::read_dir(path).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            let is_run = path.join("manifest.json").exists();
            if !hidden && !is_run {
                self.collect(&path, Asked::InPassing)?;
            }
        }
        Ok(())
    }
}

/// Writes a JUnit report: a suite for each lab, a case for each finding; a file that is no lab is an error.
pub(super) fn junit(path: &Path, runs: &[(String, &Outcome)], wrong: &[Wrong]) -> Result<(), Refused> {
    let mut report = Report::new("loggia");
    for (name, outcome) in runs {
        let mut suite = TestSuite::new(name.as_str());
        suite.set_time(outcome.lasted);
        for finding in outcome.findings() {
            let status = match finding.verdict {
                Verdict::Held => TestCaseStatus::success(),
                Verdict::Failed | Verdict::Inconclusive => {
                    let kind = if finding.verdict == Verdict::Failed { NonSuccessKind::Failure } else { NonSuccessKind::Error };
                    let mut status = TestCaseStatus::non_success(kind);
                    status.set_message(format!("{}: {}", finding.verdict.name(), finding.found));
                    status
                }
            };
            let mut case = TestCase::new(finding.expected.as_str(), status);
            case.set_classname(name.as_str());
            case.set_time(Duration::ZERO);
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    for Wrong { file, message } in wrong {
        let mut suite = TestSuite::new(file.display().to_string());
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(message.as_str());
        let mut case = TestCase::new("is a lab file", status);
        case.set_classname(file.display().to_string());
        suite.add_test_case(case);
        report.add_test_suite(suite);
    }
    let text = report.to_string().map_err(|error| Refused(error.to_string()))?;
    std::fs::write(path, text).map_err(|error| Refused(format!("{}: {error}", path.display())))
}
