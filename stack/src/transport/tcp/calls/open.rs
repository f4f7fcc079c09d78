//! OPEN, passive and active (RFC 9293 §3.10.1).

use crate::base::{Addr, Cause, Errno, Key, LinkId, SockAddr, SocketId, TcpState};
use crate::network::{Manner, Network, RouteQuery, protocol};
use crate::transport::inet::Inet;
use crate::transport::ports::Binding;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::flows::{Flow, Tuple};
use crate::transport::tcp::listener::Listener;
use crate::transport::tcp::near::Near;
use crate::transport::tcp::output::transmit;
use crate::transport::tcp::state::Input;
use crate::transport::tcp::tcb::Tcb;
use crate::transport::tcp::{Tcp, handshake};

impl Tcp {
    /// Binds to an address and port; port 0 asks for an ephemeral one. `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL` (already bound).
    pub fn bind(&mut self, net: &mut Network, id: Key, local: SockAddr) -> Result<(), Errno> {
        let inet = &self.records.connections[id].inet;
        if inet.bound_port || self.state(id) != TcpState::Closed {
            return Err(Errno::EINVAL);
        }
        if !local.addr.is_unspecified() && !inet.freebind && !net.is_local(local.addr) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        let binding = self.binding(id, local.addr);
        let port = self.bind_port(net, &binding, local.port)?;
        let inet = &mut self.records.connections[id].inet;
        inet.local = local.addr;
        inet.local_port = port;
        inet.bound_port = true;
        inet.bound_address = !local.addr.is_unspecified();
        if local.addr.is_link_local() && local.scope != 0 {
            inet.link = local.scope as u16;
        }
        Ok(())
    }

    /// What is left of a connection and is over already stands in nobody's way.
    fn bind_port(&mut self, net: &mut Network, binding: &Binding, port: u16) -> Result<u16, Errno> {
        self.ports.bind(binding.clone(), port).or_else(|_| {
            self.end_those_over(net);
            self.ports.bind(binding.clone(), port)
        })
    }

    /// Binds to every port that no other socket is bound to when a packet comes; for a listener. Errors as [`Tcp::bind`].
    pub fn bind_every_port(&mut self, net: &mut Network, id: Key, local: SockAddr) -> Result<(), Errno> {
        let inet = &self.records.connections[id].inet;
        if inet.bound_port || self.state(id) != TcpState::Closed {
            return Err(Errno::EINVAL);
        }
        if !local.addr.is_unspecified() && !inet.freebind && !net.is_local(local.addr) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        self.ports.bind_every(self.binding(id, local.addr))?;
        let inet = &mut self.records.connections[id].inet;
        inet.local = local.addr;
        inet.bound_port = true;
        inet.every_port = true;
        inet.bound_address = !local.addr.is_unspecified();
        Ok(())
    }

    fn binding(&self, id: Key, local: Addr) -> Binding {
        let inet = &self.records.connections[id].inet;
        Binding {
            socket: id,
            local,
            v6only: inet.v6only,
            link: inet.link,
            reuse_addr: inet.reuse_addr,
            reuse_port: inet.reuse_port,
            listening: false,
        }
    }

    /// Starts to listen, or changes the backlog. Binds to an ephemeral port if not bound. `EADDRINUSE`, `EINVAL` (connected).
    pub fn listen(&mut self, net: &mut Network, id: Key, backlog: u32) -> Result<(), Errno> {
        let backlog = backlog.min(self.common.config.somaxconn);
        if let Some(listener) = &mut self.records.connections[id].listener {
            listener.backlog = backlog;
            return Ok(());
        }
        if self.state(id) != TcpState::Closed || self.records.connections[id].in_flows {
            return Err(Errno::EINVAL);
        }
        if !self.records.connections[id].inet.bound_port {
            let any = self.records.connections[id].inet.local;
            self.bind(net, id, SockAddr::new(any, 0))?;
        }
        let port = self.records.connections[id].inet.local_port;
        self.ports.update(port, id, |binding| binding.listening = true);
        if let Err(errno) = self.ports.may_listen(port, id) {
            self.ports.update(port, id, |binding| binding.listening = false);
            return Err(errno);
        }
        let tcb = &mut self.records.connections[id];
        tcb.listener = Some(alloc::boxed::Box::new(Listener { backlog, ..Listener::default() }));
        tcb.shut_read = false;
        tcb.shut_write = false;
        tcb.inet.tell_ends(&mut net.links.base, protocol::TCP);
        tcb.advance(&mut net.links.base, Input::PassiveOpen, Cause::Call);
        Ok(())
    }

