//! How large packets may be, found out by sending some (packetization-layer path MTU discovery, RFC 4821), for paths that drop what is too
//! large and do not tell.
//!
//! ```text
//!    │ known to pass        │ the probe, half way        │ the most there can be
//!    ├──────────────────────┼────────────────────────────┤
//!   low                                                 high
//! ```
//!
//! After Linux (`tcp_mtu_probing`): with 1 a connection begins to search when what it sends has been lost for as long as `tcp_retries1`
//! retransmissions take, with 2 from its beginning. A probe is a segment of new data that is larger than the others; that it arrives says that
//! so much passes, that it alone is lost says that it does not, and neither says anything of congestion. While what is known to pass is lost
//! again and again, it is halved.
//!
//! Other than Linux, silence is blamed on the size only of segments that a smaller one would cut; and as it may just as well have been an outage,
//! what was in use before is tried once when the path passes anything again, however little there is to send. Linux leaves a connection that
//! writes little with small segments for good.

use alloc::boxed::Box;

use super::cx::Cx;
use super::ecn::accurate;
use super::options::TcpConfig;
use super::output::decide::{self, Plan};
use super::output::transmit;
use super::segment_size;
use super::seq::Seq;
use super::tcb::{Phase, Tcb};
use super::timers;

/// In windows smaller than so many segments nothing is probed (Linux).
const LEAST_WINDOW: u32 = 11;

/// The range in which the path's MTU lies, in bytes of a packet, and what was done to narrow it.
#[derive(Debug)]
pub(super) struct Search {
    /// So much passes (RFC 4821 §5.1 `search_low`).
    pub(super) low: u32,
    /// More does not (RFC 4821 §5.1 `search_high`).
    high: u32,
    /// What was in use before `low` was lowered and is yet to be tried again; 0: nothing.
    before: u32,
    /// The probe whose fate is awaited.
    probe: Option<Probe>,
    /// When the search began, in milliseconds since the epoch.
    since_ms: u32,
}

/// A probe under way.
#[derive(Clone, Copy, Debug)]
struct Probe {
    begin: Seq,
    end: Seq,
    /// Bytes of its packet.
    packet: u32,
}

/// What is to be sent first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// A probe.
    Probe(Plan),
    /// Nothing, until there is room for a probe.
    Wait,
    /// What would be sent anyway.
    Data,
}

/// The connection is open.
pub(super) fn opened(tcb: &mut Tcb, cx: &Cx<'_>) {
    if cx.common.config.mtu_probing >= 2 {
        begin(tcb, cx);
    }
}

#[cold]
#[inline(never)]
fn begin(tcb: &mut Tcb, cx: &Cx<'_>) {
    let low = segment_size::packet_of(tcb, cx.common.config.base_mss);
    tcb.search = Some(Box::new(Search { low, high: ceiling(tcb), before: 0, probe: None, since_ms: cx.now_ms() }));
}

/// The most that the peer takes, and that the program wants.
fn ceiling(tcb: &Tcb) -> u32 {
    segment_size::headers(tcb.inet.remote) + u32::from(tcb.snd.peer_mss.min(segment_size::wanted(tcb.options.maxseg)))
}

/// The retransmission timer fired again: if that goes on for too long, large packets may be what does not get through (RFC 4821 §7.7).
pub(super) fn timed_out(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    // A closed window holds back segments of any size.
    if cx.common.config.mtu_probing == 0 || tcb.snd.wnd == 0 || !timers::is_overdue(tcb, cx, cx.common.config.retries1) {
        return;
    }
    let mss = match &tcb.search {
        None => cx.common.config.base_mss,
        Some(search) => half_of(tcb, search.low, &cx.common.config),
    };
    if first_segment(tcb) > mss {
        step_down(tcb, cx, mss);
        transmit::learn_path(tcb, cx);
    }
}

/// Payload of the segment that is sent again and again.
fn first_segment(tcb: &Tcb) -> u32 {
    let una = tcb.snd.una;
    let piece = tcb.sending.as_ref().and_then(|sending| sending.pieces.rest(una)).map_or(0, |(rest, _)| rest);
    piece.min(tcb.snd.nxt - una).min(u32::from(tcb.snd.mss))
}

/// Not even what was known to pass does: half of it.
fn half_of(tcb: &Tcb, low: u32, config: &TcpConfig) -> u32 {
    let half = segment_size::payload_of(tcb, low) / 2;
    half.min(config.base_mss).max(config.mtu_probe_floor).max(config.min_snd_mss)
}

/// So much is taken for what passes.
fn step_down(tcb: &mut Tcb, cx: &Cx<'_>, mss: u32) {
    if tcb.search.is_none() {
        begin(tcb, cx);
    }
    let (low, used) = (segment_size::packet_of(tcb, mss), segment_size::packet_of(tcb, u32::from(tcb.snd.mss)));
    if let Some(search) = &mut tcb.search {
        search.low = low;
        search.before = search.before.max(used);
        search.probe = None;
    }
}

/// RFC 4821 §7.3: after a long time the path may be another one, and the search begins anew from what is in use.
pub(super) fn renew(tcb: &mut Tcb, cx: &Cx<'_>) {
    let (ceiling, low) = (ceiling(tcb), segment_size::packet_of(tcb, u32::from(tcb.snd.mss)));
    let (now, interval) = (cx.now_ms(), cx.common.config.probe_interval.as_millis() as u32);
    if let Some(search) = &mut tcb.search
        && search.probe.is_none()
        && now.wrapping_sub(search.since_ms) >= interval
    {
        **search = Search { low, high: ceiling, before: search.before, probe: None, since_ms: now };
    }
}

