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
pub use oneline::{Options, describe, describe_draft, options};
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

/// What was read: the description as far as it was understood, which is to be used only if there are no errors, and all that is wrong.
/// Who knows the machine adds what it lacks before he says so: [`complete`].
pub type Draft = (Option<Description>, Errors);

/// Reads a lab file. `file_name` is what errors call it.
pub fn parse(text: &str, file_name: &str, surroundings: &Surroundings<'_>) -> Result<Description, Errors> {
    complete(draft(text, file_name, surroundings))
}

/// Reads a lab file as far as it can be understood.
pub fn draft(text: &str, file_name: &str, surroundings: &Surroundings<'_>) -> Draft {
    let mut reader = reader::Reader::new(Source::file(file_name, text), surroundings);
    match node::Node::of_toml(text, &mut reader.errors) {
        Some(root) => reader.checked(&root),
        None => (None, reader.errors),
    }
}

/// The description, if nothing is wrong with it.
pub fn complete((description, errors): Draft) -> Result<Description, Errors> {
    match description {
        Some(description) => errors.or(description),
        None => Err(errors.or(()).err().unwrap_or_else(|| unreachable!("what is not understood at all is wrong"))),
    }
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

/// That of the `known` names which is most like `name`, if any is like it: the fewest slips of the hand, of several the one with the
/// longest beginning in common.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let slips = |known: &str| strsim::osa_distance(known, &name);
    let common = |known: &str| known.chars().zip(name.chars()).take_while(|(one, other)| one == other).count();
    let alike = |known: &str| {
        let few = slips(known) <= (name.chars().count() / 4).max(usize::from(name.len() > 2));
        few || strsim::jaro_winkler(known, &name) > 0.75
    };
    let candidates = known.into_iter().map(|known| (known.to_lowercase(), known)).filter(|(lower, _)| alike(lower));
    candidates.min_by_key(|(lower, _)| (slips(lower), std::cmp::Reverse(common(lower)))).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_fewest_slips_decide_and_then_the_beginning() {
        let metrics = ["tcp.reset", "tcp.request", "tcp.retransmits", "tcp.rtt", "udp.received"];
        for (name, meant) in [
            ("tcp.requst", Some("tcp.request")),
            ("tcp.rest", Some("tcp.reset")),
            ("TCP.RTT", Some("tcp.rtt")),
            ("udp.recieved", Some("udp.received")),
            ("bandwidth", None),
        ] {
            assert_eq!(nearest(name, metrics), meant, "{name}");
        }
        assert_eq!(nearest("rat", ["rtt", "rate"]), Some("rate"));
    }
}
