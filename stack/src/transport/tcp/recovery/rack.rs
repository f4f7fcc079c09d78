//! RACK (RFC 8985): a segment is lost if one that was sent later has arrived, and the path has had time to reorder them.

use super::{News, enter, losses};
use crate::base::Duration;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::output::{self, Push};
use crate::transport::tcp::scoreboard::Detected;
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::{Phase, Retry, Tcb};
use crate::transport::tcp::{rate, timers};

/// Recoveries that a wider window lasts after the path told of a needless retransmission (RFC 8985 §5.2 `RACK.reo_wnd_persist`).
const PERSIST: u8 = 16;
/// More segments of reordering are not told (Linux's `tcp_max_reordering`).
const MOST_DEGREE: u32 = 300;
/// What a timer is late by at least (Linux's `TCP_TIMEOUT_MIN`).
pub(super) const SLACK: Duration = Duration::from_millis(2);

/// How much reordering to allow for (RFC 8985 §5.2).
#[derive(Clone, Copy, Debug)]
pub(in crate::transport::tcp) struct Reordering {
    /// `RACK.reordering_seen`
    seen: bool,
    /// `RACK.reo_wnd_mult`
    steps: u8,
    /// `RACK.reo_wnd_persist`
    persist: u8,
    /// `RACK.dsack_round`: a round trip's DSACKs count once.
    round: Option<Seq>,
    /// The furthest that a segment was late by, in segments (Linux's `tcpi_reordering`); 0: none was.
    degree: u16,
    /// How often one was (`tcpi_reord_seen`).
    times: u32,
}

impl Default for Reordering {
    fn default() -> Self {
        Self { seen: false, steps: 1, persist: 0, round: None, degree: 0, times: 0 }
    }
}

impl Reordering {
    /// RFC 8985 §6.2 step 4: something was sent again that had arrived: the window was too short.
    fn too_short(&mut self, nxt: Seq) {
        if self.round.is_some() {
            return;
        }
        self.round = Some(nxt);
        self.steps = self.steps.saturating_add(1);
        self.persist = PERSIST;
    }

    /// Everything before `una` is acknowledged. The end of a round trip is forgotten when it is reached: 2 GiB later it would lie ahead
    /// again.
    fn passed(&mut self, una: Seq) {
        self.round = self.round.filter(|round| una.before(*round));
    }

    /// The furthest that a segment was late by, in segments; how often one was.
    pub(in crate::transport::tcp) fn told(&self) -> (u32, u32) {
        (self.degree.into(), self.times)
    }

    /// A recovery is over.
    pub(super) fn recovered(&mut self) {
        self.persist = self.persist.saturating_sub(1);
        if self.persist == 0 {
            self.steps = 1;
        }
    }
}

/// RFC 8985 §6.2 steps 3 and 4: what an acknowledgement tells of reordering.
pub(super) fn learn(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    if news.delivered.reordered || news.sacked.reordered {
        seen(tcb, cx);
        let bytes = news.delivered.reordered_by.max(news.sacked.reordered_by);
        let reordering = &mut losses::of(tcb).reordering;
        reordering.degree = reordering.degree.max(bytes.div_ceil(news.mss).min(MOST_DEGREE) as u16);
        reordering.times = reordering.times.saturating_add(1);
    }
    let (una, nxt) = (tcb.snd.una, tcb.snd.nxt);
    if let Some(losses) = &mut tcb.recovery.losses {
        losses.reordering.passed(una);
    }
    if news.dsack.is_some() {
        losses::of(tcb).reordering.too_short(nxt);
    }
}

/// The path reorders: a segment arrived after one that was sent later. Also if it had been sent again meanwhile and only an undo tells:
/// where segments are late by more than the window they would never be met otherwise (as Linux does where timestamps tell).
pub(super) fn seen(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if !core::mem::replace(&mut losses::of(tcb).reordering.seen, true) {
        cx.base().counters.tcp_ext.tcp_sack_reorder += 1;
    }
}

/// Segments were late by more than what duplicate acknowledgements wait for.
pub(super) fn is_reordering(tcb: &Tcb, cx: &Cx<'_>) -> bool {
    let degree = tcb.recovery.losses.as_ref().map_or(0, |losses| losses.reordering.degree);
    degree > u16::from(cx.common.config.reordering)
}

/// RFC 8985 §6.2 step 4: how long a segment may be late.
fn window(tcb: &Tcb, cx: &Cx<'_>) -> Duration {
    let reordering = tcb.recovery.losses.as_ref().map(|losses| losses.reordering).unwrap_or_default();
    if !reordering.seen {
        let sacked = tcb.sending.as_ref().map_or(0, |sending| sending.board.sacked_segments(tcb.sent_mss()));
        if tcb.recovery.phase != Phase::Open || sacked >= u32::from(cx.common.config.reordering) {
            return Duration::ZERO;
        }
    }
    let lowest = tcb.round_trip.lowest().unwrap_or_default();
    (lowest / 4 * u32::from(reordering.steps)).min(tcb.round_trip.smoothed().unwrap_or_default())
}

/// RFC 8985 §6.2 step 5: marks what is lost now, and sees to it that what may be lost soon is looked at.
pub(super) fn detect(tcb: &mut Tcb, cx: &mut Cx<'_>) -> Detected {
    let (now, window) = (cx.now(), window(tcb, cx));
    let found = tcb.sending_mut().board.detect(now, window);
    if found.again > 0 {
        cx.base().counters.tcp_ext.tcp_lost_retransmit += u64::from(found.again.div_ceil(u32::from(tcb.snd.mss)));
    }
    rate::lost(tcb, found.lost + found.again, found.sent_at);
    if let Some(wait) = found.wait {
        tcb.timers.retry = now + (wait + SLACK).min(tcb.round_trip.timeout());
        tcb.timers.retry_kind = Retry::Reorder;
    } else if tcb.timers.retry_kind == Retry::Reorder {
        timers::arm_timeout(tcb, cx);
    }
    found
}

/// RFC 8985 §6.3: the time in which what is missing might have come is over.
pub(in crate::transport::tcp) fn fired(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if !tcb.in_flight() {
        return;
    }
    timers::arm_timeout(tcb, cx);
    let found = detect(tcb, cx);
    if found.lost > 0 && tcb.recovery.phase == Phase::Open && !super::send_probe_again(tcb, cx) {
        cx.base().counters.tcp_ext.tcp_sack_recovery += 1;
        enter(tcb);
    }
    if found.lost + found.again > 0 {
        if !tcb.congestion.governs() {
            super::reduce(tcb, u32::from(tcb.snd.mss), false);
        }
        super::report(tcb, cx);
        output::run(tcb, cx, Push::Normal);
    }
}
