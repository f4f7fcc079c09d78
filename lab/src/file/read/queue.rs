//! `queue`: a kind, or a table.

use loggia_stack::base::time::Duration;

use crate::file::node::{Node, NodeKind};
use crate::file::reader::{Fields, Reader};
use crate::file::schema::{QUEUE, QUEUE_KINDS};
use crate::file::units;
use crate::link::{Limit, Queue, QueueKind};

/// Kinds, by name.
#[derive(Clone, Copy)]
enum Kind {
    DropTail,
    CoDel,
    FqCoDel,
    Red,
    Infinite,
}

const KINDS: [(&str, Kind); 5] = [
    ("droptail", Kind::DropTail),
    ("codel", Kind::CoDel),
    ("fq_codel", Kind::FqCoDel),
    ("red", Kind::Red),
    ("infinite", Kind::Infinite),
];

const TARGET: Duration = Duration::from_millis(5);
const INTERVAL: Duration = Duration::from_millis(100);

impl Reader<'_> {
    pub(super) fn queue(&mut self, fields: &Fields<'_>) -> Option<Queue> {
        let node = fields.get("queue")?;
        let title = format!("queue of {}", fields.title);
        match &node.kind {
            NodeKind::Table(_) => {
                let table = self.fields(&QUEUE, title, node)?;
                let kind = table.get("kind").map_or(Some(Kind::DropTail), |node| self.choice("kind", node, &KINDS))?;
                self.belonging(&table, "kind", QUEUE_KINDS[kind as usize], &QUEUE_KINDS);
                self.queue_of(kind, &table)
            }
            NodeKind::Text(text) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                let limit = self.quantity("queue", node, limit)?;
                Some(Queue { limit: limit.value, ..Queue::default() })
            }
            _ => {
                let kind = self.choice("queue", node, &KINDS)?;
                let none = Node::new(node.span, NodeKind::Table(Vec::new()));
                let table = self.fields(&QUEUE, title, &none)?;
                self.queue_of(kind, &table)
            }
        }
    }

    fn queue_of(&mut self, kind: Kind, table: &Fields<'_>) -> Option<Queue> {
        let stated = self.limit(table);
        let ecn = self.truth(table, "ecn").is_some_and(|ecn| ecn.value);
        let target = self.time(table, "target").map_or(TARGET, |target| target.value);
        let interval = self.time(table, "interval").map_or(INTERVAL, |interval| interval.value);
        let (kind, limit) = match kind {
            Kind::DropTail => (QueueKind::DropTail, Limit::Packets(1000)),
            Kind::Infinite => (QueueKind::DropTail, Limit::Infinite),
            Kind::CoDel => (QueueKind::CoDel { target, interval }, Limit::Packets(1000)),
            Kind::FqCoDel => {
                let flows = self.whole(table, "flows", 1..=65536).map_or(1024, |flows| flows.value as u32);
                let quantum = self.size(table, "quantum").map_or(1514, |quantum| quantum as u32);
                (QueueKind::FqCoDel { target, interval, flows, quantum }, Limit::Packets(10240))
            }
            Kind::Red => {
                let limit = stated.unwrap_or(Limit::Bytes(1_000_000));
                (self.red(table, limit)?, limit)
            }
        };
        Some(Queue { kind, limit: stated.unwrap_or(limit), ecn })
    }

    fn limit(&mut self, table: &Fields<'_>) -> Option<Limit> {
        let node = table.get("limit")?;
        self.quantity("limit", node, limit).map(|limit| limit.value)
    }

    fn red(&mut self, table: &Fields<'_>, limit: Limit) -> Option<QueueKind> {
        let Limit::Bytes(limit) = limit else {
            self.errors.add(table.place("limit"), "the limit of a red queue is a size", "expected bytes: limit = \"200kB\"");
            return None;
        };
        let max = self.size(table, "max").unwrap_or(limit / 4);
        let min = self.size(table, "min").unwrap_or(max / 3);
        if min >= max || max > limit {
            let message = format!("min ({min}B), max ({max}B) and limit ({limit}B) of the queue do not ascend");
            self.errors.add(table.span, message, "expected min < max <= limit");
        }
        let probability = self.share(table, "probability").unwrap_or(0.02);
        let weight = self.share(table, "weight").unwrap_or(0.002);
        Some(QueueKind::Red { min, max, probability, weight })
    }
}

/// A size or a number of packets.
fn limit(text: &str) -> Result<Limit, String> {
    match units::packets(text) {
        Some(packets) => Ok(Limit::Packets(packets)),
        None if text.parse::<f64>().is_ok() => {
            Err(format!("expected a size or a number of packets; did you mean \"{text}packets\" or \"{text}kB\"?"))
        }
        None => match units::size(text) {
            Ok(0) => Err("a queue holds something; without `rate` nothing waits".into()),
            size => size.map(Limit::Bytes),
        },
    }
}