    /// Sends the SYN, or leaves that to the first write (`TCP_FASTOPEN_CONNECT`): says if it does. `EADDRNOTAVAIL` (no port is left), `ENETUNREACH`
    /// and its kin, `EINVAL` (a listener). What went wrong before is forgotten.
    #[inline(always)]
    pub fn connect(&mut self, net: &mut Network, id: Key, remote: SockAddr) -> Result<bool, Errno> {
        let (tcb, mut cx) = self.set_out(net, id, remote)?;
        if tcb.options.fast_open_connect {
            return self.defer(net, id);
        }
        let iss = tcb.snd.una;
        handshake::begin(tcb, &mut cx, iss);
        Ok(false)
    }

    /// Everything that [`Tcp::connect`] does before the SYN leaves; its sequence number is `snd.una`.
    pub(in crate::transport::tcp) fn set_out<'a>(
        &'a mut self,
        net: &'a mut Network,
        id: Key,
        remote: SockAddr,
    ) -> Result<(&'a mut Tcb, Cx<'a>), Errno> {
        let tcb = &mut self.records.connections[id];
        tcb.inet.error = None;
        if tcb.state != TcpState::Closed || tcb.in_flows || tcb.inet.every_port {
            return Err(Errno::EINVAL);
        }
        let remote = SockAddr { addr: tcb.inet.destination(net, remote.addr), ..remote };
        let (local, mtu) = choose_source(net, &mut tcb.inet, remote)?;
        transmit::note_path(tcb, mtu);
        let bound = tcb.inet.bound_port.then_some(tcb.inet.local_port);
        let port = self.choose_port(net, bound, local, remote)?;
        Ok(self.enter(net, id, SockAddr::new(local, port), remote))
    }

    /// A bound port stays; else one is chosen so that the four-tuple is new.
    fn choose_port(&mut self, net: &mut Network, bound: Option<u16>, local: Addr, remote: SockAddr) -> Result<u16, Errno> {
        let tuple = |local_port| Tuple { local, remote: remote.addr, local_port, remote_port: remote.port };
        if let Some(port) = bound {
            return self.keep_port(net, &tuple(port));
        }
        let Self { flows, records, ports, .. } = self;
        ports.choose(local, remote.addr, remote.port, |port| flows.find(&tuple(port), records).is_some())
    }

    /// The port that is bound, if the four-tuple with it is new.
    #[cold]
    #[inline(never)]
    fn keep_port(&mut self, net: &mut Network, tuple: &Tuple) -> Result<u16, Errno> {
        if !self.ports.may_connect(tuple.local_port, tuple.remote, tuple.remote_port) {
            return Err(Errno::EADDRNOTAVAIL);
        }
        match self.flows.find(tuple, &self.records) {
            None => {}
            Some(Flow::TimeWait(key)) if self.may_reuse(net, key) => self.make_way(net, key),
            Some(_) => return Err(Errno::EADDRNOTAVAIL),
        }
        Ok(tuple.local_port)
    }

    /// RFC 6191 §2: with timestamps, a second after the old connection's last segment, its four-tuple may be used again; without when it is over.
    fn may_reuse(&self, net: &Network, key: Key) -> bool {
        let (record, now) = (&self.records.time_wait[key], net.links.base.now);
        let began = Near::after(now, self.common.config.time_wait).at(now);
        record.is_over(now) || record.timestamps && began.since(record.expires(now)).as_millis() > 1000
    }

    /// Its ends are known: it stands in the table of flows from now on.
    fn enter<'a>(&'a mut self, net: &'a mut Network, id: Key, local: SockAddr, remote: SockAddr) -> (&'a mut Tcb, Cx<'a>) {
        let (iss, ts_offset) = self.isn.first(net.links.base.now, local, remote);
        let Self { common, records, flows, ports, .. } = self;
        let ends = Tuple { local: local.addr, remote: remote.addr, local_port: local.port, remote_port: remote.port };
        flows.insert(&ends, Flow::Connection(id), records);
        let tcb = &mut records.connections[id];
        let algorithm = tcb.options.congestion.unwrap_or(common.config.congestion_control);
        tcb.inet.local = local.addr;
        tcb.inet.local_port = local.port;
        tcb.inet.remote = remote.addr;
        tcb.inet.remote_port = remote.port;
        tcb.shut_read = false;
        tcb.shut_write = false;
        tcb.in_flows = true;
        tcb.ts_offset = ts_offset;
        (tcb.snd.una, tcb.snd.nxt) = (iss, iss);
        if tcb.congestion.algorithm() != algorithm {
            tcb.congestion.change(algorithm);
        }
        tcb.hold_port(ports);
        let base = &mut net.links.base;
        base.budget.charge(Tcb::CHARGE);
        tcb.inet.tell_ends(base, protocol::TCP);
        tcb.advance(base, Input::ActiveOpen, Cause::Call);
        base.counters.tcp.active_opens += 1;
        (tcb, Cx { net, common, id })
    }

    /// A connection of the accept queue; it has no owner until [`Tcp::adopt`]. `EINVAL` (it does not listen), `EAGAIN` (none waits).
    pub fn accept(&mut self, id: Key) -> Result<Key, Errno> {
        let tcb = &mut self.records.connections[id];
        let listener = tcb.listener.as_mut().filter(|_| tcb.state == TcpState::Listen).ok_or(Errno::EINVAL)?;
        listener.accept_queue.pop_front().ok_or(Errno::EAGAIN)
    }

    /// Gives an accepted connection its owner; says with whom it is.
    pub fn adopt(&mut self, net: &mut Network, id: Key, owner: SocketId) -> &Inet {
        let tcb = &mut self.records.connections[id];
        tcb.queued = false;
        tcb.inet.owner = Some(owner);
        tcb.inet.tell_ends(&mut net.links.base, protocol::TCP);
        &tcb.inet
    }
}

