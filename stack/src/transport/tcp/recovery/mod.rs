//! Loss recovery: what acknowledgements tell about losses, and when it is over.
//!
//! What to send again is the scoreboard's knowledge, when to send it is `output`'s decision, how much is congestion control's.
//!
//! ```text
//!   acknowledgement ─► learn ─► is a recovery over, or was it needless? ─► what is lost ─► how much may be in flight
//! ```
//!
//! | file | what | source |
//! |---|---|---|
//! | `rack` | what is lost, by time | RFC 8985 |
//! | `tail_probe` | asking when the end of a flight is met by silence | RFC 8985 §7 |
//! | `duplicates` | what is lost, without SACK | RFC 5681, RFC 6582 |
//! | `timed_out` | after a timeout; whether it was needed | RFC 5681, RFC 5682 |
//! | `prr` | the way to the smaller window | RFC 6937 |
//! | `undo` | the way back | RFC 3708, RFC 4015 |
//! | `losses` | the box that keeps it all |  |

mod duplicates;
pub(super) mod losses;
mod prr;
pub(super) mod rack;
pub(super) mod tail_probe;
pub(super) mod timed_out;
mod undo;

use super::congestion::{Ack, Careful};
use super::cx::Cx;
use super::mtu_probe;
use super::output::decide;
use super::rate;
use super::scoreboard::Delivered;
use super::seq::Seq;
use super::tcb::{Phase, Tcb};
use crate::base::event::class;
use crate::base::{Duration, What};
use prr::{Progress, Prr};
pub(super) use undo::forget as forget_undo;

/// What one acknowledgement told.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct News {
    /// Sequence space newly acknowledged cumulatively.
    pub(super) acked: u32,
    /// What the cumulative part delivered.
    pub(super) delivered: Delivered,
    /// What SACK delivered.
    pub(super) sacked: Delivered,
    /// In segments of this size.
    pub(super) mss: u32,
    /// What the peer had received twice (RFC 2883 §4).
    pub(super) dsack: Option<(Seq, Seq)>,
    /// The timestamp it echoes.
    pub(super) echo: Option<u32>,
    /// It carries a later timestamp of the peer's than any before it.
    pub(super) later: bool,
    /// It is a duplicate acknowledgement (RFC 5681 §2).
    pub(super) duplicate: bool,
    /// It would be one if something were in flight.
    pub(super) repeated: bool,
    /// The send buffer had no room for a writer before it.
    pub(super) crowded: bool,
    /// Bytes in flight before it.
    pub(super) flight: u32,
    /// The congestion window was what held the sender back.
    pub(super) limited: bool,
    /// The congestion window was full.
    pub(super) full: bool,
    /// The round trip it measured.
    pub(super) round_trip: Option<Duration>,
}

impl News {
    /// Segments that it says arrived.
    pub(super) fn segments(&self) -> u32 {
        (self.delivered.bytes + self.sacked.bytes).div_ceil(self.mss.max(1))
    }

    fn is_none(&self) -> bool {
        self.acked == 0 && self.sacked.bytes == 0 && !self.duplicate && self.dsack.is_none()
    }
}

/// An acceptable acknowledgement arrived.
pub(super) fn acknowledged(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    if news.is_none() {
        if news.repeated {
            tail_probe::acknowledged(tcb, cx, news);
        }
        return;
    }
    tcb.recovery.fresh_first = false;
    let arrived = rate::acknowledged(tcb, cx, news);
    mtu_probe::acknowledged(tcb, cx);
    learn(tcb, cx, news);
    tail_probe::acknowledged(tcb, cx, news);
    match tcb.recovery.phase {
        Phase::Open => open(tcb, cx),
        Phase::Recovery => recovering(tcb, cx, news),
        Phase::Loss => timed_out::acknowledged(tcb, cx, news),
    }
    let used_up = if tcb.sack { 0 } else { duplicates::count(tcb, cx, news) };
    let lost = tcb.sack && tcb.in_flight() && find_lost(tcb, cx);
    if let Some(arrived) = &arrived {
        rate::tell(tcb, cx, arrived, news);
    }
    if tcb.congestion.governs() {
        // The window is what the samples make it.
    } else if tcb.recovery.phase == Phase::Recovery {
        let delivered =
            if tcb.sack { news.delivered.bytes + news.sacked.bytes } else { duplicates::delivered(tcb, news, used_up) };
        reduce(tcb, delivered, news.acked > 0 && !lost);
    } else {
        grow(tcb, cx, news, used_up * u32::from(tcb.snd.mss));
    }
    report(tcb, cx);
}

