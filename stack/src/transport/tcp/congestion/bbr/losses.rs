//! What losses and marks tell (draft-ietf-ccwg-bbr §5.5.10, §5.6.4.4), and what is taken back if there were none (§5.5.11).

use super::{BETA, Bbr, INFINITY, LOSS_THRESH, Lost, Sample, ShortTerm, State, Window, part, volume};

/// What remains in flight after a mark, percent: a mark is not as grave as a drop (RFC 8511 §3). The draft (§3.8) asks for a response
/// and leaves open which.
const AFTER_MARK: u64 = 85;

/// The state before a loss (the draft's `BBR.undo_*`).
#[derive(Debug, Default)]
pub(super) struct Undo {
    pub(super) state: Option<State>,
    short_term: ShortTerm,
    inflight_longterm: u32,
}

impl Bbr {
    /// `IsInflightTooHigh`
    pub(super) fn is_inflight_too_high(&self, lost: u64, sent_in_flight: u32) -> bool {
        lost.saturating_mul(100) > u64::from(sent_in_flight) * LOSS_THRESH || (lost > 0 && !self.sack)
    }

    /// `HandleLostPacket`. What is found lost at one time counts as one packet.
    pub(super) fn handle_lost_packet(&mut self, window: &Window, lost: &Lost) {
        self.latest.total_delivered = lost.total_delivered;
        self.note_loss(window);
        self.full.losses = self.full.losses.saturating_add(1);
        if self.probe.is_sample && self.is_inflight_too_high(lost.lost, lost.sent_in_flight) {
            self.handle_inflight_too_high(window, inflight_at_loss(lost), lost.app_limited);
        }
    }

    /// `NoteLoss`
    fn note_loss(&mut self, window: &Window) {
        if !self.latest.is_loss_in_round {
            self.latest.loss_round_delivered = self.latest.total_delivered;
            self.save_state_upon_loss(window);
        }
        self.latest.is_loss_in_round = true;
    }

    /// `HandleInflightTooHigh`
    fn handle_inflight_too_high(&mut self, window: &Window, in_flight: u32, app_limited: bool) {
        self.probe.was_too_high = true;
        self.probe.is_sample = false;
        if !app_limited {
            self.inflight_longterm = in_flight.max(part(self.target_inflight(window), BETA));
        }
        if self.state == State::Up {
            self.undo.state = Some(State::Up);
            self.start_probe_bw_down(self.latest.now);
        }
    }

    /// A mark, once a round trip: where it probed it went too far, elsewhere there is less room than there was.
    pub(super) fn handle_mark(&mut self, window: &mut Window) {
        match self.state {
            State::Startup => self.leave_startup_at_present(window),
            _ if self.probe.is_sample => {
                let (in_flight, app_limited) = (self.latest.sent_in_flight, self.latest.app_limited);
                self.handle_inflight_too_high(window, part(in_flight, AFTER_MARK), app_limited);
            }
            State::Refill | State::Up | State::ProbeRtt => {}
            State::Drain | State::Down | State::Cruise => {
                self.init_lower_bounds(window);
                let now = self.short_term.inflight.min(window.cwnd).min(self.latest.inflight.max(self.latest.sent_in_flight));
                self.short_term.inflight = part(now, AFTER_MARK);
            }
        }
        self.bound_cwnd_for_model(window);
    }

    /// `SaveStateUponLoss`
    pub(super) fn save_state_upon_loss(&mut self, window: &Window) {
        self.save_cwnd(window);
        self.undo = Undo { state: None, short_term: self.short_term, inflight_longterm: self.inflight_longterm };
    }

    /// `HandleSpuriousLossDetection`
    pub(super) fn handle_spurious_loss_detection(&mut self, window: &mut Window) {
        self.restore_cwnd(window);
        self.latest.is_loss_in_round = false;
        self.full.reset(0);
        let undo = core::mem::take(&mut self.undo);
        self.short_term.bw = self.short_term.bw.max(undo.short_term.bw);
        self.short_term.inflight = self.short_term.inflight.max(undo.short_term.inflight);
        self.inflight_longterm = self.inflight_longterm.max(undo.inflight_longterm);
        let pauses = self.state == State::ProbeRtt;
        match undo.state {
            Some(State::Startup) if self.state != State::Startup => {
                self.full.reached = false;
                if !pauses {
                    self.enter_startup();
                }
            }
            Some(State::Up) if self.state != State::Up && !pauses => self.start_probe_bw_refill(),
            _ => {}
        }
    }

    /// `OnEnterRTO`. What bandwidth there is is to be found anew, and as in Linux the lower bounds begin with the window of before.
    pub(super) fn handle_timeout(&mut self, window: &Window) {
        self.full.reset(0);
        if !self.state.is_probing() && self.short_term.inflight == INFINITY {
            self.short_term.inflight = self.prior_cwnd.max(window.cwnd);
        }
    }

    /// A recovery is over: the window is the last one that was good (§5.6.4.4).
    pub(super) fn leave_recovery(&mut self, window: &mut Window, rs: &Sample) {
        let was_recovering = core::mem::replace(&mut self.recovering, rs.recovering);
        if was_recovering && !rs.recovering {
            self.restore_cwnd(window);
        }
    }

    /// `SaveCwnd`
    pub(super) fn save_cwnd(&mut self, window: &Window) {
        let good = !self.recovering && self.state != State::ProbeRtt;
        self.prior_cwnd = if good { window.cwnd } else { self.prior_cwnd.max(window.cwnd) };
    }

    /// `RestoreCwnd`
    pub(super) fn restore_cwnd(&self, window: &mut Window) {
        window.set_cwnd(window.cwnd.max(self.prior_cwnd));
    }
}

/// `InflightAtLoss`: with how much in flight the losses passed the threshold.
pub(super) fn inflight_at_loss(lost: &Lost) -> u32 {
    let size = u64::from(lost.bytes);
    let in_flight_before = u64::from(lost.sent_in_flight).saturating_sub(size);
    let lost_before = lost.lost.saturating_sub(size);
    let prefix = (in_flight_before * LOSS_THRESH).saturating_sub(lost_before.saturating_mul(100)) / (100 - LOSS_THRESH);
    volume(in_flight_before + prefix)
}
