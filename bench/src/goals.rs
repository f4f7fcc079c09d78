//! What is to be reached: ratios of one run. M must, S stretch.

use crate::figure::{Figure, Figures};

/// Which way is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sense {
    AtLeast,
    AtMost,
}

/// What a figure is measured by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Against {
    /// By itself.
    Nothing,
    /// By another figure: its row, what, subject, and how that is called.
    Figure(u8, &'static str, &'static str, &'static str),
}

/// One goal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) row: u8,
    pub(crate) what: &'static str,
    pub(crate) subject: &'static str,
    pub(crate) against: Against,
    pub(crate) sense: Sense,
    pub(crate) must: f64,
    pub(crate) stretch: Option<f64>,
}

/// How a goal was met.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Verdict {
    /// The ratio, or the figure itself.
    pub(crate) reached: f64,
    pub(crate) must: bool,
    pub(crate) stretch: Option<bool>,
}

impl Goal {
    /// What a figure is by this goal's measure; none if that was not measured.
    pub(crate) fn ratio(&self, figure: &Figure, figures: &Figures) -> Option<f64> {
        match self.against {
            Against::Nothing => Some(figure.median()),
            Against::Figure(row, what, subject, _) => Some(figure.median() / figures.find(row, what, subject)?.median()),
        }
    }

    /// None if anything of it was not measured.
    pub(crate) fn verdict(&self, figures: &Figures) -> Option<Verdict> {
        let reached = self.ratio(figures.find(self.row, self.what, self.subject)?, figures)?;
        let holds = |limit: f64| match self.sense {
            Sense::AtLeast => reached >= limit,
            Sense::AtMost => reached <= limit,
        };
        Some(Verdict { reached, must: holds(self.must), stretch: self.stretch.map(holds) })
    }

    /// How that by which it is measured is called.
    pub(crate) fn measure(&self) -> &'static str {
        match self.against {
            Against::Nothing => "",
            Against::Figure(_, _, _, name) => name,
        }
    }
}

const fn at_least(row: u8, what: &'static str, must: f64, stretch: Option<f64>, against: Against) -> Goal {
    Goal { row, what, subject: "loggia", against, sense: Sense::AtLeast, must, stretch }
}

const fn at_most(row: u8, what: &'static str, must: f64, stretch: Option<f64>, against: Against) -> Goal {
    Goal { row, what, subject: "loggia", against, sense: Sense::AtMost, must, stretch }
}

const F1: Against = Against::Figure(0, "two copies through a ring, one thread", "floor F1", "F1");
const F2: Against = Against::Figure(0, "two copies through a ring, two threads", "floor F2", "F2");
const P1500: Against = Against::Figure(0, "1460-byte segments, one thread", "floor P1500", "P1500");
const FUTEX: Against = Against::Figure(0, "ping-pong, two threads", "floor futex", "futex ping-pongs");
const FUTEX_P99: Against = Against::Figure(0, "ping-pong, two threads, p99", "floor futex", "futex p99");
const K_TRIP: Against = Against::Figure(0, "ping-pong, two threads", "kernel loopback", "K");
const K_CONNECT: Against = Against::Figure(0, "connect, byte, close", "kernel loopback", "K");
const K_UDP: Against = Against::Figure(0, "UDP 64 B, a call each", "kernel loopback", "K");
const ROW_1: Against = Against::Figure(1, "bulk, 64 KiB segments", "loggia", "row 1");
const ROW_3: Against = Against::Figure(3, "bulk, MTU 1500, checksums", "loggia", "row 3");
const TUN_IN: Against = Against::Figure(6, "plain, kernel to us", "minimal TCP", "minimal TCP");
const TUN_OUT: Against = Against::Figure(6, "plain, us to kernel", "minimal TCP", "minimal TCP");
const VNET_IN: Against = Against::Figure(7, "virtio-net header, kernel to us", "minimal TCP", "minimal TCP");
const VNET_OUT: Against = Against::Figure(7, "virtio-net header, us to kernel", "minimal TCP", "minimal TCP");
const K_BULK_16: Against = Against::Figure(16, "bulk", "kernel loopback", "K");
const PASTA_TRIP: Against = Against::Figure(16, "round trip", "pasta", "pasta");
const PASTA_CONNECT: Against = Against::Figure(16, "connections", "pasta", "pasta");
const ALONE: Against = Against::Nothing;

