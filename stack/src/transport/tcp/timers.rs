//! The timers of a connection: retransmission, persist, delayed acknowledgement, keepalive, the ends of FIN-WAIT-2 and of orphans.
//!
//! A connection has one entry in the wheel. It is moved only when a deadline comes nearer; when it fires too early, it is armed
//! anew. So an acknowledgement that moves the retransmission timeout costs no timer operation.

use core::hint::cold_path;

use super::cx::Cx;
use super::output::{self, Push, acknowledge, decide, delay, reset};
use super::recovery::{rack, tail_probe, timed_out};
use super::tcb::{Retry, Tcb};
use super::{handshake, mtu_probe, rate, state};
use crate::base::{Base, Cause, Duration, Errno, Instant, TcpState, Timer, TimerOwner};

/// RFC 6298 §2.4 as Linux has it: below this no timeout lies, and the give-up times are counted from it.
pub(super) const RTO_MIN: Duration = Duration::from_millis(200);
const RTO_MAX: Duration = Duration::from_mins(2);

/// Output was made: arms what it needs and sees to it that the wheel wakes us in time.
#[inline(always)] // Asked after each segment, and mostly there is nothing to do.
pub(super) fn after_output(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if state::may_send(tcb.state) {
        arm_persist(tcb, cx);
    }
    sync(tcb, cx);
}

/// RFC 9293 §3.8.6.1: something waits, nothing is in flight, so nothing would ever make us try again.
fn arm_persist(tcb: &mut Tcb, cx: &Cx<'_>) {
    if tcb.in_flight() {
        return;
    }
    if tcb.sending.is_none() && !decide::has_fin(tcb) {
        tcb.timers.retry = Instant::NEVER;
    } else {
        arm_persist_if_needed(tcb, cx);
    }
}

#[inline(never)]
fn arm_persist_if_needed(tcb: &mut Tcb, cx: &Cx<'_>) {
    let waits = tcb.unsent_len() > 0 || decide::has_fin(tcb);
    // What waits for its time to be sent has a deadline.
    if !waits || rate::wake(tcb).is_set() {
        tcb.timers.retry = Instant::NEVER;
    } else if !tcb.timers.retry.is_set() || tcb.timers.retry_kind != Retry::Persist {
        tcb.timers.retry = cx.now().after_micros(tcb.round_trip.timeout_us());
        tcb.timers.retry_kind = Retry::Persist;
    }
}

/// RFC 6298 §5.3: the acknowledgement of new data restarts the timer, or the one that comes before it.
pub(super) fn restart(tcb: &mut Tcb, cx: &Cx<'_>) {
    if tcb.timers.retry_kind == Retry::Reorder {
        cold_path();
        if tcb.timers.retry.is_set() && tcb.in_flight() {
            return;
        }
    }
    tcb.timers.retry_kind = Retry::Retransmit;
    tcb.timers.retry = if tcb.in_flight() { cx.now().after_micros(tcb.round_trip.timeout_us()) } else { Instant::NEVER };
    arm_probe(tcb, cx);
}

/// The retransmission timeout, counted from when the oldest was sent last.
pub(super) fn arm_timeout(tcb: &mut Tcb, cx: &Cx<'_>) {
    let since = tcb.sending.as_ref().and_then(|sending| sending.board.first_sent_at()).unwrap_or(cx.now());
    tcb.timers.retry = since.after_micros(tcb.round_trip.timeout_us()).max(cx.now());
    tcb.timers.retry_kind = Retry::Retransmit;
}

/// RFC 8985 §7.2: a probe comes before the timeout, if there is to be one; where it would come later, it takes the timeout's place.
pub(super) fn arm_probe(tcb: &mut Tcb, cx: &Cx<'_>) {
    if tcb.timers.retry_kind != Retry::Retransmit {
        cold_path();
        return;
    }
    if let Some(wait) = tail_probe::timeout_us(tcb, cx) {
        tcb.timers.retry = tcb.timers.retry.min(cx.now().after_micros(wait));
        tcb.timers.retry_kind = Retry::Probe;
    }
}

/// The handshake is over: unless something else is awaited, the entry that its SYN had goes. A crowd of connections that say nothing after
/// that would fill the wheel with entries for nothing.
pub(super) fn opened(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if !first(tcb).is_set()
        && let Some(entry) = tcb.timers.entry.take()
    {
        cx.base().timers.cancel(entry);
    }
}

