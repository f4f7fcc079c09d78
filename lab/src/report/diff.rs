//! What differs between two runs.
//!
//! Of runs in real time the fates of packets are compared: each flow's n-th packet on each link. Of runs in virtual time everything is the
//! same or not, and the first difference is the one that matters.

use std::collections::BTreeMap;

use super::look::{Look, Tone, columns, count, millis, number};
use crate::record::{Entry, Fact};

/// What differs between two runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// The first entries that differ, as lines of the record, and their number counted from 1; none if all are the same.
    pub first: Option<(usize, Option<String>, Option<String>)>,
    /// How many entries of each kind the runs have.
    pub kinds: BTreeMap<&'static str, [u64; 2]>,
    /// Packets of the same number of the same flow on the same link that met the same fate, and another one.
    pub fates: [u64; 2],
    /// The first of those that met another.
    pub fate: Option<String>,
    /// Packets that only one of the runs had.
    pub alone: [u64; 2],
}

impl Difference {
    /// True if both runs went the same way, to the nanosecond.
    pub fn is_none(&self) -> bool {
        self.first.is_none()
    }
}

/// What differs between run `a` and run `b`.
pub fn difference(a: &[Entry], b: &[Entry]) -> Difference {
    let line = |entries: &[Entry], at: usize| entries.get(at).map(|entry| serde_json::to_string(entry).unwrap_or_default());
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let first = (same < a.len().max(b.len())).then(|| (same + 1, line(a, same), line(b, same)));
    let mut kinds = BTreeMap::<_, [u64; 2]>::new();
    for (run, entries) in [a, b].into_iter().enumerate() {
        entries.iter().for_each(|entry| kinds.entry(entry.fact.kind()).or_default()[run] += 1);
    }
    let (of_a, of_b) = (fates(a), fates(b));
    let both = || of_a.iter().filter_map(|(name, fate)| Some((name, fate, of_b.get(name)?)));
    let equal = both().filter(|(_, a, b)| a == b).count() as u64;
    let other = || both().filter(|(_, a, b)| a != b);
    let fate = other().next().map(|((link, end, flow, number), a, b)| {
        format!(
            "{link} from end {end}, packet {number} of flow {flow}: {} in the first run, {} in the second",
            a.join(" "),
            b.join(" ")
        )
    });
    let alone = [
        of_a.keys().filter(|name| !of_b.contains_key(*name)).count() as u64,
        of_b.keys().filter(|name| !of_a.contains_key(*name)).count() as u64,
    ];
    Difference { first, kinds, fates: [equal, other().count() as u64], fate, alone }
}

type Place<'a> = (&'a str, u8, &'a str, u64);

/// Fates by link, direction, flow and number in the flow; a copy's stands behind that of its original.
fn fates(entries: &[Entry]) -> BTreeMap<Place<'_>, Vec<&str>> {
    let mut fates = BTreeMap::<_, Vec<&str>>::new();
    for entry in entries {
        // Without a number it crossed a link that looks at no packet.
        if let Fact::Fate(fate) = &entry.fact
            && fate.number > 0
        {
            let of = fates.entry((&*fate.link, fate.end, &*fate.flow, fate.number)).or_default();
            of.push(&fate.fate);
            of.extend(fate.marks.iter().map(|mark| &**mark));
        }
    }
    fates
}

/// The difference as text.
pub fn diff(a: &[Entry], b: &[Entry], look: &Look) -> String {
    let found = difference(a, b);
    if found.is_none() {
        return format!(
            "{}: {} each\n",
            look.paint(Tone::Good, "the runs are the same"),
            count(a.len() as u64, "entry", "entries")
        );
    }
    let mut text = String::new();
    let [equal, other] = found.fates;
    if equal + other > 0 {
        let sum = format!("{} of {} met the same fate", number(equal), count(equal + other, "packet", "packets"));
        text += &format!("{}\n", look.paint(if other == 0 { Tone::Good } else { Tone::Bad }, &sum));
        text += &found.fate.as_ref().map_or_else(String::new, |fate| format!("  first other: {fate}\n"));
    }
    if found.alone != [0, 0] {
        let [a, b] = found.alone.map(number);
        text += &format!("packets that only one run had: {a} in the first, {b} in the second\n");
    }
    if let Some((at, first, second)) = &found.first {
        text += &format!("first difference at entry {}:\n", number(*at as u64));
        for (run, line) in [("first ", first), ("second", second)] {
            text += &format!("  {run}  {}\n", line.as_deref().unwrap_or("(the run is over)"));
        }
        let t = a.get(at - 1).or(b.get(at - 1)).map_or(0, |entry| entry.t);
        text += &format!("  at {} ms\n", millis(t));
    }
    let rows = found.kinds.iter().map(|(kind, [a, b])| {
        let more = *b as i64 - *a as i64;
        vec![(*kind).to_owned(), number(*a), number(*b), if more == 0 { String::new() } else { format!("{more:+}") }]
    });
    text + "\n" + &columns(look, &["Entries", ">First", ">Second", ">More"], &rows.collect::<Vec<_>>())
}
