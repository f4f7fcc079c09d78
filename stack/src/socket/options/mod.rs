//! `getsockopt` and `setsockopt`: bytes in, bytes out, with Linux's numbers, lengths and clamps on x86-64. A file for each level.
//!
//! Where an option lives: what routing and binding depend on in [`Inet`](crate::transport::inet::Inet), what TCP depends on in
//! [`TcpOptions`](crate::transport::tcp::TcpOptions), what datagrams depend on in
//! [`DatagramOptions`](crate::transport::datagram::DatagramOptions), the rest in the socket's record. A number that changes nothing
//! in this stack, but that programs set and read back, is kept in [`Rare::kept`](super::record::Rare::kept).

mod filter;
mod ip;
mod ipv6;
mod membership;
mod socket;
mod socket_get;
mod tcp;
mod tcp_info;
mod udp;
pub(crate) mod value;

use super::layer::Sockets;
use super::numbers::{icmpv6, ip as ip_level, ipv6 as ipv6_level, raw, sol_socket, tcp as tcp_level, udp as udp_level};
use super::record::{Kind, Record};
use super::semantics::{Family, Type};
use crate::base::{Errno, Key, SocketId};
use crate::network::Network;

/// Which file handles a level of options for a socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Level {
    Socket,
    Ip,
    Ipv6,
    Tcp(Key),
    Udp,
    Filter,
}

impl Sockets {
    /// Sets an option. `ENOPROTOOPT` for what the level does not know, `EINVAL` for lengths and values, `EPERM` without permission.
    #[inline(always)]
    pub fn setsockopt(&mut self, net: &mut Network, id: SocketId, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        let record = *self.record(id)?;
        match level_of(&record, level)? {
            Level::Socket => self.set_socket_option(net, id, &record, name, value),
            Level::Ip => self.set_ip_option(net, id, name, value),
            Level::Ipv6 => self.set_ipv6_option(net, id, name, value),
            Level::Tcp(key) => self.set_tcp_option(net, id, key, name, value),
            Level::Udp => self.set_udp_option(net, id, name, value),
            Level::Filter => self.set_filter(id, level, name, value),
        }
    }

    /// Reads an option into `into`, cut to its length where Linux cuts; says how many bytes it is.
    pub fn getsockopt(
        &mut self,
        net: &mut Network,
        id: SocketId,
        level: i32,
        name: i32,
        into: &mut [u8],
    ) -> Result<usize, Errno> {
        let record = self.record(id)?;
        let told = match level_of(record, level) {
            // Linux refuses a level it does not know differently when it is asked and when it is told, with IPv4 only.
            Err(Errno::ENOPROTOOPT) if record.family == Family::Inet => Err(Errno::EOPNOTSUPP),
            level => level,
        };
        match told? {
            Level::Socket => self.get_socket_option(net, id, name, into),
            Level::Ip => self.get_ip_option(net, id, name, into),
            Level::Ipv6 => self.get_ipv6_option(net, id, name, into),
            Level::Tcp(_) => self.get_tcp_option(net, id, name, into),
            Level::Udp => self.get_udp_option(id, name, into),
            Level::Filter => self.get_filter(id, level, name, into),
        }
    }

    /// A number that is only kept and given back.
    pub(super) fn kept(&self, id: SocketId, level: i32, name: i32, default: i32) -> i32 {
        let Ok(record) = self.record(id) else { return default };
        let same = |(l, n, value): &(i32, i32, i32)| (*l == level && *n == name).then_some(*value);
        self.rare(record, |rare| rare.kept.iter().find_map(same)).unwrap_or(default)
    }

    /// Keeps a number. Grows by the options there are, not by the calls.
    pub(super) fn keep(&mut self, id: SocketId, level: i32, name: i32, value: i32) -> Result<(), Errno> {
        let kept = &mut self.rare_mut(id)?.kept;
        match kept.iter_mut().find(|(l, n, _)| *l == level && *n == name) {
            Some(entry) => entry.2 = value,
            None => kept.push((level, name, value)),
        }
        Ok(())
    }
}

/// The rows of Linux's `setsockopt` methods: a TCP or UDP socket passes what is not its own on to IP, an IPv6 socket passes
/// `IPPROTO_IP` on to IPv4 unless it is raw, and `AF_UNIX` has no options of its own.
fn level_of(record: &Record, level: i32) -> Result<Level, Errno> {
    match (level, record.kind, record.family) {
        (sol_socket::LEVEL, ..) => Ok(Level::Socket),
        (_, Kind::Unix(_), _) => Err(Errno::EOPNOTSUPP),
        (tcp_level::LEVEL, Kind::Tcp(key), _) => Ok(Level::Tcp(key)),
        (udp_level::LEVEL, Kind::Udp(_), _) => Ok(Level::Udp),
        (raw::LEVEL, Kind::Raw(_), _) | (icmpv6::LEVEL, Kind::Raw(_), Family::Inet6) => Ok(Level::Filter),
        (ip_level::LEVEL, _, Family::Inet) => Ok(Level::Ip),
        (ip_level::LEVEL, _, Family::Inet6) if record.ty != Type::Raw => Ok(Level::Ip),
        (ipv6_level::LEVEL, _, Family::Inet6) => Ok(Level::Ipv6),
        _ => Err(Errno::ENOPROTOOPT),
    }
}
