//! One socket, and how it stands in the tables: bind, connect, dissolve, close.

use alloc::boxed::Box;

use super::header::{self, Check, Header};
use super::send::Corked;
use super::short::Course;
use super::{Udp, base};
use crate::base::{Errno, Frame, Key, Rope, SockAddr, SocketId, Version};
use crate::network::{Network, protocol};
use crate::transport::datagram::Endpoint;
use crate::transport::inet::{Inet, Kind};
use crate::transport::ports::{Binding, Holder};

/// A UDP socket.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) endpoint: Endpoint,
    /// How it holds its port while it is connected.
    pub(super) holder: Option<Holder>,
    /// Rises with each connect: of sockets with the same ends the newest gets what arrives.
    pub(super) connected_at: u64,
    /// What `MSG_MORE` and `UDP_CORK` collect.
    pub(super) corked: Option<Box<Corked>>,
    /// Where the last datagram went, if the next one may go there without asking.
    pub(super) course: Option<Box<Course>>,
}

impl Socket {
    pub(super) fn new(owner: SocketId, version: Version) -> Self {
        Self { endpoint: Endpoint::new(owner, version), holder: None, connected_at: 0, corked: None, course: None }
    }
}

fn binding(id: Key, inet: &Inet) -> Binding {
    let Inet { local, link, v6only, reuse_addr, reuse_port, .. } = *inet;
    Binding { socket: id, local, v6only, link, reuse_addr, reuse_port, listening: false }
}

fn holder(inet: &Inet) -> Holder {
    let Inet { local, link, reuse_addr, reuse_port, .. } = *inet;
    Holder { local, link, reuse_addr, reuse_port }
}

impl Udp {
    /// Binds to an address and a port (0: a free one of the ephemeral range).
    /// `EINVAL` (bound or connected already), `EADDRINUSE`, and the errors of [`Inet::check_bind`].
    pub fn bind(&mut self, net: &mut Network, id: Key, local: SockAddr) -> Result<(), Errno> {
        let inet = self.inet(id);
        if inet.local_port != 0 || inet.every_port || inet.is_connected() {
            return Err(Errno::EINVAL);
        }
        let link = inet.check_bind(net, local, Kind::Datagram)?;
        let wanted = Binding { local: local.addr, link, ..binding(id, inet) };
        let port = self.ports.bind(wanted, local.port)?;
        self.forget_last();
        let inet = self.inet_mut(id);
        inet.local = local.addr;
        inet.link = link;
        inet.local_port = port;
        inet.bound_address = !local.addr.is_unspecified();
        inet.bound_port = local.port != 0;
        inet.tell_ends(base(net), protocol::UDP);
        Ok(())
    }

    /// Binds to every port that no other socket is bound to when a datagram comes; for receiving alone. Errors as [`Udp::bind`].
    pub fn bind_every_port(&mut self, net: &mut Network, id: Key, local: SockAddr) -> Result<(), Errno> {
        let inet = self.inet(id);
        if inet.local_port != 0 || inet.every_port || inet.is_connected() {
            return Err(Errno::EINVAL);
        }
        let link = inet.check_bind(net, local, Kind::Datagram)?;
        self.ports.bind_every(Binding { local: local.addr, link, ..binding(id, inet) })?;
        self.forget_last();
        let inet = self.inet_mut(id);
        inet.local = local.addr;
        inet.link = link;
        inet.every_port = true;
        inet.bound_address = !local.addr.is_unspecified();
        inet.tell_ends(base(net), protocol::UDP);
        Ok(())
    }

    /// An ephemeral port for a socket that has none. `EAGAIN` if all are taken, as in Linux; `EINVAL` for one that has every port.
    pub(super) fn autobind(&mut self, net: &mut Network, id: Key) -> Result<(), Errno> {
        if self.inet(id).every_port {
            return Err(Errno::EINVAL);
        }
        if self.inet(id).local_port == 0 {
            let port = self.ports.bind(binding(id, self.inet(id)), 0).map_err(|_| Errno::EAGAIN)?;
            self.forget_last();
            let inet = self.inet_mut(id);
            inet.local_port = port;
            inet.tell_ends(base(net), protocol::UDP);
        }
        Ok(())
    }

