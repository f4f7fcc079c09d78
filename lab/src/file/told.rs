//! Conditions in a few words, for the record and for lists.

use super::units::show;
use super::{Conditions, RateLimit, Unit};
use crate::link::{Distribution, Limit, Loss, QueueKind, Rate};

impl Conditions {
    /// What is stated, key by key: `delay 50ms`, `loss 1%`, `down`.
    pub fn told(&self) -> Vec<String> {
        let time = |name: &str, value: Option<std::time::Duration>| {
            value.map(|value| format!("{name} {}", show(value.as_secs_f64(), Unit::Time)))
        };
        let share = |name: &str, value: Option<f64>| value.map(|value| format!("{name} {}", show(value, Unit::Ratio)));
        let bytes = |name: &str, value: Option<u64>| value.map(|value| format!("{name} {}", show(value as f64, Unit::Bytes)));
        [
            self.down.map(|down| if down { "down" } else { "up" }.to_owned()),
            time("delay", self.delay),
            time("jitter", self.jitter),
            self.distribution.as_ref().map(|distribution| format!("distribution {}", distribution_name(distribution))),
            share("jitter correlation", self.jitter_correlation),
            self.overtake.map(|overtake| format!("overtake {overtake}")),
            self.loss.as_ref().map(loss_told),
            share("loss correlation", self.loss_correlation),
            share("duplicate", self.duplicate),
            share("duplicate correlation", self.duplicate_correlation),
            share("corrupt", self.corrupt),
            share("corrupt correlation", self.corrupt_correlation),
            share("reorder", self.reorder),
            share("reorder correlation", self.reorder_correlation),
            time("reorder by", self.reorder_by),
            self.rate.as_ref().map(rate_told),
            bytes("burst", self.burst),
            self.overhead.map(|overhead| format!("overhead {overhead}B")),
            self.queue.map(|queue| format!("queue {}", queue_told(queue.kind, queue.limit))),
            bytes("blackhole mtu", self.blackhole_mtu.map(u64::from)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn distribution_name(distribution: &Distribution) -> &'static str {
    match distribution {
        Distribution::Uniform => "uniform",
        Distribution::Normal => "normal",
        Distribution::Pareto => "pareto",
        Distribution::ParetoNormal => "paretonormal",
        Distribution::Trace(_) => "of a trace",
    }
}

fn loss_told(loss: &Loss) -> String {
    match loss {
        Loss::Independent(chance) => format!("loss {}", show(chance.probability, Unit::Ratio)),
        Loss::GilbertElliott { .. } => "loss gilbert-elliott".into(),
        Loss::FourState { .. } => "loss four-state".into(),
        Loss::Periodic { every, .. } => format!("loss of one packet in {every}"),
        Loss::List(packets) => format!("loss of {} packets", packets.len()),
    }
}

fn rate_told(rate: &RateLimit) -> String {
    match rate {
        RateLimit::Unlimited => "rate unlimited".into(),
        RateLimit::Limited(Rate::Fixed { bits, .. }) => format!("rate {}", show(*bits as f64, Unit::Rate)),
        RateLimit::Limited(Rate::Trace(_)) => "rate of a trace".into(),
    }
}

fn queue_told(kind: QueueKind, limit: Limit) -> String {
    let kind = match kind {
        QueueKind::DropTail => "droptail",
        QueueKind::CoDel { .. } => "codel",
        QueueKind::FqCoDel { .. } => "fq_codel",
        QueueKind::Red { .. } => "red",
    };
    match limit {
        Limit::Packets(packets) => format!("{kind} {packets}packets"),
        Limit::Bytes(bytes) => format!("{kind} {}", show(bytes as f64, Unit::Bytes)),
        Limit::Infinite => "infinite".into(),
    }
}