fn first(tcb: &Tcb) -> Instant {
    tcb.timers.retry.min(tcb.timers.delayed_ack).min(tcb.timers.slow).min(rate::wake(tcb))
}

/// Moves the wheel's entry if it would fire too late.
#[inline(always)] // Likewise.
pub(super) fn sync(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let first = first(tcb);
    match tcb.timers.entry {
        Some(entry) if first >= cx.base().timers.deadline(entry) => {}
        None if !first.is_set() => {}
        _ => {
            cold_path();
            move_entry(tcb, cx, first);
        }
    }
}

#[inline(never)]
fn move_entry(tcb: &mut Tcb, cx: &mut Cx<'_>, first: Instant) {
    let key = cx.id.to_bits();
    let wheel = &mut cx.base().timers;
    match tcb.timers.entry {
        Some(entry) => wheel.rearm(entry, first),
        None => tcb.timers.entry = Some(wheel.arm(first, Timer { owner: TimerOwner::Tcp, key })),
    }
}

/// Disarms everything.
pub(super) fn cancel(tcb: &mut Tcb, base: &mut Base) {
    tcb.timers.retry = Instant::NEVER;
    tcb.timers.delayed_ack = Instant::NEVER;
    tcb.timers.slow = Instant::NEVER;
    rate::rest(tcb);
    if let Some(entry) = tcb.timers.entry.take() {
        base.timers.cancel(entry);
    }
}

/// The wheel's entry fired.
pub(super) fn fired(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    tcb.timers.entry = None;
    let now = cx.now();
    if tcb.timers.delayed_ack <= now {
        delayed_ack(tcb, cx);
    }
    if tcb.timers.retry <= now {
        tcb.timers.retry = Instant::NEVER;
        match tcb.timers.retry_kind {
            Retry::Retransmit => retransmission_timeout(tcb, cx),
            Retry::Persist => persist_timeout(tcb, cx),
            Retry::Probe => tail_probe::fired(tcb, cx),
            Retry::Reorder => rack::fired(tcb, cx),
        }
    }
    if rate::wake(tcb) <= now {
        output::run(tcb, cx, Push::Normal);
    }
    if tcb.timers.slow <= now {
        tcb.timers.slow = Instant::NEVER;
        slow_timeout(tcb, cx);
    }
    sync(tcb, cx);
}

fn delayed_ack(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    tcb.timers.delayed_ack = Instant::NEVER;
    if tcb.rcv.ack_due {
        delay::waited(tcb);
        cx.base().counters.tcp_ext.delayed_acks += 1;
        acknowledge::send(tcb, cx);
    }
}

/// RFC 6298 §5.4 to 5.7, RFC 5681 §3.1.
fn retransmission_timeout(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if matches!(tcb.state, TcpState::SynSent | TcpState::SynReceived) {
        return handshake::timeout(tcb, cx);
    }
    if !tcb.in_flight() {
        return;
    }
    if gives_up(tcb, cx) {
        return time_out(tcb, cx);
    }
    cx.base().counters.tcp_ext.tcp_timeouts += 1;
    mtu_probe::timed_out(tcb, cx);
    timed_out::begin(tcb, cx);
    rate::timed_out(tcb);
    forget_flight(tcb);
    tcb.round_trip.back_off();
    tcb.timers.retry = cx.now().after_micros(tcb.round_trip.timeout_us());
    tcb.timers.retry_kind = Retry::Retransmit;
    output::run(tcb, cx, Push::Normal);
}

/// Everything in flight counts as lost but what the peer holds. If it claims to hold the very first byte without acknowledging it,
/// it has thrown away what it had (RFC 2018 §8), and nothing it told before counts. (The RFC would forget SACK at every timeout;
/// Linux and we only then.)
fn forget_flight(tcb: &mut Tcb) {
    let una = tcb.snd.una;
    let board = &mut tcb.sending_mut().board;
    let before = board.pipe();
    board.mark_all_lost(false);
    if board.next_lost(1).is_none_or(|(seq, _)| seq != una) {
        board.mark_all_lost(true);
    }
    let found = before.saturating_sub(board.pipe());
    rate::lost(tcb, found, None);
}

