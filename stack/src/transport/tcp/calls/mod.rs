//! What the socket layer calls (RFC 9293 §3.9.1). Mechanics only: which errno a call gives in which state is decided above.

mod close;
pub(super) mod data;
mod info;
mod open;
mod ready;
pub(super) mod writing;

use alloc::sync::Arc;

use super::output::{self, Push};
use super::tcb::Tcb;
use super::{Tcp, TcpOptions, rate, timers, tuning};
use crate::base::{Key, SocketId, TcpState, Version};
use crate::network::Network;
use crate::transport::inet::Inet;

/// What the socket layer must know of a stream before it reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Unread {
    /// Bytes that one read can give now: up to the urgent mark if one is ahead.
    pub readable: usize,
    /// Behind them the stream ends: the peer sent FIN.
    pub end: bool,
    /// Bytes until the urgent mark, if one is ahead (or at the front: 0). A read does not go past it unless it starts there
    /// (`SIOCATMARK`).
    pub mark: Option<usize>,
    /// `SO_RCVLOWAT`
    pub low_water: usize,
    /// The connection's state.
    pub state: TcpState,
}

impl Tcp {
    /// A fresh socket, closed.
    #[inline(always)]
    pub fn open(&mut self, owner: SocketId, version: Version) -> Key {
        let congestion = super::congestion::Congestion::new(self.common.config.congestion_control, 536);
        let (inet, options) = (Inet::new(version, Some(owner)), self.default_options.clone());
        self.records.connections.insert_with(|_| Tcb::new(inet, options, congestion))
    }

    /// Ends, addresses, options shared with other protocols.
    ///
    /// # Panics
    /// If the key is not that of a living socket: a bug of the socket layer. So do the other calls.
    pub fn inet(&self, id: Key) -> &Inet {
        &self.records.connections[id].inet
    }

    /// The same, to be changed. The ends are not the caller's to change.
    pub fn inet_mut(&mut self, id: Key) -> &mut Inet {
        &mut self.records.connections[id].inet
    }

    /// Settings of the connection.
    pub fn options(&self, id: Key) -> &TcpOptions {
        &self.records.connections[id].options
    }

    /// The same, to be changed; then [`Tcp::options_changed`] makes it so.
    pub fn options_mut(&mut self, id: Key) -> &mut TcpOptions {
        Arc::make_mut(&mut self.records.connections[id].options)
    }

    /// Changes settings and makes it so.
    #[inline(always)]
    pub fn change_options(&mut self, net: &mut Network, id: Key, change: impl FnOnce(&mut TcpOptions)) {
        if self.concerns_others(net, id, change) {
            self.options_changed(net, id);
        }
    }

    /// `TCP_NODELAY`. When it is set what is queued goes out, even what a cork holds (Linux).
    pub fn set_nodelay(&mut self, net: &mut Network, id: Key, on: bool) {
        if self.concerns_others(net, id, |options| options.nodelay = on) {
            if on {
                self.push_queued(net, id);
            }
            self.options_changed(net, id);
        }
    }

    /// Changes settings; says if that concerns more than the socket itself. One that is nowhere yet is looked at once.
    #[inline]
    fn concerns_others(&mut self, net: &mut Network, id: Key, change: impl FnOnce(&mut TcpOptions)) -> bool {
        let tcb = &mut self.records.connections[id];
        change(Arc::make_mut(&mut tcb.options));
        let is_fresh = is_fresh(tcb);
        if is_fresh {
            tuning::hold_low_water(tcb, &self.common.config);
            tcb.notify(&mut net.links.base);
        }
        !is_fresh
    }

    /// The send and the receive buffer's limit now, in bytes as `getsockopt` gives them: what was set, or what they grew to.
    pub fn buffers(&self, id: Key) -> (u32, u32) {
        let (tcb, config) = (&self.records.connections[id], &self.common.config);
        let begun = super::state::is_synchronized(tcb.state) || tcb.options.sndbuf != 0 || tcb.tuning.is_some();
        let send = if begun { tuning::send_buffer(tcb, config) } else { config.wmem[1] };
        (send, tuning::receive_buffer(tcb, config))
    }

    /// Uncorks, restarts keepalive, sends what Nagle held, according to the options as they are now.
    pub fn options_changed(&mut self, net: &mut Network, id: Key) {
        self.rebind_options(id);
        let Some((tcb, mut cx)) = self.with(net, id) else { return };
        // A connection keeps what it began with until its program asks for another, whatever the stack's default is by now.
        let wanted = tcb.options.congestion.filter(|wanted| *wanted != tcb.congestion.algorithm());
        let changed = wanted.is_some();
        if let Some(wanted) = wanted {
            tcb.congestion.change(wanted);
        }
        match super::state::is_synchronized(tcb.state) {
            true if changed => rate::begin(tcb, cx.now()),
            true => rate::adapt(tcb, cx.now()),
            false => {}
        }
        tuning::hold_low_water(tcb, &cx.common.config);
        // A buffer may have become larger, a low-water mark lower.
        tcb.notify(cx.base());
        timers::arm_keepalive(tcb, &cx);
        if tcb.options.quickack && tcb.rcv.ack_due {
            tcb.rcv.ack_now = true;
        }
        if matches!(tcb.state, TcpState::Closed | TcpState::Listen | TcpState::SynSent | TcpState::SynReceived) {
            return;
        }
        output::run(tcb, &mut cx, Push::Normal);
        self.settle(net, id);
    }

    fn push_queued(&mut self, net: &mut Network, id: Key) {
        if let Some((tcb, mut cx)) = self.with(net, id)
            && super::state::may_send(tcb.state)
        {
            output::run(tcb, &mut cx, Push::Queued);
            self.settle(net, id);
        }
    }

    /// The ports table keeps what decides about sharing.
    fn rebind_options(&mut self, id: Key) {
        let tcb = &mut self.records.connections[id];
        let inet = &tcb.inet;
        if inet.bound_port {
            let (reuse_addr, reuse_port, link, v6only) = (inet.reuse_addr, inet.reuse_port, inet.link, inet.v6only);
            self.ports.update(inet.local_port, id, |binding| {
                binding.reuse_addr = reuse_addr;
                binding.reuse_port = reuse_port;
                binding.link = link;
                binding.v6only = v6only;
            });
        } else if tcb.holds.is_some() {
            tcb.release_port(&mut self.ports);
            tcb.hold_port(&mut self.ports);
        }
    }

    /// The state. A connection whose two segment lifetimes run elsewhere as a record is `Closed` here, as in Linux.
    pub fn state(&self, id: Key) -> TcpState {
        self.records.connections[id].state
    }
}

/// It is nowhere yet, so that options change nothing but itself.
fn is_fresh(tcb: &Tcb) -> bool {
    tcb.state == TcpState::Closed && !tcb.inet.bound_port && tcb.holds.is_none() && tcb.options.congestion.is_none()
}
