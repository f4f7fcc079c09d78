//! A lab from a file or from options, with everything looked at that can be looked at before a program starts.

use std::io;
use std::path::{Path, PathBuf};

use loggia_lab::file::{self, Description, Surroundings};
use loggia_lab::metrics;
use loggia_lab::plan::{Plan, plan};

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
    let text = std::fs::read_to_string(path).map_err(|error| {
        let hint = if path.is_dir() { " (a folder of labs is run by `loggia test`)" } else { "" };
        Refused(format!("{}: {error}{hint}", path.display()))
    })?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    from_text(name, text, &path.display().to_string(), folder)
}

/// Reads a lab from a text; `shown` is what errors call it.
pub(super) fn from_text(name: String, text: String, shown: &str, folder: &Path) -> Result<Lab, Refused> {
    let description = with_surroundings(folder, |around| file::parse(&text, shown, around)).map_err(Refused::of)?;
    finish(name, text, folder, description)
}

/// Makes a lab of options.
pub(super) fn from_options(name: String, options: &file::Options) -> Result<Lab, Refused> {
    let folder = PathBuf::from(".");
    let description = with_surroundings(&folder, |around| file::describe(options, around)).map_err(Refused::of)?;
    let text = serde_json::json!({ "options": options.given, "command": options.command }).to_string();
    finish(name, text, &folder, description)
}

fn finish(name: String, text: String, folder: &Path, description: Description) -> Result<Lab, Refused> {
    let mut plan = plan(&description).map_err(Refused::of)?;
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
