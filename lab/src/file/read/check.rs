//! `[[check]]`

use crate::file::node::{Entry, Node, NodeKind};
use crate::file::reader::{Fields, Reader};
use crate::file::schema::CHECK;
use crate::file::source::Spanned;
use crate::file::{Check, Threshold, Unit, glob, one_of};

/// True if a metric is of this form, in which `*` stands for one name and not for several with dots between them.
fn names(pattern: &str, metric: &str) -> bool {
    let (pattern, metric): (Vec<_>, Vec<_>) = (pattern.split('.').collect(), metric.split('.').collect());
    pattern.len() == metric.len() && pattern.iter().zip(metric).all(|(pattern, part)| !part.is_empty() && glob(pattern, part))
}

impl Reader<'_> {
    pub(super) fn check(&mut self, node: &Node) -> Option<Check> {
        let fields = self.fields(&CHECK, "[[check]]".into(), node)?;
        for name in ["metric", "expect"].into_iter().filter(|name| !fields.has(name)) {
            self.missing(&fields, name);
        }
        let metric = self.text(&fields, "metric");
        let unit = metric.as_ref().and_then(|metric| self.unit_of(metric));
        let expect = self.thresholds(&fields, unit);
        let filter = self.filter(&fields);
        let min_samples = self.whole(&fields, "min_samples", 0..=i64::MAX).map(|samples| samples.value as u64);
        Some(Check { metric: metric?, filter, expect, min_samples })
    }

    /// The unit of a metric, which must exist.
    fn unit_of(&mut self, metric: &Spanned<String>) -> Option<Unit> {
        let known = self.around.metrics;
        let found = known.iter().find(|(pattern, _)| names(pattern, metric)).map(|(_, unit)| *unit);
        if found.is_none() {
            let remedy = one_of("expected one of", metric, known.iter().map(|(name, _)| *name));
            self.errors.add(metric.span, format!("there is no metric {:?}", metric.value), remedy);
        }
        found
    }

    fn thresholds(&mut self, fields: &Fields<'_>, unit: Option<Unit>) -> Vec<Spanned<Threshold>> {
        let texts = self.texts(fields, "expect").unwrap_or_default();
        if texts.is_empty()
            && let Some(node) = fields.get("expect").filter(|node| matches!(node.kind, NodeKind::List(_)))
        {
            self.refuse_by_schema(fields, "expect", node);
        }
        texts.into_iter().filter_map(|text| self.threshold(&text, unit)).collect()
    }

    fn threshold(&mut self, text: &Spanned<String>, unit: Option<Unit>) -> Option<Spanned<Threshold>> {
        let threshold = match Threshold::parse(text) {
            Ok(threshold) => threshold,
            Err((message, remedy)) => {
                self.errors.add(text.span, message, remedy);
                return None;
            }
        };
        if let Some(Err(wanted)) = unit.map(|unit| threshold.fits(unit)) {
            self.errors.add(
                text.span,
                format!("{} cannot be compared with {}", threshold.stat, threshold.bound),
                format!("expected {wanted}"),
            );
        }
        Some(Spanned::new(threshold, text.span))
    }

    fn filter(&mut self, fields: &Fields<'_>) -> Vec<(Spanned<String>, Spanned<String>)> {
        let entries = fields.get("where").and_then(|node| self.table("where", node)).unwrap_or_default();
        entries.iter().filter_map(|entry| self.pattern(entry)).collect()
    }

    fn pattern(&mut self, entry: &Entry) -> Option<(Spanned<String>, Spanned<String>)> {
        let known = self.around.labels;
        if !known.contains(&entry.key.as_str()) {
            let remedy = one_of("expected one of", &entry.key, known.iter().copied());
            self.errors.add(entry.key.span, format!("samples have no label {:?}", entry.key.value), remedy);
        }
        match &entry.node.kind {
            NodeKind::Text(pattern) => Some((entry.key.clone(), Spanned::new(pattern.clone(), entry.node.span))),
            NodeKind::Whole(number) => Some((entry.key.clone(), Spanned::new(number.to_string(), entry.node.span))),
            _ => {
                self.refuse(&entry.key.value, &entry.node, "expected a pattern: \"client*\"");
                None
            }
        }
    }
}
