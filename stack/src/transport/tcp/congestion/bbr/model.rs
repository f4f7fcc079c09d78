//! The model of the path (draft-ietf-ccwg-bbr §5.5): rounds, bandwidth, aggregation, and what the last round trip tells.

use super::{BETA, Bbr, INFINITY, LOSS_THRESH, PACING_MARGIN, Sample, State, Window, part, volume};
use crate::base::Instant;

/// This part of a bound, percent, arrives on a path that takes it: all but the losses that are tolerated and the pacing margin.
const TOLERATED: u64 = 100 - LOSS_THRESH - PACING_MARGIN;

/// Packet-timed round trips (§5.5.1).
#[derive(Debug, Default)]
pub(super) struct Rounds {
    /// `BBR.round_count`
    pub(super) count: u32,
    /// `BBR.round_start`: a round began with this acknowledgement.
    pub(super) start: bool,
    /// `BBR.next_round_delivered`
    next_delivered: u64,
}

impl Rounds {
    /// `UpdateRound`
    fn update(&mut self, rs: &Sample) {
        self.start = rs.prior_delivered >= self.next_delivered;
        if self.start {
            self.next_delivered = rs.total_delivered;
            self.count = self.count.wrapping_add(1);
        }
    }
}

/// `BBR.max_bw_filter`: the largest sample of this cycle of probes and of the one before (§5.5.2).
#[derive(Debug, Default)]
pub(super) struct MaxBandwidth {
    before: u64,
    now: u64,
}

impl MaxBandwidth {
    /// `BBR.max_bw`
    pub(super) fn get(&self) -> u64 {
        self.before.max(self.now)
    }

    /// `AdvanceMaxBwFilter`: a cycle without a sample is none.
    pub(super) fn advance(&mut self) {
        if self.now > 0 {
            self.before = core::mem::take(&mut self.now);
        }
    }
}

/// What is safe according to the losses of this cycle (§5.5.10.3).
#[derive(Clone, Copy, Debug)]
pub(super) struct ShortTerm {
    /// `BBR.bw_shortterm`
    pub(super) bw: u64,
    /// `BBR.inflight_shortterm`
    pub(super) inflight: u32,
}

impl Default for ShortTerm {
    /// `ResetShortTermModel`
    fn default() -> Self {
        Self { bw: u64::MAX, inflight: INFINITY }
    }
}

/// What the path delivered in the last round trip (§5.5.10.3).
#[derive(Debug, Default)]
pub(super) struct Latest {
    /// `BBR.bw_latest`
    bw: u64,
    /// `BBR.inflight_latest`
    pub(super) inflight: u32,
    /// `BBR.loss_round_delivered`
    pub(super) loss_round_delivered: u64,
    /// `BBR.loss_round_start`
    pub(super) loss_round_start: bool,
    /// `BBR.is_loss_in_round`
    pub(super) is_loss_in_round: bool,
    /// When the last acknowledgement came, `C.delivered` then, and what it told of the latest-sent.
    pub(super) now: Instant,
    pub(super) total_delivered: u64,
    pub(super) sent_in_flight: u32,
    pub(super) app_limited: bool,
    /// The slowest pacing gain of this round and of the two before, percent: what arrives now was sent in them.
    gains: [u64; 3],
}

impl Latest {
    /// As much of the bandwidth was used at least; nothing in ProbeRTT, where the window rules.
    fn slowest(&self) -> u64 {
        self.gains.into_iter().min().unwrap_or_default()
    }

    fn note_gain(&mut self, gain: u64) {
        if self.loss_round_start {
            self.gains = [gain, self.gains[0], self.gains[1]];
        }
        self.gains[0] = self.gains[0].min(gain);
    }
}

/// `BBR.extra_acked`: how much more comes at once than the bandwidth explains (§5.5.9).
#[derive(Debug, Default)]
pub(super) struct Aggregation {
    since: Instant,
    delivered: u64,
    /// The largest of some rounds, and of as many before.
    extra: [u32; 2],
    rounds: u8,
}

/// Half of `BBR.ExtraAckedFilterLen`.
const HALF_OF_FILTER: u8 = 5;

impl Aggregation {
    pub(super) fn restart(&mut self, now: Instant) {
        self.since = now;
        self.delivered = 0;
    }

    pub(super) fn extra(&self) -> u32 {
        self.extra[0].max(self.extra[1])
    }

    /// Ten rounds are remembered, as two times five; one in Startup.
    fn age(&mut self, rounds: u8) {
        self.rounds += 1;
        if self.rounds >= rounds {
            self.rounds = 0;
            self.extra = [0, self.extra[0]];
        }
    }
}

impl Bbr {
    /// `StartRound`
    pub(super) fn start_round(&mut self) {
        self.rounds.next_delivered = self.latest.total_delivered;
    }

