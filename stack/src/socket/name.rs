//! `bind`, `getsockname`, `getpeername`: names of the two ends.

use super::address::Address;
use super::layer::{Sockets, on_datagrams};
use super::record::{Kind, Record};
use super::semantics::{Family, Type};
use crate::base::{Addr, Errno, SockAddr, SocketId, TcpState};
use crate::network::Network;
use crate::transport::inet;
use crate::transport::unix::UnixAddress;

impl Sockets {
    /// Gives a socket its name. `EINVAL` (has one), `EADDRINUSE`, `EADDRNOTAVAIL`, `EAFNOSUPPORT`, `EACCES`.
    pub fn bind(&mut self, net: &mut Network, id: SocketId, address: &Address) -> Result<(), Errno> {
        let record = *self.record(id)?;
        if let Kind::Unix(key) = record.kind {
            return match address {
                Address::Unix(address) => self.unix.bind(&mut net.links.base, key, address),
                _ => Err(Errno::EINVAL),
            };
        }
        let local = local_name(&record, address)?;
        self.may_bind(net, &record, local)?;
        match record.kind {
            Kind::Tcp(key) => self.tcp.bind(net, key, local),
            kind => on_datagrams!(self, kind, |transport, key| transport.bind(net, key, local), _ => Err(Errno::EINVAL)),
        }
    }

    /// Gives a socket every port of an address (its own port is not looked at): it gets what no other socket is bound to. TCP sockets
    /// must then listen; UDP ones only receive. `EINVAL` (has a name), `EADDRINUSE` (another has every port), `EADDRNOTAVAIL`,
    /// `EAFNOSUPPORT`, `EOPNOTSUPP` (no ports).
    pub fn bind_every_port(&mut self, net: &mut Network, id: SocketId, address: &Address) -> Result<(), Errno> {
        let record = *self.record(id)?;
        if let Kind::Unix(_) = record.kind {
            return Err(Errno::EOPNOTSUPP);
        }
        let local = SockAddr { port: 0, ..local_name(&record, address)? };
        self.may_bind(net, &record, local)?;
        match record.kind {
            Kind::Tcp(key) => self.tcp.bind_every_port(net, key, local),
            Kind::Udp(key) => self.udp.bind_every_port(net, key, local),
            Kind::Raw(_) | Kind::Ping(_) | Kind::Unix(_) => Err(Errno::EOPNOTSUPP),
        }
    }

    /// What Linux tests of any internet socket before the protocol looks for the port.
    fn may_bind(&self, net: &Network, record: &Record, local: SockAddr) -> Result<(), Errno> {
        let inet = self.inet(record.kind).ok_or(Errno::EINVAL)?;
        let kind = if record.ty == Type::Stream { inet::Kind::Stream } else { inet::Kind::Datagram };
        inet.check_bind(net, local, kind)?;
        if record.ty != Type::Raw && local.port != 0 && local.port < self.config.ip_unprivileged_port_start {
            return Err(Errno::EACCES);
        }
        Ok(())
    }

    /// The name of our end; port 0 and the unspecified address as long as there is none.
    pub fn getsockname(&self, id: SocketId) -> Result<Address, Errno> {
        let record = self.record(id)?;
        match (record.kind, self.inet(record.kind)) {
            (_, Some(inet)) => Ok(scoped(record, inet.local, shown_port(record, inet.local_port), inet.link)),
            (Kind::Unix(key), None) => Ok(Address::Unix(self.unix.local_address(key))),
            _ => Err(Errno::EBADF),
        }
    }

    /// The name of the other end. `ENOTCONN`
    pub fn getpeername(&self, id: SocketId) -> Result<Address, Errno> {
        let record = self.record(id)?;
        match (record.kind, self.inet(record.kind)) {
            (Kind::Tcp(key), Some(inet)) => {
                let state = self.tcp.state(key);
                let unconnected = matches!(state, TcpState::Closed | TcpState::SynSent | TcpState::Listen);
                if unconnected || inet.remote_port == 0 {
                    return Err(Errno::ENOTCONN);
                }
                Ok(scoped(record, inet.remote, inet.remote_port, inet.link))
            }
            // Linux asks for the port, which raw and ping sockets may lack although they are connected.
            (_, Some(inet)) if inet.remote.is_unspecified() || inet.remote_port == 0 => Err(Errno::ENOTCONN),
            (_, Some(inet)) => Ok(scoped(record, inet.remote, inet.remote_port, inet.link)),
            (Kind::Unix(key), None) => self.unix.peer_address(key).map(Address::Unix),
            _ => Err(Errno::EBADF),
        }
    }
}

/// The port of a raw socket is its protocol, as Linux shows it.
fn shown_port(record: &Record, port: u16) -> u16 {
    if record.ty == Type::Raw { u16::from(record.protocol) } else { port }
}

/// An address as a socket names it, with the link where it is link-local.
pub(super) fn scoped(record: &Record, addr: Addr, port: u16, link: u16) -> Address {
    let scope = if !addr.is_v4() && addr.is_link_local() { u32::from(link) } else { 0 };
    // A dual-stack socket that is bound to nothing says `::`, whichever family its traffic has.
    let addr = if record.family == Family::Inet6 && addr == Addr::V4_ANY { Addr::V4_ANY } else { addr };
    Address::of(record.family, SockAddr { addr, port, scope })
}

/// The address `bind` names, if it is one of the socket's family.
fn local_name(record: &Record, address: &Address) -> Result<SockAddr, Errno> {
    match (record.family, address) {
        (Family::Inet, Address::Inet(addr)) => Ok(*addr),
        // Kept by Linux for programs of old that leave the family 0: any address.
        (Family::Inet, Address::Unspecified) => Ok(SockAddr::new(Addr::V4_ANY, 0)),
        (Family::Inet6, Address::Inet6 { addr, .. }) => Ok(*addr),
        // `struct sockaddr_in` is too short for an IPv6 socket, and Linux looks at the length first.
        (Family::Inet6, Address::Inet(_)) => Err(Errno::EINVAL),
        (_, address) => Err(wrong_family(address)),
    }
}

/// Linux looks at the length before it looks at the family: a short `AF_UNIX` name is too short to be an internet address.
pub(super) fn wrong_family(address: &Address) -> Errno {
    match address {
        Address::Unix(UnixAddress::Unnamed) => Errno::EINVAL,
        Address::Unix(address) if address.to_sun_path().len() < 14 => Errno::EINVAL,
        _ => Errno::EAFNOSUPPORT,
    }
}
