//! `loggia replay`

use std::path::Path;

use loggia_lab::file;
use loggia_lab::record;
use loggia_lab::report::diff::Promise;
use serde_json::Value;

use super::load::{self, Lab, Refused};
use super::outlets;
use super::run::{fresh, numbered, recorded};
use crate::cli::{Global, Replay};
use crate::exit::Exit;
use crate::run::perform::Machine;

pub(super) fn replay(replay: &Replay, global: &Global, machine: &mut Machine) -> Result<Exit, Refused> {
    let run = record::read(&replay.run).map_err(|error| Refused(error.to_string()))?;
    let mut lab = recorded_lab(&replay.run, &run.manifest)?;
    outlets::check(global, None)?;
    let folder = match &replay.out {
        Some(out) => fresh(out, "")?,
        None => numbered(&lab.name, "")?,
    };
    let again = Global { seed: global.seed.or(run.manifest["seed"].as_u64()), ..global.clone() };
    lab.plan.precise |= run.manifest["precise"].as_bool().unwrap_or(false);
    let outcome = recorded(&lab, &again, Some(folder.clone()), machine)?;
    if !global.quiet && !global.json {
        let in_all = outcome.level == "full" && run.manifest["determinism"] == "full";
        let promise = if in_all { Promise::All } else { Promise::Order };
        super::views::compare(&replay.run, &folder, promise, global)?;
    }
    Ok(outcome.exit())
}

/// The lab as it was: from the copy in the run folder, with the paths of then.
fn recorded_lab(run: &Path, manifest: &Value) -> Result<Lab, Refused> {
    let path = run.join("lab.toml");
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Refused(format!("{}: {error}; without its lab file a run cannot be repeated", path.display())))?;
    let name = manifest["lab"].as_str().unwrap_or("lab").to_owned();
    if let Ok(options) = serde_json::from_str::<Value>(&text) {
        let given = serde_json::from_value(options["options"].clone()).unwrap_or_default();
        let command = serde_json::from_value(options["command"].clone()).unwrap_or_default();
        return load::from_options(name, &file::Options { given, command });
    }
    let folder = manifest["folder"].as_str().unwrap_or(".");
    if !Path::new(folder).is_dir() {
        return Err(Refused(format!(
            "the folder of this lab, {folder}, is not there any more; put it back, or copy {} to where its files are now and run it there with \
             --seed {}",
            path.display(),
            manifest["seed"]
        )));
    }
    load::from_text(name, text, &path.display().to_string(), Path::new(folder))
}
