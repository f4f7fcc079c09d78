//! Half-open connections: SYN-RECEIVED by way of a listener, as small records of their own (RFC 9293 §3.10.7.4 for that state).

use super::arrives::{Arrival, is_older};
use super::ecn::{self, Offer};
use super::fast_open::FastOpenOption;
use super::flows::{Flow, Tuple};
use super::header::{ACK, FIN, Header, Options, RST, SYN};
use super::near::Near;
use super::options::TcpConfig;
use super::output::{reset, transmit};
use super::seq::Seq;
use super::small_tuple::SmallTuple;
use super::spare::Spare;
use super::tcb::Tcb;
use super::{Tcp, listener, segment_size, unanswered, window};
use crate::base::{Direction, Discard, Instant, Key, LinkId, Rope, SockAddr, TcpState, What, Why};
use crate::network::{Manner, Network, Packet, RouteQuery, protocol};
use crate::transport::inet::Inet;

/// What is kept of a SYN until its answer is answered.
#[derive(Clone, Debug)]
pub(super) struct HalfOpen {
    tuple: SmallTuple,
    pub(super) listener: Key,
    pub(super) iss: Seq,
    pub(super) irs: Seq,
    pub(super) ts_recent: u32,
    pub(super) ts_offset: u32,
    /// When the first SYN-ACK was sent, in microseconds (for the round trip).
    pub(super) sent_us: u32,
    /// The window the peer offered with its SYN.
    pub(super) snd_wnd: u16,
    /// The window our SYN-ACK offers.
    pub(super) rcv_wnd: u16,
    pub(super) peer_mss: u16,
    /// The largest packet of the path, as far as 16 bits tell, when the SYN-ACK was sent; 0: not known.
    path_mtu: u16,
    pub(super) link: u16,
    /// The peer's shift; [`NO_SCALING`] if it offered none.
    pub(super) snd_wscale: u8,
    pub(super) rcv_wscale: u8,
    pub(super) retries: u8,
    /// An acknowledgement without data came, and the listener wants data (`TCP_DEFER_ACCEPT`).
    pub(super) acked: bool,
    pub(super) sack: bool,
    pub(super) timestamps: bool,
    /// How congestion is to be told.
    pub(super) offer: Offer,
    /// Until when an answer is awaited.
    pub(super) due: Near,
}

/// The peer's SYN had no window scale option.
const NO_SCALING: u8 = u8::MAX;

impl HalfOpen {
    /// What one is charged to the budget.
    pub(super) const CHARGE: usize = 256;

    #[allow(clippy::too_many_arguments)] // A plain record built in one place from what one SYN brings.
    #[inline(always)]
    pub(super) fn new(
        tuple: Tuple,
        listener: Key,
        link: LinkId,
        iss: Seq,
        ts_offset: u32,
        header: &Header,
        codepoint: u8,
        parent: &Tcb,
        config: &TcpConfig,
        now: Instant,
    ) -> Self {
        let options = &header.options;
        let scaling = config.window_scaling && options.window_scale.is_some();
        let peer_mss = options.mss.unwrap_or_else(|| segment_size::default_for(tuple.remote)).max(64);
        Self {
            link: if tuple.remote.is_link_local() { link.0 } else { parent.inet.link },
            tuple: tuple.into(),
            listener,
            iss,
            irs: header.seq,
            ts_recent: options.timestamps.map_or(0, |(value, _)| value),
            ts_offset,
            sent_us: now.micros() as u32,
            snd_wnd: header.window,
            rcv_wnd: window::initial(&parent.options, config, peer_mss) as u16,
            peer_mss,
            path_mtu: 0,
            snd_wscale: if scaling { options.window_scale.unwrap_or(0).min(window::MAX_SHIFT) } else { NO_SCALING },
            rcv_wscale: if scaling { window::shift(&parent.options, config) } else { 0 },
            retries: 0,
            acked: false,
            sack: config.sack && options.sack_permitted,
            timestamps: config.timestamps && options.timestamps.is_some(),
            offer: Offer::new(config, header, codepoint),
            due: Near::default(),
        }
    }

    /// Both ends.
    pub(super) fn tuple(&self) -> Tuple {
        self.tuple.get()
    }

    /// The ends of the connection this becomes.
    pub(super) fn inet(&self, parent: &Inet) -> Inet {
        let tuple = self.tuple();
        Inet {
            owner: None,
            local: tuple.local,
            remote: tuple.remote,
            local_port: tuple.local_port,
            remote_port: tuple.remote_port,
            link: self.link,
            bound_address: true,
            bound_port: false,
            every_port: false,
            error: None,
            soft_error: None,
            ..*parent
        }
    }

