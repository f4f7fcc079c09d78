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

use alloc::boxed::Box;

use super::cx::Cx;
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
    /// What the probe covers whose fate is awaited.
    probe: Option<(Seq, Seq)>,
    /// When the search began, in milliseconds since the epoch.
    since_ms: u32,
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
    if cx.config.mtu_probing >= 2 {
        begin(tcb, cx);
    }
}

fn begin(tcb: &mut Tcb, cx: &Cx<'_>) {
    let low = segment_size::packet_of(tcb, cx.config.base_mss);
    tcb.search = Some(Box::new(Search { low, high: ceiling(tcb), probe: None, since_ms: cx.now_ms() }));
}

/// The most that the peer takes, and that the program wants (`TCP_MAXSEG`).
fn ceiling(tcb: &Tcb) -> u32 {
    let wanted = Some(tcb.options.maxseg).filter(|maxseg| *maxseg > 0).unwrap_or(u16::MAX);
    segment_size::headers(tcb.inet.remote) + u32::from(tcb.snd.peer_mss.min(wanted))
}

/// The retransmission timer fired again: if that goes on for too long, large packets may be what does not get through (RFC 4821 §7.7).
pub(super) fn timed_out(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    // A closed window holds back segments of any size.
    if cx.config.mtu_probing == 0 || tcb.snd.wnd == 0 || !timers::is_overdue(tcb, cx, cx.config.retries1) {
        return;
    }
    match &mut tcb.search {
        None => begin(tcb, cx),
        Some(_) => step_down(tcb, cx.config),
    }
    transmit::learn_path(tcb, cx);
}

/// Not even what was known to pass does: half of it.
fn step_down(tcb: &mut Tcb, config: &TcpConfig) {
    let low = tcb.search.as_ref().map_or(0, |search| search.low);
    let half = segment_size::payload_of(tcb, low) / 2;
    let mss = half.min(config.base_mss).max(config.mtu_probe_floor).max(config.min_snd_mss);
    let low = segment_size::packet_of(tcb, mss);
    if let Some(search) = &mut tcb.search {
        search.low = low;
        search.probe = None;
    }
}

/// RFC 4821 §7.3: after a long time the path may be another one, and the search begins anew from what is in use.
pub(super) fn renew(tcb: &mut Tcb, cx: &Cx<'_>) {
    let (ceiling, low) = (ceiling(tcb), segment_size::packet_of(tcb, u32::from(tcb.snd.mss)));
    let (now, interval) = (cx.now_ms(), cx.config.probe_interval.as_millis() as u32);
    if let Some(search) = &mut tcb.search
        && search.probe.is_none()
        && now.wrapping_sub(search.since_ms) >= interval
    {
        **search = Search { low, high: ceiling, probe: None, since_ms: now };
    }
}

/// Whether a probe is to be sent now (RFC 4821 §7.4: in order, with enough behind it that its loss is noticed).
pub(super) fn next(tcb: &Tcb, config: &TcpConfig) -> Next {
    let Some(len) = tcb.search.as_ref().and_then(|search| length(tcb, search, config)) else { return Next::Data };
    let (mss, flight, cwnd) = (decide::mss(tcb), decide::in_flight(tcb), tcb.congestion.cwnd());
    let quiet = tcb.recovery.phase == Phase::Open && tcb.sending.as_ref().is_none_or(|sending| sending.board.sacked_bytes() == 0);
    // Blocks of SACK take room in some segments and not in others.
    let whole = mss == u32::from(tcb.snd.mss);
    let needed = len + (u32::from(config.reordering) + 1) * mss;
    let may = quiet && whole && cwnd / mss >= LEAST_WINDOW && tcb.unsent_len() >= needed && tcb.snd.wnd >= needed;
    if !may || !fits_piece(tcb, len) {
        Next::Data
    } else if decide::window_room(tcb) < needed || (flight > 0 && flight + len.max(2 * mss) > cwnd) {
        Next::Wait
    } else {
        let (seq, push) = (tcb.snd.nxt, tcb.is_pushed_at(tcb.snd.nxt + len));
        Next::Probe(Plan { seq, len, fin: false, push, segment_size: 0, again: None })
    }
}

/// Bytes of data in the next probe, half way through the range; none if that is narrow enough or an answer is awaited.
fn length(tcb: &Tcb, search: &Search, config: &TcpConfig) -> Option<u32> {
    let high = search.high.min(u32::from(tcb.path_mtu));
    let wide = high.saturating_sub(search.low) >= config.probe_threshold.max(1);
    let len = segment_size::payload_of(tcb, u32::midpoint(search.low, high));
    (wide && search.probe.is_none() && len > u32::from(tcb.snd.mss)).then_some(len)
}

/// A probe does not go over the end of what was written as one piece.
fn fits_piece(tcb: &Tcb, len: u32) -> bool {
    tcb.sending.as_ref().and_then(|sending| sending.pieces.rest(tcb.snd.nxt)).is_none_or(|(rest, _)| rest >= len)
}

/// The probe left.
pub(super) fn sent(tcb: &mut Tcb, plan: &Plan) {
    if let Some(search) = &mut tcb.search {
        search.probe = Some((plan.seq, plan.seq + plan.len));
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
    let Some((begin, end)) = tcb.search.as_ref().and_then(|search| search.probe).filter(|(_, end)| una.at_or_after(*end)) else {
        return;
    };
    let low = segment_size::packet_of(tcb, end - begin);
    if let Some(search) = &mut tcb.search {
        search.low = low;
        search.probe = None;
    }
    cx.base().counters.tcp_ext.tcp_mtup_success += 1;
    transmit::learn_path(tcb, cx);
}

/// Bytes of the probe if it is the first that is not acknowledged.
pub(super) fn length_at_una(tcb: &Tcb) -> Option<u32> {
    let (begin, end) = tcb.search.as_ref()?.probe?;
    (begin == tcb.snd.una).then(|| end - begin)
}

/// RFC 4821 §7.6.2: is it the probe alone that is lost? Then it was too large, and that says nothing of congestion. If other data is lost with it,
/// it was not its size (RFC 4821 §7.6.3), and the loss counts as any other.
pub(super) fn is_refused(tcb: &Tcb, lost: u32) -> Option<(Seq, Seq)> {
    let len = length_at_una(tcb).filter(|len| *len == lost)?;
    Some((tcb.snd.una, tcb.snd.una + len))
}

/// The probe was too large.
pub(super) fn refused(tcb: &mut Tcb, cx: &mut Cx<'_>, (begin, end): (Seq, Seq)) {
    let packet = segment_size::packet_of(tcb, end - begin);
    if let Some(search) = &mut tcb.search {
        search.high = search.high.min(packet - 1);
        search.probe = None;
    }
    cx.base().counters.tcp_ext.tcp_mtup_fail += 1;
}

/// Something is sent again: whether the probe arrived can no longer be told (Linux).
pub(super) fn inconclusive(tcb: &mut Tcb) {
    if let Some(search) = &mut tcb.search {
        search.probe = None;
    }
}