    /// Fixes the other end: packets go there by default, and only its packets come in. `None` (`AF_UNSPEC`) dissolves that.
    /// `ENETUNREACH` and the other errors of routing, `EACCES` (broadcast), `EAGAIN` (no port left).
    /// A failure changes nothing, but the socket may have got a port. As in Linux the source address of a first connect stays
    /// for the following ones until it is dissolved.
    pub fn connect(&mut self, net: &mut Network, id: Key, remote: Option<SockAddr>) -> Result<(), Errno> {
        let Some(remote) = remote else {
            self.dissolve(id);
            return Ok(());
        };
        self.autobind(net, id)?;
        let peer = self.sockets[id].endpoint.plan_connect(net, protocol::UDP, remote)?;
        self.leave_tables(id);
        self.sockets[id].endpoint.set_peer(&peer);
        self.enter_tables(id);
        self.inet(id).tell_ends(base(net), protocol::UDP);
        Ok(())
    }

    fn dissolve(&mut self, id: Key) {
        self.leave_tables(id);
        self.sockets[id].endpoint.forget_peer();
        self.enter_tables(id);
    }

    /// Tells the other end of a connected socket that nobody takes what it sent (ICMP "port unreachable"), of which it is given back what
    /// is `quoted`. `ENOTCONN`, and the errors of
    /// routing.
    pub fn refuse(&mut self, net: &mut Network, id: Key, quoted: &[u8]) -> Result<(), Errno> {
        let Inet { local, remote, local_port, remote_port, .. } = *self.inet(id);
        if !self.inet(id).is_connected() {
            return Err(Errno::ENOTCONN);
        }
        let mut frame = Frame::new(Rope::from(quoted));
        header::push(&mut frame, Header { src_port: remote_port, dst_port: local_port }, remote, local, Check::Now);
        net.refuse_datagram(frame, remote, local)
    }

    /// Makes changed options take effect: the binding follows, a cork that was pulled sends what it held.
    /// `EMSGSIZE` and the errors of sending.
    pub fn options_changed(&mut self, net: &mut Network, id: Key) -> Result<(), Errno> {
        self.follow_options(id);
        if self.options(id).cork { Ok(()) } else { self.uncork(net, id) }
    }

    /// The last handle is gone: the socket, what is queued and what is corked go.
    pub fn close(&mut self, net: &mut Network, id: Key) {
        self.leave_tables(id);
        if let Some(mut socket) = self.sockets.remove(id) {
            if socket.endpoint.blocked {
                self.blocked.retain(|waiting| *waiting != id);
            }
            socket.endpoint.dissolve(net);
            base(net).budget.release(socket.corked.map_or(0, |corked| corked.data.len()));
        }
    }

    /// The tables learn what changed; the socket keeps its place among those it shares a port with.
    fn follow_options(&mut self, id: Key) {
        self.forget_last();
        let inet = self.inet(id);
        let (port, now, holder) = (inet.local_port, binding(id, inet), holder(inet));
        match self.sockets[id].holder.replace(holder) {
            Some(before) => {
                self.ports.hold(port, holder);
                self.ports.release(port, before);
            }
            None => {
                self.sockets[id].holder = None;
                self.ports.update(port, id, |binding| *binding = now);
            }
        }
    }

    fn leave_tables(&mut self, id: Key) {
        self.forget_last();
        let (port, every) = (self.inet(id).local_port, self.inet(id).every_port);
        if let Some(holder) = self.sockets[id].holder.take() {
            self.ports.release(port, holder);
            self.flows.remove(&self.sockets, id);
        } else if port != 0 || every {
            self.ports.unbind(id, port);
        }
    }

    fn enter_tables(&mut self, id: Key) {
        let inet = self.inet(id);
        let port = inet.local_port;
        if port == 0 {
            return;
        }
        if inet.is_connected() {
            let holder = holder(inet);
            self.ports.hold(port, holder);
            self.flows.insert(&self.sockets, id);
            let connected_at = self.flows.next_serial();
            let socket = &mut self.sockets[id];
            socket.holder = Some(holder);
            socket.connected_at = connected_at;
        } else {
            self.ports.restore(binding(id, inet), port);
        }
    }
}
