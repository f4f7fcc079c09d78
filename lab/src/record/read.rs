//! A record read back.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::entry::Entry;
use super::folder;

/// A run that is over, as its folder tells of it.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// What happened, in order.
    pub entries: Vec<Entry>,
    /// Lines of `events.jsonl` that say nothing, with why: the last line of a run that was killed.
    pub unreadable: Vec<String>,
    /// `manifest.json`; null if there is none.
    pub manifest: Value,
    /// `metrics.json`; null if there is none.
    pub metrics: Value,
    /// `sockets.json`; null if there is none.
    pub sockets: Value,
}

/// Why a folder cannot be read as a run.
#[derive(Debug)]
pub struct NoRun {
    /// Which file.
    pub path: PathBuf,
    /// Why.
    pub why: io::Error,
}

impl std::fmt::Display for NoRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let why = if self.why.kind() == io::ErrorKind::NotFound { "no such file; is this a run folder?" } else { "" };
        match why {
            "" => write!(f, "{}: {}", self.path.display(), self.why),
            why => write!(f, "{}: {why}", self.path.display()),
        }
    }
}

impl std::error::Error for NoRun {}

/// Reads a run folder. An error if it has no events.
pub fn read(root: &Path) -> Result<Run, NoRun> {
    let text = folder::read(root, "events.jsonl").map_err(|why| NoRun { path: root.join("events.jsonl"), why })?;
    let (entries, unreadable) = entries(&text);
    let value = |name| folder::read(root, name).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
    let (manifest, metrics, sockets) = (value("manifest.json"), value("metrics.json"), value("sockets.json"));
    Ok(Run { entries, unreadable, manifest, metrics, sockets })
}

/// The entries of the text of `events.jsonl`, and what is wrong with the lines that hold none.
pub fn entries(text: &str) -> (Vec<Entry>, Vec<String>) {
    let mut entries = Vec::new();
    let mut unreadable = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        match serde_json::from_str(line) {
            Ok(entry) => entries.push(entry),
            Err(error) => unreadable.push(format!("events.jsonl:{}: {error}", number + 1)),
        }
    }
    (entries, unreadable)
}
