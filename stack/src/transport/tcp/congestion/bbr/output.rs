//! What follows from the model: pacing rate, quantum and window (draft-ietf-ccwg-bbr §5.6), and beginning again after silence (§5.4).

use super::{Bbr, MIN_PIPE, PACING_MARGIN, Sample, State, Window, volume};
use crate::base::{Duration, Instant};

/// The largest quantum.
const MOST_QUANTUM: u64 = 64 << 10;
/// The round trip that is assumed before one was measured.
const NOMINAL_ROUND_TRIP: Duration = Duration::from_millis(1);

impl Bbr {
    /// `InitPacingRate`
    pub(super) fn init_pacing_rate(&mut self, window: &Window, round_trip: Option<Duration>) {
        let micros = round_trip.unwrap_or(NOMINAL_ROUND_TRIP).as_micros().max(1) as u64;
        self.pacing_rate = u64::from(window.cwnd) * 1_000_000 / micros / 100 * State::Startup.pacing_gain();
    }

    /// `UpdateControlParameters`; the quantum is [`crate::transport::tcp::output::burst`]'s.
    pub(super) fn update_control_parameters(&mut self, window: &mut Window, rs: &Sample) {
        self.set_pacing_rate_with_gain(self.state.pacing_gain());
        self.set_cwnd(window, rs);
    }

    /// `SetPacingRateWithGain`: until the pipe was full the rate only grows.
    fn set_pacing_rate_with_gain(&mut self, gain: u64) {
        let rate = (u128::from(self.bw) * u128::from(gain * (100 - PACING_MARGIN)) / 10_000) as u64;
        if rate > 0 && (self.full.reached || rate > self.pacing_rate) {
            self.pacing_rate = rate;
        }
    }

    /// `HandleRestartFromIdle`
    pub(super) fn handle_restart_from_idle(&mut self, window: &mut Window, now: Instant) {
        self.idle_restart = true;
        self.aggregation.restart(now);
        if self.state.is_probe_bw() {
            self.set_pacing_rate_with_gain(100);
        } else if self.state == State::ProbeRtt && self.check_probe_rtt_done(now) {
            self.restore_cwnd(window);
        }
    }

    /// `BDPMultiple` of any bandwidth; the window as it is while no round trip is known.
    pub(super) fn volume_of(&self, window: &Window, bw: u64, gain: u64) -> u32 {
        let Some(min_rtt) = self.rtt.min() else { return window.cwnd };
        let bytes = u128::from(bw) * min_rtt.as_micros() * u128::from(gain) / 100_000_000;
        volume(bytes.min(u128::from(u64::MAX)) as u64)
    }

    /// `BDPMultiple`
    pub(super) fn bdp(&self, window: &Window, gain: u64) -> u32 {
        self.volume_of(window, self.bw, gain)
    }

    /// `QuantizationBudget`: three quanta are on their way through the hosts themselves (§5.5.8).
    pub(super) fn quantized(&self, window: &Window, inflight: u32) -> u32 {
        let quantum = (self.pacing_rate / 1000).min(MOST_QUANTUM).max(2 * u64::from(window.mss));
        let budget = inflight.max(volume(3 * quantum)).max(MIN_PIPE * window.mss);
        if self.state == State::Up { budget.saturating_add(2 * window.mss) } else { budget }
    }

    /// `Inflight`
    pub(super) fn inflight(&self, window: &Window, gain: u64) -> u32 {
        self.quantized(window, self.bdp(window, gain))
    }

    /// `TargetInflight`
    pub(super) fn target_inflight(&self, window: &Window) -> u32 {
        self.bdp(window, 100).min(window.cwnd)
    }

    /// `UpdateMaxInflight`
    fn max_inflight(&self, window: &Window) -> u32 {
        let inflight = self.bdp(window, self.state.cwnd_gain()).saturating_add(self.aggregation.extra());
        self.quantized(window, inflight)
    }

    /// `SetCwnd`
    fn set_cwnd(&mut self, window: &mut Window, rs: &Sample) {
        let (most, grown) = (self.max_inflight(window), window.cwnd.saturating_add(rs.newly_acked));
        let cwnd = if self.full.reached {
            grown.min(most)
        } else if window.cwnd < most || rs.total_delivered < u64::from(window.initial()) {
            grown
        } else {
            window.cwnd
        };
        window.set_cwnd(cwnd.max(MIN_PIPE * window.mss));
        if self.state == State::ProbeRtt {
            window.set_cwnd(window.cwnd.min(self.probe_rtt_cwnd(window)));
        }
        self.bound_cwnd_for_model(window);
    }

    /// `BoundCwndForModel`
    pub(super) fn bound_cwnd_for_model(&self, window: &mut Window) {
        let long = match self.state {
            State::Down | State::Refill | State::Up => self.inflight_longterm,
            State::Cruise | State::ProbeRtt => self.inflight_with_headroom(window),
            State::Startup | State::Drain => super::INFINITY,
        };
        let cap = long.min(self.short_term.inflight).max(MIN_PIPE * window.mss);
        window.set_cwnd(window.cwnd.min(cap));
    }
}
