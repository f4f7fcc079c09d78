//! `[link.NAME]`

use loggia_stack::base::time::Duration;

use crate::file::node::{Entry, Node, NodeKind};
use crate::file::reader::{Fields, Reader, texts_of};
use crate::file::schema::{DIRECTION, LINK};
use crate::file::source::Spanned;
use crate::file::{Conditions, Link};

const DEFAULT_MTU: u32 = 1500;

impl Reader<'_> {
    pub(super) fn link(&mut self, entry: &Entry) -> Option<Link> {
        self.links.push(entry.key.value.clone());
        let fields = self.fields(&LINK, format!("[link.{}]", entry.key.value), &entry.node)?;
        let ends = self.ends(&fields);
        let before = self.errors.problems().len();
        let conditions = self.both_ways(&fields);
        let refused = self.errors.problems().len() > before;
        self.useless(&fields, &conditions, refused);
        let mtu = self.mtu(&fields).unwrap_or(Spanned::new(DEFAULT_MTU, fields.span));
        let arp = self.truth(&fields, "arp").is_some_and(|arp| arp.value);
        let must_fire = self.truth(&fields, "must_fire").is_none_or(|must| must.value);
        Some(Link { name: entry.key.clone(), ends: ends?, conditions, mtu, arp, must_fire })
    }

    fn ends(&mut self, fields: &Fields<'_>) -> Option<[Spanned<String>; 2]> {
        let Some(node) = fields.get("ends") else {
            self.missing(fields, "ends");
            return None;
        };
        let names = match &node.kind {
            NodeKind::List(_) => texts_of(node).and_then(|names| <[_; 2]>::try_from(names).ok()),
            _ => None,
        };
        let Some([one, other]) = names else {
            match texts_of(node) {
                Some(names) => {
                    let message = format!("{} has {} end{}", fields.title, names.len(), if names.len() == 1 { "" } else { "s" });
                    self.errors.add(
                        node.span,
                        message,
                        "expected two hosts or switches: ends = [\"server\", \"client\"]; more of them are joined by a switch",
                    );
                }
                None => self.refuse_by_schema(fields, "ends", node),
            }
            return None;
        };
        if one == other {
            self.errors.add(
                other.span,
                format!("{} joins {:?} with itself", fields.title, one.value),
                "expected two different hosts or switches",
            );
        }
        Some([one, other])
    }

    pub(super) fn mtu(&mut self, fields: &Fields<'_>) -> Option<Spanned<u32>> {
        self.whole(fields, "mtu", 128..=65536).map(|mtu| mtu.map(|mtu| mtu as u32))
    }

    /// What a link or a change states for both directions, with what `there` and `back` state instead.
    pub(super) fn both_ways(&mut self, fields: &Fields<'_>) -> [Conditions; 2] {
        let half = self.half_of_rtt(fields);
        let mut common = self.conditions(fields);
        common.delay = common.delay.or(half);
        let mut both = [common.clone(), common];
        self.rates(fields, &mut both);
        for (which, name) in ["there", "back"].into_iter().enumerate() {
            if let Some(node) = fields.get(name) {
                let own = self.direction(&fields.title, name, node);
                both[which] = both[which].with(&own);
            }
        }
        both
    }

    fn half_of_rtt(&mut self, fields: &Fields<'_>) -> Option<Duration> {
        let rtt = self.time(fields, "rtt");
        if rtt.is_some() && fields.has("delay") {
            let remedy = "rtt is there and back together, delay one way: state one of them";
            self.errors.add(fields.place("delay"), format!("{} has both rtt and delay", fields.title), remedy);
        }
        rtt.map(|rtt| rtt.value / 2)
    }

    fn direction(&mut self, link: &str, name: &str, node: &Node) -> Conditions {
        let title = format!("{}.{name}]", link.trim_end_matches(']'));
        let Some(fields) = self.fields(&DIRECTION, title, node) else { return Conditions::default() };
        let mut conditions = self.conditions(&fields);
        conditions.rate = self.one_rate(&fields);
        conditions
    }

    /// Notes keys that would have no effect, because another is not stated. What is stated and was `refused` may yet be mended.
    fn useless(&mut self, fields: &Fields<'_>, both: &[Conditions; 2], refused: bool) {
        let without = |needed: fn(&Conditions) -> bool| both.iter().all(|conditions| !needed(conditions));
        let limited = |conditions: &Conditions| conditions.rate.is_some();
        let varying = |conditions: &Conditions| conditions.terms().jitter.is_some();
        let delayed = |conditions: &Conditions| conditions.delay.is_some_and(|delay| !delay.is_zero());
        let mut need = |keys: &[&str], needed: fn(&Conditions) -> bool, what: &str| {
            let stated = what.split(" or ").chain(["there", "back"]).any(|key| fields.has(key));
            for key in keys.iter().filter(|key| fields.has(key) && without(needed) && !(refused && stated)) {
                self.errors.add(
                    fields.place(key),
                    format!("{key} has no effect without {what}"),
                    format!("state {what} as well, or leave {key} out"),
                );
            }
        };
        need(&["queue", "burst", "overhead"], limited, "rate");
        need(&["distribution", "jitter_correlation", "overtake"], varying, "jitter");
        need(&["reorder", "reorder_by"], delayed, "delay or rtt");
        need(&["reorder_correlation"], |conditions| conditions.reorder.is_some(), "reorder");
        need(&["duplicate_correlation"], |conditions| conditions.duplicate.is_some(), "duplicate");
        need(&["corrupt_correlation"], |conditions| conditions.corrupt.is_some(), "corrupt");
        need(&["loss_correlation"], |conditions| conditions.loss.is_some(), "loss");
    }
}
