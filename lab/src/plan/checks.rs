//! Whether checks ask for what can be measured.

use super::planner::Planner;
use super::{Action, Link};
use crate::file::Check;
use crate::link::{Rate, Terms};
use crate::metrics::{Definition, definition};

impl Planner<'_> {
    /// Notes statistics that a metric does not have, and metrics that no link has.
    pub(super) fn checks(&mut self) {
        for check in &self.description.checks {
            let Some(of) = definition(&check.metric.value) else { continue };
            self.statistics(check, of);
            if of.name == "link.*.utilisation" {
                self.utilisation(check);
            }
        }
    }

    fn statistics(&mut self, check: &Check, of: &Definition) {
        for threshold in check.expect.iter().filter(|threshold| !of.kind.has(threshold.value.stat)) {
            let message = format!("{} has no {}", check.metric.value, threshold.value.stat);
            self.errors.add(
                threshold.span,
                message,
                format!("expected {}: its kind is {}", of.kind.statistics(), of.kind.name()),
            );
        }
    }

    /// How much of a rate was used is known of links that have one.
    fn utilisation(&mut self, check: &Check) {
        let name = check.metric.value.split('.').nth(1).unwrap_or_default();
        let meant = |link: &&Link| link.name == name || link.group == name;
        let changed = self.plan.changes.iter().flat_map(|change| &change.actions).filter_map(|action| match action {
            Action::Terms(pipe, terms) if meant(&&self.plan.links[pipe.wire]) => Some(&**terms),
            _ => None,
        });
        let limited = |terms: &Terms| matches!(terms.rate, Some(Rate::Fixed { .. }));
        let at_first = self.plan.links.iter().filter(meant).flat_map(|link| &link.terms);
        if !at_first.chain(changed).any(limited) {
            let message = format!("link {name:?} has no fixed rate, and so no utilisation");
            self.errors.add(check.metric.span, message, format!("state a rate in [link.{name}], or check something else"));
        }
    }
}
