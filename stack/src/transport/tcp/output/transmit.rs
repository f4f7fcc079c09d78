//! The way of a segment to the network layer.

use core::hint::cold_path;

use crate::base::{Base, Direction, Errno, Frame, LinkId, Rope, What};
use crate::link::Hop;
use crate::network::{Manner, Network, Route, RouteQuery, protocol};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::{Header, SYN};
use crate::transport::tcp::segment_size::{LONGEST_PACKET, MAX_SUPER};
use crate::transport::tcp::tcb::{Resized, Tcb};
use crate::transport::tcp::{ecn, segment_size};

/// How this connection's packets get to the peer now.
pub(in crate::transport::tcp) fn route(tcb: &Tcb, cx: &mut Cx<'_>) -> Result<Route, Errno> {
    cx.net.route(&way(tcb))
}

/// The largest packet of the path to the peer, as far as is known; where there is none now, that of an Ethernet.
#[inline(never)] // It is mostly known.
pub(in crate::transport::tcp) fn mtu(tcb: &Tcb, cx: &mut Cx<'_>) -> u32 {
    let query = way(tcb);
    match cx.net.along(&query, manner(tcb, ecn::NOT_ECT)) {
        Some(along) => along.route().mtu,
        None => cx.net.route(&query).map_or(1500, |route| route.mtu),
    }
}

/// The same as it was when our SYN left, if that is known exactly. Whatever changed since is seen with the next segment.
pub(in crate::transport::tcp) fn known_mtu(tcb: &Tcb) -> Option<u32> {
    let mtu = tcb.path_mtu;
    // IPv4 has no larger packets than what fits there.
    let is_exact = (mtu != 0) & ((mtu < u16::MAX) | tcb.inet.remote.is_v4());
    (is_exact & !tcb.path_changed).then_some(mtu.into())
}

/// The SYN that is about to leave says what fits such a path.
pub(in crate::transport::tcp) fn note_path(tcb: &mut Tcb, mtu: u32) {
    tcb.path_mtu = mtu_in_16_bits(mtu);
    tcb.path_changed = false;
}

/// What its route must satisfy: from the address it began with (RFC 9293 MUST-45).
pub(in crate::transport::tcp) fn way(tcb: &Tcb) -> RouteQuery {
    let link = (tcb.inet.link != 0).then_some(LinkId(tcb.inet.link));
    RouteQuery { dst: tcb.inet.remote, src: tcb.inet.local, link }
}

/// The most payload of a frame that the device behind this connection's way cuts, or that is cut here.
#[inline]
pub(in crate::transport::tcp) fn most_at_once(tcb: &Tcb, net: &mut Network) -> u32 {
    if net.links.cuts_at_most() > LONGEST_PACKET { most_of_way(tcb, net) } else { MAX_SUPER }
}

/// More than an IP packet can say only to who is on the link: a router would have to cut it for the next one.
#[inline(never)]
fn most_of_way(tcb: &Tcb, net: &mut Network) -> u32 {
    // As new data will ask: there is one place for both answers.
    let along = net.along(&way(tcb), manner(tcb, ecn::codepoint(tcb, true)));
    let near = along.filter(|along| along.route().hop == Hop::Neighbour(tcb.inet.remote));
    near.map(|along| along.cuts_at_most()).filter(|most| *most > LONGEST_PACKET).unwrap_or(MAX_SUPER)
}

/// Sends a segment. `ENOBUFS`: the link is full, nothing was sent. `EMSGSIZE`: the path takes only smaller ones.
#[inline(always)]
pub(in crate::transport::tcp) fn segment(
    tcb: &mut Tcb,
    cx: &mut Cx<'_>,
    header: &Header,
    body: Rope,
    segment_size: u16,
) -> Result<(), Errno> {
    let (query, len) = (way(tcb), body.len() as u32);
    let manner = manner(tcb, codepoint(tcb, header, len));
    let mut frame = cx.common.spare.frame(body);
    frame.segment_size = segment_size;
    let towards = match cx.net.along(&query, manner) {
        Some(along) => {
            let towards = check(tcb, along.route(), along.has_room(), segment_size)?;
            header.push_with(&mut frame, along.pseudo());
            if along.fits(&frame) {
                along.send(frame)?;
            } else {
                let route = *along.route();
                send_along(cx.net, &route, manner, &query, frame)?;
            }
            towards
        }
        None => send_routed(tcb, cx, header, frame, &query, manner)?,
    };
    if tcb.ecn.is_some() {
        ecn::left(tcb, cx, header, len > 0);
    }
    if let Some((link, hop)) = towards {
        confirm_neighbour(tcb, cx, link, hop);
    }
    report(tcb, cx, header, len, segment_size);
    Ok(())
}

/// One that the way does not take as it is.
#[cold]
#[inline(never)]
fn send_along(net: &mut Network, route: &Route, manner: Manner, query: &RouteQuery, frame: Frame) -> Result<(), Errno> {
    net.send(route, &manner.outgoing(query), frame)
}

/// The same of a segment whose packets are not all alike but for what they carry.
#[inline(never)]
fn send_routed(
    tcb: &mut Tcb,
    cx: &mut Cx<'_>,
    header: &Header,
    mut frame: Frame,
    query: &RouteQuery,
    manner: Manner,
) -> Result<Option<(LinkId, Hop)>, Errno> {
    let route = cx.net.route(query)?;
    let towards = check(tcb, &route, cx.net.links.has_room(route.link), frame.segment_size)?;
    header.push(&mut frame, route.src, query.dst);
    cx.net.send(&route, &manner.outgoing(query), frame)?;
    Ok(towards)
}

