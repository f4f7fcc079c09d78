//! Opening: the SYN we send, the SYN-ACK we send when both ends open at once, and what an answer settles
//! (RFC 9293 §3.5, RFC 7323 §2.2, 3.2, RFC 2018 §2).

use core::hint::cold_path;

use super::cx::Cx;
use super::fast_open::FastOpenOption;
use super::header::{ACK, Header, Options, SYN};
use super::output::{acknowledge, transmit};
use super::seq::Seq;
use super::tcb::{Retry, Tcb};
use super::{ecn, mtu_probe, rate, segment_size, timers, window};
use crate::base::{Duration, Instant, Rope, TcpState, What, Why};

/// RFC 6298 §2.1: the timeout before anything was measured.
const FIRST_TIMEOUT: Duration = Duration::from_secs(1);

/// Sends the first SYN of `connect`. The ends, the initial sequence number and the timestamp offset are set.
#[inline(always)]
pub(super) fn begin(tcb: &mut Tcb, cx: &mut Cx<'_>, iss: Seq) {
    tcb.snd.una = iss;
    tcb.snd.nxt = iss + 1;
    tcb.rcv.wscale = window::shift(&tcb.options, &cx.common.config);
    tcb.timestamps = cx.common.config.timestamps;
    tcb.sack = cx.common.config.sack;
    ecn::began(tcb, cx);
    let now = cx.now();
    tcb.sending.get_or_insert_with(|| cx.common.spare.sending()).board.sent(iss, 1, now);
    if tcb.fast_open.is_some() {
        note_data_of_syn(tcb, iss, now);
    }
    // Who chose our address saw the path just now.
    let mtu = transmit::known_mtu(tcb).unwrap_or_else(|| transmit::mtu(tcb, cx));
    send_syn_for(tcb, cx, mtu);
    arm(tcb, cx);
}

/// Data of our SYN, if there is any, is in flight with it.
#[cold]
#[inline(never)]
fn note_data_of_syn(tcb: &mut Tcb, iss: Seq, now: Instant) {
    let data = tcb.fast_open.as_ref().map_or(0, |fast_open| u32::from(fast_open.data));
    if data > 0 {
        tcb.sending_mut().board.sent(iss + 1, data, now);
        tcb.snd.nxt = iss + 1 + data;
    }
}

/// A SYN was taken together with its data (RFC 7413 §4.2.2): the answer goes out from the connection itself, which may send at once.
pub(super) fn answer(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let mtu = transmit::mtu(tcb, cx);
    transmit::take_path(tcb, mtu);
    tcb.rcv.mss = tcb.snd.mss.min(536);
    send_syn(tcb, cx);
    arm(tcb, cx);
}

/// (Re)sends our SYN or, once the peer's came, our SYN-ACK.
#[inline(always)]
pub(super) fn send_syn(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let mtu = transmit::mtu(tcb, cx);
    send_syn_for(tcb, cx, mtu);
}

/// The same for a path that takes such packets.
fn send_syn_for(tcb: &mut Tcb, cx: &mut Cx<'_>, mtu: u32) {
    let mss = segment_size::announced(mtu, tcb.inet.remote, tcb.options.maxseg);
    let window = window::initial(&tcb.options, &cx.common.config, mss);
    let answering = tcb.state == TcpState::SynReceived;
    transmit::note_path(tcb, mtu);
    tcb.rcv.edge = tcb.rcv.nxt + window;
    let (fast_open, body) = if tcb.fast_open.is_some() { fast_open(tcb, cx, answering) } else { (None, Rope::new()) };
    let clock = cx.now_ms().wrapping_add(tcb.ts_offset);
    let mut header = Header {
        src_port: tcb.inet.local_port,
        dst_port: tcb.inet.remote_port,
        seq: tcb.snd.una,
        ack: tcb.rcv.nxt,
        flags: if answering { SYN | ACK } else { SYN },
        ae: false,
        window: window as u16,
        urgent: 0,
        options: Options {
            mss: Some(mss),
            window_scale: (cx.common.config.window_scaling && (!answering || tcb.rcv.wscale > 0 || tcb.snd.wscale > 0))
                .then_some(tcb.rcv.wscale),
            sack_permitted: tcb.sack,
            timestamps: tcb.timestamps.then_some((clock, tcb.rcv.ts_recent)),
            fast_open,
            accurate: if answering { ecn::synack_option(tcb, cx) } else { None },
            ..Options::default()
        },
    };
    header.set_ace(if answering { ecn::synack_bits(tcb) } else { ecn::syn_bits(tcb, cx) });
    if let Err(errno) = transmit::segment(tcb, cx, &header, body, 0) {
        tcb.inet.soft_error = Some(errno);
    }
    if answering {
        acknowledge::carried(tcb);
    }
}

/// What the SYN carries of Fast Open: option and data. Only the first one: whoever does not answer may not like it (RFC 7413 §4.2.1).
#[cold]
#[inline(never)]
fn fast_open(tcb: &mut Tcb, cx: &mut Cx<'_>, answering: bool) -> (Option<FastOpenOption>, Rope) {
    match tcb.fast_open.as_deref().copied() {
        Some(fast_open) if tcb.recovery.timeouts == 0 && fast_open.passive == answering => {
            let len = usize::from(fast_open.data);
            let body = if len == 0 { Rope::new() } else { tcb.with_sending(cx, |sending| sending.queue.slice(0, len)) };
            (fast_open.option, body)
        }
        _ => (None, Rope::new()),
    }
}

#[inline(always)]
fn arm(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    tcb.timers.retry = cx.now() + tcb.round_trip.timeout();
    tcb.timers.retry_kind = Retry::Retransmit;
    timers::sync(tcb, cx);
}

