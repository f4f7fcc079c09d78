//! The gate before a listener: SYNs that wait until its owner has decided about them. None is answered before, so that the peer of a
//! proxy is refused, or told that the host is unreachable, as if it had asked the real one (RFC 9293 §3.10.7.2 leaves the time open).
//!
//! A waiting SYN is the packet itself. The peer repeats it; the newest takes the place of the one before, since its timestamp is what the
//! answer must echo.

use alloc::vec::Vec;

use super::Tcp;
use super::flows::Tuple;
use super::half_open::HalfOpen;
use super::header::Header;
use super::output::reset;
use crate::base::{Errno, Key, SockAddr};
use crate::network::{Network, Packet, Unreachable};

/// A connection that somebody wants to open, at a listener with a gate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Request {
    /// Whom it is for: the destination of its packets.
    pub local: SockAddr,
    /// From whom it is.
    pub remote: SockAddr,
}

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The handshake goes on.
    Accept,
    /// It is refused, by a reset.
    Refuse,
    /// It is told by ICMP that its destination cannot be reached.
    Unreachable(Unreachable),
    /// Nothing is said. The peer will ask again.
    Ignore,
}

/// A SYN that waits.
#[derive(Debug)]
struct Waiting {
    tuple: Tuple,
    packet: Packet,
    header: Header,
    payload_len: usize,
    /// The owner knows of it.
    told: bool,
}

/// The SYNs that wait at one listener, oldest first.
#[derive(Debug, Default)]
pub(super) struct Gate {
    waiting: Vec<Waiting>,
}

impl Gate {
    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// True if the owner has not heard of one.
    pub(super) fn has_news(&self) -> bool {
        self.waiting.iter().any(|waiting| !waiting.told)
    }

    /// True if the peer has asked before and not been answered.
    #[cold]
    #[inline(never)]
    pub(super) fn has_waiting(&self, packet: &Packet, header: &Header) -> bool {
        self.position(&ends(packet, header)).is_some()
    }

    fn position(&self, tuple: &Tuple) -> Option<usize> {
        self.waiting.iter().position(|waiting| waiting.tuple == *tuple)
    }
}

fn ends(packet: &Packet, header: &Header) -> Tuple {
    Tuple { local: packet.dst, remote: packet.src, local_port: header.dst_port, remote_port: header.src_port }
}

/// What a waiting packet is charged to the budget.
fn charge(packet: &Packet) -> usize {
    HalfOpen::CHARGE + packet.frame.len()
}

impl Tcp {
    /// From now on connections to this listener wait for [`Tcp::answer`]. `EINVAL` if it does not listen.
    pub fn put_gate(&mut self, id: Key) -> Result<(), Errno> {
        let listener = self.records.connections[id].listener.as_mut().ok_or(Errno::EINVAL)?;
        listener.gate.get_or_insert_default();
        Ok(())
    }

    /// The next request that was not yet told. `EAGAIN` (none), `EINVAL` (no gate).
    pub fn next_request(&mut self, id: Key) -> Result<Request, Errno> {
        let gate = self.gate_mut(id).ok_or(Errno::EINVAL)?;
        let waiting = gate.waiting.iter_mut().find(|waiting| !waiting.told).ok_or(Errno::EAGAIN)?;
        waiting.told = true;
        let (local, remote) = waiting.tuple.ends();
        Ok(Request { local, remote })
    }

    /// Decides about a request. `ENOENT` if it does not wait, `EINVAL` (no gate).
    pub fn answer(&mut self, net: &mut Network, id: Key, request: &Request, verdict: Verdict) -> Result<(), Errno> {
        let Request { local, remote } = *request;
        let tuple = Tuple { local: local.addr, remote: remote.addr, local_port: local.port, remote_port: remote.port };
        let gate = self.gate_mut(id).ok_or(Errno::EINVAL)?;
        let at = gate.position(&tuple).ok_or(Errno::ENOENT)?;
        let Waiting { packet, header, payload_len, .. } = gate.waiting.remove(at);
        net.links.base.budget.release(charge(&packet));
        match verdict {
            Verdict::Accept => self.remember(net, id, &packet, &header, None),
            Verdict::Refuse => reset::reply(net, &packet, &header, payload_len),
            Verdict::Unreachable(why) => net.unreachable(&packet, why),
            Verdict::Ignore => {}
        }
        Ok(())
    }

    /// A SYN for a listener with a gate.
    #[cold]
    #[inline(never)]
    pub(super) fn wait_at_gate(&mut self, net: &mut Network, id: Key, packet: &Packet, header: &Header, payload_len: usize) {
        let tuple = ends(packet, header);
        let Some(gate) = self.gate_mut(id) else { return };
        net.links.base.budget.charge(charge(packet));
        match gate.position(&tuple) {
            Some(at) => {
                let waiting = &mut gate.waiting[at];
                net.links.base.budget.release(charge(&waiting.packet));
                waiting.packet = packet.clone();
                waiting.header = *header;
                waiting.payload_len = payload_len;
            }
            None => {
                gate.waiting.push(Waiting { tuple, packet: packet.clone(), header: *header, payload_len, told: false });
                self.records.connections[id].notify(&mut net.links.base);
            }
        }
    }

    /// The listener is closed: nobody will decide.
    pub(super) fn leave_gate(net: &mut Network, gate: Gate) {
        for waiting in gate.waiting {
            net.links.base.budget.release(charge(&waiting.packet));
        }
    }

    fn gate_mut(&mut self, id: Key) -> Option<&mut Gate> {
        self.records.connections[id].listener.as_mut()?.gate.as_mut()
    }
}
