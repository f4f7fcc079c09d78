//! The error queue of a socket (`IP_RECVERR`, `MSG_ERRQUEUE`).

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use bytes::Bytes;

use super::Datagram;
use super::queue::truesize;
use crate::base::{Addr, Budget, Errno, Instant, SockAddr};
use crate::network::{ErrorCause, TransportError};

/// `ee_origin`: this host found it out itself.
pub(super) const ORIGIN_LOCAL: u8 = 1;
/// `ee_origin`: an ICMP message told.
pub(super) const ORIGIN_ICMP: u8 = 2;
/// `ee_origin`: an ICMPv6 message told.
pub(super) const ORIGIN_ICMP6: u8 = 3;

/// One entry of the error queue (`struct sock_extended_err`).
#[derive(Clone, Debug)]
pub struct QueuedError {
    /// `ee_errno`
    pub errno: Errno,
    /// `ee_origin`: 1 local, 2 ICMP, 3 ICMPv6.
    pub origin: u8,
    /// `ee_type`
    pub kind: u8,
    /// `ee_code`
    pub code: u8,
    /// `ee_info`: the MTU for "too big".
    pub info: u32,
    /// Who reported it.
    pub offender: Option<Addr>,
    /// Where the datagram was sent.
    pub destination: SockAddr,
    /// Payload of the datagram as far as it was quoted.
    pub data: Bytes,
    /// The packet that brought it, as far as ancillary data tells of it; none for what was found out here.
    pub bearer: Option<Box<Datagram>>,
}

impl QueuedError {
    /// What an ICMP error tells of a datagram to `port`; `skip` bytes of its quotation are transport header.
    pub fn from_icmp(error: &TransportError, port: u16, skip: usize, now: Instant) -> Self {
        let from = SockAddr::new(error.offender, 0);
        let (to, link, hop_limit, tos) = (error.local, error.link, error.hop_limit, error.traffic_class);
        let bearer = Datagram { from, to, link, hop_limit, tos, at: now, ..Datagram::default() };
        let info = if let ErrorCause::TooBig { mtu } = error.cause { mtu } else { 0 };
        Self {
            errno: error.errno,
            origin: if error.remote.is_v4() { ORIGIN_ICMP } else { ORIGIN_ICMP6 },
            kind: error.kind,
            code: error.code,
            info,
            offender: Some(error.offender),
            destination: SockAddr::new(error.remote, port),
            data: error.quoted.slice(skip.min(error.quoted.len())..),
            bearer: Some(Box::new(bearer)),
        }
    }

    /// A datagram was too big for a path that takes `mtu` bytes.
    pub fn too_big(destination: SockAddr, mtu: u32) -> Self {
        let errno = Errno::EMSGSIZE;
        let (origin, data) = (ORIGIN_LOCAL, Bytes::new());
        Self { errno, origin, kind: 0, code: 0, info: mtu, offender: None, destination, data, bearer: None }
    }

    /// Linux's `is_icmp_err_skb`.
    pub const fn is_icmp(&self) -> bool {
        matches!(self.origin, ORIGIN_ICMP | ORIGIN_ICMP6)
    }
}

/// Errors that wait to be read, bounded by the receive buffer and charged to the budget like datagrams.
#[derive(Debug, Default)]
pub struct ErrorQueue {
    queue: VecDeque<QueuedError>,
    charged: usize,
}

impl ErrorQueue {
    /// Queues an entry; when there is no room it is lost, as in Linux. Says whether it was queued.
    pub fn push(&mut self, budget: &mut Budget, rcvbuf: usize, error: QueuedError) -> bool {
        let size = truesize(error.data.len());
        let fits = self.charged + size <= rcvbuf && budget.allows(size);
        if fits {
            budget.charge(size);
            self.charged += size;
            self.queue.push_back(error);
        }
        fits
    }

    /// The oldest entry.
    pub fn front(&self) -> Option<&QueuedError> {
        self.queue.front()
    }

    /// Takes the oldest entry.
    pub fn pop(&mut self, budget: &mut Budget) -> Option<QueuedError> {
        let error = self.queue.pop_front()?;
        let size = truesize(error.data.len());
        budget.release(size);
        self.charged -= size;
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        Some(error)
    }

    /// Gives everything back.
    pub fn clear(&mut self, budget: &mut Budget) {
        budget.release(self.charged);
        *self = Self::default();
    }

    /// True if nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_errors_is_bounded_by_the_receive_buffer() {
        let mut budget = Budget::new(1 << 20);
        let mut queue = ErrorQueue::default();
        let entry = || QueuedError::too_big(SockAddr::default(), 1500);
        let queued = (0..1000).filter(|_| queue.push(&mut budget, 4608, entry())).count();
        assert_eq!(queued, 5);
        assert_eq!(budget.used(), 5 * truesize(0));
        while queue.pop(&mut budget).is_some() {}
        assert_eq!(budget.used(), 0);
    }
}