/// RFC 9293 MUST-20, MUST-21 (R2): we give up when the time has passed that so many retransmissions from the smallest timeout on
/// would have taken (as Linux counts, so that a long round trip does not make it hours), or after the user's own timeout.
fn gives_up(tcb: &Tcb, cx: &Cx<'_>) -> bool {
    if tcb.options.user_timeout != 0 {
        let patience = Duration::from_millis(u64::from(tcb.options.user_timeout));
        return repeating_for(tcb, cx).is_some_and(|passed| passed >= patience);
    }
    is_overdue(tcb, cx, retry_limit(tcb, cx)) && !is_held_off(tcb, cx)
}

/// We have been sending again for as long as so many retransmissions from the smallest timeout on take.
pub(super) fn is_overdue(tcb: &Tcb, cx: &Cx<'_>, retries: u8) -> bool {
    repeating_for(tcb, cx).is_some_and(|passed| passed >= span_of(RTO_MIN, retries))
}

/// How long ago the first of the present retransmissions was sent.
fn repeating_for(tcb: &Tcb, cx: &Cx<'_>) -> Option<Duration> {
    let since = tcb.recovery.since_ms;
    (since != 0).then(|| Duration::from_millis(u64::from(cx.now_ms().wrapping_sub(since))))
}

/// RFC 9293 MUST-34, MUST-37, SHLD-17: a peer that shrank its window to nothing under what is in flight, and answers, is alive, and retransmissions are
/// what probes are otherwise. As in Linux it must have answered within two of the longest timeouts, and somebody must wait for it.
fn is_held_off(tcb: &Tcb, cx: &Cx<'_>) -> bool {
    let silent = Duration::from_millis(u64::from(cx.now_ms().wrapping_sub(tcb.tally.last_received_ms)));
    tcb.snd.wnd == 0 && silent < 2 * RTO_MAX && !is_orphan(tcb)
}

/// How many retransmissions before we give up: fewer if nobody waits for the outcome.
fn retry_limit(tcb: &Tcb, cx: &Cx<'_>) -> u8 {
    match (is_orphan(tcb), cx.common.config.orphan_retries) {
        (false, _) => cx.common.config.retries2,
        (true, 0) => 8,
        (true, retries) => retries,
    }
}

/// True if no application holds the connection any more and none will.
pub(super) fn is_orphan(tcb: &Tcb) -> bool {
    tcb.inet.owner.is_none() && !tcb.queued
}

/// The time `retries` retransmissions take when each timeout doubles from the first to the largest.
pub(super) fn span_of(first: Duration, retries: u8) -> Duration {
    let doubling = (RTO_MAX.as_millis() / first.as_millis()).ilog2() as u8;
    let steep = retries.min(doubling);
    first * ((2u32 << steep) - 1) + RTO_MAX * u32::from(retries - steep)
}

/// RFC 9293 §3.8.6.1, RFC 9293 MUST-35, MUST-36: asks a closed window whether it is open, at growing intervals. As Linux does, the
/// probe is an empty segment from before the window, which must be answered just as one with a byte of data must, and which
/// the peer cannot take half of.
fn persist_timeout(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if decide::window_room(tcb) > 0 {
        // Nothing in flight, the window open: what held us back was silly window avoidance or a cork; now it goes (RFC 9293 §3.8.6.2.1).
        output::run(tcb, cx, Push::Force);
        if tcb.in_flight() {
            return;
        }
    }
    // As in Linux: who has no owner waits until the interval is the longest, for a peer that answers too.
    let forsaken = is_orphan(tcb) && tcb.round_trip.timeout() >= RTO_MAX;
    let limit = retry_limit(tcb, cx);
    if forsaken || tcb.recovery.probes >= limit || (tcb.options.user_timeout != 0 && gives_up(tcb, cx)) {
        return time_out(tcb, cx);
    }
    if tcb.recovery.since_ms == 0 && tcb.recovery.probes > 0 {
        tcb.recovery.since_ms = cx.now_ms().max(1);
    }
    tcb.recovery.probes = tcb.recovery.probes.saturating_add(1);
    cx.base().counters.tcp_ext.tcp_win_probe += 1;
    probe(tcb, cx);
    tcb.round_trip.back_off();
    tcb.timers.retry = cx.now().after_micros(tcb.round_trip.timeout_us());
    tcb.timers.retry_kind = Retry::Persist;
}

/// A segment the peer must answer: its sequence number lies before the window.
fn probe(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let before = tcb.snd.una - 1;
    acknowledge::send_at(tcb, cx, before);
}

