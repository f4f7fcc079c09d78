//! How much leaves in one frame at most: Linux's sizing of super-segments (`tcp_tso_autosize`).
//!
//! A frame carries about a millisecond of what the connection sends at its present rate, so that a slow one does not come in bursts; on
//! a path of very short round trips, where there is no network to spare, it carries more. And never more than half of the congestion
//! window, so that acknowledgements keep coming.

use super::decide;
use crate::transport::tcp::options::TcpConfig;
use crate::transport::tcp::segment_size::MAX_SUPER;
use crate::transport::tcp::tcb::Tcb;
use crate::transport::tcp::{ecn, rate};

/// A frame's share of a second: 1/1024 (`sk_pacing_shift`).
const SHARE_SHIFT: u32 = 10;

/// The largest payload of a frame now: whole segments, at least one, and more only up to `most`, which the device cuts.
/// One segment also of urgent data, as in Linux: who cuts a frame would write the same urgent pointer into each piece. And one that says that
/// the window was reduced (RFC 3168 §6.1.2: once).
pub(in crate::transport::tcp) fn largest(tcb: &Tcb, config: &TcpConfig, most: u32) -> u32 {
    let mss = decide::mss(tcb);
    if tcb.snd.urgent || ecn::is_reduced(tcb) {
        return mss;
    }
    if waiting(tcb) <= mss {
        return mss;
    }
    let half = (tcb.congestion.cwnd() / 2 / mss).max(1);
    segments(tcb, config, mss, most).min(half).min((most / mss).max(1)) * mss
}

/// Bytes that are to be sent, new or again.
fn waiting(tcb: &Tcb) -> u32 {
    let lost = tcb.sending.as_ref().map_or(0, |sending| sending.board.lost_bytes());
    tcb.unsent_len().saturating_add(lost)
}

/// What the rate makes of it, in segments.
fn segments(tcb: &Tcb, config: &TcpConfig, mss: u32, most: u32) -> u32 {
    let by_rate = rate::pacing(tcb, config)
        .or_else(|| rate(tcb, config))
        .map_or(most, |rate| (rate >> SHARE_SHIFT).min(u64::from(most)) as u32);
    let halvings = tcb.round_trip.lowest().map_or(u128::MAX, |lowest| lowest.as_micros() >> config.tso_rtt_log.min(31));
    let by_nearness = if halvings < 32 { MAX_SUPER >> halvings } else { 0 };
    (by_rate.saturating_add(by_nearness).min(most) / mss).max(config.min_tso_segs)
}

/// Bytes a second (`sk_pacing_rate`): the window in a round trip, and as much more as lets it grow. None before the first round trip.
pub(in crate::transport::tcp) fn rate(tcb: &Tcb, config: &TcpConfig) -> Option<u64> {
    let round_trip = tcb.round_trip.smoothed()?.as_micros().max(1) as u64;
    let (cwnd, ssthresh) = (tcb.congestion.cwnd(), tcb.congestion.ssthresh());
    let percent = if cwnd < ssthresh / 2 { config.pacing_ss_ratio } else { config.pacing_ca_ratio };
    Some(u64::from(cwnd.max(decide::in_flight(tcb))) * u64::from(percent) * 10_000 / round_trip)
}
