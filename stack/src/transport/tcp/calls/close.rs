//! CLOSE and ABORT (RFC 9293 §3.10.4, §3.10.5).

use alloc::vec::Vec;

use crate::base::{Cause, Duration, Errno, Key, TcpState};
use crate::network::Network;
use crate::transport::tcp::output::{self, Push, reset, short, transmit};
use crate::transport::tcp::state::{self, Input};
use crate::transport::tcp::tcb::Tcb;
use crate::transport::tcp::{Cx, Tcp, timers};

impl Tcp {
    /// `SHUT_WR`: what was written still goes, then a FIN.
    pub fn shutdown_write(&mut self, net: &mut Network, id: Key) {
        let Some((tcb, mut cx)) = self.with(net, id) else { return };
        close_write(tcb, &mut cx);
        tcb.notify(cx.base());
        self.settle(net, id);
    }

    /// `SHUT_RD`: reads see the end of the stream once what is here was read. Nothing is told to the peer (as everywhere).
    /// On a listener, or one that is connecting, it ends that (Linux).
    pub fn shutdown_read(&mut self, net: &mut Network, id: Key) {
        if self.records.connections[id].listener.is_some() {
            self.close_listener(net, id);
            self.unlisten(net, id);
            return;
        }
        let Some((tcb, cx)) = self.with(net, id) else { return };
        tcb.shut_read = true;
        tcb.notify(&mut cx.net.links.base);
        if tcb.state == TcpState::SynSent {
            self.disconnect(net, id);
        }
    }

    /// A listener listens no more; its port stays bound.
    fn unlisten(&mut self, net: &mut Network, id: Key) {
        let tcb = &mut self.records.connections[id];
        tcb.end(&mut net.links.base, Cause::Call);
        let port = tcb.inet.local_port;
        self.ports.update(port, id, |binding| binding.listening = false);
    }

    /// The last handle is gone. The connection goes on by itself until it is closed in order; with unread data, or with
    /// `linger` of zero, it is reset instead (RFC 9293 §3.6.1, RFC 1122 §4.2.2.13).
    #[inline(always)]
    pub fn close(&mut self, net: &mut Network, id: Key, linger: Option<Duration>) {
        let Some((tcb, mut cx)) = self.with(net, id) else { return };
        if tcb.listener.is_some() {
            return self.close_listening(net, id, linger);
        }
        tcb.inet.owner = None;
        close_connection(tcb, &mut cx, linger);
        if tcb.is_over() {
            self.settle(net, id);
        }
    }

    #[cold]
    #[inline(never)]
    fn close_listening(&mut self, net: &mut Network, id: Key, linger: Option<Duration>) {
        self.close_listener(net, id);
        self.records.connections[id].end(&mut net.links.base, Cause::Call);
        self.close(net, id, linger);
    }

    /// `connect` to `AF_UNSPEC`: resets the connection; the socket is fresh again, bound as it was.
    pub fn disconnect(&mut self, net: &mut Network, id: Key) {
        if self.records.connections[id].listener.is_some() {
            self.close_listener(net, id);
            self.unlisten(net, id);
        }
        let Some((tcb, mut cx)) = self.with(net, id) else { return };
        if needs_reset(tcb) {
            reset::abort(tcb, &mut cx);
        }
        tcb.drop_receiving(cx.base());
        tcb.end(cx.base(), Cause::Call);
        tcb.drop_sending(cx.base());
        self.settle(net, id);
        self.freshen(id);
    }

    /// Resets all connections that are not closed by both ends, those that no application holds any more included; says how many. What
    /// came can still be read; then applications are told `errno`.
    pub fn abort_all(&mut self, net: &mut Network, errno: Errno) -> usize {
        let is_open = |tcb: &Tcb| !matches!(tcb.state, TcpState::Closed | TcpState::Listen | TcpState::TimeWait);
        let open: Vec<Key> = self.records.connections.iter().filter(|(_, tcb)| is_open(tcb)).map(|(key, _)| key).collect();
        for key in &open {
            let Some((tcb, mut cx)) = self.with(net, *key) else { continue };
            if needs_reset(tcb) {
                reset::abort(tcb, &mut cx);
            }
            tcb.fail(cx.base(), errno, Cause::Call);
            self.settle(net, *key);
        }
        open.len()
    }

