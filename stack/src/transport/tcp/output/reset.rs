//! RST: the three groups of RFC 9293 §3.5.2.

use super::{fill, transmit};
use crate::base::{Direction, Frame, Rope};
use crate::network::{Cast, Network, Outgoing, Packet, RouteQuery, protocol};
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::{ACK, FIN, Header, RST, SYN};
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::Tcb;

/// Answers a segment for which there is no connection (RFC 9293 §3.10.7.1), never a RST, never to more than one host
/// (RFC 9293 MUST-57).
#[cold]
#[inline(never)]
pub(in crate::transport::tcp) fn reply(net: &mut Network, packet: &Packet, header: &Header, payload_len: usize) {
    if header.flags & RST != 0 || packet.cast != Cast::Unicast || packet.src.is_multicast() || packet.src.is_unspecified() {
        return;
    }
    let space = payload_len as u32 + u32::from(header.flags & SYN != 0) + u32::from(header.flags & FIN != 0);
    let (seq, ack, flags) =
        if header.flags & ACK != 0 { (header.ack, Seq(0), RST) } else { (Seq(0), header.seq + space, RST | ACK) };
    let reset = Header { src_port: header.dst_port, dst_port: header.src_port, seq, ack, flags, ..Header::default() };
    stateless(net, packet, &reset);
}

/// Sends a segment without a connection, back to where `packet` came from.
pub(in crate::transport::tcp) fn stateless(net: &mut Network, packet: &Packet, header: &Header) {
    let link = packet.src.is_link_local().then_some(packet.link);
    let Ok(route) = net.route(&RouteQuery { dst: packet.src, src: packet.dst, link }) else { return };
    let mut frame = Frame::new(Rope::new());
    header.push(&mut frame, packet.dst, packet.src);
    let outgoing = Outgoing { dst: packet.src, protocol: protocol::TCP, ..Outgoing::default() };
    if net.send(&route, &outgoing, frame).is_ok() {
        transmit::report_stateless(&mut net.links.base, Direction::Out, header, 0);
        let counters = &mut net.links.base.counters.tcp;
        counters.out_segs += 1;
        counters.out_rsts += u64::from(header.flags & RST != 0);
    }
}

/// Tells the peer that this connection is aborted (RFC 9293 §3.10.5).
#[cold]
#[inline(never)]
pub(in crate::transport::tcp) fn abort(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    // As in Linux with the window and the options of any segment. Timestamps should be among them, though no peer may ask for them in a RST
    // (RFC 7323 §3.2).
    let header = fill::header(tcb, cx, tcb.snd.nxt, RST | ACK);
    send(tcb, cx, header);
}

/// A reset that names only what the peer acknowledged, <SEQ=SEG.ACK><CTL=RST>: the answer to a segment with an ACK where there is no connection, or
/// none any more, and where there is none yet (RFC 9293 §3.5.2 groups 1 and 2).
#[cold]
#[inline(never)]
pub(in crate::transport::tcp) fn bare(tcb: &mut Tcb, cx: &mut Cx<'_>, seq: Seq) {
    let (src_port, dst_port) = (tcb.inet.local_port, tcb.inet.remote_port);
    send(tcb, cx, Header { src_port, dst_port, seq, flags: RST, ..Header::default() });
}

fn send(tcb: &mut Tcb, cx: &mut Cx<'_>, header: Header) {
    if transmit::segment(tcb, cx, &header, Rope::new(), 0).is_ok() {
        cx.base().counters.tcp.out_rsts += 1;
    }
}