    /// A new control block becomes its connection: SYN-RECEIVED, about to take the acknowledgement of its SYN.
    #[inline(always)]
    pub(super) fn open(&self, tcb: &mut Tcb, now: Instant) {
        tcb.state = TcpState::SynReceived;
        tcb.queued = true;
        tcb.in_flows = true;
        tcb.snd.una = self.iss;
        tcb.snd.nxt = self.iss + 1;
        tcb.snd.wnd = u32::from(self.snd_wnd);
        tcb.snd.max_wnd = u32::from(self.snd_wnd);
        tcb.snd.peer_mss = self.peer_mss;
        tcb.snd.wscale = if self.snd_wscale == NO_SCALING { 0 } else { self.snd_wscale };
        tcb.rcv.nxt = self.irs + 1;
        tcb.rcv.acked = self.irs + 1;
        tcb.rcv.edge = self.irs + 1 + u32::from(self.rcv_wnd);
        tcb.rcv.wscale = self.rcv_wscale;
        tcb.rcv.ts_recent = self.ts_recent;
        tcb.rcv.ts_recent_ms = now.millis() as u32;
        tcb.ts_offset = self.ts_offset;
        tcb.timestamps = self.timestamps;
        tcb.sack = self.sack;
        ecn::opened(tcb, &self.offer, self.retries);
        tcb.recovery.timeouts = self.retries;
        tcb.path_mtu = self.path_mtu;
    }

    /// When the SYN-ACK was sent; none if it was sent again.
    pub(super) fn sent_at(&self, now: Instant) -> Option<Instant> {
        let elapsed = (now.micros() as u32).wrapping_sub(self.sent_us);
        (self.retries == 0).then(|| Instant::from_nanos(now.nanos().saturating_sub(u64::from(elapsed) * 1000)))
    }

    /// PAWS: the segment was sent before the SYN.
    fn is_newer_than(&self, header: &Header) -> bool {
        self.timestamps && header.options.timestamps.is_some_and(|(value, _)| is_older(value, self.ts_recent))
    }

    fn syn_ack(&self, mss: u16, fast_open: Option<FastOpenOption>, now: Instant) -> Header {
        let clock = (now.millis() as u32).wrapping_add(self.ts_offset);
        let tuple = self.tuple();
        let mut header = Header {
            src_port: tuple.local_port,
            dst_port: tuple.remote_port,
            seq: self.iss,
            ack: self.irs + 1,
            flags: SYN | ACK,
            ae: false,
            window: self.rcv_wnd,
            urgent: 0,
            options: Options {
                mss: Some(mss),
                window_scale: (self.snd_wscale != NO_SCALING).then_some(self.rcv_wscale),
                sack_permitted: self.sack,
                timestamps: self.timestamps.then_some((clock, self.ts_recent)),
                fast_open,
                accurate: self.offer.option(),
                ..Options::default()
            },
        };
        header.set_ace(self.offer.bits(self.retries));
        header
    }
}

impl Tcp {
    /// Keeps a half-open connection whose SYN-ACK was sent just now.
    pub(super) fn insert_half_open(&mut self, net: &mut Network, mut half_open: HalfOpen) {
        half_open.due = unanswered::first_due(net.links.base.now);
        if let Some(listener) = self.records.connections.get_mut(half_open.listener).and_then(|tcb| tcb.listener.as_mut()) {
            listener.half_open += 1;
        }
        let tuple = half_open.tuple();
        let key = self.records.half_open.insert(half_open);
        self.flows.insert(&tuple, Flow::HalfOpen(key), &self.records);
        net.links.base.budget.charge(HalfOpen::CHARGE);
        self.await_first_answer(net, key);
    }

    #[cold]
    #[inline(never)]
    pub(super) fn remove_half_open(&mut self, net: &mut Network, key: Key) -> Option<HalfOpen> {
        let half_open = self.records.half_open.remove(key)?;
        self.flows.remove(&half_open.tuple(), Flow::HalfOpen(key));
        self.half_open_is_gone(net, half_open.listener);
        Some(half_open)
    }

    /// A listener has one less.
    #[inline(always)]
    fn half_open_is_gone(&mut self, net: &mut Network, listener: Key) {
        if let Some(listener) = self.records.connections.get_mut(listener).and_then(|tcb| tcb.listener.as_mut()) {
            listener.half_open = listener.half_open.saturating_sub(1);
        }
        net.links.base.budget.release(HalfOpen::CHARGE);
        self.sweep_unanswered();
    }