/// What it tells of the path and of what was sent again.
fn learn(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    if tcb.sack {
        rack::learn(tcb, cx, news);
    }
    if let Some(range) = news.dsack {
        cx.base().counters.tcp_ext.tcp_dsack_recv += 1;
        let losses = losses::of(tcb);
        losses.duplicates = losses.duplicates.saturating_add(1);
        undo::duplicate(tcb, range);
    }
}

/// Outside recovery: the last one may turn out to have been needless.
fn open(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if tcb.snd.una.after(tcb.recovery.point) {
        tcb.recovery.has_point = false;
    }
    if undo::all_duplicates(tcb) {
        cx.base().counters.tcp_ext.tcp_dsack_undo += 1;
        needless(tcb, cx, false);
    }
}

/// A fast recovery was needless: nothing was lost, but late.
fn needless(tcb: &mut Tcb, cx: &mut Cx<'_>, unmark: bool) {
    if tcb.sack {
        rack::seen(tcb, cx);
    }
    undo::restore(tcb, cx, unmark);
}

/// In fast recovery: it is over when everything that was in flight when it began is acknowledged (RFC 6582 §3.2 step 3 "full",
/// RFC 6675 §5), or when it turns out that nothing was lost.
fn recovering(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    let done = news.acked > 0 && tcb.snd.una.at_or_after(tcb.recovery.point);
    let original = news.acked > 0 && undo::is_of_original(tcb, news);
    if undo::all_duplicates(tcb) {
        cx.base().counters.tcp_ext.tcp_dsack_undo += 1;
        needless(tcb, cx, done);
    } else if done && original {
        cx.base().counters.tcp_ext.tcp_full_undo += 1;
        needless(tcb, cx, true);
    } else if done {
        tcb.congestion.recovered();
        tcb.recovery.phase = Phase::Open;
        tcb.recovery.dup_acks = 0;
        tcb.recovery.first = false;
        losses::of(tcb).reordering.recovered();
    } else if original && tcb.sending.as_ref().is_none_or(|sending| sending.board.resent_bytes() == 0) {
        cx.base().counters.tcp_ext.tcp_partial_undo += 1;
        needless(tcb, cx, true);
    }
}

/// What is lost by the clock; says whether there is more of it than before.
fn find_lost(tcb: &mut Tcb, cx: &mut Cx<'_>) -> bool {
    let found = rack::detect(tcb, cx);
    if tcb.recovery.phase == Phase::Open && send_probe_again(tcb, cx) {
        return true;
    }
    let evident = match tcb.recovery.phase {
        Phase::Open => tcb.sending.as_ref().is_some_and(|sending| sending.board.lost_bytes() > 0),
        // What slow start sent again is lost again: the path is still too full.
        Phase::Loss => found.again > 0,
        Phase::Recovery => false,
    };
    if evident {
        cx.base().counters.tcp_ext.tcp_sack_recovery += 1;
        enter(tcb);
    }
    found.lost + found.again > 0
}

/// RFC 4821 §7.6.2: only a probe is lost: it goes again in smaller segments, and nothing else changes. Says whether that is so.
fn send_probe_again(tcb: &mut Tcb, cx: &mut Cx<'_>) -> bool {
    let lost = tcb.sending.as_ref().map_or(0, |sending| sending.board.lost_bytes());
    if !mtu_probe::is_refused(tcb, lost) {
        return false;
    }
    mtu_probe::refused(tcb, cx);
    send_lost_again(tcb);
    true
}

/// What is lost is no sign of congestion: it goes again, and the window stays.
pub(super) fn send_lost_again(tcb: &mut Tcb) {
    undo::forget(tcb);
    tcb.recovery.phase = Phase::Loss;
    tcb.recovery.point = tcb.snd.nxt;
    tcb.recovery.has_point = true;
    tcb.recovery.dup_acks = 0;
    tcb.recovery.first = true;
    if let Some(losses) = &mut tcb.recovery.losses {
        losses.doubting = false;
    }
}