/// Looks at a route before something is sent: which MTU it has now, and whether its link has room. Gives the neighbour it leads to if that is
/// to be confirmed. `EMSGSIZE` if segments of `size` bytes, that are to be cut, are too large for it by now: nobody who cuts them asks.
#[inline]
fn check(tcb: &mut Tcb, route: &Route, has_room: bool, size: u16) -> Result<Option<(LinkId, Hop)>, Errno> {
    if mtu_in_16_bits(route.mtu) != tcb.path_mtu {
        tcb.path_changed = true;
        if size > 0 && segment_size::packet_of(tcb, size.into()) > route.mtu {
            return Err(Errno::EMSGSIZE);
        }
    }
    if has_room { Ok(tcb.recovery.progress.then_some((route.link, route.hop))) } else { Err(Errno::ENOBUFS) }
}

/// Whether routers may mark it; never a SYN (RFC 3168 §6.1.1).
fn codepoint(tcb: &Tcb, header: &Header, len: u32) -> u8 {
    match header.flags & SYN {
        0 => ecn::codepoint(tcb, len > 0 && header.seq.at_or_after(tcb.snd.nxt)),
        _ => ecn::NOT_ECT,
    }
}

/// RFC 9293 MUST-48, SHLD-21, SHLD-22: the Diffserv field, RFC 9293 MUST-49: and the TTL are what the application set.
pub(in crate::transport::tcp) fn manner(tcb: &Tcb, codepoint: u8) -> Manner {
    let class = if tcb.inet.remote.is_v4() { tcb.inet.tos } else { tcb.inet.tclass };
    Manner {
        protocol: protocol::TCP,
        hop_limit: tcb.inet.hop_limit,
        traffic_class: if codepoint == ecn::NOT_ECT { class } else { class & !ecn::CE | codepoint },
        fragmentation: tcb.inet.fragmentation,
    }
}

/// RFC 4861 §7.3.1: an acknowledgement of new data is a sign that the neighbour is reachable.
fn confirm_neighbour(tcb: &mut Tcb, cx: &mut Cx<'_>, link: LinkId, hop: Hop) {
    tcb.recovery.progress = false;
    if let Hop::Neighbour(neighbour) = hop {
        cx.net.links.neighbour_confirmed(link, neighbour);
    }
}

#[inline(always)] // Of a header that was made just now most is known.
pub(in crate::transport::tcp) fn report(tcb: &mut Tcb, cx: &mut Cx<'_>, header: &Header, len: u32, segment_size: u16) {
    let segments = if segment_size == 0 { 1 } else { len.div_ceil(u32::from(segment_size)).max(1) };
    tcb.tally.segs_out = tcb.tally.segs_out.wrapping_add(segments);
    if len > 0 {
        tcb.tally.data_segs_out = tcb.tally.data_segs_out.wrapping_add(segments);
        tcb.tally.last_sent_ms = cx.now_ms();
    }
    // The window of a SYN is never scaled (RFC 7323 §2.2).
    let shift = if header.flags & SYN == 0 { tcb.rcv.wscale } else { 0 };
    let socket = tcb.inet.owner;
    let base = cx.base();
    base.counters.tcp.out_segs += u64::from(segments);
    base.emit(What::Segment {
        socket,
        direction: Direction::Out,
        seq: header.seq.0,
        ack: header.ack.0,
        window: u32::from(header.window) << shift,
        len,
        flags: header.flags,
    });
}

/// Reports a segment that belongs to no connection (yet, or any more).
#[inline(always)]
pub(in crate::transport::tcp) fn report_stateless(base: &mut Base, direction: Direction, header: &Header, len: usize) {
    base.emit(What::Segment {
        socket: None,
        direction,
        seq: header.seq.0,
        ack: header.ack.0,
        window: u32::from(header.window),
        len: len as u32,
        flags: header.flags,
    });
}

/// Takes the path's MTU as it is known now. True if segments became smaller.
pub(in crate::transport::tcp) fn learn_path(tcb: &mut Tcb, cx: &mut Cx<'_>) -> bool {
    let Ok(route) = route(tcb, cx) else { return false };
    let before = tcb.snd.mss;
    take_path(tcb, route.mtu);
    tcb.snd.mss < before
}

pub(in crate::transport::tcp) fn mtu_in_16_bits(mtu: u32) -> u16 {
    mtu.min(u32::from(u16::MAX)) as u16
}

/// What is in flight has the size of now, if not that of before.
fn note_resized(tcb: &mut Tcb) {
    let (mss, until) = (tcb.snd.mss, tcb.snd.nxt);
    if !tcb.in_flight() {
        return;
    }
    cold_path();
    if let Some(sending) = &mut tcb.sending
        && sending.resized.is_none()
    {
        sending.resized = Some(Resized { mss, until });
    }
}

/// The path's MTU is this.
#[inline(always)]
pub(in crate::transport::tcp) fn take_path(tcb: &mut Tcb, mtu: u32) {
    let mss = segment_size::effective(tcb, mtu);
    tcb.path_mtu = mtu_in_16_bits(mtu);
    tcb.path_changed = false;
    if mss != tcb.snd.mss {
        note_resized(tcb);
        tcb.snd.mss = mss;
        tcb.congestion.set_mss(u32::from(mss));
    }
}
