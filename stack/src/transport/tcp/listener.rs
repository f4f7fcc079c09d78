//! A listening socket: its accept queue, its SYN queue's length, and what a SYN gets (RFC 9293 §3.10.7.2).

use alloc::collections::VecDeque;

use super::arrives::Arrival;
use super::congestion::Congestion;
use super::connections::Connections;
use super::fast_open::FastOpenOption;
use super::flows::{Flow, Tuple};
use super::gate::Gate;
use super::half_open::{self, HalfOpen};
use super::header::{ACK, FIN, Header, RST, SYN};
use super::output::reset;
use super::tcb::Tcb;
use super::{Tcp, TcpConfig, cookies, ecn, window};
use crate::base::{Cause, Discard, Key};
use crate::network::{Cast, Network, Packet};
use crate::transport::ports::Ports;

/// What a listener has beyond a connection's block.
#[derive(Debug, Default)]
pub(super) struct Listener {
    /// As given to `listen`, cut to `somaxconn`.
    pub(super) backlog: u32,
    /// Established connections nobody has accepted.
    pub(super) accept_queue: VecDeque<Key>,
    /// Half-open connections.
    pub(super) half_open: u32,
    /// Where SYNs wait for a decision, if there is to be one.
    pub(super) gate: Option<Gate>,
}

impl Listener {
    /// Linux lets one more wait than the backlog says.
    pub(super) fn is_full(&self) -> bool {
        self.accept_queue.len() as u32 > self.backlog
    }

    /// True if no more half-open connections are remembered.
    fn syn_queue_is_full(&self) -> bool {
        let at_gate = self.gate.as_ref().map_or(0, Gate::len) as u32;
        self.half_open + at_gate >= self.backlog.max(1)
    }
}

/// What becomes of a SYN.
enum Admission {
    /// It is remembered.
    Remember,
    /// It is answered and forgotten: the answer's sequence number remembers it (RFC 4987 §3.6).
    Cookie,
    /// It waits for a decision.
    Wait,
    /// It is dropped.
    Refuse(Discard),
}

impl Tcp {
    /// A segment for a listener: first RST, second ACK, third SYN (RFC 9293 §3.10.7.2).
    #[inline(always)]
    pub(super) fn segment_for_listener(
        &mut self,
        net: &mut Network,
        id: Key,
        packet: &Packet,
        header: &Header,
        header_len: usize,
    ) {
        let payload_len = packet.len - header_len;
        if header.flags & RST != 0 {
            net.links.base.discard(Some(packet.link), Discard::TcpBadFlags, payload_len);
        } else if header.flags & ACK != 0 {
            if !self.try_cookie(net, id, packet, header, header_len) {
                reset::reply(net, packet, header, payload_len);
            }
        } else if header.flags & (SYN | FIN) != SYN || packet.cast != Cast::Unicast || packet.src.is_multicast() {
            // RFC 9293 MUST-57, MUST-63: never from or to a group. A SYN with FIN means nothing (Linux drops it).
            net.links.base.discard(Some(packet.link), Discard::TcpBadFlags, payload_len);
        } else {
            self.take_syn(net, id, packet, header, payload_len);
        }
    }

    #[inline(always)]
    fn take_syn(&mut self, net: &mut Network, id: Key, packet: &Packet, header: &Header, payload_len: usize) {
        match self.admit(net, id, packet, header) {
            Admission::Refuse(reason) => {
                net.links.base.counters.tcp_ext.listen_drops += 1;
                net.links.base.discard(Some(packet.link), reason, packet.len);
            }
            Admission::Cookie => {
                net.links.base.counters.tcp_ext.tcp_req_q_full_do_cookies += 1;
                self.answer_with_cookie(net, id, packet, header);
            }
            Admission::Wait => self.wait_at_gate(net, id, packet, header, payload_len),
            Admission::Remember if payload_len == 0 && header.options.fast_open.is_none() => {
                self.remember(net, id, packet, header, None);
            }
            Admission::Remember => match self.try_fast_open(net, id, packet, header, packet.len - payload_len) {
                Ok(()) => {}
                Err(option) => self.remember(net, id, packet, header, option),
            },
        }
    }

    fn admit(&self, net: &mut Network, id: Key, packet: &Packet, header: &Header) -> Admission {
        let Some(listener) = &self.records.connections[id].listener else { return Admission::Refuse(Discard::TcpNoPort) };
        if listener.gate.as_ref().is_some_and(|gate| gate.has_waiting(packet, header)) {
            return Admission::Wait;
        }
        let base = &mut net.links.base;
        if listener.is_full() {
            base.counters.tcp_ext.listen_overflows += 1;
            return Admission::Refuse(Discard::TcpBacklogFull);
        }
        if !base.budget.allows(HalfOpen::CHARGE) {
            return Admission::Refuse(Discard::OutOfMemory);
        }
        let crowded = listener.syn_queue_is_full() || self.records.half_open.len() >= self.common.config.max_syn_backlog as usize;
        match self.common.config.syncookies {
            _ if listener.gate.is_some() && crowded => {
                base.counters.tcp_ext.tcp_req_q_full_drop += 1;
                Admission::Refuse(Discard::TcpSynQueueFull)
            }
            _ if listener.gate.is_some() => Admission::Wait,
            2 => Admission::Cookie,
            1 if crowded => Admission::Cookie,
            0 if crowded => {
                base.counters.tcp_ext.tcp_req_q_full_drop += 1;
                Admission::Refuse(Discard::TcpSynQueueFull)
            }
            _ => Admission::Remember,
        }
    }

