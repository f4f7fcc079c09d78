//! Options of `IPPROTO_IP`. Most are an `int` or a single byte, as Linux reads them.

use bytes::Bytes;

use super::super::layer::Sockets;
use super::super::numbers::ip::*;
use super::super::record::{Kind, Record};
use super::super::semantics::Type;
use super::value;
use crate::base::{Addr, Errno, LinkId, SocketId, Version};
use crate::network::{Fragmentation, Network, RouteQuery};
use crate::transport::datagram::RecvOptions;

/// Most bytes of IPv4 options: a header of 60 bytes less the fixed 20.
const MAX_OPTIONS: usize = 40;

impl Sockets {
    #[inline(never)] // Most set options of sockets and of TCP.
    pub(super) fn set_ip_option(&mut self, net: &mut Network, id: SocketId, name: i32, value: &[u8]) -> Result<(), Errno> {
        let record = *self.record(id)?;
        let number = value::int_or_byte(value);
        match name {
            IP_OPTIONS => return self.set_ip_options(net, id, &record, value),
            IP_ADD_MEMBERSHIP..=IP_ADD_SOURCE_MEMBERSHIP
            | IP_DROP_SOURCE_MEMBERSHIP
            | MCAST_JOIN_GROUP..=MCAST_LEAVE_SOURCE_GROUP => {
                return self.set_membership(net, id, name, value, Version::V4);
            }
            IP_MULTICAST_IF => return self.set_multicast_link(net, &record, value),
            IP_UNICAST_IF => {
                let index = u32::from_be_bytes(value.try_into().map_err(|_| Errno::EINVAL)?);
                Self::known_link(net, index, Errno::EADDRNOTAVAIL)?;
                return self.keep(id, LEVEL, name, index as i32);
            }
            IP_LOCAL_PORT_RANGE => {
                let (low, high) = (number as u32 & 0xffff, number as u32 >> 16);
                if value.len() != 4 || (low != 0 && high != 0 && low > high) {
                    return Err(Errno::EINVAL);
                }
                return self.keep(id, LEVEL, name, number);
            }
            IP_MULTICAST_TTL | IP_MULTICAST_LOOP | IP_MULTICAST_ALL | IP_TTL | IP_MINTTL | IP_FREEBIND | IP_TRANSPARENT
                if value.is_empty() =>
            {
                return Err(Errno::EINVAL);
            }
            IP_MULTICAST_TTL | IP_MULTICAST_LOOP | IP_MULTICAST_ALL => self.set_ip_multicast(id, &record, name, number)?,
            IP_HDRINCL => {
                let header_included = record.ty == Type::Raw;
                let options = self.datagram_options_mut(record.kind).filter(|_| header_included).ok_or(Errno::ENOPROTOOPT)?;
                options.header_included = number != 0;
            }
            IP_TOS | IP_TTL | IP_MTU_DISCOVER | IP_RECVERR | IP_FREEBIND | IP_TRANSPARENT => {
                self.set_ip_inet(id, &record, name, number)?;
            }
            _ => return self.set_ip_flag(id, &record, name, number),
        }
        self.options_changed(net, record.kind)
    }