/// The address that packets to `remote` come from, and the largest packet that goes there.
fn choose_source(net: &mut Network, inet: &mut Inet, remote: SockAddr) -> Result<(Addr, u32), Errno> {
    if remote.addr.is_link_local() && !remote.addr.is_v4() {
        inet.link = scope(inet, remote)?;
    }
    let src = if inet.bound_address { inet.local } else { Addr::any(remote.addr.version()) };
    if src.version() != remote.addr.version() {
        return Err(Errno::ENETUNREACH);
    }
    let link = (inet.link != 0).then_some(LinkId(inet.link));
    let query = RouteQuery { dst: remote.addr, src, link };
    // The way that others went from there, to one host.
    if let Some(along) = net.along(&query, Manner::of(protocol::TCP)) {
        let route = along.route();
        return Ok((route.src, route.mtu));
    }
    source_by_route(net, &query)
}

/// The link without which a link-local address means nothing.
#[cold]
#[inline(never)]
fn scope(inet: &Inet, remote: SockAddr) -> Result<u16, Errno> {
    let scope = if remote.scope != 0 { remote.scope as u16 } else { inet.link };
    if scope == 0 || (inet.link != 0 && inet.link != scope) { Err(Errno::EINVAL) } else { Ok(scope) }
}

/// RFC 9293 MUST-43, MUST-44: the source is chosen once, by route; RFC 9293 MUST-46: never to a group or to all.
#[inline(never)]
fn source_by_route(net: &mut Network, query: &RouteQuery) -> Result<(Addr, u32), Errno> {
    let route = net.route(query)?;
    if route.cast != crate::network::Cast::Unicast { Err(Errno::ENETUNREACH) } else { Ok((route.src, route.mtu)) }
}
