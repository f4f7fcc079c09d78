//! Whether what a lab names is on this machine: programs, folders, files, users. Looked at before anything starts.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use loggia_lab::file::{self, Command, Description, Errors, Span, Spanned};

use crate::process::{self, lookup::candidates};
use crate::programs::{self, Misunderstood};

/// Notes everything that is not there, with its line. Paths of the lab are relative to `folder`.
pub(super) fn check(description: &Description, folder: &Path, errors: &mut Errors) {
    for program in description.hosts.iter().flat_map(|host| &host.programs) {
        if let Some(directory) = directory(program, folder, errors) {
            command(program, &directory, errors);
        }
        input(program, folder, errors);
        for output in [&program.stdout, &program.stderr].into_iter().flatten() {
            written(output, folder, errors);
        }
        if let Some(user) = &program.user
            && let Err(error) = process::can_run_as(user)
        {
            errors.add(user.span, error.to_string(), "leave user out, and the program runs as you");
        }
    }
}

/// The working directory, if it is there.
fn directory(program: &file::Program, folder: &Path, errors: &mut Errors) -> Option<PathBuf> {
    let directory = program.cwd.as_ref().map_or_else(|| folder.to_owned(), |cwd| folder.join(&cwd.value));
    if directory.is_dir() {
        return Some(directory);
    }
    let span = program.cwd.as_ref().map_or(program.command.span, |cwd| cwd.span);
    let remedy = "a working directory is relative to the lab file's folder";
    errors.add(span, format!("there is no folder {}", directory.display()), remedy);
    None
}

fn command(program: &file::Program, directory: &Path, errors: &mut Errors) {
    let words = match &program.command.value {
        Command::Run(words) => words,
        Command::BuiltIn { name, args } => return built_in(name, args, program.command.span, errors),
    };
    let name = words[0].as_str();
    let stated = program.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.into());
    let path = stated.or_else(|| std::env::var_os("PATH"));
    let places: Vec<PathBuf> = candidates(name.as_ref(), path.as_deref()).iter().map(|place| plain(directory, place)).collect();
    let span = program.command.span;
    if name.contains('/') && places.iter().any(|place| place.is_dir()) {
        return errors.add(span, format!("{name:?} is a folder, not a program"), "give the path of a file that can be executed");
    }
    let files: Vec<&PathBuf> = places.iter().filter(|place| place.is_file()).collect();
    if files.iter().any(|file| is_executable(file)) {
        return;
    }
    if let Some(file) = files.first() {
        let remedy = format!("chmod +x {}, or name what runs it: [\"sh\", {name:?}]", file.display());
        return errors.add(span, format!("{name:?} may not be executed"), remedy);
    }
    let (place, others) = if name.contains('/') {
        (format!("in {}", directory.display()), "programs are found relative to the working directory")
    } else {
        ("in PATH".to_owned(), "install it, or give its path")
    };
    let remedy = meant(name, &places).map_or_else(|| others.to_owned(), |meant| format!("did you mean {meant:?}?"));
    errors.add(span, format!("there is no program {name:?} {place}"), remedy);
}

/// What a built-in program takes is known before it runs.
fn built_in(name: &str, args: &[String], span: Span, errors: &mut Errors) {
    let Some(program) = programs::by_name(name) else { return };
    if let Err(Misunderstood { message, remedy }) = program.understands(args) {
        errors.add(span, format!("{name}: {message}"), remedy);
    }
}

/// A path below a folder, without the dots that nobody wrote.
fn plain(directory: &Path, place: impl AsRef<Path>) -> PathBuf {
    directory.join(place.as_ref().strip_prefix("./").unwrap_or(place.as_ref()))
}

/// True if somebody may execute it. Who runs it may be another user than who asks.
fn is_executable(file: &Path) -> bool {
    file.metadata().is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

/// The file beside one of these that has almost the name.
fn meant(name: &str, places: &[PathBuf]) -> Option<String> {
    let file = Path::new(name).file_name().and_then(OsStr::to_str)?;
    let folders = places.iter().filter_map(|place| place.parent()?.read_dir().ok());
    let names = folders.flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let near = names.filter(|other| one_slip(file, other)).min()?;
    name.strip_suffix(file).map(|folder| format!("{folder}{near}"))
}

/// True if two names differ by one letter more, less or other, or by two that changed places. PATH has thousands of names, of which
/// anything less would always find one.
fn one_slip(one: &str, other: &str) -> bool {
    let first = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let last = one.bytes().rev().zip(other.bytes().rev()).take_while(|(one, other)| one == other).count();
    let longer = one.len().max(other.len());
    longer > 2 && one.len().abs_diff(other.len()) <= 1 && first + last + 2 >= longer
}

/// What is read: anything but a folder, a pipe or a device too.
fn input(program: &file::Program, folder: &Path, errors: &mut Errors) {
    let Some(stdin) = &program.stdin else { return };
    let path = folder.join(&stdin.value);
    let (message, remedy) = match path.metadata() {
        Ok(found) if found.is_dir() => (format!("{} is a folder, not a file to read", path.display()), "name a file in it"),
        Ok(found) if found.is_file() && std::fs::File::open(&path).is_err() => {
            (format!("{} may not be read", path.display()), "make it readable (chmod +r)")
        }
        Ok(_) => return,
        Err(_) => (format!("there is no file {} to read", path.display()), "a path is relative to the lab file's folder"),
    };
    errors.add(stdin.span, message, remedy);
}

/// Where output is to be written: the file may be missing, its folder not.
fn written(output: &Spanned<PathBuf>, folder: &Path, errors: &mut Errors) {
    let path = folder.join(&output.value);
    let parent = path.parent().unwrap_or(folder);
    if path.is_dir() {
        errors.add(output.span, format!("{} is a folder, not a file to write", path.display()), "name a file in it");
    } else if !parent.is_dir() {
        errors.add(
            output.span,
            format!("there is no folder {}", parent.display()),
            "a path is relative to the lab file's folder",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::one_slip;

    #[test]
    fn a_slip_is_one_letter_or_two_that_changed_places() {
        for other in ["pyhton3", "python", "pythons3", "pithon3"] {
            assert!(one_slip("python3", other), "{other}");
        }
        for other in ["perl", "python3.12", "ypthno3"] {
            assert!(!one_slip("python3", other), "{other}");
        }
    }
}
