//! Whether the impairments that were described did anything: a run in which none was lost says nothing about loss.

use super::{Finding, Verdict};
use crate::link::{Cause, Counts, Loss, Terms};
use crate::world::World;

/// A finding for each impairment of a link that touched no packet, in either direction. Held ones are not told.
pub fn never_fired(world: &World) -> Vec<Finding> {
    let of = |wire: &crate::world::Wire| {
        let pipes = [wire.pipe(0), wire.pipe(1)];
        link(&wire.name, pipes.map(crate::link::Pipe::terms), pipes.map(|pipe| *pipe.counts()))
    };
    world.wires().iter().flat_map(of).collect()
}

/// An impairment: what it is called, whether it is described, what it did.
type Impairment = (&'static str, fn(&Terms) -> bool, fn(&Counts) -> u64);

const IMPAIRMENTS: [Impairment; 4] = [
    ("loss", |terms| terms.loss.as_ref().is_some_and(can_lose), |counts| counts.dropped[Cause::Loss as usize]),
    ("duplicate", |terms| terms.duplicate.probability > 0.0, |counts| counts.duplicated),
    ("corrupt", |terms| terms.corrupt.probability > 0.0, |counts| counts.corrupted),
    ("reorder", |terms| terms.reorder.is_some_and(|reorder| reorder.chance.probability > 0.0), |counts| counts.reordered),
];

fn can_lose(loss: &Loss) -> bool {
    match loss {
        Loss::Independent(chance) => chance.probability > 0.0,
        Loss::GilbertElliott { enter, bad, good, .. } => *good > 0.0 || (*enter > 0.0 && *bad > 0.0),
        Loss::FourState { p13, p14, .. } => *p13 > 0.0 || *p14 > 0.0,
        Loss::Periodic { .. } => true,
        Loss::List(numbers) => !numbers.is_empty(),
    }
}

fn link(name: &str, terms: [&Terms; 2], counts: [Counts; 2]) -> Vec<Finding> {
    let sent: u64 = counts.iter().map(|counts| counts.sent).sum();
    let silent = |(what, described, did): &Impairment| {
        let described = terms.iter().any(|terms| described(terms));
        let did: u64 = counts.iter().map(did).sum();
        (described && did == 0).then(|| {
            let found = format!("never: {sent} packets crossed and none was touched");
            Finding::new(format!("{what} of link {name} fires"), Verdict::Inconclusive, found)
        })
    };
    IMPAIRMENTS.iter().filter_map(silent).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Chance;

    #[test]
    fn what_touched_no_packet_makes_the_run_inconclusive() {
        let chance = Chance { probability: 0.01, correlation: 0.0 };
        let terms = Terms { loss: Some(Loss::Independent(chance)), duplicate: chance, ..Terms::default() };
        let mut counts = [Counts { sent: 20, ..Counts::default() }; 2];
        counts[1].duplicated = 1;
        let findings = link("wan", [&terms, &terms], counts);
        let [finding] = &findings[..] else { panic!("{findings:?}") };
        assert_eq!(finding.expected, "loss of link wan fires");
        assert_eq!(finding.found, "never: 40 packets crossed and none was touched");
        assert!(link("wan", [&Terms::default(), &Terms::default()], counts).is_empty());
    }
}