    /// Answers with a SYN-ACK and keeps a half-open connection.
    pub(super) fn remember(
        &mut self,
        net: &mut Network,
        id: Key,
        packet: &Packet,
        header: &Header,
        fast_open: Option<FastOpenOption>,
    ) {
        let mut half_open = self.half_open_for(net, id, packet, header);
        // The first SYN-ACK may bring a cookie for next time.
        let maxseg = self.records.connections[id].options.maxseg;
        half_open::transmit_syn_ack(net, &mut self.common.spare, &mut half_open, maxseg, fast_open);
        self.insert_half_open(net, half_open);
    }

    /// The half-open connection that a SYN begins.
    #[inline(always)]
    pub(super) fn half_open_for(&mut self, net: &Network, id: Key, packet: &Packet, header: &Header) -> HalfOpen {
        let tuple = Tuple { local: packet.dst, remote: packet.src, local_port: header.dst_port, remote_port: header.src_port };
        let (local, remote) = tuple.ends();
        let now = net.links.base.now;
        let (iss, offset) = self.isn.first(now, local, remote);
        let codepoint = packet.traffic_class & ecn::CE;
        let listener = &self.records.connections[id];
        HalfOpen::new(tuple, id, packet.link, iss, offset, header, codepoint, listener, &self.common.config, now)
    }

    /// An ACK without a connection may be the answer to a cookie.
    #[cold]
    #[inline(never)]
    fn try_cookie(&mut self, net: &mut Network, id: Key, packet: &Packet, header: &Header, header_len: usize) -> bool {
        if header.flags & SYN != 0 || self.common.config.syncookies == 0 || !self.cookies.recently_sent(net.links.base.now) {
            return false;
        }
        let now = net.links.base.now;
        let mut half_open = self.half_open_for(net, id, packet, header);
        let Some(mss) = self.cookies.check(now, &half_open.tuple(), header.seq - 1, header.ack - 1) else {
            net.links.base.counters.tcp_ext.syncookies_failed += 1;
            return false;
        };
        net.links.base.counters.tcp_ext.syncookies_recv += 1;
        let shift = window::shift(&self.records.connections[id].options, &self.common.config);
        cookies::restore(&mut half_open, header, mss, shift, &self.common.config);
        if let Some(key) = self.establish(net, &half_open) {
            self.flows.insert(&half_open.tuple(), Flow::Connection(key), &self.records);
            let mut packet = packet.clone();
            let mut arrival = Arrival { syn_sent: half_open.sent_at(now), ..Arrival::of(header, &mut packet, header_len) };
            self.segment_for_connection(net, key, &mut arrival);
        }
        true
    }

    /// As [`establish`], of a connection that was not remembered.
    #[cold]
    pub(super) fn establish(&mut self, net: &mut Network, half_open: &HalfOpen) -> Option<Key> {
        establish(&mut self.records.connections, &mut self.ports, &self.common.config, net, half_open)
    }

    /// The listener is closed: what it had not handed out is reset (RFC 9293 §3.10.4).
    pub(super) fn close_listener(&mut self, net: &mut Network, id: Key) {
        let Some(mut listener) = self.records.connections[id].listener.take() else { return };
        if let Some(gate) = listener.gate.take() {
            Self::leave_gate(net, gate);
        }
        for key in listener.accept_queue {
            self.abort(net, key, Cause::Call);
        }
        // Half-open ones find no listener any more when they ask for it; they end with their next event.
    }
}

/// The third segment of a handshake came: the connection joins the accept queue, and is about to be put into the table of flows.
/// None if there is no room (Linux drops the ACK, the SYN-ACK is sent again, and the peer tries again).
pub(super) fn establish(
    connections: &mut Connections,
    ports: &mut Ports,
    config: &TcpConfig,
    net: &mut Network,
    half_open: &HalfOpen,
) -> Option<Key> {
    let base = &mut net.links.base;
    let parent = connections.get(half_open.listener)?;
    if parent.listener.as_ref()?.is_full() || !base.budget.allows(4096) {
        base.counters.tcp_ext.listen_overflows += 1;
        return None;
    }
    let algorithm = parent.options.congestion.unwrap_or(config.congestion_control);
    let congestion = Congestion::new(algorithm, u32::from(half_open.peer_mss));
    let (inet, options) = (half_open.inet(&parent.inet), parent.options.clone());
    let key = connections.insert_with(|_| Tcb::new(inet, options, congestion));
    let tcb = &mut connections[key];
    half_open.open(tcb, base.now);
    tcb.hold_port(ports);
    base.budget.charge(Tcb::CHARGE);
    let parent = connections.get_mut(half_open.listener)?;
    if let Some(listener) = &mut parent.listener {
        listener.accept_queue.push_back(key);
    }
    parent.notify(base);
    base.counters.tcp.passive_opens += 1;
    Some(key)
}
