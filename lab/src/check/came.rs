//! Whether what was to change during the run did: a change for whose moment the run did not last says nothing.

use loggia_stack::base::time::Duration;

use super::{Finding, Verdict};
use crate::file::{Unit, show};
use crate::plan::Change;

/// A finding for each change that was to begin after the run was over. That something ends later than the run is no finding.
pub fn never_came(changes: &[Change], lasted: Duration) -> Vec<Finding> {
    let missed = changes.iter().filter(|change| change.begins && change.at > lasted);
    let time = |time: Duration| show(time.as_secs_f64(), Unit::Time);
    missed
        .map(|change| {
            let expected = format!("at {}: {}", time(change.at), change.text);
            let lasted = time(Duration::from_millis(lasted.as_millis() as u64));
            let found = format!("never: the run was over after {lasted}; state an earlier t, or let its programs run for longer");
            Finding::new(expected, Verdict::Inconclusive, found)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_after_the_end_is_told_and_an_end_of_one_is_not() {
        let change = |seconds, text: &str, begins| Change {
            at: Duration::from_secs(seconds),
            text: text.into(),
            begins,
            actions: Vec::new(),
        };
        let changes = [change(1, "wan: down", true), change(3, "wan: down is over", false), change(4, "wan: loss 5%", true)];
        let found = never_came(&changes, Duration::from_millis(2500));
        let [finding] = &found[..] else { panic!("{found:?}") };
        assert_eq!((finding.expected.as_str(), finding.verdict), ("at 4s: wan: loss 5%", Verdict::Inconclusive));
        assert!(finding.found.contains("over after 2.5s"), "{}", finding.found);
    }
}