/// Fast recovery begins (RFC 5681 §3.2 steps 2 and 3, RFC 6675 §5 step 4): the threshold falls at once, the window by and by.
fn enter(tcb: &mut Tcb) {
    undo::remember(tcb);
    let before = tcb.congestion.cwnd();
    tcb.congestion.reduce();
    let losses = losses::of(tcb);
    losses.prr = Prr::begin(before);
    losses.tail_probe = None;
    losses.doubting = false;
    tcb.recovery.phase = Phase::Recovery;
    tcb.recovery.point = tcb.snd.nxt;
    tcb.recovery.has_point = true;
    tcb.recovery.first = true;
}

/// In fast recovery the window follows what is delivered.
fn reduce(tcb: &mut Tcb, delivered: u32, good: bool) {
    if tcb.recovery.phase != Phase::Recovery {
        return;
    }
    let (ssthresh, in_flight, mss) = (tcb.congestion.ssthresh(), decide::in_flight(tcb), u32::from(tcb.snd.mss));
    if let Some(window) = losses::of(tcb).prr.window(Progress { delivered, good }, ssthresh, in_flight, mss) {
        tcb.congestion.set_cwnd(window);
    }
}

/// Something was sent, new or again.
pub(super) fn sent(tcb: &mut Tcb, bytes: u32) {
    if tcb.recovery.phase == Phase::Recovery {
        losses::of(tcb).prr.sent(bytes);
    }
}

/// So many bytes of data were sent again, and with a FIN so much of the sequence space, when our clock said this.
pub(super) fn sent_again(tcb: &mut Tcb, data: u32, space: u32, clock: u32) {
    losses::of(tcb).resent_bytes += u64::from(data);
    undo::sent_again(tcb, space, clock);
}

/// Outside fast recovery acknowledged data opens the window (RFC 5681 §3.1): what is newly known to have arrived. A cumulative
/// acknowledgement that jumps over what was SACKed, or told of by duplicates, before (`told` bytes) counts that no second time.
///
/// As in Linux SACKs open it too once the path has shown that it reorders by more than what fast retransmit waits for: there they say little
/// of losses, and acknowledgements that come late would open it too late.
fn grow(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News, told: u32) {
    if news.acked == 0 && !(news.sacked.bytes > 0 && rack::is_reordering(tcb, cx)) {
        return;
    }
    let acked = news.delivered.bytes.saturating_add(news.sacked.bytes).saturating_sub(told);
    open_window(tcb, cx, &Growth { acked, flight: news.flight, limited: news.limited, round_trip: news.round_trip });
}

/// Congestion control is told what arrived.
#[inline(always)]
fn open_window(tcb: &mut Tcb, cx: &Cx<'_>, growth: &Growth) {
    let (cwnd, mss) = (tcb.congestion.cwnd(), u32::from(tcb.snd.mss));
    let full = !tcb.congestion.in_slow_start() && growth.flight.saturating_add(mss) > cwnd;
    let ack = Ack {
        now: cx.now(),
        acked: growth.acked,
        in_flight: growth.flight,
        srtt: tcb.round_trip.smoothed(),
        rtt: growth.round_trip,
        lowest: tcb.round_trip.lowest(),
        limited: growth.limited || full,
    };
    tcb.congestion
        .acked(&ack, Careful { samples: cx.common.config.hystart_samples, css_rounds: cx.common.config.hystart_css_rounds });
}

/// What opens the congestion window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    /// Bytes newly known to have arrived.
    pub(super) acked: u32,
    /// Bytes in flight before.
    pub(super) flight: u32,
    /// The congestion window was what held the sender back.
    pub(super) limited: bool,
    /// The round trip that was measured.
    pub(super) round_trip: Option<Duration>,
}

/// As [`acknowledged`] where nothing was ever lost, without SACK blocks, and where no samples are taken.
pub(super) fn nothing_lost(tcb: &mut Tcb, cx: &mut Cx<'_>, growth: &Growth) {
    tcb.recovery.fresh_first = false;
    rate::meter_acknowledged(tcb, cx.now());
    if tcb.snd.una.after(tcb.recovery.point) {
        tcb.recovery.has_point = false;
    }
    open_window(tcb, cx, growth);
    report(tcb, cx);
}

#[inline(always)]
fn report(tcb: &Tcb, cx: &mut Cx<'_>) {
    if cx.base().events.wanted(class::CONTROL) {
        let (socket, in_flight) = (tcb.inet.owner, decide::in_flight(tcb));
        let (cwnd, ssthresh) = (tcb.congestion.cwnd(), tcb.congestion.ssthresh());
        cx.base().emit(What::Congestion { socket, cwnd, ssthresh, in_flight });
    }
}
