//! What every datagram socket has, whatever its protocol.

use super::{
    Datagram, DatagramOptions, DatagramQueue, ErrorQueue, Front, Groups, MembershipChange, Payload, QueuedError, Refused,
    SendControl,
};
use crate::base::event::{Direction, What};
use crate::base::{Addr, Base, Errno, Frame, LinkId, MsgFlags, Ready, SockAddr, SocketId, Version};
use crate::network::{ErrorCause, Fragmentation, Network, TransportError};
use crate::transport::inet::{Inet, Shutdown};

/// The other end a socket is to be connected to.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    remote: SockAddr,
    link: u16,
    src: Addr,
}

/// A datagram socket without its protocol: ends, options, queues, groups.
#[derive(Debug)]
pub struct Endpoint {
    /// Ends and common options.
    pub inet: Inet,
    /// Options of datagram sockets.
    pub options: DatagramOptions,
    /// What arrived.
    pub queue: DatagramQueue,
    /// What went wrong, for `IP_RECVERR`.
    pub errors: ErrorQueue,
    /// Multicast memberships.
    pub groups: Groups,
    /// Reading was shut.
    pub read_shut: bool,
    /// Writing was shut.
    pub write_shut: bool,
    /// A send found the link's queue full and waits for room.
    pub blocked: bool,
    /// Rises with every call that may change where what is sent goes, and how.
    pub changes: u64,
}

impl Endpoint {
    /// A fresh socket.
    pub fn new(owner: SocketId, version: Version) -> Self {
        // IP_PMTUDISC_WANT is Linux's default for datagrams: we cut, routers must not.
        let inet = Inet { fragmentation: Fragmentation::Local, ..Inet::new(version, Some(owner)) };
        Self {
            inet,
            options: DatagramOptions::default(),
            queue: DatagramQueue::default(),
            errors: ErrorQueue::default(),
            groups: Groups::default(),
            read_shut: false,
            write_shut: false,
            blocked: false,
            changes: 0,
        }
    }

    /// Says that readiness may have changed.
    pub fn notify(&self, base: &mut Base) {
        if let Some(owner) = self.inet.owner {
            base.notify.push(owner);
        }
    }

    /// Queues a datagram and tells the reader.
    pub fn deliver(&mut self, base: &mut Base, datagram: Datagram) -> Result<(), Refused> {
        let (peer, len, segment_size) = (datagram.from, datagram.data.len(), datagram.segment_size);
        *self.queue.push(&mut base.budget, self.options.rcvbuf, len, segment_size)? = datagram;
        self.delivered(base, peer, len);
        Ok(())
    }

    /// As [`Endpoint::deliver`], of the datagram whose payload are the bytes of `frame` from `start` on, and which is as `about` tells otherwise. If
    /// the last one that was queued was like it and no other came since, `behind` is true, and both may be one record.
    #[inline(always)] // Part of both who follow a datagram.
    pub fn deliver_like(
        &mut self,
        base: &mut Base,
        about: &Datagram,
        behind: bool,
        frame: Frame,
        start: usize,
    ) -> Result<(), Refused> {
        let (rcvbuf, now, len) = (self.options.rcvbuf, base.now, frame.len() - start);
        if !(behind && self.queue.push_behind(&mut base.budget, rcvbuf, now, (&frame, start, len))?) {
            let place = self.queue.push(&mut base.budget, rcvbuf, len, 0)?;
            place.be_like(about, now);
            place.data = Payload::Framed { frame, at: start as u32, len: len as u32 };
        }
        self.delivered(base, about.from, len);
        Ok(())
    }

