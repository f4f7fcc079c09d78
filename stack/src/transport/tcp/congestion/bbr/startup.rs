//! Startup and Drain (draft-ietf-ccwg-bbr §5.3.1, §5.3.2): the bandwidth is found by doubling, the queue that this made is drained.

use super::{Bbr, Sample, State, Window};

/// `BBRStartupFullLossCnt`: losses at so many times in a round trip are no accident.
const FULL_LOSSES: u8 = 6;

/// Whether the bandwidth still grows.
#[derive(Debug, Default)]
pub(super) struct FullPipe {
    /// `BBR.full_bw_reached`
    pub(super) reached: bool,
    /// `BBR.full_bw_now`
    pub(super) now: bool,
    /// `BBR.full_bw`
    bw: u64,
    /// `BBR.full_bw_count`
    count: u8,
    /// How often losses were found in this round trip.
    pub(super) losses: u8,
    /// `BBR.drain_start_round`
    drain_start: u32,
}

impl FullPipe {
    /// `ResetFullBW`, and the rate from which growth is to be seen.
    pub(super) fn reset(&mut self, bw: u64) {
        self.bw = bw;
        self.count = 0;
        self.now = false;
    }
}

impl Bbr {
    /// `EnterStartup`
    pub(super) fn enter_startup(&mut self) {
        self.state = State::Startup;
    }

    /// `CheckFullBWReached`: three rounds in which the rate grew by less than a quarter.
    pub(super) fn check_full_bw_reached(&mut self, rs: &Sample) {
        if self.full.now || !self.rounds.start || rs.app_limited || rs.rate == 0 {
            return;
        }
        if rs.rate >= (self.full.bw / 4).saturating_mul(5) {
            self.full.reset(rs.rate);
            return;
        }
        self.full.count += 1;
        self.full.now = self.full.count >= 3;
        self.full.reached |= self.full.now;
    }

    /// `CheckStartupDone`
    pub(super) fn check_startup_done(&mut self, window: &Window, rs: &Sample) {
        self.check_startup_high_loss(window, rs);
        if self.state == State::Startup && self.full.reached {
            self.enter_drain();
        }
    }

    /// `CheckStartupHighLoss`: a whole round of recovery, too much lost in it, at many places; without SACK any loss.
    fn check_startup_high_loss(&mut self, window: &Window, rs: &Sample) {
        let many = self.full.losses >= FULL_LOSSES || (!self.sack && self.full.losses > 0);
        let high = self.latest.loss_round_start && many && rs.recovering;
        if self.latest.loss_round_start {
            self.full.losses = 0;
        }
        if self.state == State::Startup && !self.full.reached && high && self.is_inflight_too_high(rs.lost, rs.sent_in_flight) {
            self.undo.state = Some(State::Startup);
            self.leave_startup_at_present(window);
        }
    }

    /// The pipe is full: what it holds now is what it can hold.
    pub(super) fn leave_startup_at_present(&mut self, window: &Window) {
        self.full.reached = true;
        self.inflight_longterm = self.bdp(window, 100).max(self.latest.inflight);
    }

    /// `EnterDrain`
    fn enter_drain(&mut self) {
        self.state = State::Drain;
        self.full.drain_start = self.rounds.count;
    }

    /// `CheckDrainDone`: no more in flight than the path holds, or three rounds passed.
    pub(super) fn check_drain_done(&mut self, window: &Window, rs: &Sample) {
        let rounds = self.rounds.count.wrapping_sub(self.full.drain_start);
        if self.state == State::Drain && (rs.in_flight <= self.inflight(window, 100) || rounds > 3) {
            self.start_probe_bw_down(rs.now);
        }
    }
}