/// Whether a probe is to be sent now (RFC 4821 §7.4: in order, with enough behind it that its loss is noticed).
pub(super) fn next(tcb: &Tcb, config: &TcpConfig) -> Next {
    let Some(search) = tcb.search.as_ref().filter(|search| search.probe.is_none()) else { return Next::Data };
    let (mss, flight, cwnd) = (decide::mss(tcb), decide::in_flight(tcb), tcb.congestion.cwnd());
    let quiet = tcb.recovery.phase == Phase::Open && tcb.sending.as_ref().is_none_or(|sending| sending.board.sacked_bytes() == 0);
    // Blocks of SACK take room in some segments and not in others.
    let whole = mss + accurate::option_room(tcb) == u32::from(tcb.snd.mss);
    if !quiet || !whole {
        return Next::Data;
    }
    if let Some(len) = length_as_before(tcb, search, mss) {
        return Next::Probe(plan(tcb, len));
    }
    let Some(len) = length(tcb, search, config, mss) else { return Next::Data };
    let needed = len + (u32::from(config.reordering) + 1) * mss;
    let may = cwnd / mss >= LEAST_WINDOW && tcb.unsent_len() >= needed && tcb.snd.wnd >= needed;
    if !may || rest_of_piece(tcb) < len {
        Next::Data
    } else if decide::window_room(tcb) < needed || (flight > 0 && flight + len.max(2 * mss) > cwnd) {
        Next::Wait
    } else {
        Next::Probe(plan(tcb, len))
    }
}

fn plan(tcb: &Tcb, len: u32) -> Plan {
    Plan { seq: tcb.snd.nxt, len, fin: false, push: tcb.is_pushed_at(tcb.snd.nxt + len), segment_size: 0, again: None }
}

/// Bytes of data in the next probe, half way through the range; none if that is narrow enough.
fn length(tcb: &Tcb, search: &Search, config: &TcpConfig, mss: u32) -> Option<u32> {
    let high = search.high.min(u32::from(tcb.path_mtu));
    let wide = high.saturating_sub(search.low) >= config.probe_threshold.max(1);
    let len = payload_now(tcb, u32::midpoint(search.low, high));
    (wide && len > mss).then_some(len)
}

/// Bytes of data in a probe of what was in use before, as far as there are so many to be sent and the windows take them.
fn length_as_before(tcb: &Tcb, search: &Search, mss: u32) -> Option<u32> {
    let most = search.before.min(search.high).min(u32::from(tcb.path_mtu));
    let len = payload_now(tcb, most).min(tcb.unsent_len()).min(rest_of_piece(tcb));
    let flight = decide::in_flight(tcb);
    let fits = len <= decide::window_room(tcb) && (flight == 0 || flight + len <= tcb.congestion.cwnd());
    (search.before > 0 && fits && len > mss).then_some(len)
}

/// Bytes of data in such a packet, beside all options that go with it now.
fn payload_now(tcb: &Tcb, packet: u32) -> u32 {
    segment_size::payload_of(tcb, packet).saturating_sub(accurate::option_room(tcb))
}

/// A probe does not go over the end of what was written as one piece.
fn rest_of_piece(tcb: &Tcb) -> u32 {
    tcb.sending.as_ref().and_then(|sending| sending.pieces.rest(tcb.snd.nxt)).map_or(u32::MAX, |(rest, _)| rest)
}

/// The probe left.
pub(super) fn sent(tcb: &mut Tcb, plan: &Plan) {
    let packet = segment_size::packet_of(tcb, plan.len) + accurate::option_room(tcb);
    if let Some(search) = &mut tcb.search {
        search.probe = Some(Probe { begin: plan.seq, end: plan.seq + plan.len, packet });
    }
}

/// Our own link does not take it.
pub(super) fn too_large(tcb: &mut Tcb) {
    let most = u32::from(tcb.path_mtu);
    if let Some(search) = &mut tcb.search {
        search.high = search.high.min(most);
    }
}

/// RFC 4821 §7.6.1: the probe arrived: segments become as large.
pub(super) fn acknowledged(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let una = tcb.snd.una;
    let Some(search) = &mut tcb.search else { return };
    let Some(probe) = search.probe.filter(|probe| una.at_or_after(probe.end)) else { return };
    search.probe = None;
    search.low = probe.packet;
    // All of what was in use before passes again.
    search.before = if search.before > search.low { search.before } else { 0 };
    cx.base().counters.tcp_ext.tcp_mtup_success += 1;
    transmit::learn_path(tcb, cx);
}

/// Bytes of the probe if it is the first that is not acknowledged.
pub(super) fn length_at_una(tcb: &Tcb) -> Option<u32> {
    let probe = tcb.search.as_ref()?.probe?;
    (probe.begin == tcb.snd.una).then(|| probe.end - probe.begin)
}

/// RFC 4821 §7.6.2: is it the probe alone that is lost? Then it was too large, and that says nothing of congestion. If other data is lost with it,
/// it was not its size (RFC 4821 §7.6.3), and the loss counts as any other.
pub(super) fn is_refused(tcb: &Tcb, lost: u32) -> bool {
    length_at_una(tcb) == Some(lost)
}

/// The probe was too large.
pub(super) fn refused(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if let Some(search) = &mut tcb.search
        && let Some(probe) = search.probe.take()
    {
        search.high = search.high.min(probe.packet - 1);
        search.before = 0;
    }
    cx.base().counters.tcp_ext.tcp_mtup_fail += 1;
}

/// What the probe covers is sent again: whether it arrived can no longer be told.
pub(super) fn sent_again(tcb: &mut Tcb, plan: &Plan) {
    if let Some(search) = &mut tcb.search
        && search.probe.is_some_and(|probe| plan.seq.before(probe.end) && probe.begin.before(plan.seq + plan.len))
    {
        (search.probe, search.before) = (None, 0);
    }
}
