//! Whether what is asked to be written besides a run folder can be written. Looked at before anything starts: what a run has found must not
//! be lost at its end for a slip in a path.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::load::Refused;
use crate::cli::Global;

/// A folder for captures, which is made, and a file for a JUnit report, which is not.
pub(super) fn check(global: &Global, junit: Option<&Path>) -> Result<(), Refused> {
    if let Some(pcap) = &global.pcap {
        folder(pcap).map_err(|error| {
            Refused(format!("captures cannot be written to {}: {error}; choose another folder with --pcap DIR", pcap.display()))
        })?;
    }
    if let Some(junit) = junit {
        file(junit).map_err(|error| {
            let remedy = match junit.parent() {
                Some(parent) if !parent.as_os_str().is_empty() && !parent.exists() => format!("mkdir -p {}", parent.display()),
                _ => "name a file that can be written with --junit FILE".into(),
            };
            Refused(format!("the JUnit report {} cannot be written: {error}; {remedy}", junit.display()))
        })?;
    }
    Ok(())
}

/// Makes a folder, and finds by writing whether it can be written: nothing else tells.
pub(super) fn folder(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    let probe = path.join(".probe");
    fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe))
}

/// A file that is there keeps what it holds; one that is not is not made.
fn file(path: &Path) -> io::Result<()> {
    let is_new = !path.exists();
    File::options().append(true).create(true).open(path)?;
    if is_new { fs::remove_file(path) } else { Ok(()) }
}

/// How much captures keep says nothing where none are written.
pub(super) fn snapped(global: &Global, folder: Option<&Path>) -> Result<(), Refused> {
    if global.snap.is_some() && folder.is_none() {
        return Err(Refused(
            "--snap has no effect here: no captures are written; add --pcap DIR, or --out DIR for the whole record".into(),
        ));
    }
    Ok(())
}