    /// What lies in the common part of an internet socket.
    fn set_ip_inet(&mut self, id: SocketId, record: &Record, name: i32, number: i32) -> Result<(), Errno> {
        let admin = self.config.net_admin;
        let stream = record.ty == Type::Stream;
        let inet = self.inet_mut(record.kind).ok_or(Errno::ENOPROTOOPT)?;
        match name {
            // The ECN bits of a TCP connection are TCP's own.
            IP_TOS if stream => inet.tos = number as u8 & !3 | inet.tos & 3,
            IP_TOS => inet.tos = number as u8,
            IP_TTL if number == -1 => inet.hop_limit = 0,
            IP_TTL if (1..=255).contains(&number) => inet.hop_limit = number as u8,
            IP_RECVERR => inet.recv_err = number != 0,
            IP_FREEBIND => {
                inet.freebind = number != 0;
                return self.keep(id, LEVEL, name, value::flag(number != 0));
            }
            IP_TRANSPARENT => {
                if number != 0 {
                    admin.require()?;
                }
                inet.freebind = number != 0;
                return self.keep(id, LEVEL, name, value::flag(number != 0));
            }
            IP_MTU_DISCOVER => {
                inet.fragmentation = fragmentation(number)?;
                return self.keep(id, LEVEL, name, number);
            }
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    fn set_ip_multicast(&mut self, id: SocketId, record: &Record, name: i32, number: i32) -> Result<(), Errno> {
        if name == IP_MULTICAST_TTL && record.ty == Type::Stream {
            return Err(Errno::EINVAL);
        }
        let Some(options) = self.datagram_options_mut(record.kind) else {
            return self.keep(id, LEVEL, name, value::flag(number != 0));
        };
        match (name, number) {
            (IP_MULTICAST_TTL, -1) => options.multicast_hop_limit = 1,
            (IP_MULTICAST_TTL, 0..=255) => options.multicast_hop_limit = number as u8,
            (IP_MULTICAST_LOOP, _) => options.multicast_loop = number != 0,
            (IP_MULTICAST_ALL, 0 | 1) => options.multicast_all = number != 0,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    /// Which ancillary data is wanted, and numbers that are only kept.
    fn set_ip_flag(&mut self, id: SocketId, record: &Record, name: i32, number: i32) -> Result<(), Errno> {
        let on = number != 0;
        let options = self.datagram_options_mut(record.kind);
        if let Some(flag) = options.and_then(|options| wanted(&mut options.recv, name)) {
            *flag = on;
            return Ok(());
        }
        match (self.datagram_options(record.kind), name) {
            (None, IP_PKTINFO | IP_RECVTTL | IP_RECVTOS | IP_RECVOPTS | IP_RETOPTS | IP_RECVORIGDSTADDR) => {
                self.keep(id, LEVEL, name, value::flag(on))
            }
            (_, IP_MINTTL) if !(0..=255).contains(&number) => Err(Errno::EINVAL),
            (_, IP_MINTTL) => self.keep(id, LEVEL, name, number),
            (_, IP_BIND_ADDRESS_NO_PORT) => self.keep(id, LEVEL, name, value::flag(on)),
            _ => Err(Errno::ENOPROTOOPT),
        }
    }

    fn set_ip_options(&mut self, net: &mut Network, id: SocketId, record: &Record, value: &[u8]) -> Result<(), Errno> {
        if value.len() > MAX_OPTIONS || !well_formed(value) {
            return Err(Errno::EINVAL);
        }
        let mut padded = value.to_vec();
        padded.resize(value.len().next_multiple_of(4), 0);
        match self.datagram_options_mut(record.kind) {
            Some(options) => options.ip_options = (!padded.is_empty()).then(|| Bytes::from(padded)),
            // TCP carries none here.
            None if value.is_empty() => {}
            None => return Err(Errno::ENOPROTOOPT),
        }
        let _ = id;
        self.options_changed(net, record.kind)
    }

    /// `IP_MULTICAST_IF`: an address of ours (`in_addr`, `ip_mreq`) or a link (`ip_mreqn`); both zero undo it.
    fn set_multicast_link(&mut self, net: &mut Network, record: &Record, value: &[u8]) -> Result<(), Errno> {
        if record.ty == Type::Stream || value.len() < 4 {
            return Err(Errno::EINVAL);
        }
        let addr = value::v4_at(value, if value.len() >= 8 { 4 } else { 0 })?;
        let index = if value.len() >= 12 { value::u32_at(value, 8)? } else { 0 };
        let link = if index != 0 {
            Self::known_link(net, index, Errno::EADDRNOTAVAIL)?
        } else if addr.is_unspecified() {
            0
        } else {
            net.addresses.link_of(addr).ok_or(Errno::EADDRNOTAVAIL)?.0
        };
        let bound = self.inet(record.kind).map_or(0, |inet| inet.link);
        if bound != 0 && link != 0 && link != bound {
            return Err(Errno::EINVAL);
        }
        let options = self.datagram_options_mut(record.kind).ok_or(Errno::EINVAL)?;
        (options.multicast_link, options.multicast_src) = (link, addr);
        self.options_changed(net, record.kind)
    }

    /// The number of a link, if there is such a link or it is 0.
    pub(super) fn known_link(net: &Network, index: u32, unknown: Errno) -> Result<u16, Errno> {
        let link = u16::try_from(index).map_err(|_| unknown)?;
        if link == 0 || net.links.config(LinkId(link)).is_some() { Ok(link) } else { Err(unknown) }
    }

    pub(super) fn get_ip_option(&mut self, net: &mut Network, id: SocketId, name: i32, into: &mut [u8]) -> Result<usize, Errno> {
        let record = *self.record(id)?;
        match name {
            IP_OPTIONS => {
                let options = self.datagram_options(record.kind).and_then(|options| options.ip_options.clone());
                return Ok(value::put(into, &options.unwrap_or_default()));
            }
            IP_MULTICAST_IF => {
                let src = self.datagram_options(record.kind).map_or(Addr::V4_ANY, |options| options.multicast_src);
                let octets = if src.is_v4() { src.v4_octets() } else { [0; 4] };
                return Ok(value::put(into, &octets));
            }
            IP_UNICAST_IF => {
                let index = self.kept(id, LEVEL, name, 0);
                return Ok(value::put(into, &index.to_be_bytes()));
            }
            _ => {}
        }
        let number = self.ip_number(net, id, &record, name)?;
        Ok(value::put_int_or_byte(into, number))
    }

    fn ip_number(&mut self, net: &mut Network, id: SocketId, record: &Record, name: i32) -> Result<i32, Errno> {
        let inet = self.inet(record.kind).ok_or(Errno::ENOPROTOOPT)?;
        let number = match name {
            IP_TOS => i32::from(inet.tos),
            IP_TTL if inet.hop_limit == 0 => net.default_hop_limit(Version::V4).into(),
            IP_TTL => inet.hop_limit.into(),
            IP_RECVERR => value::flag(inet.recv_err),
            IP_MTU => self.known_mtu(net, record)?,
            IP_MTU_DISCOVER => self.kept(id, LEVEL, name, IP_PMTUDISC_WANT),
            // Linux gives what it keeps in this place: the protocol of a raw socket, the port of any other.
            IP_PROTOCOL if record.ty == Type::Raw => i32::from(record.protocol),
            IP_PROTOCOL => i32::from(inet.local_port),
            IP_FREEBIND | IP_TRANSPARENT | IP_MINTTL | IP_BIND_ADDRESS_NO_PORT | IP_LOCAL_PORT_RANGE => {
                self.kept(id, LEVEL, name, 0)
            }
            IP_HDRINCL if record.ty != Type::Raw => return Err(Errno::ENOPROTOOPT),
            _ => self.ip_datagram_number(id, record, name)?,
        };
        Ok(number)
    }

    fn ip_datagram_number(&self, id: SocketId, record: &Record, name: i32) -> Result<i32, Errno> {
        let kept = |default| Ok(self.kept(id, LEVEL, name, default));
        let Some(options) = self.datagram_options(record.kind) else {
            return match name {
                IP_MULTICAST_TTL | IP_MULTICAST_LOOP | IP_MULTICAST_ALL => kept(1),
                IP_PKTINFO | IP_RECVTTL | IP_RECVTOS | IP_RECVOPTS | IP_RETOPTS | IP_RECVORIGDSTADDR => kept(0),
                _ => Err(Errno::ENOPROTOOPT),
            };
        };
        Ok(match name {
            IP_MULTICAST_TTL => options.multicast_hop_limit.into(),
            IP_MULTICAST_LOOP => value::flag(options.multicast_loop),
            IP_MULTICAST_ALL => value::flag(options.multicast_all),
            IP_HDRINCL => value::flag(options.header_included),
            _ => value::flag(*wanted(&mut options.recv.clone(), name).ok_or(Errno::ENOPROTOOPT)?),
        })
    }

    /// `IP_MTU` and `IPV6_MTU`: the path MTU of a connected socket. `ENOTCONN`
    pub(super) fn known_mtu(&mut self, net: &mut Network, record: &Record) -> Result<i32, Errno> {
        if let Kind::Tcp(key) = record.kind
            && !matches!(self.tcp.state(key), crate::base::TcpState::Closed | crate::base::TcpState::Listen)
        {
            let pmtu = self.tcp.info(key).pmtu;
            if pmtu != 0 {
                return Ok(pmtu as i32);
            }
        }
        let inet = self.inet(record.kind).ok_or(Errno::ENOTCONN)?;
        if inet.remote.is_unspecified() {
            return Err(Errno::ENOTCONN);
        }
        let link = (inet.link != 0).then_some(LinkId(inet.link));
        let query = RouteQuery { dst: inet.remote, src: inet.local, link };
        // However large the MTU of a link is, an IPv4 packet is no longer than its length field can say.
        let most = if inet.remote.is_v4() { 65_535 } else { u32::MAX };
        net.route(&query).map(|route| route.mtu.min(most) as i32).map_err(|_| Errno::ENOTCONN)
    }
}

/// The switch of an option that asks for ancillary data.
fn wanted(recv: &mut RecvOptions, name: i32) -> Option<&mut bool> {
    match name {
        IP_PKTINFO => Some(&mut recv.pktinfo),
        IP_RECVTTL => Some(&mut recv.ttl),
        IP_RECVTOS => Some(&mut recv.tos),
        IP_RECVOPTS => Some(&mut recv.options),
        IP_RETOPTS => Some(&mut recv.retopts),
        IP_RECVORIGDSTADDR => Some(&mut recv.orig_dst),
        _ => None,
    }
}

/// What a number of `IP_MTU_DISCOVER` means. The two that ignore what path MTU discovery found (for servers of public names) let
/// anybody cut.
pub(super) fn fragmentation(number: i32) -> Result<Fragmentation, Errno> {
    match number {
        IP_PMTUDISC_WANT => Ok(Fragmentation::Local),
        IP_PMTUDISC_DO => Ok(Fragmentation::Never),
        IP_PMTUDISC_PROBE => Ok(Fragmentation::Probe),
        IP_PMTUDISC_DONT | IP_PMTUDISC_INTERFACE | IP_PMTUDISC_OMIT => Ok(Fragmentation::Anybody),
        _ => Err(Errno::EINVAL),
    }
}

/// True if IPv4 options follow each other to the end (RFC 791 §3.1): a byte alone, or a kind, a length and so many bytes.
fn well_formed(options: &[u8]) -> bool {
    let mut rest = options;
    while let Some((&kind, behind)) = rest.split_first() {
        rest = match (kind, behind.first()) {
            (0, _) => return true,
            (1, _) => behind,
            (_, Some(&len)) if len >= 2 && usize::from(len) <= rest.len() => &rest[usize::from(len)..],
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_must_be_well_formed() {
        assert!(well_formed(&[]) && well_formed(&[1, 1, 0, 9]) && well_formed(&[0x94, 4, 0, 0]));
        assert!(!well_formed(&[0x94]) && !well_formed(&[0x94, 1]) && !well_formed(&[0x94, 5, 0, 0]));
    }
}
