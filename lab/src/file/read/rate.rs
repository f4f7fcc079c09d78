//! `rate`: the same both ways, `up` and `down`, or a trace.

use std::sync::Arc;

use crate::file::node::{Node, NodeKind};
use crate::file::reader::{Fields, Reader, text_of};
use crate::file::schema::RATE;
use crate::file::{Conditions, RateLimit, traces, units};
use crate::link::{Rate, Trace};

impl Reader<'_> {
    /// Writes the rate of a link into both of its directions: `down` leads to the second end.
    pub(super) fn rates(&mut self, fields: &Fields<'_>, both: &mut [Conditions; 2]) {
        let Some(node) = fields.get("rate") else { return };
        if let NodeKind::Table(_) = &node.kind
            && let Some(table) = self.fields(&RATE, format!("rate of {}", fields.title), node)
            && !table.has("trace")
        {
            if !table.has("up") && !table.has("down") {
                self.refuse("rate", node, "expected up and down, or trace");
            }
            both[0].rate = table.get("down").and_then(|node| self.rate_of("down", node));
            both[1].rate = table.get("up").and_then(|node| self.rate_of("up", node));
            return;
        }
        let rate = self.rate_of("rate", node);
        both.iter_mut().for_each(|conditions| conditions.rate.clone_from(&rate));
    }

    /// The rate of one direction.
    pub(super) fn one_rate(&mut self, fields: &Fields<'_>) -> Option<RateLimit> {
        let node = fields.get("rate")?;
        self.rate_of("rate", node)
    }

    fn rate_of(&mut self, name: &str, node: &Node) -> Option<RateLimit> {
        match &node.kind {
            NodeKind::Text(text) if text == "unlimited" => Some(RateLimit::Unlimited),
            NodeKind::Table(_) => self.traced(name, node).map(RateLimit::Limited),
            _ => self
                .quantity(name, node, units::rate)
                .map(|bits| RateLimit::Limited(Rate::Fixed { bits: bits.value, burst: 0, overhead: 0 })),
        }
    }

    fn traced(&mut self, name: &str, node: &Node) -> Option<Rate> {
        let table = self.fields(&RATE, name.into(), node)?;
        let file = table.get("trace").filter(|_| table.keys().count() == 1).and_then(text_of);
        let Some(file) = file else {
            self.refuse(name, node, "expected a table with nothing but a trace: { trace = \"lte.trace\" }");
            return None;
        };
        match traces::moments(&file, self.around) {
            Ok(moments) => Some(Rate::Trace(Trace(Arc::from(moments)))),
            Err(wrong) => {
                let remedy = "expected mahimahi's format: a number of milliseconds a line, ascending";
                self.errors.add(file.span, format!("the trace {:?} cannot be used: {wrong}", file.value), remedy);
                None
            }
        }
    }
}
