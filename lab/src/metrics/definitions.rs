//! Names, units and meanings of all metrics.

use crate::file::{Stat, Unit};

/// What a metric is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Many values; all statistics apply.
    Samples,
    /// Something counted; `count` and `value` are what it stands at, `rate` its growth a second.
    Counter,
    /// A part of a whole; `value` and `rate` are the share over everything that matches.
    Share,
    /// What something stands at in the end, one value for each set of labels; `value` must hold for each of them.
    Level,
}

impl Kind {
    /// True if a statistic says something about it.
    pub const fn has(self, stat: Stat) -> bool {
        match self {
            Self::Samples => !matches!(stat, Stat::Value),
            Self::Counter => matches!(stat, Stat::Count | Stat::Value | Stat::Rate),
            Self::Share => matches!(stat, Stat::Value | Stat::Rate | Stat::Min | Stat::Max),
            Self::Level => matches!(stat, Stat::Value),
        }
    }

    /// The statistics that say something about it, in words.
    pub const fn statistics(self) -> &'static str {
        match self {
            Self::Samples => "p(N), min, max, avg, med, count or rate",
            Self::Counter => "count, value or rate",
            Self::Share => "value, rate, min or max",
            Self::Level => "value",
        }
    }

    /// Its name in `metrics.json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Samples => "samples",
            Self::Counter => "counter",
            Self::Share => "share",
            Self::Level => "level",
        }
    }
}

/// A metric.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Definition {
    /// Its name; `*` stands for the name of a link.
    pub name: &'static str,
    /// What its values are.
    pub unit: Unit,
    /// What it is.
    pub kind: Kind,
    /// Which labels its series have.
    pub labels: &'static [&'static str],
    /// What is measured, from when to when.
    pub meaning: &'static str,
}

/// All labels a check may ask for.
pub const LABELS: &[&str] = &["host", "link", "peer", "port", "program"];

const TCP: &[&str] = &["host", "peer", "port", "program"];
const UDP: &[&str] = &["host", "peer", "port"];
const LINK: &[&str] = &["link", "host"];
const PROC: &[&str] = &["host", "program"];

macro_rules! definitions {
    ($($name:literal $unit:ident $kind:ident $labels:ident $meaning:literal;)*) => {
        /// All metrics, by name.
        pub const DEFINITIONS: &[Definition] =
            &[$(Definition { name: $name, unit: Unit::$unit, kind: Kind::$kind, labels: $labels, meaning: $meaning }),*];
        /// Names and units, as the reader of lab files wants them.
        pub const NAMES: &[(&str, Unit)] = &[$(($name, Unit::$unit)),*];
    };
}