    /// True if a connection still has something to bring to its other end: data, or the end of them.
    pub fn is_flushing(&self) -> bool {
        self.records.connections.iter().any(|(_, tcb)| is_flushing(tcb))
    }

    /// True if one of those that are [flushing](Self::is_flushing) has a route to its other end, be it on this very host.
    pub fn can_flush(&self, net: &mut Network) -> bool {
        let mut flushing = self.records.connections.iter().filter(|(_, tcb)| is_flushing(tcb));
        flushing.any(|(_, tcb)| net.route(&transmit::way(tcb)).is_ok())
    }

    /// The socket as it was before it connected.
    fn freshen(&mut self, id: Key) {
        let algorithm = self.common.config.congestion_control;
        let Some(tcb) = self.records.connections.get_mut(id) else { return };
        let congestion = crate::transport::tcp::congestion::Congestion::new(algorithm, 536);
        let fresh = Tcb::new(tcb.inet.clone(), tcb.options.clone(), congestion);
        *tcb = fresh;
        tcb.inet.remote = crate::base::Addr::any(tcb.inet.version);
        tcb.inet.remote_port = 0;
        if !tcb.inet.bound_port {
            tcb.inet.local_port = 0;
        }
        if !tcb.inet.bound_address {
            tcb.inet.local = crate::base::Addr::any(tcb.inet.version);
        }
    }
}

fn is_flushing(tcb: &Tcb) -> bool {
    use TcpState::*;
    matches!(tcb.state, Established | CloseWait | FinWait1 | Closing | LastAck)
}

/// RFC 9293 §3.10.4: queues the FIN behind what was written. Before our SYN is acknowledged there is nothing to close in order.
#[inline(always)]
fn close_write(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    tcb.shut_write = true;
    match tcb.state {
        // It is queued until our SYN is acknowledged.
        TcpState::SynReceived => tcb.snd.fin = true,
        TcpState::Established | TcpState::CloseWait => {
            tcb.snd.fin = true;
            tcb.advance(cx.base(), Input::Close, Cause::Call);
            if !short::fin(tcb, cx) {
                output::run(tcb, cx, Push::Normal);
            }
        }
        _ => {}
    }
}

#[inline(always)]
fn close_connection(tcb: &mut Tcb, cx: &mut Cx<'_>, linger: Option<Duration>) {
    let unread = tcb.readable_len() > 0;
    let at_once = linger.is_some_and(|linger| linger.is_zero());
    tcb.shut_read = true;
    if tcb.receiving.is_some() {
        tcb.drop_receiving(cx.base());
    }
    match tcb.state {
        TcpState::Closed => {}
        TcpState::SynSent => tcb.end(cx.base(), Cause::Call),
        // RFC 9293 §3.6.1: data that was received and never read was lost, and the peer is told so by a RST.
        _ if unread => {
            cx.base().counters.tcp_ext.tcp_abort_on_close += 1;
            close_by_reset(tcb, cx);
        }
        _ if at_once => {
            cx.base().counters.tcp_ext.tcp_abort_on_linger += 1;
            close_by_reset(tcb, cx);
        }
        TcpState::FinWait2 => give_up_waiting(tcb, cx),
        _ => close_write(tcb, cx),
    }
}

#[cold]
#[inline(never)]
fn close_by_reset(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    reset::abort(tcb, cx);
    tcb.end(cx.base(), Cause::Call);
}

/// Our FIN is acknowledged and nobody is left to read: the peer's FIN is waited for, but not for ever (Linux).
#[inline(never)]
fn give_up_waiting(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if tcb.options.linger2 < 0 {
        close_by_reset(tcb, cx);
    } else {
        timers::arm_fin_wait_2(tcb, cx);
        timers::sync(tcb, cx);
    }
}

/// The peer must be told that the connection is gone (RFC 9293 §3.10.5).
fn needs_reset(tcb: &Tcb) -> bool {
    matches!(
        tcb.state,
        TcpState::SynReceived | TcpState::Established | TcpState::FinWait1 | TcpState::FinWait2 | TcpState::CloseWait
    ) || (state::is_synchronized(tcb.state) && tcb.in_flight())
}
