//! Views of a run folder.

use std::path::{Path, PathBuf};

use loggia_lab::check::{Finding, Verdict};
use loggia_lab::record::{self, Connection, Connections, Run};
use loggia_lab::report::diff::Promise;
use loggia_lab::report::{self, Look, Picked, boundaries, diff, ladder, pick, sockets, verdict, why};

use super::load::Refused;
use super::run::RUNS;
use super::show;
use crate::cli::{Diff, Global, Report, Sockets, View, Why};
use crate::exit::Exit;

/// How text looks on this terminal.
pub(super) fn look(global: &Global) -> Look {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let width = columns.or_else(crate::sys::terminal::columns).unwrap_or(100).clamp(60, 200);
    let utf8 = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let ascii = utf8.is_some_and(|locale| ["C", "POSIX"].contains(&locale.as_str()));
    Look { width, color: show::colours(global), ascii }
}

fn read(path: &Path) -> Result<Run, Refused> {
    let run = record::read(path).map_err(|error| Refused(error.to_string()))?;
    for line in &run.unreadable {
        eprintln!("loggia: {}: {line}", path.display());
    }
    Ok(run)
}

/// The connection that was meant; others that could have been are told on stderr.
fn chosen<'a>(connections: &'a Connections, text: Option<&str>) -> Result<&'a Connection, Refused> {
    let Picked { connection, others } = pick(connections, text).map_err(Refused)?;
    for other in others {
        eprintln!("loggia: not {}, which carried no data", other.title());
    }
    Ok(connection)
}

pub(super) fn ladder(view: &View, global: &Global) -> Result<Exit, Refused> {
    let run = read(&view.run)?;
    let connections = Connections::of(&run.entries);
    let connection = chosen(&connections, view.connection.as_deref())?;
    print!("{}", ladder::ladder(&run.entries, connection, view.lines, &look(global)));
    Ok(Exit::Held)
}

pub(super) fn boundaries(view: &View, global: &Global) -> Result<Exit, Refused> {
    let run = read(&view.run)?;
    let connections = Connections::of(&run.entries);
    let look = look(global);
    let text = match &view.connection {
        None => boundaries::boundaries(&run.entries, &connections, view.lines, &look),
        Some(text) => {
            let connection = chosen(&connections, Some(text))?;
            boundaries::stream(&run.entries, connection, view.lines, &look)
        }
    };
    print!("{text}");
    Ok(Exit::Held)
}

pub(super) fn why(view: &Why, global: &Global) -> Result<Exit, Refused> {
    let run = read(&view.run)?;
    let connections = Connections::of(&run.entries);
    let look = look(global);
    if view.connection.is_none() && connections.all().len() > 1 && pick(&connections, None).is_err() {
        println!("{}", report::list(&connections, &look).trim_end());
        println!("\nWhich one? loggia why {} N", view.run.display());
        return Ok(Exit::Held);
    }
    let connection = chosen(&connections, view.connection.as_deref())?;
    print!("{}", why::why(&run.entries, connection, &look));
    Ok(Exit::Held)
}

/// The latest run of this folder.
fn latest() -> Result<PathBuf, Refused> {
    let folders = std::fs::read_dir(RUNS).into_iter().flatten().flatten().map(|entry| entry.path());
    let written = |folder: &PathBuf| folder.join("events.jsonl").metadata().and_then(|found| found.modified()).ok();
    let runs = folders.filter_map(|folder| Some((written(&folder)?, folder)));
    let latest = runs.max().map(|(_, folder)| folder);
    latest.ok_or_else(|| Refused(format!("there is no run below {RUNS} here: name a run folder")))
}

pub(super) fn sockets(view: &Sockets, global: &Global) -> Result<Exit, Refused> {
    let run = match &view.run {
        Some(run) => read(run)?,
        None => read(&latest()?)?,
    };
    if global.json {
        println!("{}", run.sockets);
        return Ok(Exit::Held);
    }
    print!("{}", sockets::sockets(&run.sockets, &look(global)));
    Ok(Exit::Held)
}

/// What was said at the end of a run, again.
pub(super) fn report(view: &Report, global: &Global) -> Result<Exit, Refused> {
    let run = read(&view.run)?;
    if global.json {
        println!("{}", serde_json::json!({ "manifest": run.manifest, "metrics": run.metrics }));
        return Ok(Exit::Held);
    }
    let look = look(global);
    let text = |value: &serde_json::Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let of = |value: &serde_json::Value, expected: String| {
        let verdict = [Verdict::Held, Verdict::Inconclusive, Verdict::Failed]
            .into_iter()
            .find(|verdict| verdict.name() == text(value, "verdict"));
        Finding::new(expected, verdict.unwrap_or(Verdict::Inconclusive), text(value, "found"))
    };
    let programs =
        run.manifest["programs"].as_array().into_iter().flatten().map(|program| of(program, text(program, "expected")));
    let checks = run.manifest["findings"].as_array().into_iter().flatten().map(|finding| of(finding, text(finding, "expected")));
    if run.manifest["verdict"].is_null() {
        println!("this run was killed: its manifest.json has no verdict, and only what was recorded up to then is here");
        print!("{}", report::list(&Connections::of(&run.entries), &look));
        return Ok(Exit::Inconclusive);
    }
    println!("{} (seed {})", text(&run.manifest, "lab"), run.manifest["seed"]);
    print!("{}", verdict::verdict(&programs.chain(checks).collect::<Vec<_>>(), &look));
    let connections = Connections::of(&run.entries);
    if !connections.all().is_empty() {
        print!("\n{}", report::list(&connections, &look));
    }
    Ok(Exit::Held)
}

pub(super) fn diff(view: &Diff, global: &Global) -> Result<Exit, Refused> {
    let (one, other) = (read(&view.one)?, read(&view.other)?);
    let in_all = [&one, &other].iter().all(|run| run.manifest["determinism"] == "full");
    let promise = if in_all { Promise::All } else { Promise::Order };
    let difference = diff::difference(&one.entries, &other.entries, promise);
    let same = difference.is_none();
    if global.json {
        let diff::Difference { first, kinds, fates, timed, fate, alone } = difference;
        let first = first.map(|(number, one, other)| serde_json::json!({ "entry": number, "first": one, "second": other }));
        let fates =
            serde_json::json!({ "same": fates[0], "other": fates[1], "by_time": timed, "first_other": fate, "only_in": alone });
        println!("{}", serde_json::json!({ "same": same, "first": first, "kinds": kinds, "fates": fates }));
    } else {
        print!("{}", diff::diff(&one.entries, &other.entries, promise, &look(global)));
    }
    Ok(if same { Exit::Held } else { Exit::Failed })
}

/// Compares two runs of the same lab: in every event if that is promised, otherwise in the fates that the seed draws. Says what differs.
pub(super) fn compare(one: &Path, other: &Path, promise: Promise, global: &Global) -> Result<bool, Refused> {
    let (one, other) = (read(one)?, read(other)?);
    let difference = diff::difference(&one.entries, &other.entries, promise);
    let same = match promise {
        Promise::All => difference.is_none(),
        Promise::Order => difference.fates[1] == 0,
    };
    if same {
        let what = match promise {
            Promise::All => "every event",
            Promise::Order => "every fate that the seed drew in both runs",
        };
        println!("verified: {what} was the same in a second run");
    } else {
        print!("{}", diff::diff(&one.entries, &other.entries, promise, &look(global)));
    }
    Ok(same)
}
