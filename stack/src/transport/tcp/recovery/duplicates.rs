//! Without SACK the third duplicate acknowledgement tells of a loss, and a partial acknowledgement of the next one (RFC 5681 §3.2,
//! RFC 6582 §3.2).

use super::{News, enter, send_probe_again};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::tcb::{Phase, Tcb};
use crate::transport::tcp::{mtu_probe, rate};

/// Counts; says how many of the segments that duplicates stood for an acknowledgement has now told of.
pub(super) fn count(tcb: &mut Tcb, cx: &mut Cx<'_>, news: &News) -> u32 {
    if !tcb.in_flight() {
        return 0;
    }
    let mss = u32::from(tcb.snd.mss);
    if news.duplicate {
        tcb.recovery.dup_acks = tcb.recovery.dup_acks.saturating_add(1);
        let again = tcb.recovery.has_point && tcb.snd.una.at_or_before(tcb.recovery.point);
        if tcb.recovery.phase == Phase::Open && tcb.recovery.dup_acks == cx.common.config.reordering && !again {
            let probe = mtu_probe::length_at_una(tcb);
            mark_first_lost(tcb, probe.unwrap_or(mss));
            if !send_probe_again(tcb, cx) {
                cx.base().counters.tcp_ext.tcp_reno_recovery += 1;
                enter(tcb);
            }
        }
    } else if tcb.recovery.phase == Phase::Recovery {
        // Partial: the segments it covers had left the network, but for the one that was lost and sent again.
        let segments = (news.acked / news.mss).saturating_sub(1).min(255) as u8;
        let used = segments.min(tcb.recovery.dup_acks);
        tcb.recovery.dup_acks -= used;
        mark_first_lost(tcb, mss);
        tcb.recovery.first = true;
        return u32::from(used);
    } else if news.acked > 0 {
        // One segment filled the hole, the others were told of before.
        let told = core::mem::take(&mut tcb.recovery.dup_acks);
        return u32::from(told).min((news.acked / news.mss).saturating_sub(1));
    }
    0
}

fn mark_first_lost(tcb: &mut Tcb, mss: u32) {
    let sent_at = tcb.sending.as_ref().and_then(|sending| sending.board.first_sent_at());
    let found = tcb.sending_mut().board.mark_first_lost(mss);
    rate::lost(tcb, found, sent_at);
}

/// Bytes that the acknowledgement says have left the network.
pub(super) fn delivered(tcb: &Tcb, news: &News, used_up: u32) -> u32 {
    let mss = tcb.sent_mss();
    if news.duplicate { mss } else { news.acked.saturating_sub(used_up * mss) }
}