    /// `UpdateLatestDeliverySignals`
    pub(super) fn update_latest_delivery_signals(&mut self, rs: &Sample) {
        let latest = &mut self.latest;
        latest.bw = latest.bw.max(rs.rate);
        latest.inflight = latest.inflight.max(volume(rs.delivered));
        latest.loss_round_start = rs.prior_delivered >= latest.loss_round_delivered;
        if latest.loss_round_start {
            latest.loss_round_delivered = rs.total_delivered;
        }
        latest.now = rs.now;
        latest.total_delivered = rs.total_delivered;
        latest.sent_in_flight = rs.sent_in_flight;
        latest.app_limited = rs.app_limited;
    }

    /// `AdvanceLatestDeliverySignals`
    pub(super) fn advance_latest_delivery_signals(&mut self, rs: &Sample) {
        self.latest.note_gain(if self.state == State::ProbeRtt { 0 } else { self.state.pacing_gain().min(100) });
        if self.latest.loss_round_start {
            self.latest.bw = rs.rate;
            self.latest.inflight = volume(rs.delivered);
        }
    }

    /// `ResetCongestionSignals`
    pub(super) fn reset_congestion_signals(&mut self) {
        self.latest.is_loss_in_round = false;
        self.latest.bw = 0;
        self.latest.inflight = 0;
    }

    /// `UpdateCongestionSignals`
    pub(super) fn update_congestion_signals(&mut self, window: &Window, rs: &Sample) {
        self.update_max_bw(rs);
        if self.latest.loss_round_start {
            self.adapt_lower_bounds_from_congestion(window);
            self.latest.is_loss_in_round = false;
        }
    }

    /// `UpdateMaxBw`: what the application limited counts if it is more than was known (§5.5.4).
    fn update_max_bw(&mut self, rs: &Sample) {
        self.rounds.update(rs);
        if self.rounds.start {
            self.probe.rounds_since_up = self.probe.rounds_since_up.saturating_add(1);
        }
        if rs.rate > 0 && (rs.rate >= self.max_bw.get() || !rs.app_limited) {
            self.max_bw.now = self.max_bw.now.max(rs.rate);
        }
    }

    /// `AdaptLowerBoundsFromCongestion`, `LossLowerBounds`.
    ///
    /// One thing is not as in the draft. It takes what was delivered in a round with any loss for what the path takes; but less than the
    /// bound arrives of what is sent at the bound, by the pacing margin and by the loss itself, and even less of what is
    /// sent more slowly on purpose. A path that loses a hundredth would lose a fifth of its rate between two probes. So a bound stays
    /// while [`TOLERATED`] of what was sent arrives.
    fn adapt_lower_bounds_from_congestion(&mut self, window: &Window) {
        if self.state.is_probing() || !self.latest.is_loss_in_round {
            return;
        }
        self.init_lower_bounds(window);
        let (latest, short) = (&self.latest, &mut self.short_term);
        let expected = latest.slowest() * TOLERATED;
        let arrives = u128::from(latest.bw) * 10_000 >= u128::from(short.bw) * u128::from(expected);
        let kept = if arrives { short.bw } else { short.bw / 100 * BETA };
        short.bw = latest.bw.max(kept);
        let fits = u64::from(latest.inflight) * 10_000 >= u64::from(short.inflight) * expected;
        let kept = if fits { short.inflight } else { part(short.inflight, BETA) };
        short.inflight = latest.inflight.max(kept);
    }

    /// `InitLowerBounds`
    pub(super) fn init_lower_bounds(&mut self, window: &Window) {
        let short = &mut self.short_term;
        if short.bw == u64::MAX {
            short.bw = self.max_bw.get();
        }
        if short.inflight == INFINITY {
            short.inflight = window.cwnd;
        }
    }

    /// `BoundBWForModel`
    pub(super) fn bound_bw_for_model(&mut self) {
        self.bw = self.max_bw.get().min(self.short_term.bw);
    }

    /// `UpdateACKAggregation`
    pub(super) fn update_ack_aggregation(&mut self, window: &Window, rs: &Sample) {
        if self.rounds.start {
            self.aggregation.age(if self.full.reached { HALF_OF_FILTER } else { 1 });
        }
        let aggregation = &mut self.aggregation;
        let nanos = rs.now.since(aggregation.since).as_nanos();
        let mut expected = (u128::from(self.bw) * nanos / 1_000_000_000).min(u128::from(u64::MAX)) as u64;
        if aggregation.delivered <= expected {
            aggregation.restart(rs.now);
            expected = 0;
        }
        aggregation.delivered += u64::from(rs.newly_acked);
        let extra = volume(aggregation.delivered - expected).min(window.cwnd);
        aggregation.extra[0] = aggregation.extra[0].max(extra);
    }
}