    /// Sends the SYN-ACK again.
    #[cold]
    #[inline(never)]
    fn send_syn_ack(&mut self, net: &mut Network, key: Key) {
        let half_open = &mut self.records.half_open[key];
        half_open.offer.without_option();
        let maxseg = self.records.connections.get(half_open.listener).map_or(0, |parent| parent.options.maxseg);
        transmit_syn_ack(net, &mut self.common.spare, half_open, maxseg, None);
    }

    /// A segment for a half-open connection (RFC 9293 §3.10.7.4, the parts for SYN-RECEIVED; RFC 5961 §3, §4).
    #[inline(never)] // Most segments come later.
    pub(super) fn segment_for_half_open(
        &mut self,
        net: &mut Network,
        key: Key,
        packet: &mut Packet,
        header: &Header,
        header_len: usize,
    ) {
        let Some(deferral) = self.deferral(key) else {
            // As in Linux another listener may take what the closed one began.
            self.remove_half_open(net, key);
            return self.segment_without_connection(net, packet, header, header_len);
        };
        let half_open = &self.records.half_open[key];
        let (expected, window) = (half_open.irs + 1, u32::from(half_open.rcv_wnd));
        let end = header.seq + (packet.len - header_len) as u32 + u32::from(header.flags & FIN != 0);
        let in_window = end.at_or_after(expected) && header.seq.at_or_before(expected + window);
        if header.flags & SYN != 0 && header.flags & (RST | ACK) == 0 && header.seq == half_open.irs {
            // Our answer was lost, or is late (RFC 9293 §3.10.7.4: a duplicate SYN is answered again).
            self.records.half_open[key].offer.repeated(header, packet.traffic_class & ecn::CE);
            self.send_syn_ack(net, key);
        } else if !in_window {
            self.refuse_segment(net, key, packet, header);
        } else if header.flags & RST != 0 {
            self.reset_half_open(net, key, packet, header);
        } else if half_open.is_newer_than(header) {
            // RFC 7323 §5.3: opened by this, the connection would drop it, and nothing would be left to send the SYN-ACK again.
            net.links.base.counters.tcp_ext.paws_estab += 1;
            net.links.base.discard(Some(packet.link), Discard::TcpPaws, packet.len);
            self.send_syn_ack(net, key);
        } else if header.flags & SYN != 0 {
            // RFC 5961 §4.2: a SYN in the window but not the first one is challenged.
            net.links.base.counters.tcp_ext.tcp_syn_challenge += 1;
            net.links.base.discard(Some(packet.link), Discard::TcpChallenged, packet.len);
            self.send_syn_ack(net, key);
        } else if header.flags & ACK == 0 {
            net.links.base.discard(Some(packet.link), Discard::TcpBadFlags, packet.len);
        } else if header.ack != half_open.iss + 1 {
            reset::reply(net, packet, header, packet.len - header_len);
        } else if end == expected && half_open.retries < deferral {
            // Linux: the application is not woken for a connection on which nothing was said yet.
            self.records.half_open[key].acked = true;
            net.links.base.counters.tcp_ext.tcp_defer_accept_drop += 1;
        } else {
            self.promote(net, key, packet, header, header_len);
        }
    }

    /// For how many retransmissions of the SYN-ACK the listener waits for data; none if it listens no more.
    #[inline(always)]
    fn deferral(&self, key: Key) -> Option<u8> {
        let listener = self.records.half_open[key].listener;
        let parent = self.records.connections.get(listener).filter(|tcb| tcb.listener.is_some())?;
        Some(retransmissions_within(parent.options.defer_accept.into()))
    }

    /// Outside the window.
    #[cold]
    #[inline(never)]
    fn refuse_segment(&mut self, net: &mut Network, key: Key, packet: &Packet, header: &Header) {
        net.links.base.discard(Some(packet.link), Discard::TcpOutOfWindow, packet.len);
        if header.flags & RST == 0 {
            self.send_syn_ack(net, key);
        }
    }

    /// RFC 9293 MUST-11: this one was opened passively; a reset forgets it, and the listener listens on.
    #[cold]
    #[inline(never)]
    fn reset_half_open(&mut self, net: &mut Network, key: Key, packet: &Packet, header: &Header) {
        if header.seq == self.records.half_open[key].irs + 1 {
            net.links.base.counters.tcp_ext.embryonic_rsts += 1;
            self.remove_half_open(net, key);
        } else {
            net.links.base.counters.tcp_ext.tcp_challenge_ack += 1;
            net.links.base.discard(Some(packet.link), Discard::TcpChallenged, packet.len);
            self.send_syn_ack(net, key);
        }
    }

