//! Signals sent to loggia that the program may have got as well.
//!
//! A signal from the terminal, or sent to the process group, reaches loggia, the program and the keeper, each by itself; one sent to
//! loggia alone reaches loggia. The keeper tells them apart: only if it did not get the signal it is passed on.

use std::time::{Duration, Instant};

/// How long to wait for the keeper's own copy of a signal that loggia tells of.
const WAIT: Duration = Duration::from_millis(5);
/// How long an own copy may be older than loggia's word of it.
const MEMORY: Duration = Duration::from_secs(1);

/// Both sides of the comparison.
#[derive(Default, Debug)]
pub(super) struct Passing {
    /// Came to the keeper and not yet heard of from loggia.
    own: Vec<(i32, Instant)>,
    /// Heard of from loggia and not yet seen here: when to believe that it was for loggia alone.
    told: Vec<(i32, Instant)>,
}

impl Passing {
    /// The keeper has got it too.
    pub(super) fn own(&mut self, signal: i32, now: Instant) {
        if take(&mut self.told, signal).is_none() {
            self.own.retain(|(other, at)| *other != signal && now - *at < MEMORY);
            self.own.push((signal, now));
        }
    }

    /// Loggia has got it.
    pub(super) fn told(&mut self, signal: i32, now: Instant) {
        let seen = take(&mut self.own, signal).is_some_and(|at| now - at < MEMORY);
        if !seen {
            self.told.push((signal, now + WAIT));
        }
    }

    /// The signals to pass on.
    pub(super) fn due(&mut self, now: Instant) -> Vec<i32> {
        let due = self.told.iter().filter(|(_, at)| *at <= now).map(|(signal, _)| *signal).collect();
        self.told.retain(|(_, at)| *at > now);
        due
    }

    /// When [`Passing::due`] may have something.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.told.iter().map(|(_, at)| *at).min()
    }
}

fn take(list: &mut Vec<(i32, Instant)>, signal: i32) -> Option<Instant> {
    let index = list.iter().position(|(other, _)| *other == signal)?;
    Some(list.remove(index).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_to_the_whole_group_is_not_passed_on() {
        let start = Instant::now();
        let mut passing = Passing::default();
        passing.own(2, start);
        passing.told(2, start + WAIT);
        passing.told(15, start);
        passing.own(15, start + WAIT / 2);
        assert_eq!((passing.due(start + WAIT * 4), passing.deadline()), (vec![], None));
    }

    #[test]
    fn a_signal_to_loggia_alone_is_passed_on_after_a_moment() {
        let start = Instant::now();
        let mut passing = Passing::default();
        passing.told(15, start);
        assert_eq!((passing.due(start), passing.deadline()), (vec![], Some(start + WAIT)));
        assert_eq!((passing.due(start + WAIT), passing.deadline()), (vec![15], None));
    }

    #[test]
    fn an_old_copy_does_not_count_for_a_new_signal() {
        let start = Instant::now();
        let mut passing = Passing::default();
        passing.own(2, start);
        passing.told(2, start + MEMORY);
        assert_eq!(passing.due(start + MEMORY + WAIT), [2]);
    }
}
