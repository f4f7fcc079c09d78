//! BBR version 3 (draft-ietf-ccwg-bbr): a model of the path, its bandwidth and its round trip, rules how fast is sent and how much is in
//! flight; losses only correct the model.
//!
//! ```text
//!   Startup ──▶ Drain ──▶ ┌ Down ──▶ Cruise ──▶ Refill ──▶ Up ┐
//!      ▲                  └───────────────◀──────────────────┘
//!      └────────────── ProbeRtt ◀── every five seconds without a new lowest round trip
//! ```
//!
//! | file | what | section of the draft |
//! |---|---|---|
//! | `model` | bandwidth, rounds, aggregation, what congestion tells in the short term | 5.5 |
//! | `startup` | how the bandwidth is found, and the queue drained | 5.3.1, 5.3.2 |
//! | `probe_bandwidth` | the cycle that looks for more | 5.3.3 |
//! | `probe_rtt` | the lowest round trip | 5.3.4 |
//! | `losses` | what losses and marks correct, and what is taken back if there were none | 5.5.10, 5.5.11 |
//! | `output` | what follows: pacing rate and window | 5.6 |
//!
//! The names are those of the draft. Volumes are bytes, rates are bytes a second, gains are percent.

mod losses;
mod model;
mod output;
mod probe_bandwidth;
mod probe_rtt;
mod startup;

#[cfg(test)]
mod tests;

use super::control::{Control, Lost, Sample, Start};
use super::window::Window;
use super::{Ack, BbrInfo, Info};
use crate::base::{Duration, Instant};
use losses::Undo;
use model::{Aggregation, Latest, MaxBandwidth, Rounds, ShortTerm};
use probe_bandwidth::Probe;
use probe_rtt::RoundTrips;
use startup::FullPipe;

/// `BBR.LossThresh`: more than so many percent lost in a round trip are too many.
const LOSS_THRESH: u64 = 2;
/// `BBR.Beta`: at most so much is given up for what was lost in a round trip, percent.
const BETA: u64 = 70;
/// `BBR.Headroom`: this part of the room is left to others, percent.
const HEADROOM: u64 = 15;
/// `BBR.PacingMarginPercent`
const PACING_MARGIN: u64 = 1;
/// `BBR.MinPipeCwnd` in segments.
const MIN_PIPE: u32 = 4;
/// No bound.
const INFINITY: u32 = u32::MAX;

/// `BBR.state`
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Startup,
    Drain,
    Down,
    Cruise,
    Refill,
    Up,
    ProbeRtt,
}

impl State {
    /// `IsInAProbeBWState`
    fn is_probe_bw(self) -> bool {
        matches!(self, Self::Down | Self::Cruise | Self::Refill | Self::Up)
    }

    /// `IsProbingBW`
    fn is_probing(self) -> bool {
        matches!(self, Self::Startup | Self::Refill | Self::Up)
    }

    /// `BBR.pacing_gain`
    fn pacing_gain(self) -> u64 {
        match self {
            Self::Startup => 277,
            Self::Drain => 50,
            Self::Down => 90,
            Self::Cruise | Self::Refill | Self::ProbeRtt => 100,
            Self::Up => 125,
        }
    }

    /// `BBR.cwnd_gain`
    fn cwnd_gain(self) -> u64 {
        match self {
            Self::Up => 225,
            Self::ProbeRtt => 50,
            _ => 200,
        }
    }
}

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Bbr {
    state: State,
    /// `BBR.bw`
    bw: u64,
    /// `C.pacing_rate`
    pacing_rate: u64,
    /// `C.has_selective_acks`
    sack: bool,
    /// `BBR.idle_restart`
    idle_restart: bool,
    /// A recovery was under way at the last acknowledgement.
    recovering: bool,
    /// `BBR.prior_cwnd`
    prior_cwnd: u32,
    /// `BBR.inflight_longterm`
    inflight_longterm: u32,
    /// What is random about it.
    random: u32,
    rounds: Rounds,
    max_bw: MaxBandwidth,
    short_term: ShortTerm,
    latest: Latest,
    aggregation: Aggregation,
    full: FullPipe,
    probe: Probe,
    rtt: RoundTrips,
    undo: Undo,
}

