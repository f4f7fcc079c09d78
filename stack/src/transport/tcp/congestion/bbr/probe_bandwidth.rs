//! ProbeBW (draft-ietf-ccwg-bbr §5.3.3): slower, to leave room; as fast as the path delivers; and, every two or three seconds or as often
//! as Reno would, faster, to see whether there is more.

use super::{Bbr, HEADROOM, INFINITY, MIN_PIPE, Sample, State, Window, part, volume};
use crate::base::{Duration, Instant};

/// Reno would have come back after so many rounds at most (§5.3.3.5.3). And as many as the smallest window has segments at least: where the path
/// holds less than one, probes would follow each other for ever.
const MOST_ROUNDS: u32 = 63;

/// `BBR.ack_phase`: what acknowledgements tell of a probe.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum AckPhase {
    #[default]
    Init,
    Refilling,
    ProbeStarting,
    ProbeFeedback,
    ProbeStopping,
}

/// A cycle of probes.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) ack_phase: AckPhase,
    /// `BBR.is_bw_probe_sample`
    pub(super) is_sample: bool,
    /// `BBR.prev_probe_too_high`
    pub(super) was_too_high: bool,
    /// `BBR.prev_probe_precautionary`
    was_precautionary: bool,
    /// `BBR.cycle_stamp`
    since: Instant,
    /// `BBR.bw_probe_wait`
    wait: Duration,
    /// `BBR.rounds_since_probe_up`
    pub(super) rounds_since_up: u32,
    /// `BBR.bw_probe_up_rounds`
    up_rounds: u8,
    /// `BBR.bw_probe_up_acked`
    up_acked: u32,
    /// `BBR.probe_up_acked_per_inc`
    up_acked_per_inc: u32,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            ack_phase: AckPhase::Init,
            is_sample: false,
            was_too_high: false,
            was_precautionary: false,
            since: Instant::EPOCH,
            wait: Duration::ZERO,
            rounds_since_up: 0,
            up_rounds: 0,
            up_acked: 0,
            up_acked_per_inc: INFINITY,
        }
    }
}

impl Bbr {
    /// `StartProbeBW_DOWN`
    pub(super) fn start_probe_bw_down(&mut self, now: Instant) {
        self.reset_congestion_signals();
        self.probe.up_acked_per_inc = INFINITY;
        self.pick_probe_wait();
        self.probe.since = now;
        self.probe.ack_phase = AckPhase::ProbeStopping;
        self.start_round();
        self.state = State::Down;
    }

    /// `StartProbeBW_CRUISE`
    pub(super) fn start_probe_bw_cruise(&mut self) {
        self.state = State::Cruise;
    }

    /// `StartProbeBW_REFILL`
    pub(super) fn start_probe_bw_refill(&mut self) {
        self.short_term = super::ShortTerm::default();
        self.probe.up_rounds = 0;
        self.probe.up_acked = 0;
        self.probe.was_precautionary = false;
        self.probe.ack_phase = AckPhase::Refilling;
        self.start_round();
        self.state = State::Refill;
    }

    /// `StartProbeBW_UP`
    fn start_probe_bw_up(&mut self, window: &Window, rs: &Sample) {
        self.probe.ack_phase = AckPhase::ProbeStarting;
        self.start_round();
        self.full.reset(rs.rate);
        self.state = State::Up;
        self.raise_inflight_longterm_slope(window);
    }

    /// `UpdateProbeBWCyclePhase`
    pub(super) fn update_probe_bw_cycle_phase(&mut self, window: &Window, rs: &Sample) {
        if !self.full.reached || self.adapt_long_term_model(window, rs) {
            return;
        }
        let state = self.state;
        match state {
            State::Down if self.is_time_to_probe_bw(window, rs) => self.start_probe_bw_refill(),
            State::Down if self.is_time_to_cruise(window, rs) => self.start_probe_bw_cruise(),
            State::Cruise if self.is_time_to_probe_bw(window, rs) => self.start_probe_bw_refill(),
            State::Refill if self.rounds.start => {
                self.probe.is_sample = true;
                self.start_probe_bw_up(window, rs);
            }
            State::Up if self.is_time_to_go_down(window, rs) => {
                self.probe.was_too_high = false;
                self.start_probe_bw_down(rs.now);
            }
            _ => {}
        }
    }