fn slow_timeout(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    match tcb.state {
        // Nobody waits for the peer's FIN any more (Linux's tcp_fin_timeout; RFC 9293 would wait for ever).
        TcpState::FinWait2 if is_orphan(tcb) => tcb.end(cx.base(), Cause::Timeout),
        _ if tcb.options.keepalive && state::is_synchronized(tcb.state) => keepalive(tcb, cx),
        _ => {}
    }
}

/// Arms keepalive if it is wanted (RFC 9293 MUST-24: off unless the application asks).
#[inline(always)]
pub(super) fn arm_keepalive(tcb: &mut Tcb, cx: &Cx<'_>) {
    if state::is_synchronized(tcb.state) && !(tcb.state == TcpState::FinWait2 && is_orphan(tcb)) {
        tcb.timers.slow = match tcb.options.keepalive {
            false => Instant::NEVER,
            // Changing any option comes by here; that must not put the next probe off.
            true if tcb.recovery.probes > 0 && tcb.timers.slow.is_set() => tcb.timers.slow,
            true => cx.now() + keep_idle(tcb, cx).saturating_sub(idle_time(tcb, cx)),
        };
    }
}

/// Time since the last segment arrived.
fn idle_time(tcb: &Tcb, cx: &Cx<'_>) -> Duration {
    Duration::from_millis(u64::from(cx.now_ms().wrapping_sub(tcb.tally.last_received_ms)))
}

/// How long an orphan waits for the peer's FIN.
pub(super) fn arm_fin_wait_2(tcb: &mut Tcb, cx: &Cx<'_>) {
    let seconds = tcb.options.linger2;
    let wait = match seconds {
        0 => cx.common.config.fin_timeout,
        _ => Duration::from_secs(seconds.max(0) as u64),
    };
    tcb.timers.slow = cx.now() + wait;
}

fn keep_idle(tcb: &Tcb, cx: &Cx<'_>) -> Duration {
    if tcb.options.keepidle == 0 { cx.common.config.keepalive_time } else { Duration::from_secs(tcb.options.keepidle.into()) }
}

fn keep_interval(tcb: &Tcb, cx: &Cx<'_>) -> Duration {
    if tcb.options.keepintvl == 0 { cx.common.config.keepalive_intvl } else { Duration::from_secs(tcb.options.keepintvl.into()) }
}

/// RFC 9293 §3.8.4, RFC 9293 MUST-25, MUST-26, MUST-27, MUST-28, MUST-29, MAY-5: probes only when the connection was idle; no answer to one of them means nothing.
fn keepalive(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let idle = idle_time(tcb, cx);
    if tcb.in_flight() || tcb.unsent_len() > 0 {
        tcb.timers.slow = cx.now() + keep_idle(tcb, cx);
        return;
    }
    if idle < keep_idle(tcb, cx) {
        tcb.timers.slow = cx.now() + keep_idle(tcb, cx).saturating_sub(idle);
        return;
    }
    let count = if tcb.options.keepcnt == 0 { cx.common.config.keepalive_probes } else { tcb.options.keepcnt };
    let user = Duration::from_millis(u64::from(tcb.options.user_timeout));
    let out_of_patience = if user.is_zero() { tcb.recovery.probes >= count } else { idle >= user && tcb.recovery.probes > 0 };
    if out_of_patience {
        reset::abort(tcb, cx);
        return time_out(tcb, cx);
    }
    tcb.recovery.probes = tcb.recovery.probes.saturating_add(1);
    cx.base().counters.tcp_ext.tcp_keep_alive += 1;
    probe(tcb, cx);
    tcb.timers.slow = cx.now() + keep_interval(tcb, cx);
}

/// The peer does not answer: the error it is, or what an ICMP error said meanwhile (RFC 9293 MUST-47, MUST-56).
pub(super) fn time_out(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    cx.base().counters.tcp_ext.tcp_abort_on_timeout += 1;
    let errno = tcb.inet.soft_error.take().unwrap_or(Errno::ETIMEDOUT);
    tcb.fail(cx.base(), errno, Cause::Timeout);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9293 §3.8.3: R2 of at least 100 s; Linux's fifteen retries take 924.6 s.
    #[test]
    fn give_up_times_are_those_of_linux() {
        assert_eq!(span_of(RTO_MIN, 15), Duration::from_millis(924_600));
        assert_eq!(span_of(RTO_MIN, 3), Duration::from_millis(3_000));
        assert_eq!(span_of(RTO_MIN, 8), Duration::from_millis(102_200));
    }
}
