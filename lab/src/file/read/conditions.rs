//! What one direction of a link does, as far as one value says one thing.

use std::sync::Arc;

use crate::file::node::NodeKind;
use crate::file::reader::{Fields, Reader};
use crate::file::{Conditions, one_of, traces};
use crate::link::{Distribution, Loss};

const DISTRIBUTIONS: [&str; 4] = ["uniform", "normal", "pareto", "paretonormal"];

impl Reader<'_> {
    /// All keys of one direction but `rate`.
    pub(super) fn conditions(&mut self, fields: &Fields<'_>) -> Conditions {
        let loss = self.loss(fields);
        self.modelled(fields, loss.as_ref());
        Conditions {
            delay: self.time(fields, "delay").map(|delay| delay.value),
            jitter: self.time(fields, "jitter").map(|jitter| jitter.value),
            distribution: self.distribution(fields),
            jitter_correlation: self.share(fields, "jitter_correlation"),
            overtake: self.truth(fields, "overtake").map(|overtake| overtake.value),
            loss,
            loss_correlation: self.share(fields, "loss_correlation"),
            duplicate: self.share(fields, "duplicate"),
            duplicate_correlation: self.share(fields, "duplicate_correlation"),
            corrupt: self.share(fields, "corrupt"),
            corrupt_correlation: self.share(fields, "corrupt_correlation"),
            reorder: self.share(fields, "reorder"),
            reorder_correlation: self.share(fields, "reorder_correlation"),
            reorder_by: self.time(fields, "reorder_by").map(|by| by.value),
            rate: None,
            burst: self.size(fields, "burst"),
            overhead: self.whole(fields, "overhead", -64..=1500).map(|overhead| overhead.value as i32),
            queue: self.queue(fields),
            blackhole_mtu: self.whole(fields, "blackhole_mtu", 68..=65536).map(|mtu| mtu.value as u32),
            // In a change it may be a time, which the change reads itself.
            down: fields
                .get("down")
                .filter(|node| !is_time(&node.kind))
                .and_then(|_| self.truth(fields, "down"))
                .map(|down| down.value),
        }
    }

    fn modelled(&mut self, fields: &Fields<'_>, loss: Option<&Loss>) {
        if fields.has("loss_correlation") && loss.is_some_and(|loss| !matches!(loss, Loss::Independent(_))) {
            let remedy = "a model says itself how losses hang together: leave loss_correlation out";
            self.errors.add(fields.place("loss_correlation"), "loss_correlation is not for a model of loss", remedy);
        }
    }

    fn distribution(&mut self, fields: &Fields<'_>) -> Option<Distribution> {
        let node = fields.get("distribution")?;
        let name = self.text(fields, "distribution")?;
        match name.as_str() {
            "uniform" => Some(Distribution::Uniform),
            "normal" => Some(Distribution::Normal),
            "pareto" => Some(Distribution::Pareto),
            "paretonormal" => Some(Distribution::ParetoNormal),
            file if file.contains(['.', '/']) => match traces::delays(file, self.around) {
                Ok(delays) => Some(Distribution::Trace(Arc::from(delays))),
                Err(wrong) => {
                    self.errors.add(
                        node.span,
                        format!("the trace {file:?} cannot be used: {wrong}"),
                        "expected one delay a line, as 12.5ms",
                    );
                    None
                }
            },
            other => {
                let remedy = one_of("expected the name of a trace file or one of", other, DISTRIBUTIONS);
                self.refuse("distribution", node, remedy);
                None
            }
        }
    }
}

/// A value of `down` that says for how long: `"2s"`.
pub(super) fn is_time(kind: &NodeKind) -> bool {
    match kind {
        NodeKind::Text(text) => text.starts_with(|c: char| c.is_ascii_digit()),
        NodeKind::Whole(_) | NodeKind::Real(_) => true,
        _ => false,
    }
}