/// No answer to our SYN: again, or enough (RFC 9293 MUST-22, MUST-23, RFC 6298 §5.7).
pub(super) fn timeout(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let since = Duration::from_millis(u64::from(cx.now_ms().wrapping_sub(tcb.recovery.since_ms)));
    let user = Duration::from_millis(u64::from(tcb.options.user_timeout));
    let impatient = !user.is_zero() && tcb.recovery.since_ms != 0 && since >= user;
    if is_enough(tcb, cx, since) || impatient {
        return timers::time_out(tcb, cx);
    }
    if tcb.recovery.since_ms == 0 {
        tcb.recovery.since_ms = cx.now_ms().max(1);
    }
    tcb.recovery.timeouts += 1;
    // Linux: the first ones come at the same distance, for a SYN that was lost says little of congestion.
    if tcb.state != TcpState::SynSent || tcb.recovery.timeouts > cx.common.config.syn_linear_timeouts {
        tcb.round_trip.back_off();
    }
    send_syn_again(tcb, cx, Why::Timeout);
    arm(tcb, cx);
}

/// The data of our SYN did not fit the path: the SYN goes again at once, alone (RFC 7413 §4.2.1; RFC 1191 §6.4).
pub(super) fn again_without_data(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let Some(fast_open) = tcb.fast_open.as_mut().filter(|fast_open| fast_open.data > 0) else { return };
    (fast_open.option, fast_open.data) = (None, 0);
    send_syn_again(tcb, cx, Why::PathMtu);
}

fn send_syn_again(tcb: &mut Tcb, cx: &mut Cx<'_>, why: Why) {
    tcb.tally.retransmitted += 1;
    cx.base().counters.tcp_ext.tcp_syn_retrans += 1;
    cx.base().counters.tcp.retrans_segs += 1;
    let (now, una) = (cx.now(), tcb.snd.una);
    let (socket, local, peer) = (tcb.inet.owner, tcb.inet.local_end(), tcb.peer());
    tcb.sending_mut().board.resent(una, 1, now);
    send_syn(tcb, cx);
    cx.base().emit(What::Retransmit { socket, local, peer, seq: una.0, len: 1, syn: true, why });
}

/// Linux: SYNs that come a second apart do not count against the limit, but no more time is spent than they would take if they did not.
fn is_enough(tcb: &Tcb, cx: &Cx<'_>, since: Duration) -> bool {
    let retries = match (tcb.state, tcb.options.syncnt) {
        (TcpState::SynReceived, _) => return tcb.recovery.timeouts >= cx.common.config.synack_retries,
        (_, 0) => cx.common.config.syn_retries,
        (_, count) => count,
    };
    let passed = if tcb.recovery.timeouts == 0 { Duration::ZERO } else { FIRST_TIMEOUT + since };
    tcb.recovery.timeouts >= retries.saturating_add(cx.common.config.syn_linear_timeouts)
        || passed >= timers::span_of(FIRST_TIMEOUT, retries)
}

/// Takes what the peer's SYN says. Options count only if we offered them too, or answer now.
pub(super) fn take_syn(tcb: &mut Tcb, cx: &mut Cx<'_>, header: &Header) {
    let offered = &header.options;
    let window = window::offered(tcb);
    tcb.rcv.nxt = header.seq + 1;
    tcb.rcv.edge = tcb.rcv.nxt + window;
    tcb.rcv.acked = tcb.rcv.nxt;
    tcb.snd.peer_mss = offered.mss.unwrap_or_else(|| segment_size::default_for(tcb.inet.remote)).max(64);
    match offered.window_scale {
        Some(shift) if cx.common.config.window_scaling => tcb.snd.wscale = shift.min(window::MAX_SHIFT),
        _ => (tcb.snd.wscale, tcb.rcv.wscale) = (0, 0),
    }
    tcb.sack &= offered.sack_permitted;
    tcb.timestamps &= offered.timestamps.is_some();
    if let Some((value, _)) = offered.timestamps {
        tcb.rcv.ts_recent = value;
        tcb.rcv.ts_recent_ms = cx.now_ms();
    }
}

/// Both SYNs are acknowledged: the connection's numbers take their first values.
pub(super) fn settle(tcb: &mut Tcb, cx: &mut Cx<'_>, window: u32, seq: Seq) {
    tcb.snd.wnd = window;
    tcb.snd.max_wnd = window;
    tcb.snd.wl1 = seq;
    let mtu = transmit::known_mtu(tcb).unwrap_or_else(|| {
        cold_path();
        transmit::mtu(tcb, cx)
    });
    if tcb.state == TcpState::SynSent {
        mtu_probe::opened(tcb, cx);
    }
    transmit::take_path(tcb, mtu);
    if tcb.state != TcpState::SynSent {
        // As in Linux who was called begins with what the path is said to take, and comes to the search from there.
        mtu_probe::opened(tcb, cx);
    }
    tcb.rcv.announced_mss = segment_size::announced(mtu, tcb.inet.remote, tcb.options.maxseg);
    tcb.rcv.mss = tcb.snd.mss.min(536);
    if tcb.recovery.timeouts > 0 {
        cold_path();
        tcb.round_trip.handshake_was_resent();
    }
    tcb.recovery.timeouts = 0;
    tcb.recovery.since_ms = 0;
    tcb.round_trip.reset_back_off();
    tcb.tally.last_received_ms = cx.now_ms();
    tcb.rcv.last_data_ms = cx.now_ms();
    tcb.timers.retry = Instant::NEVER;
    timers::arm_keepalive(tcb, cx);
    timers::opened(tcb, cx);
    rate::begin(tcb, cx.now());
}
