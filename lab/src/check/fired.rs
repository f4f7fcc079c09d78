//! Whether the impairments that were described did anything: a run in which none was lost says nothing about loss.

use std::collections::BTreeMap;

use super::{Finding, Verdict};
use crate::link::{Exposure, Impairment, Pipe};
use crate::plan;
use crate::world::World;

/// So many events must be expected for one to come in 95 of 100 runs: -ln 0.05.
const ENOUGH: f64 = 3.0;

/// A finding for each impairment that was in force at any time of the run and touched no packet, in either direction, on none of the links
/// that came of the one of the file. Held ones are not told, and none of links that [need not fire](plan::Link::must_fire). `links` are
/// those of the plan that the world was built of.
pub fn never_fired(world: &World, links: &[plan::Link]) -> Vec<Finding> {
    let mut groups: BTreeMap<&str, Vec<&Pipe>> = BTreeMap::new();
    for (wire, link) in world.wires().iter().zip(links).filter(|(_, link)| link.must_fire) {
        groups.entry(&link.group).or_default().extend([wire.pipe(0), wire.pipe(1)]);
    }
    let silent = |(group, pipes): (&str, Vec<&Pipe>)| {
        let of = |impairment: Impairment| {
            let exposures = pipes.iter().filter_map(|pipe| pipe.exposure(impairment));
            let exposure = exposures.reduce(Exposure::and)?;
            (exposure.touched == 0).then(|| silent(impairment, group, exposure))
        };
        Impairment::ALL.into_iter().filter_map(of).collect::<Vec<_>>()
    };
    groups.into_iter().flat_map(silent).collect()
}

fn silent(impairment: Impairment, link: &str, exposure: Exposure) -> Finding {
    let expected = format!("{} of link {link} fires", impairment.name());
    let found = format!("never: {}, or allow it: must_fire = false in [link.{link}]", why(impairment, exposure));
    Finding::new(expected, Verdict::Inconclusive, found)
}

/// Why it touched no packet, and what to do.
fn why(impairment: Impairment, Exposure { packets, expected, .. }: Exposure) -> String {
    if packets == 0 {
        return "no packet of a program crossed while it was in force; send something then".into();
    }
    let crossed = format!("{packets} packet{} crossed", if packets == 1 { "" } else { "s" });
    if expected == 0.0 {
        return format!("{crossed} and none was on its list; send more, or list others");
    }
    let few = format!("{crossed}, of which {} to be expected", about(expected));
    if expected >= ENOUGH && impairment == Impairment::Reorder {
        return format!(
            "{few}, but none came soon enough after another to overtake it; send them closer together, or delay more"
        );
    }
    if expected >= ENOUGH {
        return format!("{few}; try another seed, send more");
    }
    let needed = (ENOUGH * packets as f64 / expected).ceil();
    format!("{few}; about {needed} are needed to see it in 95 of 100 runs: send more, raise it")
}

fn about(events: f64) -> String {
    let digits = if events >= 10.0 {
        0
    } else if events >= 0.1 {
        1
    } else {
        3
    };
    format!("{events:.digits$} {}", if events > 1.0 { "were" } else { "was" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_nothing_fired_says_how_much_is_needed() {
        let said = |impairment, packets, expected| why(impairment, Exposure { packets, expected, touched: 0 });
        assert_eq!(
            said(Impairment::Loss, 40, 0.4),
            "40 packets crossed, of which 0.4 was to be expected; about 300 are needed to see it in 95 of 100 runs: send more, raise it"
        );
        assert!(said(Impairment::Loss, 0, 0.0).starts_with("no packet of a program crossed while it was in force"));
        assert!(said(Impairment::Reorder, 400, 4.0).contains("closer together"));
        assert!(said(Impairment::Corrupt, 1000, 5.0).ends_with("5.0 were to be expected; try another seed, send more"));
    }
}
