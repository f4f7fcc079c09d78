//! A lab from a file or from options, with everything looked at that can be looked at before a program starts.

use std::io;
use std::path::{Path, PathBuf};

use loggia_lab::file::{self, Description, Surroundings};
use loggia_lab::metrics;
use loggia_lab::plan::{Plan, plan};

use super::present;

/// A lab, and where it came from.
#[derive(Clone, Debug)]
pub struct Lab {
    /// What it is called: the name of its file without the ending.
    pub name: String,
    /// Its text, as it can be replayed.
    pub text: String,
    /// The folder that its paths are relative to.
    pub folder: PathBuf,
    /// What it says.
    pub plan: Plan,
    /// Where it says it.
    pub description: Description,
}

/// Why there is no lab: a message for the user, complete.
#[derive(Debug)]
pub struct Refused(pub String);

impl Refused {
    pub(super) fn of(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Does something with what the lab crate does not know itself; files are looked for in `folder`.
fn with_surroundings<T>(folder: &Path, work: impl FnOnce(&Surroundings<'_>) -> T) -> T {
    let fetch = |path: &Path| -> io::Result<Vec<u8>> { std::fs::read(folder.join(path)) };
    work(&Surroundings {
        programs: crate::run::BUILT_IN,
        servers: crate::run::SERVERS,
        metrics: metrics::NAMES,
        labels: metrics::LABELS,
        files: &fetch,
    })
}

/// Reads a lab file.
pub(super) fn from_file(path: &Path) -> Result<Lab, Refused> {
    let bytes = std::fs::read(path).map_err(|error| {
        let hint = if path.is_dir() { " (a folder of labs is run by `loggia test`)" } else { "" };
        Refused(format!("{}: {error}{hint}", path.display()))
    })?;
    let text = String::from_utf8(bytes).map_err(|error| not_text(path, &error))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    from_text(name, text, &path.display().to_string(), folder)
}

/// Where a file stops being text.
fn not_text(path: &Path, error: &std::string::FromUtf8Error) -> Refused {
    let (good, bad) = error.as_bytes().split_at(error.utf8_error().valid_up_to());
    let line = good.split(|byte| *byte == b'\n').count();
    let column = String::from_utf8_lossy(good.rsplit(|byte| *byte == b'\n').next().unwrap_or_default()).chars().count() + 1;
    let byte = bad.first().copied().unwrap_or_default();
    let path = path.display();
    Refused(format!("{path}:{line}:{column}: this is not text: byte 0x{byte:02x} is not UTF-8\n  = save the file as UTF-8"))
}

/// Reads a lab from a text; `shown` is what errors call it.
pub(super) fn from_text(name: String, text: String, shown: &str, folder: &Path) -> Result<Lab, Refused> {
    let draft = with_surroundings(folder, |around| file::draft(&text, shown, around));
    finish(name, text, folder, draft, true)
}

/// Makes a lab of options. Whether the one command of `run -- COMMAND` is there is found by running it.
pub(super) fn from_options(name: String, options: &file::Options) -> Result<Lab, Refused> {
    let folder = PathBuf::from(".");
    let draft = with_surroundings(&folder, |around| file::describe_draft(options, around));
    let text = serde_json::json!({ "options": options.given, "command": options.command }).to_string();
    finish(name, text, &folder, draft, options.command.is_empty())
}

/// The lab of a draft, with everything that is wrong told at once: with the text, with the network, with this machine.
fn finish(
    name: String,
    text: String,
    folder: &Path,
    (description, mut errors): file::Draft,
    looks: bool,
) -> Result<Lab, Refused> {
    let Some(description) = description else { return Err(Refused::of(errors)) };
    let planned = if errors.problems().is_empty() { plan(&description).map_err(|wrong| errors.join(wrong)).ok() } else { None };
    if looks {
        present::check(&description, folder, &mut errors);
    }
    errors.or(()).map_err(Refused::of)?;
    let Some(mut plan) = planned else { unreachable!("what cannot be planned is wrong") };
    for program in &mut plan.programs {
        // Paths of the file are relative to the file.
        let beside = |path: &Path| folder.join(path);
        program.cwd = Some(program.cwd.as_deref().map_or_else(|| folder.to_owned(), beside));
        for path in [&mut program.stdin, &mut program.stdout, &mut program.stderr].into_iter().flatten() {
            *path = folder.join(&*path);
        }
    }
    Ok(Lab { name, text, folder: folder.into(), plan, description })
}
