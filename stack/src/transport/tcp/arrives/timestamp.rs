//! PAWS: a segment whose timestamp is older than the last one's is an old duplicate (RFC 7323 §5).

use core::hint::cold_path;

use super::{Arrival, Step, discard, sequence};
use crate::base::Discard;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::RST;
use crate::transport::tcp::tcb::Tcb;

/// RFC 7323 §5.5: after 24 idle days the old timestamp means nothing.
const OUTDATED_MS: u32 = 24 * 24 * 3600 * 1000;

/// RFC 7323 §5.3 R1: too old, not a RST: acknowledge and drop.
pub(super) fn check_paws(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &mut Arrival<'_>) -> Step {
    if !tcb.timestamps {
        return Step::Continue;
    }
    let Some((value, _)) = arrival.header.options.timestamps else { return Step::Continue };
    let age = cx.now_ms().wrapping_sub(tcb.rcv.ts_recent_ms);
    if is_older(value, tcb.rcv.ts_recent) {
        cold_path();
        if age >= OUTDATED_MS || arrival.has(RST) {
            return Step::Continue;
        }
        cx.base().counters.tcp_ext.paws_estab += 1;
        sequence::answer_duplicate(tcb, cx, arrival);
        return discard(cx, arrival, Discard::TcpPaws);
    }
    Step::Continue
}

/// RFC 7323 §5.3 R3, §4.3 (2): the timestamp of a segment at the left edge is the one to echo: SEG.SEQ <= Last.ACK.sent. As in Linux not
/// before sequence and acknowledgement numbers were found good (R2): else one forged segment from the future would make PAWS
/// refuse all honest ones.
pub(super) fn remember(tcb: &mut Tcb, cx: &Cx<'_>, arrival: &Arrival<'_>) {
    let Some((value, _)) = arrival.header.options.timestamps else { return };
    if tcb.timestamps && arrival.seq.at_or_before(tcb.rcv.acked) {
        tcb.rcv.ts_recent = value;
        tcb.rcv.ts_recent_ms = cx.now_ms();
    } else {
        cold_path();
    }
}

/// The peer's clock has gone on since the last segment.
pub(super) fn is_later(tcb: &Tcb, arrival: &Arrival<'_>) -> bool {
    let value = arrival.header.options.timestamps.map(|(value, _)| value);
    tcb.timestamps && value.is_some_and(|value| is_older(tcb.rcv.ts_recent, value))
}

/// Timestamps are compared around the circle.
pub(in crate::transport::tcp) fn is_older(value: u32, than: u32) -> bool {
    (value.wrapping_sub(than) as i32) < 0
}
