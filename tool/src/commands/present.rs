//! Whether what a lab names is on this machine: programs, folders, files. Looked at before anything starts.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use loggia_lab::file::{self, Command, Errors, Span};
use loggia_lab::plan::Program;

use super::load::{Lab, Refused};
use crate::process::lookup::candidates;

/// Says everything that is not there, with its line.
pub(super) fn check(lab: &Lab) -> Result<(), Refused> {
    let mut errors = Errors::new(lab.description.source.clone());
    for program in &lab.plan.programs {
        if let Some(said) = lab.description.program(&program.name) {
            if directory(program, said, &mut errors) {
                command(program, said, &mut errors);
            }
            input(program, said, &mut errors);
        }
    }
    errors.or(()).map_err(Refused::of)
}

/// True if the working directory is there.
fn directory(program: &Program, said: &file::Program, errors: &mut Errors) -> bool {
    let directory = program.cwd.clone().unwrap_or_default();
    let there = directory.is_dir();
    if !there {
        let span = said.cwd.as_ref().map_or(said.command.span, |cwd| cwd.span);
        let remedy = "a working directory is relative to the lab file's folder";
        errors.add(span, format!("there is no folder {}", directory.display()), remedy);
    }
    there
}

fn command(program: &Program, said: &file::Program, errors: &mut Errors) {
    let Command::Run(words) = &program.command else { return };
    let name = words[0].as_str();
    let directory = program.cwd.clone().unwrap_or_default();
    let stated = program.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.into());
    let path = stated.or_else(|| std::env::var_os("PATH"));
    let places: Vec<PathBuf> = candidates(name.as_ref(), path.as_deref()).iter().map(|place| directory.join(place)).collect();
    if places.iter().any(|place| place.is_file()) {
        return;
    }
    let (place, others) = if name.contains('/') {
        (format!("in {}", directory.display()), "programs are found relative to the working directory")
    } else {
        ("in PATH".to_owned(), "install it, or give its path")
    };
    let remedy = meant(name, &places).map_or_else(|| others.to_owned(), |meant| format!("did you mean {meant:?}?"));
    errors.add(said.command.span, format!("there is no program {name:?} {place}"), remedy);
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

fn input(program: &Program, said: &file::Program, errors: &mut Errors) {
    let span: Option<Span> = said.stdin.as_ref().map(|stdin| stdin.span);
    if let (Some(input), Some(span)) = (program.stdin.as_ref().filter(|input| !input.is_file()), span) {
        errors.add(span, format!("there is no file {} to read", input.display()), "a path is relative to the lab file's folder");
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
