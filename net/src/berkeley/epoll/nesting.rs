//! Sets in sets. A wake goes up through them, a look down: both end, for there are no circles, and soon, for there are few levels.

use std::sync::Arc;

use loggia_stack::base::Errno;

use super::set::Set;

/// Most levels below a set, as Linux's `EP_MAX_NESTS`.
const LEVELS: usize = 4;

/// Whether `inner` may be put into `outer`. `ELOOP`
pub(super) fn check(outer: &Arc<Set>, inner: &Arc<Set>) -> Result<(), Errno> {
    let circle = reaches(inner, outer);
    if circle || above(outer) + 1 + below(inner) > LEVELS { Err(Errno::ELOOP) } else { Ok(()) }
}

/// True if `set` has `other` in it, or in one that it has.
fn reaches(set: &Arc<Set>, other: &Arc<Set>) -> bool {
    set.inner().iter().any(|inner| Arc::ptr_eq(inner, other) || reaches(inner, other))
}

/// Levels of sets that a set has in it.
fn below(set: &Set) -> usize {
    set.inner().iter().map(|inner| 1 + below(inner)).max().unwrap_or(0)
}

/// Levels of sets that a set is in.
fn above(set: &Set) -> usize {
    set.outer().iter().map(|outer| 1 + above(outer)).max().unwrap_or(0)
}
