//! `connect`: the phases a socket goes through, as Linux's `inet_stream_connect` and its datagram kin have them.
//!
//! ```text
//!                 connect                    the handshake ends well; connect again gives 0
//!   Unconnected ───────────▶ Connecting ────────────────────────────────────────────────────▶ Connected
//!        ▲   EINPROGRESS          │ it fails; the next connect tells the error (or ECONNABORTED if SO_ERROR told it) ...
//!        └────────────────────────┘ ... and the socket is fresh again (POSIX leaves its state undefined)
//! ```

use core::hint::cold_path;

use super::address::Address;
use super::layer::{Sockets, on_datagrams};
use super::name::wrong_family;
use super::record::{Kind, Phase, Record};
use super::semantics::Family;
use crate::base::{Errno, Key, SockAddr, SocketId, TcpState};
use crate::network::Network;

impl Sockets {
    /// Connects a socket, or names the other end of a datagram socket. [`Address::Unspecified`] dissolves either.
    ///
    /// `EINPROGRESS` (the handshake has begun: readiness OUT tells its end), `EALREADY`, `EISCONN`, `ECONNREFUSED` and other ends of a
    /// handshake, `ECONNABORTED`, `EAFNOSUPPORT`, `EINVAL`, `ENETUNREACH`, `EADDRNOTAVAIL`, `EADDRINUSE`.
    #[inline(always)]
    pub fn connect(&mut self, net: &mut Network, id: SocketId, address: &Address) -> Result<(), Errno> {
        let record = *self.record(id)?;
        match record.kind {
            Kind::Tcp(key) => self.connect_stream(net, id, &record, key, address),
            Kind::Unix(key) => self.connect_unix(net, id, key, address),
            _ => self.connect_datagram(net, id, &record, address),
        }
    }

    #[inline(always)]
    fn connect_stream(
        &mut self,
        net: &mut Network,
        id: SocketId,
        record: &Record,
        key: Key,
        address: &Address,
    ) -> Result<(), Errno> {
        if *address == Address::Unspecified {
            cold_path();
            self.disconnect(net, id, key);
            return Ok(());
        }
        match record.phase {
            Phase::Disconnecting => Err(Errno::EINVAL),
            Phase::Connected => Err(Errno::EISCONN),
            Phase::Connecting => self.connect_again(net, id, key),
            Phase::Unconnected if self.tcp.state(key) != TcpState::Closed => Err(Errno::EISCONN),
            Phase::Unconnected => {
                let remote = self.remote_name(record, address)?;
                let deferred = self.tcp.connect(net, key, remote)?;
                self.record_mut(id)?.phase = Phase::Connecting;
                // The SYN waits for data, and the caller may go on as if connected.
                if deferred { Ok(()) } else { Err(Errno::EINPROGRESS) }
            }
        }
    }

    /// `MSG_FASTOPEN`, or the first write after a `connect` that left the SYN to it: how much of the data the SYN took. None: the
    /// connection is open, and the data goes its usual way.
    pub(super) fn open_with_data(
        &mut self,
        net: &mut Network,
        id: SocketId,
        key: Key,
        data: &[&[u8]],
        to: Option<&Address>,
        waits: bool,
    ) -> Result<Option<usize>, Errno> {
        let record = *self.record(id)?;
        let taken = if self.tcp.is_deferred(key) {
            self.tcp.send_deferred(net, key, data, waits)?
        } else {
            let Some(to) = to.filter(|to| **to != Address::Unspecified) else { return Err(Errno::EOPNOTSUPP) };
            match record.phase {
                Phase::Unconnected if self.tcp.state(key) == TcpState::Closed => {}
                Phase::Connecting => return self.connect_again(net, id, key).map(|()| None),
                Phase::Disconnecting => return Err(Errno::EINVAL),
                Phase::Unconnected | Phase::Connected => return Err(Errno::EISCONN),
            }
            let remote = self.remote_name(&record, to)?;
            self.tcp.inet_mut(key).error = None;
            let taken = self.tcp.connect_with_data(net, key, remote, data, waits)?;
            self.record_mut(id)?.phase = Phase::Connecting;
            taken
        };
        if taken == 0 { Err(Errno::EINPROGRESS) } else { Ok(Some(taken)) }
    }