    /// `AdaptLongTermModel`; true if it decided on a transition.
    fn adapt_long_term_model(&mut self, window: &Window, rs: &Sample) -> bool {
        if self.rounds.start && self.probe.ack_phase == AckPhase::ProbeStarting {
            self.probe.ack_phase = AckPhase::ProbeFeedback;
        }
        if self.rounds.start && self.probe.ack_phase == AckPhase::ProbeStopping && self.end_probe(rs) {
            return true;
        }
        if self.inflight_longterm == INFINITY || self.is_inflight_too_high(rs.lost, rs.sent_in_flight) {
            return false;
        }
        self.inflight_longterm = self.inflight_longterm.max(rs.sent_in_flight);
        if self.state == State::Up {
            self.probe_inflight_longterm_upward(window, rs);
        }
        false
    }

    /// The last acknowledgements of a probe are in. One that ended early out of caution and did no harm is followed by another at once.
    fn end_probe(&mut self, rs: &Sample) -> bool {
        self.probe.is_sample = false;
        self.probe.ack_phase = AckPhase::Init;
        if !self.state.is_probe_bw() {
            return false;
        }
        if !rs.app_limited {
            self.max_bw.advance();
        }
        let again = self.probe.was_precautionary && !self.probe.was_too_high;
        if again {
            self.start_probe_bw_refill();
        }
        again
    }

    /// `IsTimeToProbeBW`
    fn is_time_to_probe_bw(&self, window: &Window, rs: &Sample) -> bool {
        // `IsRenoCoexistenceProbeTime`
        let reno_rounds = self.target_inflight(window) / window.mss;
        rs.now > self.probe.since + self.probe.wait || self.probe.rounds_since_up >= reno_rounds.clamp(MIN_PIPE, MOST_ROUNDS)
    }

    /// `PickProbeWait`: so that flows do not probe together.
    fn pick_probe_wait(&mut self) {
        let random = self.next_random();
        self.probe.rounds_since_up = random & 1;
        self.probe.wait = Duration::from_secs(2) + Duration::from_millis(u64::from(random >> 1) % 1000);
    }

    /// `IsTimeToCruise`
    fn is_time_to_cruise(&self, window: &Window, rs: &Sample) -> bool {
        let drained = self.quantized(window, self.volume_of(window, self.max_bw.get(), 100));
        rs.in_flight <= self.inflight_with_headroom(window) && rs.in_flight <= drained
    }

    /// `IsTimeToGoDown`
    fn is_time_to_go_down(&mut self, window: &Window, rs: &Sample) -> bool {
        if self.probe.was_too_high && rs.in_flight >= self.inflight_longterm {
            self.probe.was_precautionary = true;
            return true;
        }
        if rs.window_limited && window.cwnd >= self.inflight_longterm {
            self.full.reset(rs.rate);
            return false;
        }
        self.full.now
    }

    /// `InflightWithHeadroom`
    pub(super) fn inflight_with_headroom(&self, window: &Window) -> u32 {
        if self.inflight_longterm == INFINITY {
            return INFINITY;
        }
        let headroom = part(self.inflight_longterm, HEADROOM).max(window.mss);
        self.inflight_longterm.saturating_sub(headroom).max(MIN_PIPE * window.mss)
    }

    /// `RaiseInflightLongtermSlope`: twice as fast in each round.
    fn raise_inflight_longterm_slope(&mut self, window: &Window) {
        let growth = 1u32 << self.probe.up_rounds;
        self.probe.up_rounds = (self.probe.up_rounds + 1).min(30);
        self.probe.up_acked_per_inc = (window.cwnd / growth).max(window.mss);
    }

    /// `ProbeInflightLongtermUpward`
    fn probe_inflight_longterm_upward(&mut self, window: &Window, rs: &Sample) {
        if !rs.window_limited || window.cwnd < self.inflight_longterm {
            return;
        }
        self.probe.up_acked = self.probe.up_acked.saturating_add(rs.newly_acked);
        if self.probe.up_acked >= self.probe.up_acked_per_inc {
            let steps = self.probe.up_acked / self.probe.up_acked_per_inc;
            self.probe.up_acked -= steps * self.probe.up_acked_per_inc;
            let growth = u64::from(steps) * u64::from(window.mss);
            self.inflight_longterm = volume(u64::from(self.inflight_longterm) + growth);
        }
        if self.rounds.start {
            self.raise_inflight_longterm_slope(window);
        }
    }
}