/// All of them.
pub(crate) const GOALS: &[Goal] = &[
    at_least(1, "bulk, 64 KiB segments", 0.65, Some(0.75), F1),
    at_least(2, "bulk, 64 KiB segments, a thread for each stack", 0.55, Some(0.65), F2),
    at_least(3, "bulk, MTU 1500, checksums", 0.40, Some(0.55), P1500),
    at_least(4, "bulk, MTU 1500 on a bare link", 0.95, None, ROW_1),
    at_least(5, "bulk of `Bytes`, no copy", 1.0, None, F1),
    at_least(6, "plain, kernel to us", 0.80, None, TUN_IN),
    at_least(6, "plain, us to kernel", 0.95, None, TUN_OUT),
    at_least(7, "virtio-net header, kernel to us", 0.90, Some(0.95), VNET_IN),
    at_least(7, "virtio-net header, us to kernel", 0.85, Some(0.95), VNET_OUT),
    at_most(8, "ping-pong, core calls", 0.030, None, K_TRIP),
    at_most(8, "ping-pong, tokio facade, one thread", 0.10, None, K_TRIP),
    at_most(9, "ping-pong, blocking facade", 1.15, None, FUTEX),
    at_most(9, "ping-pong, blocking facade, p99", 1.25, None, FUTEX_P99),
    at_least(10, "connect, byte, close, one thread", 30.0, Some(45.0), K_CONNECT),
    at_least(10, "connect, byte, close, blocking facade, two threads", 3.0, None, K_CONNECT),
    at_most(10, "cost with 10^5 in TIME-WAIT over that with none", 1.1, None, ALONE),
    at_least(11, "UDP 64 B, a call each", 40.0, None, K_UDP),
    at_least(11, "UDP 64 B, batched", 60.0, None, K_UDP),
    at_most(12, "idle established connection, one end", 512.0, Some(400.0), ALONE),
    at_most(12, "TIME-WAIT", 80.0, None, ALONE),
    at_most(12, "half-open connection", 120.0, None, ALONE),
    at_most(12, "resident, 10^6 connections with both ends", 1.1e9, None, ALONE),
    at_most(13, "ping-pong beside 10^3 idle", 1.05, None, ALONE),
    at_most(13, "ping-pong beside 10^4 idle", 1.10, None, ALONE),
    at_most(13, "ping-pong beside 10^5 idle", 1.20, None, ALONE),
    at_most(13, "ping-pong beside 10^6 idle", 1.35, None, ALONE),
    at_most(13, "bulk beside 10^3 idle", 1.05, None, ALONE),
    at_most(13, "bulk beside 10^4 idle", 1.10, None, ALONE),
    at_most(13, "bulk beside 10^5 idle", 1.20, None, ALONE),
    at_most(13, "bulk beside 10^6 idle", 1.35, None, ALONE),
    at_most(13, "ping-pong beside 10^3 idle listeners", 1.05, None, ALONE),
    at_most(13, "ping-pong beside 10^4 idle listeners", 1.10, None, ALONE),
    at_most(13, "ping-pong beside 10^5 idle listeners", 1.20, None, ALONE),
    at_most(13, "ping-pong beside 10^6 idle listeners", 1.35, None, ALONE),
    at_most(14, "ping-pong, each of 10^3 in turn", 1.5, None, ALONE),
    at_most(14, "ping-pong, each of 10^4 in turn", 2.0, None, ALONE),
    at_most(14, "ping-pong, each of 10^5 in turn", 4.0, None, ALONE),
    at_most(14, "ping-pong, each of 10^6 in turn", 6.0, None, ALONE),
    at_most(14, "16 KiB and an answer, each of 10^3 in turn", 1.5, None, ALONE),
    at_most(14, "16 KiB and an answer, each of 10^4 in turn", 2.0, None, ALONE),
    at_most(14, "16 KiB and an answer, each of 10^5 in turn", 4.0, None, ALONE),
    at_most(14, "16 KiB and an answer, each of 10^6 in turn", 6.0, None, ALONE),
    at_most(15, "set-up beside 10^6", 1.5, None, ALONE),
    at_most(15, "idle CPU at 10^6 with keepalive", 1.0, None, ALONE),
    at_least(16, "bulk", 0.8, None, K_BULK_16),
    at_most(16, "round trip", 0.8, None, PASTA_TRIP),
    at_least(16, "connections", 1.3, None, PASTA_CONNECT),
    at_least(16, "idle connections in one lab", 10_000.0, None, ALONE),
    at_least(17, "bulk, MTU 1500, loss 0.1 %, headers captured", 0.8, None, ROW_3),
    at_least(18, "packets in virtual time", 1e6, None, ALONE),
    at_most(18, "an idle hour", 1000.0, None, ALONE),
    at_least(19, "10 Mbit/s, 100 ms", 97.0, None, ALONE),
    at_least(19, "100 Mbit/s, 100 ms", 97.0, None, ALONE),
    at_least(19, "1 Gbit/s, 100 ms", 97.0, None, ALONE),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Sample, Unit};

    #[test]
    fn a_goal_is_judged_by_the_ratio_of_medians() {
        let mut figures = Figures::default();
        assert_eq!(GOALS[0].verdict(&figures), None);
        figures.add(Sample::new(0, "two copies through a ring, one thread", "floor F1", Unit::Gbits, 100.0));
        figures.add(Sample::new(1, "bulk, 64 KiB segments", "loggia", Unit::Gbits, 70.0));
        assert_eq!(GOALS[0].verdict(&figures), Some(Verdict { reached: 0.7, must: true, stretch: Some(false) }));
    }
}
