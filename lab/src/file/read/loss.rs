//! `loss`: a percentage or a model.

use std::sync::Arc;

use crate::file::node::{Node, NodeKind};
use crate::file::reader::{Fields, Reader};
use crate::file::schema::{LOSS, LOSS_MODELS};
use crate::file::units;
use crate::link::{Chance, Loss};

/// Models, by name.
#[derive(Clone, Copy)]
enum Model {
    GilbertElliott,
    FourState,
    Periodic,
    List,
}

const MODELS: [(&str, Model); 4] = [
    ("gilbert-elliott", Model::GilbertElliott),
    ("four-state", Model::FourState),
    ("periodic", Model::Periodic),
    ("list", Model::List),
];

impl Reader<'_> {
    pub(super) fn loss(&mut self, fields: &Fields<'_>) -> Option<Loss> {
        let node = fields.get("loss")?;
        match &node.kind {
            NodeKind::Table(_) => self.model(fields, node),
            _ => self
                .quantity("loss", node, units::share)
                .map(|share| Loss::Independent(Chance { probability: share.value, correlation: 0.0 })),
        }
    }

    fn model(&mut self, above: &Fields<'_>, node: &Node) -> Option<Loss> {
        let fields = self.fields(&LOSS, format!("loss of {}", above.title), node)?;
        let Some(name) = fields.get("model") else {
            self.missing(&fields, "model");
            return None;
        };
        let model = self.choice("model", name, &MODELS)?;
        self.belonging(&fields, "model", LOSS_MODELS[model as usize], &LOSS_MODELS);
        match model {
            Model::GilbertElliott => {
                let [enter, leave] = ["enter", "leave"].map(|key| self.required_share(&fields, key));
                let bad = self.share(&fields, "bad").unwrap_or(1.0);
                let good = self.share(&fields, "good").unwrap_or(0.0);
                Some(Loss::GilbertElliott { enter: enter?, leave: leave?, bad, good })
            }
            Model::FourState => {
                let p13 = self.required_share(&fields, "p13");
                let [p31, p32, p23, p14] = ["p31", "p32", "p23", "p14"].map(|key| self.share(&fields, key));
                let p13 = p13?;
                Some(Loss::FourState {
                    p13,
                    p31: p31.unwrap_or(1.0 - p13),
                    p32: p32.unwrap_or(0.0),
                    p23: p23.unwrap_or(1.0),
                    p14: p14.unwrap_or(0.0),
                })
            }
            Model::Periodic => {
                if !fields.has("every") {
                    self.missing(&fields, "every");
                }
                let every = self.whole(&fields, "every", 1..=i64::MAX);
                let first = self.whole(&fields, "first", 1..=i64::MAX);
                let every = every?.value as u64;
                Some(Loss::Periodic { every, first: first.map_or(every, |first| first.value as u64) })
            }
            Model::List => self.packets(&fields),
        }
    }

    fn required_share(&mut self, fields: &Fields<'_>, key: &str) -> Option<f64> {
        if !fields.has(key) {
            self.missing(fields, key);
        }
        self.share(fields, key)
    }

    fn packets(&mut self, fields: &Fields<'_>) -> Option<Loss> {
        let Some(node) = fields.get("packets") else {
            self.missing(fields, "packets");
            return None;
        };
        let number = |node: &Node| match node.kind {
            NodeKind::Whole(number) if number >= 1 => Some(number as u64),
            _ => None,
        };
        let numbers: Option<Vec<u64>> = match &node.kind {
            NodeKind::List(nodes) => nodes.iter().map(number).collect(),
            _ => None,
        };
        let Some(mut numbers) = numbers else {
            self.refuse(
                "packets",
                node,
                "expected a list of whole numbers, the first packet of a flow being 1: packets = [3, 4, 20]",
            );
            return None;
        };
        numbers.sort_unstable();
        numbers.dedup();
        Some(Loss::List(Arc::from(numbers)))
    }

    /// Notes keys that belong to another kind of what the table describes.
    pub(super) fn belonging(&mut self, fields: &Fields<'_>, selector: &str, chosen: (&str, &[&str]), all: &[(&str, &[&str])]) {
        let (name, own) = chosen;
        for key in fields.keys().filter(|key| key.value != selector && !own.contains(&key.as_str())) {
            let others: Vec<_> = all.iter().filter(|(_, keys)| keys.contains(&key.as_str())).map(|(name, _)| *name).collect();
            if !others.is_empty() {
                let has = if own.is_empty() { "no further keys".into() } else { own.join(", ") };
                let remedy = format!("it is for {}; {name} has {has}", others.join(" and "));
                self.errors.add(key.span, format!("{} is not for {selector} = {name:?}", key.value), remedy);
            }
        }
    }
}