definitions! {
    "link.*.corrupted" Count Counter LINK "Packets in which the link flipped a bit.";
    "link.*.delay" Time Samples LINK "From the moment a packet is put onto the link until it arrives at the far end: queue, rate and delay together.";
    "link.*.delivered" Count Counter LINK "Packets that arrived, copies included.";
    "link.*.delivered_bytes" Bytes Counter LINK "Bytes that arrived, link headers included.";
    "link.*.duplicated" Count Counter LINK "Copies the link made.";
    "link.*.loss" Ratio Share LINK "Packets that were dropped, of those that were put onto the link.";
    "link.*.lost" Count Counter LINK "Packets dropped, for whatever cause.";
    "link.*.lost.codel" Count Counter LINK "Packets dropped by CoDel.";
    "link.*.lost.down" Count Counter LINK "Packets dropped because the link was down.";
    "link.*.lost.loss" Count Counter LINK "Packets dropped by the loss model.";
    "link.*.lost.queue-full" Count Counter LINK "Packets dropped because the queue was full.";
    "link.*.lost.red" Count Counter LINK "Packets dropped by RED.";
    "link.*.lost.too-big" Count Counter LINK "Packets dropped because they are larger than the link carries.";
    "link.*.marked" Count Counter LINK "Packets marked with congestion experienced.";
    "link.*.queue" Time Samples LINK "How long a packet that was delivered waited in the queue.";
    "link.*.queue_peak" Bytes Level LINK "Most bytes that waited in the queue.";
    "link.*.reordered" Count Counter LINK "Packets that overtook others.";
    "link.*.sent" Count Counter LINK "Packets that were put onto the link.";
    "link.*.sent_bytes" Bytes Counter LINK "Bytes that were put onto the link, link headers included.";
    "link.*.utilisation" Ratio Level LINK "Bits that arrived, of those the rate would have let pass in the time of the run. Only of links with a fixed rate.";
    "proc.cpu" Time Samples PROC "Processor time of a program and the processes it waited for, in user and kernel.";
    "proc.exit" Count Level PROC "Exit code of a program; 128 and the number of the signal if one ended it.";
    "proc.rss" Bytes Samples PROC "Most memory that a program held at once.";
    "proc.time" Time Samples PROC "From the start of a program to its end.";
    "sock.reads" Count Counter TCP "Receive calls on a TCP socket that gave bytes.";
    "sock.sendbuf" Bytes Samples TCP "Bytes written and not yet acknowledged, just after each send call on a TCP socket.";
    "sock.writes" Count Counter TCP "Send calls on a TCP socket that took bytes.";
    "tcp.close" Time Samples TCP "From the moment an end closes or shuts down writing (FIN-WAIT-1, LAST-ACK) until its connection is over in order (TIME-WAIT, CLOSED).";
    "tcp.connect" Time Samples TCP "From the connect call to ESTABLISHED, at the end that connects. Attempts that fail are no samples.";
    "tcp.connect_failed" Count Counter TCP "Attempts to connect that failed.";
    "tcp.goodput" Rate Samples TCP "Bits a second of what a program reads from a connection: from the moment the first byte leaves the other end to the last read. One sample for each end that reads more than once.";
    "tcp.request" Time Samples TCP "From the first byte of a send burst accepted to the first byte of the answer read, at the end that connected. A burst is all that is sent between two reads.";
    "tcp.reset" Count Counter TCP "Connections that were ended by a RST of the peer.";
    "tcp.retransmit_ratio" Ratio Share TCP "Segments with data that repeat what was sent before, of all segments with data, by the host that sends them.";
    "tcp.retransmits" Count Counter TCP "Segments that repeat what was sent before, SYN and FIN included, by the host that sends them.";
    "tcp.rtt" Time Samples TCP "Round trips as the sending stack measures them.";
    "tcp.ttfb" Time Samples TCP "From the connect call to the first byte read, at the end that connects.";
    "udp.delay" Time Samples UDP "From the moment a datagram leaves its host until it arrives at that of its destination. Of datagrams between hosts of the lab; a copy is no sample.";
    "udp.loss" Ratio Share UDP "Datagrams that a link dropped, of those whose fate is known.";
    "udp.received" Count Counter UDP "Datagrams that arrived at the host of their destination, copies included; `host` is that of the receiver.";
    "udp.sent" Count Counter UDP "Datagrams that left a host.";
}

/// The metric of this name; that of `link.wan.sent` is `link.*.sent`.
pub fn definition(name: &str) -> Option<&'static Definition> {
    let matches = |definition: &&Definition| match definition.name.split_once('*') {
        None => definition.name == name,
        Some((before, after)) => {
            name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(|link| !link.is_empty())
        }
    };
    // `link.a.lost` is that of link `a`, not `lost` of something: the longest ending wins.
    DEFINITIONS.iter().filter(matches).max_by_key(|definition| definition.name.len())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(DEFINITIONS.is_sorted_by_key(|definition| definition.name));
        assert_eq!(definition("link.wan.sent").map(|found| found.name), Some("link.*.sent"));
        assert_eq!(definition("link.wan-1.lost.queue-full").map(|found| found.name), Some("link.*.lost.queue-full"));
        assert_eq!(definition("tcp.request").map(|found| found.unit), Some(Unit::Time));
        assert!(definition("link..sent").is_none() && definition("tcp.requests").is_none());
    }

    #[test]
    fn every_label_is_known() {
        assert!(DEFINITIONS.iter().flat_map(|definition| definition.labels).all(|label| LABELS.contains(label)));
    }

    /// The manual's page is this table; `LOGGIA_BLESS=1` writes it anew.
    #[test]
    fn the_manual_says_the_same() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/manual/metrics.md");
        let page = page();
        if std::env::var_os("LOGGIA_BLESS").is_some() {
            std::fs::write(path, &page).expect("the page is written");
        }
        let stands = std::fs::read_to_string(path).unwrap_or_default();
        assert!(stands == page, "docs/manual/metrics.md is not of this table: run the test with LOGGIA_BLESS=1");
    }

    fn page() -> String {
        let mut page = String::from(include_str!("page.md"));
        for definition in DEFINITIONS {
            let unit = match definition.unit {
                Unit::Time => "time",
                Unit::Ratio => "share",
                Unit::Rate => "bits a second",
                Unit::Bytes => "bytes",
                Unit::Count => "number",
            };
            let labels: Vec<_> = definition.labels.iter().map(|label| format!("`{label}`")).collect();
            let Definition { name, kind, meaning, .. } = definition;
            let name = name.replace('*', "NAME");
            writeln!(page, "| `{name}` | {unit}, {} | {} | {meaning} |", kind.name(), labels.join(" "))
                .expect("a string takes all");
        }
        page
    }
}