impl Bbr {
    pub(super) fn new() -> Self {
        Self {
            state: State::Startup,
            bw: 0,
            pacing_rate: 0,
            sack: false,
            idle_restart: false,
            recovering: false,
            prior_cwnd: 0,
            inflight_longterm: INFINITY,
            random: 1,
            rounds: Rounds::default(),
            max_bw: MaxBandwidth::default(),
            short_term: ShortTerm::default(),
            latest: Latest::default(),
            aggregation: Aggregation::default(),
            full: FullPipe::default(),
            probe: Probe::default(),
            rtt: RoundTrips::default(),
            undo: Undo::default(),
        }
    }

    /// `UpdateModelAndState`
    fn update_model_and_state(&mut self, window: &mut Window, rs: &Sample) {
        self.update_latest_delivery_signals(rs);
        self.update_congestion_signals(window, rs);
        self.update_ack_aggregation(window, rs);
        self.check_full_bw_reached(rs);
        self.check_startup_done(window, rs);
        self.check_drain_done(window, rs);
        self.update_probe_bw_cycle_phase(window, rs);
        self.update_min_rtt(rs);
        self.check_probe_rtt(window, rs);
        self.advance_latest_delivery_signals(rs);
        self.bound_bw_for_model();
    }

    /// The next of a sequence of numbers that is another one for each connection (Marsaglia's xorshift).
    fn next_random(&mut self) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        self.random
    }
}

impl Control for Bbr {
    /// `OnInit`
    fn begin(&mut self, window: &mut Window, start: &Start) {
        self.sack = start.sack;
        self.random = start.seed | 1;
        self.begin_min_rtt(start);
        self.aggregation.restart(start.now);
        self.init_pacing_rate(window, start.round_trip);
    }

    /// It governs the window, and is not asked.
    fn acked(&mut self, _window: &mut Window, _ack: &Ack) {}

    /// `OnEnterFastRecovery`
    fn reduce(&mut self, window: &mut Window) {
        self.save_state_upon_loss(window);
    }

    fn marked(&mut self, window: &mut Window) {
        self.handle_mark(window);
    }

    /// `OnEnterRTO`; the window is one segment already.
    fn timed_out(&mut self, window: &mut Window) {
        self.handle_timeout(window);
    }

    /// `HandleSpuriousLossDetection`
    fn undone(&mut self, window: &mut Window) {
        self.handle_spurious_loss_detection(window);
    }

    /// What is not used stays, for it is paced (§5.4.2).
    fn idle(&mut self, _window: &mut Window, _idle: Duration, _rto: Duration) {}

    fn restarts(&mut self, window: &mut Window, now: Instant) {
        self.handle_restart_from_idle(window, now);
    }

    /// `UpdateOnACK`
    fn sampled(&mut self, window: &mut Window, rs: &Sample) {
        self.leave_recovery(window, rs);
        self.update_model_and_state(window, rs);
        self.update_control_parameters(window, rs);
    }

    fn lost(&mut self, window: &mut Window, lost: &Lost) {
        self.handle_lost_packet(window, lost);
    }

    fn governs(&self) -> bool {
        true
    }

    fn holds_back(&self) -> bool {
        self.state == State::ProbeRtt
    }

    fn pacing_rate(&self) -> Option<u64> {
        (self.pacing_rate > 0).then_some(self.pacing_rate)
    }

    fn info(&self) -> Option<Info> {
        let in_256ths = |percent: u64| (percent * 256 / 100) as u32;
        Some(Info::Bbr(BbrInfo {
            bandwidth: self.bw,
            min_rtt_us: self.rtt.min_rtt_us(),
            pacing_gain: in_256ths(self.state.pacing_gain()),
            cwnd_gain: in_256ths(self.state.cwnd_gain()),
        }))
    }
}

/// `percent` of a volume.
fn part(volume: u32, percent: u64) -> u32 {
    (u64::from(volume) * percent / 100).min(u64::from(INFINITY - 1)) as u32
}

/// A volume of which there is not more than can be counted.
fn volume(bytes: u64) -> u32 {
    bytes.min(u64::from(INFINITY - 1)) as u32
}
