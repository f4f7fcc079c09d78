//! Which sources of a group are wanted: what one socket asks for, and what all of them together amount to on a link
//! (RFC 9776 §3.1, 3.2).

use alloc::vec::Vec;

use crate::base::Addr;

/// Whether a list names the sources that are wanted or those that are not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode {
    /// Only those listed.
    Include,
    /// All but those listed.
    Exclude,
}

/// Which sources of a group are wanted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SourceFilter {
    /// What the list means.
    pub mode: Mode,
    /// The list; sorted, nothing twice.
    sources: Vec<Addr>,
}

impl SourceFilter {
    /// No source: not a member.
    pub const NOTHING: Self = Self { mode: Mode::Include, sources: Vec::new() };
    /// Every source: an ordinary member.
    pub const EVERYTHING: Self = Self { mode: Mode::Exclude, sources: Vec::new() };

    /// A filter; the list may be in any order.
    pub fn new(mode: Mode, mut sources: Vec<Addr>) -> Self {
        sources.sort_unstable();
        sources.dedup();
        Self { mode, sources }
    }

    /// The list, sorted.
    pub fn sources(&self) -> &[Addr] {
        &self.sources
    }

    /// True if nothing is wanted: not a member.
    pub fn is_nothing(&self) -> bool {
        self.mode == Mode::Include && self.sources.is_empty()
    }

    /// True if the list names `src`.
    pub fn lists(&self, src: Addr) -> bool {
        self.sources.binary_search(&src).is_ok()
    }

    /// The filter whose list has `src` too.
    #[must_use]
    pub fn with(&self, src: Addr) -> Self {
        let mut sources = self.sources.clone();
        sources.push(src);
        Self::new(self.mode, sources)
    }

    /// The filter whose list has `src` no more.
    #[must_use]
    pub fn without(&self, src: Addr) -> Self {
        let sources = self.sources.iter().copied().filter(|&listed| listed != src).collect();
        Self { mode: self.mode, sources }
    }

    /// True if packets from `src` are wanted.
    pub fn wants(&self, src: Addr) -> bool {
        self.lists(src) == (self.mode == Mode::Include)
    }
}

/// How many sockets list a source.
#[derive(Clone, Copy, Debug)]
struct Listed {
    addr: Addr,
    included: u32,
    excluded: u32,
}

/// What all sockets of a host want of a group on a link, counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Wants {
    /// Sockets in exclude mode.
    excluding: u32,
    /// Sources that a socket lists, sorted.
    listed: Vec<Listed>,
}

impl Wants {
    /// A socket wants this too.
    pub(super) fn add(&mut self, filter: &SourceFilter) {
        if filter.mode == Mode::Exclude {
            self.excluding += 1;
        }
        for &addr in &filter.sources {
            let at = match self.listed.binary_search_by_key(&addr, |listed| listed.addr) {
                Ok(at) => at,
                Err(at) => {
                    self.listed.insert(at, Listed { addr, included: 0, excluded: 0 });
                    at
                }
            };
            *counter(&mut self.listed[at], filter.mode) += 1;
        }
    }

    /// True if some socket can have asked for this, so that it can be taken back.
    pub(super) fn covers(&self, filter: &SourceFilter) -> bool {
        let listed = |addr: &Addr| {
            let found = self.listed.binary_search_by_key(addr, |listed| listed.addr);
            found.is_ok_and(|at| *counter(&mut self.listed[at].clone(), filter.mode) > 0)
        };
        (filter.mode == Mode::Include || self.excluding > 0) && filter.sources.iter().all(listed)
    }

    /// A socket does not want this any more; only what [`Wants::covers`] says.
    pub(super) fn remove(&mut self, filter: &SourceFilter) {
        if filter.mode == Mode::Exclude {
            self.excluding = self.excluding.saturating_sub(1);
        }
        for addr in &filter.sources {
            if let Ok(at) = self.listed.binary_search_by_key(addr, |listed| listed.addr) {
                let counter = counter(&mut self.listed[at], filter.mode);
                *counter = counter.saturating_sub(1);
            }
        }
        self.listed.retain(|listed| listed.included > 0 || listed.excluded > 0);
    }

    /// What it amounts to (RFC 9776 §3.2): with a socket in exclude mode, all sources but those that every such socket excludes
    /// and none includes; else those that any includes.
    pub(super) fn merged(&self) -> SourceFilter {
        let (mode, wanted): (_, fn(&Listed, u32) -> bool) = if self.excluding > 0 {
            (Mode::Exclude, |listed, excluding| listed.excluded == excluding && listed.included == 0)
        } else {
            (Mode::Include, |listed, _| listed.included > 0)
        };
        let sources = self.listed.iter().filter(|listed| wanted(listed, self.excluding)).map(|listed| listed.addr);
        SourceFilter { mode, sources: sources.collect() }
    }
}

fn counter(listed: &mut Listed, mode: Mode) -> &mut u32 {
    match mode {
        Mode::Include => &mut listed.included,
        Mode::Exclude => &mut listed.excluded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addr(last: u8) -> Addr {
        Addr::v4(192, 0, 2, last)
    }

    fn filter(mode: Mode, sources: &[u8]) -> SourceFilter {
        SourceFilter::new(mode, sources.iter().map(|&last| addr(last)).collect())
    }

    fn merged(filters: &[SourceFilter]) -> SourceFilter {
        let mut wants = Wants::default();
        filters.iter().for_each(|filter| wants.add(filter));
        wants.merged()
    }

    #[test]
    fn the_examples_of_rfc_9776() {
        // RFC 9776 §3.2
        use Mode::{Exclude, Include};
        let (a, b, c, d, e, f) = (1, 2, 3, 4, 5, 6);
        let sockets = [filter(Exclude, &[a, b, c, d]), filter(Exclude, &[b, c, d, e]), filter(Include, &[d, e, f])];
        assert_eq!(merged(&sockets), filter(Exclude, &[b, c]));
        let sockets = [filter(Include, &[a, b, c]), filter(Include, &[b, c, d]), filter(Include, &[e, f])];
        assert_eq!(merged(&sockets), filter(Include, &[a, b, c, d, e, f]));
        assert_eq!(merged(&[]), SourceFilter::NOTHING);
        assert_eq!(merged(&[filter(Include, &[a]), SourceFilter::EVERYTHING]), SourceFilter::EVERYTHING);
    }

    #[test]
    fn what_was_added_can_be_taken_back_and_nothing_else() {
        let mut wants = Wants::default();
        let first = filter(Mode::Exclude, &[1, 2]);
        let second = filter(Mode::Include, &[2]);
        wants.add(&first);
        wants.add(&second);
        assert!(wants.covers(&first) && wants.covers(&second));
        assert!(!wants.covers(&filter(Mode::Include, &[1])) && !wants.covers(&filter(Mode::Exclude, &[3])));
        wants.remove(&first);
        assert!(!wants.covers(&SourceFilter::EVERYTHING));
        assert_eq!(wants.merged(), second);
        wants.remove(&second);
        assert!(wants.merged().is_nothing() && wants.listed.is_empty());
    }

    #[test]
    fn a_filter_wants_what_it_says() {
        let include = filter(Mode::Include, &[2, 1, 2]);
        assert_eq!(include.sources(), [addr(1), addr(2)]);
        assert!(include.wants(addr(1)) && !include.wants(addr(3)));
        let exclude = filter(Mode::Exclude, &[1]);
        assert!(!exclude.wants(addr(1)) && exclude.wants(addr(3)));
        assert!(SourceFilter::EVERYTHING.wants(addr(1)) && !SourceFilter::NOTHING.wants(addr(1)));
    }
}
