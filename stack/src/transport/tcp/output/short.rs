//! A short message on a connection that has nothing else to say: a request, a reply, the end. What `calls/` and `decide` come to for it, in
//! one go.

use super::decide::{self, Plan};
use super::{Push, acknowledge, delay, finish, not_sent, note_news, send_all, transmit};
use crate::base::{Budget, Errno, MsgFlags, Pressure, TcpState};
use crate::transport::tcp::calls::data;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::options::TcpConfig;
use crate::transport::tcp::tcb::{Phase, Retry, Tcb};
use crate::transport::tcp::timers;
use crate::transport::tcp::usage::Usage;

/// True if [`write()`] does what the general way would do with a write of so many bytes: one segment takes them, at once.
pub(in crate::transport::tcp) fn is_short(tcb: &Tcb, config: &TcpConfig, budget: &Budget, len: usize, flags: MsgFlags) -> bool {
    let fits = len > 0 && len <= usize::from(tcb.snd.mss) && len as u32 <= tcb.snd.wnd;
    fits && tcb.sending.is_none()
        && is_open(tcb)
        && is_plain(tcb, config)
        && !flags.intersects(MsgFlags::MORE | MsgFlags::OOB | MsgFlags::EOR | MsgFlags::FASTOPEN)
        && budget.pressure() == Pressure::Low
        && budget.allows(len)
}

fn is_open(tcb: &Tcb) -> bool {
    let is_open = matches!(tcb.state, TcpState::Established | TcpState::CloseWait) && !tcb.shut_write && !tcb.snd.fin;
    is_open && !tcb.snd.urgent && tcb.inet.error.is_none() && tcb.fast_open.is_none()
}

/// Nothing is lost, measured, searched for, held back or to be told beside.
fn is_plain(tcb: &Tcb, config: &TcpConfig) -> bool {
    let in_order = tcb.receiving.as_ref().is_none_or(|receiving| receiving.out_of_order.is_empty());
    tcb.recovery.phase == Phase::Open
        && tcb.ecn.is_none()
        && tcb.rate.is_none()
        && tcb.search.is_none()
        && !tcb.path_changed
        && !tcb.options.cork
        && tcb.options.notsent_lowat == 0
        && config.notsent_lowat == u32::MAX
        && in_order
        && !tcb.has_dsack()
}

/// Writes it and sends it.
pub(in crate::transport::tcp) fn write(tcb: &mut Tcb, cx: &mut Cx<'_>, message: &[u8]) {
    data::slow_start_after_idle(tcb, cx);
    let (seq, len, now, segments) = (tcb.snd.nxt, message.len() as u32, cx.now(), tcb.tally.segs_out);
    let mut sending = cx.common.spare.sending();
    sending.write_first(message, seq + len, now, &mut cx.common.spare.chunks);
    cx.base().budget.charge(sending.charge());
    tcb.sending = Some(sending);
    let plan = Plan { seq, len, fin: false, push: true, segment_size: 0, again: None };
    let result = transmit(tcb, cx, &plan);
    conclude(tcb, cx, &plan, result, segments);
}

/// It was sent, or not. `segments`: so many had been sent before.
#[inline(never)] // Of a message, or of a FIN.
fn conclude(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan, result: Result<(), Errno>, segments: u32) {
    match result {
        Ok(()) => sent(tcb, cx, plan),
        Err(errno) => return go_on(tcb, cx, plan, errno, segments),
    }
    // It carried the acknowledgement, if one was due.
    timers::arm_probe(tcb, cx);
    timers::after_output(tcb, cx);
}

/// It was sent. What `record` and [`note_news`] come to for it: nothing else is in flight, and nothing more waits.
fn sent(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan) {
    acknowledge::carried(tcb);
    let (space, mss, now) = (plan.len + u32::from(plan.fin), u32::from(tcb.snd.mss), cx.now());
    let (end, is_full) = (plan.seq + space, space + mss > tcb.congestion.cwnd());
    let sending = tcb.sending.get_or_insert_with(|| cx.common.spare.sending());
    sending.board.sent(plan.seq, space, now);
    sending.usage = Usage::begun(space, is_full, end);
    sending.meter.output_ended(!is_full);
    tcb.snd.nxt = end;
    // The only flight there is began now.
    tcb.timers.retry = now.after_micros(tcb.round_trip.timeout_us());
    tcb.timers.retry_kind = Retry::Retransmit;
    if plan.len < mss {
        tcb.snd.small = plan.seq + plan.len;
    }
    if plan.len > 0 {
        delay::note_answer(tcb, cx);
    }
    cx.base().counters.tcp_ext.tcp_orig_data_sent += 1;
}

/// It was not sent: the general way goes on. `segments`: so many had been sent before.
#[cold]
#[inline(never)]
fn go_on(tcb: &mut Tcb, cx: &mut Cx<'_>, plan: &Plan, errno: Errno, segments: u32) {
    if not_sent(tcb, cx, plan, errno) && !decide::is_idle(tcb) {
        // It was too large for the path after all.
        send_all(tcb, cx, Push::Normal);
    }
    note_news(tcb, cx, segments);
    finish(tcb, cx, plan.seq);
}

/// Sends our FIN where nothing else waits for anything, as where most connections end; false, and nothing was done, if there is more to ask.
pub(in crate::transport::tcp) fn fin(tcb: &mut Tcb, cx: &mut Cx<'_>) -> bool {
    let is_alone = tcb.sending.is_none() && tcb.snd.wnd > 0 && !tcb.snd.urgent && tcb.fast_open.is_none();
    if !is_alone || !is_plain(tcb, &cx.common.config) {
        return false;
    }
    let (seq, segments) = (tcb.snd.nxt, tcb.tally.segs_out);
    let plan = Plan { seq, len: 0, fin: true, push: false, segment_size: 0, again: None };
    let result = transmit(tcb, cx, &plan);
    tcb.snd.fin_sent = result.is_ok();
    conclude(tcb, cx, &plan, result, segments);
    true
}
