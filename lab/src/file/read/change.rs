//! `[[at]]`

use loggia_stack::base::time::Duration;

use super::conditions::is_time;
use crate::file::node::{Node, NodeKind};
use crate::file::reader::{Fields, Reader, texts_of};
use crate::file::schema::AT;
use crate::file::source::Spanned;
use crate::file::{Change, Conditions, LinksOf, What, units};

/// Keys of a change that say when and where, not what.
const FRAME: [&str; 5] = ["t", "link", "host", "for", "partition"];

impl Reader<'_> {
    pub(super) fn change(&mut self, node: &Node) -> Option<Change> {
        let fields = self.fields(&AT, "[[at]]".into(), node)?;
        if !fields.has("t") {
            self.missing(&fields, "t");
        }
        let at = self.time(&fields, "t");
        let lasting = self.time(&fields, "for").map(|lasting| lasting.value);
        let (what, down_for) = match fields.get("partition") {
            Some(node) => (self.partition(&fields, node)?, None),
            None => self.links_change(&fields),
        };
        if lasting.is_some() && down_for.is_some() {
            self.errors.add(
                fields.place("for"),
                "[[at]] says twice for how long",
                "write down = true with for, or only down = \"2s\"",
            );
        }
        let keys = fields.keys().cloned().collect();
        Some(Change { at: at?, lasting: lasting.or(down_for), what, keys })
    }

    fn partition(&mut self, fields: &Fields<'_>, node: &Node) -> Option<What> {
        for key in fields.keys().filter(|key| !["t", "for", "partition"].contains(&key.as_str()) && AT.key(key).is_some()) {
            self.errors.add(
                key.span,
                format!("{} is not for a partition", key.value),
                "write another [[at]] with the same t for it",
            );
        }
        let groups = match &node.kind {
            NodeKind::List(nodes) if nodes.iter().any(|node| matches!(node.kind, NodeKind::List(_))) => {
                nodes.iter().map(texts_of).collect()
            }
            NodeKind::List(_) => texts_of(node).map(|names| vec![names]),
            _ => None,
        };
        let groups: Option<Vec<Vec<_>>> =
            groups.filter(|groups: &Vec<Vec<_>>| groups.iter().all(|group| !group.is_empty()) && !groups.is_empty());
        if groups.is_none() {
            self.refuse_by_schema(fields, "partition", node);
        }
        groups.map(What::Partition)
    }

    /// What links do from then on, and for how long if `down` says it.
    fn links_change(&mut self, fields: &Fields<'_>) -> (What, Option<Duration>) {
        let links = self.texts(fields, "link").unwrap_or_default();
        let hosts = self.texts(fields, "host").unwrap_or_default();
        if links.is_empty() && hosts.is_empty() && !fields.has("link") && !fields.has("host") {
            self.errors.add(fields.span, "[[at]] does not say what changes", "state link, host or partition: link = \"wan\"");
        }
        if !fields.keys().any(|key| !FRAME.contains(&key.as_str())) {
            self.errors.add(
                fields.span,
                "[[at]] does not say how it changes",
                "state any key of a link: down = \"2s\", loss = \"5%\"",
            );
        }
        let mut conditions = Box::new(self.both_ways(fields));
        let down_for = self.up_and_down(fields, &mut conditions);
        let of_links = links.into_iter().map(|name| name.map(LinksOf::Link));
        let of = of_links.chain(hosts.into_iter().map(|name| name.map(LinksOf::Host))).collect();
        let mtu = self.mtu(fields).map(|mtu| mtu.value);
        (What::Links { of, conditions, mtu }, down_for)
    }

    fn up_and_down(&mut self, fields: &Fields<'_>, both: &mut [Conditions; 2]) -> Option<Duration> {
        let mut down_for = None;
        if let Some(node) = fields.get("down").filter(|node| is_time(&node.kind)) {
            down_for = self.quantity("down", node, units::duration).map(|time| time.value);
            both.iter_mut().for_each(|conditions| conditions.down = Some(true));
        }
        if let Some(Spanned { value: up, span }) = self.truth(fields, "up") {
            if fields.has("down") {
                self.errors.add(span, "[[at]] has both up and down", "state one of them");
            }
            both.iter_mut().for_each(|conditions| conditions.down = Some(!up));
        }
        down_for
    }
}
