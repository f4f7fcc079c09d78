//! Readiness, with the bits of Linux's `tcp_poll`.

use super::data;
use crate::base::{Key, Ready, TcpState};
use crate::transport::tcp::gate::Gate;
use crate::transport::tcp::tcb::{Tcb, Urgent};
use crate::transport::tcp::{Tcp, TcpConfig, fast_open, tuning, window};

impl Tcp {
    /// What `poll` reports now.
    pub fn readiness(&self, id: Key) -> Ready {
        let tcb = &self.records.connections[id];
        if let Some(listener) = &tcb.listener {
            let request = listener.gate.as_ref().is_some_and(Gate::has_news);
            return if request || !listener.accept_queue.is_empty() { Ready::IN } else { Ready::NONE };
        }
        let mut ready = Ready::NONE;
        if (tcb.shut_read && tcb.shut_write) || tcb.state == TcpState::Closed {
            ready |= Ready::HUP;
        }
        if tcb.shut_read {
            ready |= Ready::IN | Ready::RDHUP;
        }
        if !matches!(tcb.state, TcpState::SynSent | TcpState::SynReceived) || fast_open::server::may_send(tcb) {
            ready |= self.data_readiness(tcb);
        }
        if self.is_deferred(id) {
            // The first write sends the SYN.
            ready |= Ready::OUT;
        }
        if tcb.inet.error.is_some() {
            ready |= Ready::ERR;
        }
        ready
    }

    fn data_readiness(&self, tcb: &Tcb) -> Ready {
        let mut ready = Ready::NONE;
        let wanted = (tcb.options.rcvlowat.max(1) as usize).min(most_ever_readable(tcb, &self.common.config));
        // A mark ahead ends what one read can give, so it is enough (Linux's `tcp_poll` raises the target past it).
        if tcb.readable_len() as usize >= wanted && data::readable(tcb) > 0 {
            ready |= Ready::IN;
        }
        if tcb.shut_write || tuning::is_writable(tcb, &self.common.config) {
            ready |= Ready::OUT;
        }
        if matches!(tcb.rcv.urgent, Urgent::Here(_)) {
            ready |= Ready::PRI;
        }
        ready
    }
}

/// A low-water mark above what the buffer can hold would never be reached.
fn most_ever_readable(tcb: &Tcb, config: &TcpConfig) -> usize {
    (window::full_space(tcb, config) as usize).max(1)
}