    /// The handshake is complete: a connection takes the record's place and the segment goes on to it.
    fn promote(&mut self, net: &mut Network, key: Key, packet: &mut Packet, header: &Header, header_len: usize) {
        let Self { records, flows, ports, common, .. } = self;
        let half_open = &records.half_open[key];
        let Some(connection) = listener::establish(&mut records.connections, ports, &common.config, net, half_open) else {
            return self.found_no_room(net, key, packet, header, header_len);
        };
        flows.replace(&half_open.tuple(), Flow::HalfOpen(key), Flow::Connection(connection));
        let (listener, syn_sent) = (half_open.listener, half_open.sent_at(net.links.base.now));
        records.half_open.discard(key);
        self.half_open_is_gone(net, listener);
        let mut arrival = Arrival::of(header, packet, header_len);
        arrival.syn_sent = syn_sent;
        self.segment_for_connection(net, connection, &mut arrival);
    }

    #[cold]
    #[inline(never)]
    fn found_no_room(&mut self, net: &mut Network, key: Key, packet: &Packet, header: &Header, header_len: usize) {
        net.links.base.discard(Some(packet.link), Discard::TcpBacklogFull, packet.len);
        if self.common.config.abort_on_overflow {
            self.remove_half_open(net, key);
            reset::reply(net, packet, header, packet.len - header_len);
        }
    }

    /// The SYN-ACK was not answered: again, or enough (RFC 9293 MUST-23 counts for both directions of opening).
    pub(super) fn not_answered(&mut self, net: &mut Network, key: Key) {
        let Some(half_open) = self.records.half_open.get_mut(key) else { return };
        half_open.retries += 1;
        let (retries, acked) = (half_open.retries, half_open.acked);
        let waits_for_data = |deferral: u8| acked && retries <= deferral;
        let patient = |deferral: &u8| retries <= self.common.config.synack_retries || waits_for_data(*deferral);
        let Some(deferral) = self.deferral(key).filter(patient) else {
            self.remove_half_open(net, key);
            return;
        };
        self.await_answer(net, key);
        if acked && retries < deferral {
            // The peer has our SYN-ACK; only the last one asks it to say something.
            return;
        }
        net.links.base.counters.tcp.retrans_segs += 1;
        net.links.base.counters.tcp_ext.tcp_syn_retrans += 1;
        self.send_syn_ack(net, key);
        let half_open = &self.records.half_open[key];
        let (seq, Tuple { local, remote, local_port, remote_port }) = (half_open.iss.0, half_open.tuple());
        let (local, peer) = (SockAddr::new(local, local_port), SockAddr::new(remote, remote_port));
        net.links.base.emit(What::Retransmit { socket: None, local, peer, seq, len: 1, syn: true, why: Why::Timeout });
    }
}

/// How many retransmissions fit into so many seconds: after 1 s, and each after twice the time of the one before.
fn retransmissions_within(seconds: u32) -> u8 {
    if seconds == 0 { 0 } else { (seconds + 1).ilog2() as u8 }
}

/// Sends the SYN-ACK of a half-open connection, remembered or not.
#[inline(always)]
pub(super) fn transmit_syn_ack(
    net: &mut Network,
    spare: &mut Spare,
    half_open: &mut HalfOpen,
    maxseg: u16,
    fast_open: Option<FastOpenOption>,
) {
    let tuple = half_open.tuple();
    let link = (half_open.link != 0).then_some(LinkId(half_open.link));
    let (now, query) = (net.links.base.now, RouteQuery { dst: tuple.remote, src: tuple.local, link });
    let mut syn_ack = |mtu| {
        half_open.path_mtu = transmit::mtu_in_16_bits(mtu);
        half_open.syn_ack(segment_size::announced(mtu, tuple.remote, maxseg), fast_open, now)
    };
    let mut frame = spare.frame(Rope::new());
    // A way takes packets that are larger than any SYN-ACK.
    let (header, sent) = if let Some(along) = net.along(&query, Manner::of(protocol::TCP)) {
        let header = syn_ack(along.route().mtu);
        header.push_with(&mut frame, along.pseudo());
        (header, along.send(frame))
    } else {
        let Ok(route) = net.route(&query) else { return };
        let header = syn_ack(route.mtu);
        header.push(&mut frame, tuple.local, tuple.remote);
        (header, net.send(&route, &Manner::of(protocol::TCP).outgoing(&query), frame))
    };
    if sent.is_ok() {
        transmit::report_stateless(&mut net.links.base, Direction::Out, &header, 0);
        net.links.base.counters.tcp.out_segs += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_open_connection_is_small() {
        assert!(size_of::<HalfOpen>() <= 72, "{}", size_of::<HalfOpen>());
    }
}
