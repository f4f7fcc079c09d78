//! `listen` and `accept`.

use super::address::Address;
use super::layer::Sockets;
use super::name::scoped;
use super::record::{Kind, Phase, Record};
use crate::base::{Errno, Key, SocketId, TcpState};
use crate::network::Network;
use crate::transport::tcp::{Request, Verdict};

impl Sockets {
    /// Makes a socket listen, or changes the backlog of one that does; a negative backlog means the largest, as in Linux.
    /// `EOPNOTSUPP` (datagrams), `EINVAL` (connected or connecting), `EADDRINUSE`.
    pub fn listen(&mut self, net: &mut Network, id: SocketId, backlog: i32) -> Result<(), Errno> {
        let record = self.record(id)?;
        if !record.semantics().connection {
            return Err(Errno::EOPNOTSUPP);
        }
        let most = self.tcp.config().somaxconn;
        let backlog = u32::try_from(backlog).unwrap_or(most).min(most);
        match record.kind {
            Kind::Unix(key) => self.unix.listen(&mut net.links.base, key, backlog),
            Kind::Tcp(key) => {
                let fresh = matches!(self.tcp.state(key), TcpState::Closed | TcpState::Listen);
                if record.phase != Phase::Unconnected || !fresh {
                    return Err(Errno::EINVAL);
                }
                self.tcp.listen(net, key, backlog)
            }
            Kind::Udp(_) | Kind::Raw(_) | Kind::Ping(_) => Err(Errno::EOPNOTSUPP),
        }
    }

    /// Puts a gate before a TCP listener: connections wait for [`Sockets::answer`] before their handshake goes on. The backlog bounds how
    /// many. `EINVAL` (it does not listen), `EOPNOTSUPP` (not TCP).
    pub fn put_gate(&mut self, id: SocketId) -> Result<(), Errno> {
        let key = self.tcp_key(id)?;
        self.tcp.put_gate(key)
    }

    /// The next connection that waits at the gate and was not yet told; the listener is readable while there is one.
    /// `EAGAIN` (none), `EINVAL` (no gate), `EOPNOTSUPP` (not TCP).
    pub fn next_request(&mut self, id: SocketId) -> Result<Request, Errno> {
        let key = self.tcp_key(id)?;
        self.tcp.next_request(key)
    }

    /// Decides about a connection that waits at the gate. Every request must be answered some day: until then it takes a place of the
    /// backlog. `ENOENT` (it does not wait), `EINVAL` (no gate), `EOPNOTSUPP` (not TCP).
    pub fn answer(&mut self, net: &mut Network, id: SocketId, request: &Request, verdict: Verdict) -> Result<(), Errno> {
        let key = self.tcp_key(id)?;
        self.tcp.answer(net, key, request, verdict)
    }

    /// Tells the other end of a connected UDP socket by ICMP that nobody takes what it sent, as if no socket were there. `ENOTCONN`,
    /// `EOPNOTSUPP` (not UDP), `ENETUNREACH` and its kin.
    pub fn refuse(&mut self, net: &mut Network, id: SocketId, quoted: &[u8]) -> Result<(), Errno> {
        match self.record(id)?.kind {
            Kind::Udp(key) => self.udp.refuse(net, key, quoted),
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    /// Takes a connection from the accept queue: its socket and the other end's address.
    /// `EAGAIN` (none waits), `EINVAL` (not listening), `EOPNOTSUPP` (datagrams), `ENFILE` (it stays in the queue).
    #[inline(always)]
    pub fn accept(&mut self, net: &mut Network, id: SocketId) -> Result<(SocketId, Address), Errno> {
        let listener = self.record(id)?;
        if !listener.semantics().connection {
            return Err(Errno::EOPNOTSUPP);
        }
        let listener = *listener;
        if self.records.len() >= self.config.max_sockets {
            return Err(Errno::ENFILE);
        }
        match listener.kind {
            Kind::Tcp(key) => self.accept_tcp(net, &listener, key),
            Kind::Unix(key) => self.accept_unix(net, &listener, key),
            Kind::Udp(_) | Kind::Raw(_) | Kind::Ping(_) => Err(Errno::EOPNOTSUPP),
        }
    }

    #[inline(always)]
    fn accept_tcp(&mut self, net: &mut Network, listener: &Record, key: Key) -> Result<(SocketId, Address), Errno> {
        let child = self.tcp.accept(key)?;
        let record = listener.inherit(Kind::Tcp(child));
        let id = self.insert_record(net, record);
        self.inherit_rare(listener, id)?;
        // A connection that was reset while it waited is handed out all the same, with its error pending, as in Linux; POSIX would
        // have ECONNABORTED here.
        let inet = self.tcp.adopt(net, child, id);
        Ok((id, scoped(&record, inet.remote, inet.remote_port, inet.link)))
    }

    #[inline(never)] // Streams of the internet are accepted more often.
    fn accept_unix(&mut self, net: &mut Network, listener: &Record, key: Key) -> Result<(SocketId, Address), Errno> {
        let child = self.unix.accept(&mut net.links.base, key)?;
        let id = self.insert_record(net, listener.inherit(Kind::Unix(child)));
        self.inherit_rare(listener, id)?;
        self.unix.adopt(&mut net.links.base, child, id);
        Ok((id, Address::Unix(self.unix.peer_address(child).unwrap_or_default())))
    }
}
