//! `loggia test`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use loggia_lab::check::Verdict;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::load::{self, Lab, Refused};
use super::present;
use super::run::{fresh, recorded};
use crate::cli::{Global, Test};
use crate::exit::Exit;
use crate::run::perform::{Machine, Outcome};

pub(super) fn test(test: &Test, global: &Global, machine: &mut Machine) -> Result<Exit, Refused> {
    let files = labs(&test.paths)?;
    if files.is_empty() {
        return Err(Refused("no lab files (*.toml) below the given folders".into()));
    }
    // All are read before any is run: a wrong file is found at once.
    let labs = files.iter().map(|file| load::from_file(file)).collect::<Result<Vec<_>, _>>()?;
    labs.iter().try_for_each(present::check)?;
    let mut done: Vec<(String, Outcome)> = Vec::new();
    let mut worst = Exit::Held;
    let mut failed = 0;
    for (lab, file) in labs.iter().zip(&files) {
        for number in 0..test.repeat.max(1) {
            let seed = global.seed.unwrap_or(lab.plan.seed) + number;
            let (name, outcome) = one(lab, file, seed, test, global, machine)?;
            failed += usize::from(outcome.exit() != Exit::Held);
            worst = worse(worst, outcome.exit());
            let interrupted = outcome.exit() == Exit::Interrupted;
            done.push((name, outcome));
            if interrupted {
                return Ok(Exit::Interrupted);
            }
        }
    }
    if let Some(path) = &test.junit {
        junit(path, &done.iter().map(|(name, outcome)| (name.clone(), outcome)).collect::<Vec<_>>())?;
    }
    println!("{} passed, {failed} failed", done.len() - failed);
    Ok(worst)
}

fn one(
    lab: &Lab,
    file: &Path,
    seed: u64,
    test: &Test,
    global: &Global,
    machine: &mut Machine,
) -> Result<(String, Outcome), Refused> {
    let name = format!("{} seed {seed}", file.display());
    let folder = test.out.join(format!("{}-seed-{seed}", lab.name));
    // An earlier failure of the same is done with.
    let _ = std::fs::remove_dir_all(&folder);
    let folder = fresh(&folder)?;
    let quiet = Global { seed: Some(seed), quiet: true, json: false, ..global.clone() };
    let outcome = recorded(lab, &quiet, false, Some(folder.clone()), machine)?;
    let exit = outcome.exit();
    if exit == Exit::Held {
        let _ = std::fs::remove_dir_all(&folder);
        let _ = std::fs::remove_dir(&test.out);
        println!("ok    {name} ({:.1} s)", outcome.lasted.as_secs_f64());
    } else {
        println!("{} {name}: loggia replay {}", if exit == Exit::Inconclusive { "?    " } else { "FAIL " }, folder.display());
    }
    Ok((name, outcome))
}

fn worse(one: Exit, other: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Held => 0,
        Exit::Inconclusive => 1,
        Exit::Failed => 2,
        _ => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// All lab files below the given places, in order, each once.
fn labs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Refused> {
    let mut found = BTreeSet::new();
    for path in paths {
        collect(path, &mut found, true)?;
    }
    Ok(found.into_iter().collect())
}

fn collect(path: &Path, found: &mut BTreeSet<PathBuf>, named: bool) -> Result<(), Refused> {
    let refused = |error: std::io::Error| Refused(format!("{}: {error}", path.display()));
    if !path.is_dir() {
        std::fs::metadata(path).map_err(refused)?;
        if named || path.extension().is_some_and(|ending| ending == "toml") {
            found.insert(path.into());
        }
        return Ok(());
    }
    for entry in std::fs::read_dir(path).map_err(refused)? {
        let path = entry.map_err(refused)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_run = path.join("manifest.json").exists();
        if !hidden && !is_run {
            collect(&path, found, false)?;
        }
    }
    Ok(())
}

/// Writes a JUnit report: a suite for each lab, a case for each finding.
pub(super) fn junit(path: &Path, runs: &[(String, &Outcome)]) -> Result<(), Refused> {
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
            case.set_time(Duration::ZERO);
            suite.add_test_case(case);
        }
        report.add_test_suite(suite);
    }
    let text = report.to_string().map_err(|error| Refused(error.to_string()))?;
    std::fs::write(path, text).map_err(|error| Refused(format!("{}: {error}", path.display())))
}