    /// How far a handshake is that was begun before.
    #[inline(never)]
    fn connect_again(&mut self, net: &mut Network, id: SocketId, key: Key) -> Result<(), Errno> {
        match self.tcp.state(key) {
            TcpState::SynSent if self.tcp.is_deferred(key) => Err(Errno::EISCONN),
            TcpState::SynSent | TcpState::SynReceived => Err(Errno::EALREADY),
            TcpState::Closed => {
                let error = self.tcp.inet_mut(key).take_error().unwrap_or(Errno::ECONNABORTED);
                self.make_fresh(net, id, key);
                Err(error)
            }
            _ => {
                self.record_mut(id)?.phase = Phase::Connected;
                Ok(())
            }
        }
    }

    /// As [`Sockets::make_fresh`]; a connection that had to be reset leaves `ECONNRESET` pending, as in Linux.
    #[inline(never)]
    pub(super) fn disconnect(&mut self, net: &mut Network, id: SocketId, key: Key) {
        use TcpState::*;
        let cut = matches!(self.tcp.state(key), SynSent | SynReceived | Established | CloseWait | FinWait1 | FinWait2);
        self.make_fresh(net, id, key);
        if cut {
            self.tcp.inet_mut(key).error = Some(Errno::ECONNRESET);
        }
    }

    /// The connection goes, reset if it must be; the socket can connect or listen anew.
    fn make_fresh(&mut self, net: &mut Network, id: SocketId, key: Key) {
        self.tcp.disconnect(net, key);
        if let Ok(record) = self.record_mut(id) {
            record.phase = Phase::Unconnected;
            (record.read_shut, record.write_shut) = (false, false);
        }
        if let Some(rare) = self.rare_if_any(id) {
            rare.timestamping.begin_anew();
        }
    }

    #[inline(never)] // Streams of the internet are what is connected again and again.
    fn connect_unix(&mut self, net: &mut Network, id: SocketId, key: Key, address: &Address) -> Result<(), Errno> {
        let base = &mut net.links.base;
        match address {
            Address::Unspecified => self.unix.disconnect(base, key)?,
            Address::Unix(address) => {
                self.unix.connect(base, key, address)?;
                let record = self.record_mut(id)?;
                if record.semantics().connection {
                    record.phase = Phase::Connected;
                }
            }
            Address::Inet(_) | Address::Inet6 { .. } => return Err(Errno::EINVAL),
        }
        // What an old peer of a datagram socket had sent is lost, rights and all.
        self.drop_rights(net);
        Ok(())
    }

    #[inline(never)] // Streams of the internet are what is connected again and again.
    fn connect_datagram(&mut self, net: &mut Network, id: SocketId, record: &Record, address: &Address) -> Result<(), Errno> {
        let remote = match (record.family, address) {
            (_, Address::Unspecified) => None,
            // Other than TCP, an IPv6 datagram socket takes a plain IPv4 address for a mapped one.
            (Family::Inet6, Address::Inet(addr)) if self.is_dual(record) => Some(*addr),
            (Family::Inet6, Address::Inet(_)) => return Err(Errno::EAFNOSUPPORT),
            _ => Some(self.remote_name(record, address)?),
        };
        on_datagrams!(self, record.kind, |transport, key| transport.connect(net, key, remote), _ => Err(Errno::EINVAL))?;
        let record = self.record_mut(id)?;
        (record.read_shut, record.write_shut) = (false, false);
        Ok(())
    }

    /// True if an IPv6 socket may carry IPv4.
    pub(super) fn is_dual(&self, record: &Record) -> bool {
        self.inet(record.kind).is_some_and(|inet| !inet.v6only)
    }

    /// The other end as `connect` (and sending) names it.
    #[inline(always)]
    pub(super) fn remote_name(&self, record: &Record, address: &Address) -> Result<SockAddr, Errno> {
        match (record.family, address) {
            (Family::Inet, Address::Inet(addr)) => Ok(*addr),
            (Family::Inet6, Address::Inet6 { addr, .. }) if addr.addr.is_v4() && !self.is_dual(record) => Err(Errno::ENETUNREACH),
            (Family::Inet6, Address::Inet6 { addr, .. }) => Ok(*addr),
            (Family::Inet6, Address::Inet(_)) => Err(Errno::EINVAL),
            (_, address) => Err(wrong_family(address)),
        }
    }
}
