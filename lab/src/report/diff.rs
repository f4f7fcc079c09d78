//! What differs between two runs.
//!
//! Of runs in real time the fates that the seed has drawn are compared: each flow's n-th packet on each link. What an outage, a queue or the
//! size of a packet decides is the time's doing, and no difference that counts. Of runs in virtual time everything is the same or not, and
//! the first difference is the one that matters.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::look::{Look, Tone, columns, count, millis, number};
use crate::record::{Entry, Fact};

/// What of two runs can be the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Promise {
    /// Everything: both were in virtual time.
    All,
    /// What happened in which order, and not when: one of them was in real time.
    Order,
}

/// What differs between two runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Difference {
    /// The first entries that differ, as lines of the record, and their number counted from 1; none if all are the same. Of runs in real time
    /// without moments and notes.
    pub first: Option<(usize, Option<String>, Option<String>)>,
    /// How many entries of each kind the runs have.
    pub kinds: BTreeMap<&'static str, [u64; 2]>,
    /// Packets of the same number of the same flow on the same link for which the seed has drawn the same fate, and another one.
    pub fates: [u64; 2],
    /// Packets that met another fate by an outage, a queue or their size.
    pub timed: u64,
    /// The first of those that met another.
    pub fate: Option<String>,
    /// Packets that only one of the runs had.
    pub alone: [u64; 2],
}

impl Difference {
    /// True if both runs went the same way: in virtual time to the nanosecond, otherwise in this order.
    pub fn is_none(&self) -> bool {
        self.first.is_none()
    }
}

/// What differs between run `a` and run `b`.
pub fn difference(a: &[Entry], b: &[Entry], promise: Promise) -> Difference {
    let first = first_difference(a, b, promise);
    let mut kinds = BTreeMap::<_, [u64; 2]>::new();
    for (run, entries) in [a, b].into_iter().enumerate() {
        entries.iter().for_each(|entry| kinds.entry(entry.fact.kind()).or_default()[run] += 1);
    }
    let (of_a, of_b) = (fates(a), fates(b));
    let both = || of_a.iter().filter_map(|(name, fate)| Some((name, fate, of_b.get(name)?)));
    let drawn = || both().filter_map(|(name, a, b)| Some((name, (a, b), (drawn(a)?, drawn(b)?))));
    let equal = drawn().filter(|(_, _, (a, b))| a == b).count() as u64;
    let other = || drawn().filter(|(_, _, (a, b))| a != b).map(|(name, (a, b), _)| (name, a, b));
    let timed = both().filter(|(_, a, b)| a != b).count() as u64 - other().count() as u64;
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
    Difference { first, kinds, fates: [equal, other().count() as u64], timed, fate, alone }
}

/// The first entries that differ, as lines of the record, with their number.
fn first_difference(a: &[Entry], b: &[Entry], promise: Promise) -> Option<(usize, Option<String>, Option<String>)> {
    let [mut a, mut b] = [a, b].map(|entries| {
        let counts = move |(_, entry): &(usize, &Entry)| promise == Promise::All || !matches!(entry.fact, Fact::Note { .. });
        entries.iter().enumerate().filter(counts)
    });
    let line = |entry: &Entry| serde_json::to_string(entry).unwrap_or_default();
    loop {
        match (a.next(), b.next()) {
            (None, None) => return None,
            (Some((_, a)), Some((_, b))) if promised(a, promise) == promised(b, promise) => {}
            (one, other) => {
                let number = one.or(other).map_or(0, |(number, _)| number + 1);
                return Some((number, one.map(|(_, entry)| line(entry)), other.map(|(_, entry)| line(entry))));
            }
        }
    }
}

/// What of an entry can be the same in another run.
fn promised(entry: &Entry, promise: Promise) -> Cow<'_, Entry> {
    if promise == Promise::All {
        return Cow::Borrowed(entry);
    }
    let mut bare = Entry { t: 0, ..entry.clone() };
    match &mut bare.fact {
        Fact::Fate(fate) => (fate.put, fate.arrives, fate.queued) = (None, None, None),
        Fact::Rtt { sample_us, srtt_us, rto_us, .. } => (*sample_us, *srtt_us, *rto_us) = Default::default(),
        _ => {}
    }
    Cow::Owned(bare)
}

/// What the seed has drawn for a packet: whether it is lost, copied, damaged. None if the link did not get so far with it.
fn drawn<'a>(fate: &[&'a str]) -> Option<Vec<&'a str>> {
    const DECIDED_BEFORE: [&str; 5] = ["down", "too-big", "queue-full", "codel", "red"];
    const BY_TIME: [&str; 2] = ["reordered", "ecn"];
    let met = !fate.iter().any(|word| DECIDED_BEFORE.contains(word));
    met.then(|| fate.iter().copied().filter(|word| !BY_TIME.contains(word)).collect())
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
pub fn diff(a: &[Entry], b: &[Entry], promise: Promise, look: &Look) -> String {
    let found = difference(a, b, promise);
    if found.is_none() {
        let same = match promise {
            Promise::All => "the runs are the same",
            Promise::Order => "the runs are the same but for the time",
        };
        return format!("{}: {} each\n", look.paint(Tone::Good, same), count(a.len() as u64, "entry", "entries"));
    }
    let mut text = String::new();
    let [equal, other] = found.fates;
    if equal + other > 0 {
        let sum = format!("{} of {} met the same fate", number(equal), count(equal + other, "packet", "packets"));
        text += &format!("{}\n", look.paint(if other == 0 { Tone::Good } else { Tone::Bad }, &sum));
        text += &found.fate.as_ref().map_or_else(String::new, |fate| format!("  first other: {fate}\n"));
    }
    if found.timed > 0 {
        let packets = count(found.timed, "packet", "packets");
        text += &format!("{packets} met another fate by an outage, a queue or their size, as the time went\n");
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
