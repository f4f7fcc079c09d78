//! ICMP errors for TCP (RFC 9293 §3.9.2.2, RFC 5927, RFC 1191, RFC 8201).

use super::flows::{Flow, Tuple};
use super::output::{self, Push, transmit};
use super::seq::Seq;
use super::tcb::Tcb;
use super::{Cx, Tcp, fast_open, handshake, recovery};
use crate::base::{Cause, Discard, Key, TcpState, What};
use crate::network::{ErrorCause, Network, TransportError};

impl Tcp {
    /// An ICMP error that quotes a segment of ours. RFC 9293 MUST-54: it reaches the connection it is about.
    pub fn error(&mut self, net: &mut Network, error: &TransportError) {
        let Some((tuple, seq)) = quoted(error) else {
            return net.links.base.discard(Some(error.link), Discard::IcmpMalformed, error.quoted.len());
        };
        match self.flows.find(&tuple, &self.records) {
            Some(Flow::Connection(id)) => {
                let Some((tcb, mut cx)) = self.with(net, id) else { return };
                if !is_in_flight(tcb, seq) {
                    return disbelieve(net, error);
                }
                take(tcb, &mut cx, error);
                self.settle(net, id);
            }
            Some(Flow::HalfOpen(key)) if self.records.half_open[key].iss != seq => disbelieve(net, error),
            Some(Flow::HalfOpen(key)) if ends_half_open(error) => self.give_up_half_open(net, key),
            Some(Flow::HalfOpen(_)) => {}
            _ => net.links.base.discard(Some(error.link), Discard::IcmpNoSocket, error.quoted.len()),
        }
    }

    /// Our SYN-ACK does not get there. Counted as Linux counts it: the listener lost one.
    fn give_up_half_open(&mut self, net: &mut Network, key: Key) {
        let Some(half_open) = self.remove_half_open(net, key) else { return };
        let (local, peer) = half_open.tuple().ends();
        let (from, to, cause) = (TcpState::SynReceived, TcpState::Closed, Cause::Icmp);
        net.links.base.counters.tcp_ext.listen_drops += 1;
        net.links.base.emit(What::State { socket: None, local, peer, from, to, cause });
    }
}

/// RFC 5927 §4: an error about something else than what is in flight is a forgery, or late.
fn disbelieve(net: &mut Network, error: &TransportError) {
    net.links.base.counters.tcp_ext.out_of_window_icmps += 1;
    net.links.base.discard(Some(error.link), Discard::IcmpNotInFlight, error.quoted.len());
}

/// Ends and sequence number of the quoted segment.
fn quoted(error: &TransportError) -> Option<(Tuple, Seq)> {
    let header = error.quoted.get(..8)?;
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let tuple = Tuple { local: error.local, remote: error.remote, local_port: word(0), remote_port: word(2) };
    Some((tuple, Seq(u32::from_be_bytes([header[4], header[5], header[6], header[7]]))))
}

/// Our SYN-ACK did not get there: as in Linux it is given up, or its retransmission waited for. Which errors are believed differs by family:
/// of IPv4 those that say that there is no way (net and host unreachable among them), of IPv6 those that are final.
fn ends_half_open(error: &TransportError) -> bool {
    match error.cause {
        ErrorCause::TooBig { .. } => false,
        _ if !error.remote.is_v4() => error.fatal,
        ErrorCause::Unreachable => error.code <= 1,
        _ => true,
    }
}

/// RFC 5927 §4: only an error about something in flight is believed.
fn is_in_flight(tcb: &Tcb, seq: Seq) -> bool {
    seq.at_or_after(tcb.snd.una) && seq.at_or_before(tcb.snd.nxt)
}

fn take(tcb: &mut Tcb, cx: &mut Cx<'_>, error: &TransportError) {
    match error.cause {
        ErrorCause::TooBig { mtu } => shrink(tcb, cx, error, mtu),
        // Opening: as Linux does, any error ends it at once. RFC 9293 MUST-56 would have the soft ones (net and host unreachable) waited
        // out, but a host that has several addresses to try is better served by knowing (RFC 5461 §4.1).
        _ if is_opening(tcb) => tcb.fail(cx.base(), error.errno, Cause::Icmp),
        // RFC 9293 MUST-55: source quench is ignored (the network layer drops it). RFC 9293 MUST-56, SHLD-25: codes 0, 1, 5,
        // time exceeded and parameter problem are hints, not ends.
        // Linux ends an established connection only if the application asked for errors (`IP_RECVERR`).
        _ if error.fatal && tcb.inet.recv_err => tcb.fail(cx.base(), error.errno, Cause::Icmp),
        _ => tcb.inet.soft_error = Some(error.errno),
    }
}

/// The handshake is not over. But what a SYN with data opened (RFC 7413 §4.2.2) is open for who accepted it, and as in Linux nothing that is only
/// a hint for an open connection ends it.
fn is_opening(tcb: &Tcb) -> bool {
    match tcb.state {
        TcpState::SynSent => true,
        TcpState::SynReceived => tcb.queued || !fast_open::server::may_send(tcb),
        _ => false,
    }
}

/// RFC 1191 §6.4, RFC 8201 §5.4: the path takes only smaller segments; what was too big is sent again at once.
fn shrink(tcb: &mut Tcb, cx: &mut Cx<'_>, error: &TransportError, mtu: u32) {
    if cx.net.path_mtu_believed(error.link, error.remote, mtu).is_none() {
        return;
    }
    if tcb.state == TcpState::SynSent {
        return handshake::again_without_data(tcb, cx);
    }
    let may_send = tcb.state != TcpState::SynReceived || fast_open::server::may_send(tcb);
    if may_send && transmit::learn_path(tcb, cx) && tcb.snd.nxt.after(tcb.data_begin()) {
        send_smaller(tcb, cx);
    }
}

/// RFC 1191 §6.4
fn send_smaller(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let (una, now, syn) = (tcb.snd.una, cx.now(), tcb.data_begin() - tcb.snd.una);
    let board = &mut tcb.sending_mut().board;
    board.mark_all_lost(false);
    if syn > 0 {
        // Our SYN-ACK before it was small, and goes again by its own timer alone.
        board.resent(una, syn, now);
    }
    recovery::send_lost_again(tcb);
    output::run(tcb, cx, Push::Normal);
}
