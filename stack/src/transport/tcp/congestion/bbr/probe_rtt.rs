//! The lowest round trip, and ProbeRTT, which looks for it when it was not seen for five seconds (draft-ietf-ccwg-bbr §5.3.4, §5.5.7).

use super::probe_bandwidth::AckPhase;
use super::{Bbr, MIN_PIPE, Sample, ShortTerm, Start, State, Window};
use crate::base::{Duration, Instant};

/// `BBR.MinRTTFilterLen`
const MIN_RTT_FILTER: Duration = Duration::from_secs(10);
/// `BBR.ProbeRTTInterval`
const INTERVAL: Duration = Duration::from_secs(5);
/// `BBR.ProbeRTTDuration`
const LASTS: Duration = Duration::from_millis(200);

/// What is known of round trips.
#[derive(Debug)]
pub(super) struct RoundTrips {
    /// `BBR.min_rtt`
    min: Duration,
    /// `BBR.min_rtt_stamp`
    min_at: Instant,
    /// `BBR.probe_rtt_min_delay`
    probe_min: Duration,
    /// `BBR.probe_rtt_min_stamp`
    probe_min_at: Instant,
    /// `BBR.probe_rtt_expired`
    expired: bool,
    /// `BBR.probe_rtt_done_stamp`
    done_at: Option<Instant>,
    /// `BBR.probe_rtt_round_done`
    round_done: bool,
}

impl Default for RoundTrips {
    fn default() -> Self {
        Self {
            min: Duration::MAX,
            min_at: Instant::EPOCH,
            probe_min: Duration::MAX,
            probe_min_at: Instant::EPOCH,
            expired: false,
            done_at: None,
            round_done: false,
        }
    }
}

impl RoundTrips {
    /// `BBR.min_rtt`, once one was measured.
    pub(super) fn min(&self) -> Option<Duration> {
        (self.min != Duration::MAX).then_some(self.min)
    }

    /// The same in microseconds, as Linux tells it: all ones if there is none.
    pub(super) fn min_rtt_us(&self) -> u32 {
        self.min().map_or(u32::MAX, |min| min.as_micros().min(u128::from(u32::MAX)) as u32)
    }
}

impl Bbr {
    pub(super) fn begin_min_rtt(&mut self, start: &Start) {
        let first = start.round_trip.unwrap_or(Duration::MAX);
        self.rtt =
            RoundTrips { min: first, min_at: start.now, probe_min: first, probe_min_at: start.now, ..RoundTrips::default() };
    }

    /// `UpdateMinRTT`
    pub(super) fn update_min_rtt(&mut self, rs: &Sample) {
        let rtt = &mut self.rtt;
        rtt.expired = rs.now > rtt.probe_min_at + INTERVAL;
        if let Some(sample) = rs.round_trip
            && (sample < rtt.probe_min || rtt.expired)
        {
            rtt.probe_min = sample;
            rtt.probe_min_at = rs.now;
        }
        if rtt.probe_min < rtt.min || rs.now > rtt.min_at + MIN_RTT_FILTER {
            rtt.min = rtt.probe_min;
            rtt.min_at = rtt.probe_min_at;
        }
    }

    /// `CheckProbeRTT`
    pub(super) fn check_probe_rtt(&mut self, window: &mut Window, rs: &Sample) {
        if self.state != State::ProbeRtt && self.rtt.expired && !self.idle_restart {
            self.save_cwnd(window);
            self.state = State::ProbeRtt;
            self.rtt.done_at = None;
            self.probe.ack_phase = AckPhase::ProbeStopping;
            self.start_round();
        }
        if self.state == State::ProbeRtt {
            self.handle_probe_rtt(window, rs);
        }
        if rs.delivered > 0 {
            self.idle_restart = false;
        }
    }

    /// `HandleProbeRTT`: little in flight for 200 ms and a round trip.
    fn handle_probe_rtt(&mut self, window: &mut Window, rs: &Sample) {
        match self.rtt.done_at {
            None if rs.in_flight <= self.probe_rtt_cwnd(window) => {
                self.rtt.done_at = Some(rs.now + LASTS);
                self.rtt.round_done = false;
                self.start_round();
            }
            None => {}
            Some(_) => {
                self.rtt.round_done |= self.rounds.start;
                if self.rtt.round_done && self.check_probe_rtt_done(rs.now) {
                    self.restore_cwnd(window);
                }
            }
        }
    }

    /// `CheckProbeRTTDone`; true if it is.
    pub(super) fn check_probe_rtt_done(&mut self, now: Instant) -> bool {
        let done = self.rtt.done_at.is_some_and(|at| now > at);
        if done {
            self.rtt.probe_min_at = now;
            self.exit_probe_rtt(now);
        }
        done
    }

    /// `ExitProbeRTT`: probes for bandwidth wait again.
    fn exit_probe_rtt(&mut self, now: Instant) {
        self.short_term = ShortTerm::default();
        if self.full.reached {
            self.start_probe_bw_down(now);
            self.start_probe_bw_cruise();
        } else {
            self.enter_startup();
        }
    }

    /// `ProbeRTTCwnd`
    pub(super) fn probe_rtt_cwnd(&self, window: &Window) -> u32 {
        self.bdp(window, State::ProbeRtt.cwnd_gain()).max(MIN_PIPE * window.mss)
    }
}