    /// The oldest datagram, or all that are joined with it if the socket wants that.
    #[inline]
    pub fn front(&self) -> Option<Front<'_>> {
        self.queue.front(self.options.take())
    }

    /// Takes it.
    pub fn pop(&mut self, base: &mut Base) -> Option<Datagram> {
        self.queue.pop(&mut base.budget, self.options.take())
    }

    /// Throws it away.
    pub fn discard(&mut self, base: &mut Base) {
        self.queue.discard(&mut base.budget, self.options.take());
    }

    /// A datagram was queued: tells the reader.
    #[inline]
    pub fn delivered(&self, base: &mut Base, peer: SockAddr, len: usize) {
        base.emit(What::Datagram { socket: self.inet.owner, direction: Direction::In, peer, len: len as u32 });
        self.notify(base);
    }

    /// Takes the oldest entry of the error queue; `SO_ERROR` becomes that of the next one if it is an ICMP error, and is
    /// cleared if this one was and no such follows (Linux's `sock_dequeue_err_skb`).
    pub fn pop_error(&mut self, base: &mut Base) -> Option<QueuedError> {
        let error = self.errors.pop(&mut base.budget)?;
        match self.errors.front().filter(|next| next.is_icmp()) {
            Some(next) => self.inet.error = Some(next.errno),
            None if error.is_icmp() => self.inet.error = None,
            None => {}
        }
        self.notify(base);
        Some(error)
    }

    /// Linux's `datagram_poll`. What is sent leaves at once: there is room to write unless a link's queue was found full.
    pub fn readiness(&self) -> Ready {
        let mut ready = if self.blocked { Ready::NONE } else { Ready::OUT };
        if self.inet.error.is_some() || !self.errors.is_empty() {
            ready |= Ready::ERR;
        }
        if self.read_shut {
            ready |= Ready::IN | Ready::RDHUP;
        }
        if self.read_shut && self.write_shut {
            ready |= Ready::HUP;
        }
        if !self.queue.is_empty() {
            ready |= Ready::IN;
        }
        ready
    }

    /// Shuts directions. It takes effect also where it fails with `ENOTCONN`, as in Linux: others who poll then wake.
    pub fn shutdown(&mut self, base: &mut Base, how: Shutdown) -> Result<(), Errno> {
        self.read_shut |= how != Shutdown::Write;
        self.write_shut |= how != Shutdown::Read;
        self.notify(base);
        if self.inet.is_connected() { Ok(()) } else { Err(Errno::ENOTCONN) }
    }

    /// Changes a membership.
    pub fn membership(&mut self, net: &mut Network, change: &MembershipChange) -> Result<(), Errno> {
        if change.group.is_v4() || self.inet.version == Version::V6 { self.groups.apply(net, change) } else { Err(Errno::EINVAL) }
    }

    /// Whether and how the socket can be connected to `remote`; changes nothing. `multicast_link` counts for groups, as in Linux.
    /// The errors of [`Endpoint::prepare`], `EINVAL` (link-local without a link).
    pub fn plan_connect(&self, net: &mut Network, protocol: u8, remote: SockAddr) -> Result<Peer, Errno> {
        let addr = self.inet.destination(net, remote.addr);
        let by_option = addr.is_multicast() && remote.scope == 0 && self.inet.link == 0;
        let scope = if by_option { u32::from(self.options.multicast_link) } else { remote.scope };
        let remote = SockAddr { addr, scope, ..remote };
        self.inet.check_family(addr)?;
        let link = self.inet.connect_link(remote)?;
        let prepared = self.prepare(net, protocol, remote, &SendControl::default(), MsgFlags::NONE)?;
        Ok(Peer { remote, link, src: prepared.route.src })
    }

    /// Connects as planned. As in Linux the source address of a first connect stays for the following ones.
    pub fn set_peer(&mut self, peer: &Peer) {
        self.changes += 1;
        if self.inet.local.is_unspecified() {
            self.inet.local = peer.src;
        }
        self.inet.link = peer.link;
        self.inet.remote = peer.remote.addr;
        self.inet.remote_port = peer.remote.port;
    }

    /// Linux's `__udp_disconnect`: also the link it was tied to goes, and address and port unless `bind` gave them.
    pub fn forget_peer(&mut self) {
        self.changes += 1;
        let any = Addr::any(self.inet.version);
        self.inet.remote = any;
        self.inet.remote_port = 0;
        self.inet.link = 0;
        if !self.inet.bound_address {
            self.inet.local = any;
        }
        if !self.inet.bound_port {
            self.inet.local_port = 0;
        }
    }

    /// True if the ends let packets from `src` to `dst` by `link` in.
    pub fn admits(&self, src: Addr, dst: Addr, link: LinkId) -> bool {
        let fits = |wanted: Addr, is: Addr| wanted.is_unspecified() || wanted == is;
        fits(self.inet.local, dst) && fits(self.inet.remote, src) && (self.inet.link == 0 || self.inet.link == link.0)
    }

    /// Gives back what the socket holds outside of itself.
    pub fn dissolve(&mut self, net: &mut Network) {
        self.groups.leave_all(net);
        self.queue.clear(&mut net.links.base.budget);
        self.errors.clear(&mut net.links.base.budget);
    }

    /// An ICMP error for what this socket sent to `port`, `header` bytes of which are transport header (Linux's `udp_err`,
    /// `raw_err`): the error queue gets all, `SO_ERROR` without one only hard errors of a connected socket.
    pub fn icmp_error(&mut self, base: &mut Base, error: &TransportError, port: u16, header: usize) {
        let too_big = matches!(error.cause, ErrorCause::TooBig { .. });
        if too_big && self.inet.fragmentation == Fragmentation::Anybody && error.remote.is_v4() {
            return;
        }
        if self.inet.recv_err {
            self.errors.push(&mut base.budget, self.options.rcvbuf, QueuedError::from_icmp(error, port, header, base.now));
        } else if !self.inet.is_connected() || !(error.fatal || too_big) {
            return;
        }
        self.inet.error = Some(error.errno);
        self.notify(base);
    }

    /// A datagram was too big for the path, found out here: with `IP_RECVERR` the error queue tells the path MTU.
    pub fn local_too_big(&mut self, base: &mut Base, destination: SockAddr, mtu: u32) {
        if self.inet.recv_err {
            let rcvbuf = self.options.rcvbuf;
            self.errors.push(&mut base.budget, rcvbuf, QueuedError::too_big(destination, mtu));
            self.notify(base);
        }
    }
}
