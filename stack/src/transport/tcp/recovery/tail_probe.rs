//! Tail loss probes (RFC 8985 §7): if the last segments of a flight are lost, nothing tells of it but a timeout. A probe, sent after two
//! round trips of silence, gets an acknowledgement from which RACK learns.

use core::hint::cold_path;

use super::{News, losses, rack, undo};
use crate::base::Why;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::output::{self, decide};
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::{Phase, Retry, Tcb};
use crate::transport::tcp::{ecn, state, timers};

/// Before anything was measured.
const FIRST_US: u64 = 1_000_000;
const RTO_MIN_US: u64 = timers::RTO_MIN.as_micros() as u64;
const SLACK_US: u64 = rack::SLACK.as_micros() as u64;

/// The probe whose answer is awaited.
#[derive(Clone, Copy, Debug)]
pub(super) struct TailProbe {
    /// RFC 8985 §7.1 `TLP.end_seq`: `snd_nxt` when it was sent.
    end: Seq,
    /// `TLP.is_retrans`: it was no new data.
    again: bool,
}

/// RFC 8985 §7.2: after how many microseconds to probe, if at all. Probes are for connections that are not in recovery already.
pub(in crate::transport::tcp) fn timeout_us(tcb: &Tcb, cx: &Cx<'_>) -> Option<u64> {
    let awaited = tcb.recovery.losses.as_ref().is_some_and(|losses| {
        cold_path();
        losses.tail_probe.is_some()
    });
    let quiet = tcb.recovery.phase == Phase::Open && !awaited && state::may_send(tcb.state);
    if !tcb.in_flight() {
        return None;
    }
    if !(cx.common.config.early_retrans >= 3 && tcb.sack && quiet) {
        cold_path();
        return None;
    }
    let Some(srtt) = tcb.round_trip.smoothed_us() else { return Some(FIRST_US) };
    // One segment's acknowledgement may be delayed (as in Linux, for at least as long as a timeout may be).
    let alone = tcb.snd.nxt - tcb.snd.una <= u32::from(tcb.snd.mss);
    Some(2 * u64::from(srtt) + if alone { RTO_MIN_US } else { SLACK_US })
}

/// RFC 8985 §7.3: nothing was heard: a new segment is sent, or the last one again.
pub(in crate::transport::tcp) fn fired(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if !tcb.in_flight() {
        return;
    }
    let before = tcb.snd.nxt;
    ecn::accurate::refresh(tcb, cx);
    tcb.timers.retry_kind = Retry::Retransmit;
    let again = !output::one_new(tcb, cx);
    if again && !send_tail(tcb, cx) {
        return timers::arm_timeout(tcb, cx);
    }
    debug_assert!(again || tcb.snd.nxt.after(before));
    cx.base().counters.tcp_ext.tcp_loss_probes += 1;
    losses::of(tcb).tail_probe = Some(TailProbe { end: tcb.snd.nxt, again });
    tcb.timers.retry = cx.now().after_micros(tcb.round_trip.timeout_us());
}

fn send_tail(tcb: &mut Tcb, cx: &mut Cx<'_>) -> bool {
    let mss = decide::mss(tcb);
    let tail = tcb.sending.as_ref().and_then(|sending| sending.board.tail(mss));
    let Some((seq, len)) = tail else { return false };
    let plan = decide::again(tcb, seq, len, Why::TailLossProbe);
    output::send(tcb, cx, &plan).is_ok()
}

/// RFC 8985 §7.4: what the answer tells. A probe that was sent again and acknowledged only once has mended a loss, to which
/// congestion control must react.
pub(super) fn acknowledged(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) {
    let una = tcb.snd.una;
    let Some(losses) = tcb.recovery.losses.as_mut() else { return };
    let Some(probe) = losses.tail_probe.filter(|probe| una.at_or_after(probe.end)) else { return };
    // RFC 8985 §7.4.2 case 2, also where the original's acknowledgement left nothing in flight.
    let arrived_twice = news.dsack.is_some_and(|(_, end)| end == probe.end) || (news.repeated && news.sacked.bytes == 0);
    let mended = probe.again && !arrived_twice && una.after(probe.end);
    // An acknowledgement of just the probe's end: which of both it answers only a duplicate would tell.
    if mended || arrived_twice || !probe.again {
        losses.tail_probe = None;
    }
    if mended && tcb.recovery.phase == Phase::Open {
        cx.base().counters.tcp_ext.tcp_loss_probe_recovery += 1;
        undo::forget(tcb);
        tcb.congestion.loss();
    }
}
