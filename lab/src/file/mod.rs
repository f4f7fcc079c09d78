//! The lab file: text in, a description or errors with line and remedy out.
//!
//! ```text
//!   text ──> nodes (toml_edit, with the place of each) ──> description ──> plan
//!                        └── read by the tables in `schema`, from which the manual's page is made as well
//! ```
//!
//! Nothing here does I/O: a file that the lab file names (a trace) is fetched by the caller's function in [`Surroundings`].

mod description;
mod errors;
mod glob;
mod manual;
mod names;
mod node;
mod oneline;
mod read;
mod reader;
mod schema;
mod signals;
mod source;
mod threshold;
mod told;
mod traces;
mod units;
mod words;

pub use description::*;
pub use errors::{Errors, Problem};
pub use glob::glob;
pub use manual::manual;
pub(crate) use names::members;
pub use oneline::{Options, describe, options};
pub use signals::{signal_name, signal_number};
pub use source::{Source, Span, Spanned};
pub use threshold::{Bound, Op, Stat, Threshold};
pub use units::{duration, rate, show, size};

use std::io;
use std::path::Path;

/// What the lab does not know itself: the tool's programs and metrics, and the files on the machine.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Names of the built-in programs.
    pub programs: &'a [&'a str],
    /// Those of them that serve until they are stopped. They are ready when they listen, if the file says nothing else.
    pub servers: &'a [&'a str],
    /// Names of the metrics, with the unit of their values. `*` stands for any name: `link.*.sent`.
    pub metrics: &'a [(&'a str, Unit)],
    /// What `where` may ask for in a check: `host`, `link`, ...
    pub labels: &'a [&'a str],
    /// Fetches a file that the lab file names; relative names are relative to the lab file.
    pub files: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { programs, metrics, labels, .. } = self;
        f.debug_struct("Surroundings")
            .field("programs", programs)
            .field("metrics", metrics)
            .field("labels", labels)
            .finish_non_exhaustive()
    }
}

/// What the values of a metric are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Time: `450ms`.
    Time,
    /// A share: `1%`.
    Ratio,
    /// Bits a second: `20mbit`.
    Rate,
    /// Bytes: `200kB`.
    Bytes,
    /// A bare number.
    Count,
}

/// Reads a lab file. `file_name` is what errors call it.
pub fn parse(text: &str, file_name: &str, surroundings: &Surroundings<'_>) -> Result<Description, Errors> {
    let mut reader = reader::Reader::new(Source::file(file_name, text), surroundings);
    let Some(root) = node::Node::of_toml(text, &mut reader.errors) else { return Err(reader.errors) };
    reader.checked(&root)
}

/// More names than this are not listed if one of them was probably meant.
const FEW: usize = 12;

/// What to write instead of `name`: all that is `known`, and that which is most like it. Of many only what is like it, or begins as it does.
pub(crate) fn one_of<'a>(lead: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() {
        return "there are none".into();
    }
    let meant = nearest(name, known.iter().copied()).map(|meant| format!("did you mean {meant:?}?"));
    if known.len() > FEW {
        if let Some(meant) = meant {
            return meant;
        }
        let family = name.split_once('.').map(|(first, _)| format!("{first}."));
        let kin = |known: &&str| family.as_ref().is_some_and(|family| known.starts_with(family));
        if known.iter().any(kin) {
            known.retain(|known| kin(known));
        }
    }
    let all = known.join(", ");
    meant.map_or_else(|| format!("{lead} {all}"), |meant| format!("{lead} {all}; {meant}"))
}

/// That of the `known` names which is most like `name`, if any is like it.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let likeness = |known: &str| match strsim::osa_distance(&known.to_lowercase(), &name) {
        0 => 1.0,
        1 if name.len() > 2 => 0.9,
        _ => strsim::jaro_winkler(&known.to_lowercase(), &name),
    };
    let mut best: Option<(f64, &str)> = None;
    for candidate in known {
        let like = likeness(candidate);
        if like > best.map_or(0.75, |(most, _)| most) {
            best = Some((like, candidate));
        }
    }
    best.map(|(_, name)| name)
}
