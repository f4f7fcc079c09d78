//! Options of `IPPROTO_IPV6`. All are an `int` of four bytes.

use super::super::layer::Sockets;
use super::super::numbers::ip::{MCAST_JOIN_GROUP, MCAST_LEAVE_SOURCE_GROUP};
use super::super::numbers::ipv6::*;
use super::super::record::Record;
use super::super::semantics::Type;
use super::ip::fragmentation;
use super::value;
use crate::base::{Errno, SocketId, Version};
use crate::network::Network;
use crate::transport::datagram::RecvOptions;

/// The least MTU of IPv6 (RFC 8200 §5).
const MIN_MTU: i32 = 1280;
/// `IPV6_FLOWINFO`: give traffic class and flow label of what arrives.
const IPV6_FLOWINFO: i32 = 11;

impl Sockets {
    #[inline(never)] // Most set options of sockets and of TCP.
    pub(super) fn set_ipv6_option(&mut self, net: &mut Network, id: SocketId, name: i32, value: &[u8]) -> Result<(), Errno> {
        let record = *self.record(id)?;
        match name {
            IPV6_ADD_MEMBERSHIP | IPV6_DROP_MEMBERSHIP | MCAST_JOIN_GROUP..=MCAST_LEAVE_SOURCE_GROUP => {
                return self.set_membership(net, id, name, value, Version::V6);
            }
            // The sticky form is not kept: it is given with each datagram instead.
            IPV6_PKTINFO if value.is_empty() => return Ok(()),
            _ => {}
        }
        let number = value::int(value)?;
        match name {
            IPV6_V6ONLY => {
                let inet = self.inet_mut(record.kind).ok_or(Errno::ENOPROTOOPT)?;
                if inet.local_port != 0 && record.ty != Type::Raw {
                    return Err(Errno::EINVAL);
                }
                inet.v6only = number != 0;
            }
            IPV6_MULTICAST_IF | IPV6_MULTICAST_HOPS if record.ty == Type::Stream => return Err(Errno::ENOPROTOOPT),
            IPV6_MULTICAST_IF => self.set_multicast_link6(net, &record, number)?,
            IPV6_MULTICAST_HOPS | IPV6_MULTICAST_LOOP | IPV6_MULTICAST_ALL => {
                self.set_ipv6_multicast(id, &record, name, number)?;
            }
            IPV6_UNICAST_HOPS | IPV6_TCLASS | IPV6_MTU_DISCOVER | IPV6_RECVERR | IPV6_FREEBIND | IPV6_TRANSPARENT => {
                self.set_ipv6_inet(id, &record, name, number)?;
            }
            IPV6_HDRINCL | IPV6_CHECKSUM => self.set_ipv6_raw(&record, name, number)?,
            _ => return self.set_ipv6_flag(net, id, &record, name, number),
        }
        self.options_changed(net, record.kind)
    }

    fn set_ipv6_inet(&mut self, id: SocketId, record: &Record, name: i32, number: i32) -> Result<(), Errno> {
        let admin = self.config.net_admin;
        let inet = self.inet_mut(record.kind).ok_or(Errno::ENOPROTOOPT)?;
        match (name, number) {
            (IPV6_UNICAST_HOPS, -1) => inet.hop_limit = 0,
            // 0 hops would mean "the default" below; Linux lets such packets only reach this host.
            (IPV6_UNICAST_HOPS, 0..=255) => inet.hop_limit = number.max(1) as u8,
            (IPV6_TCLASS, -1) => inet.tclass = 0,
            (IPV6_TCLASS, 0..=255) if record.ty == Type::Stream => inet.tclass = number as u8 & !3 | inet.tclass & 3,
            (IPV6_TCLASS, 0..=255) => inet.tclass = number as u8,
            (IPV6_RECVERR, _) => inet.recv_err = number != 0,
            (IPV6_MTU_DISCOVER, _) => {
                inet.fragmentation = fragmentation(number)?;
                return self.keep(id, LEVEL, name, number);
            }
            (IPV6_FREEBIND | IPV6_TRANSPARENT, _) => {
                if name == IPV6_TRANSPARENT && number != 0 {
                    admin.require()?;
                }
                inet.freebind = number != 0;
                return self.keep(id, LEVEL, name, value::flag(number != 0));
            }
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    fn set_ipv6_multicast(&mut self, id: SocketId, record: &Record, name: i32, number: i32) -> Result<(), Errno> {
        let Some(options) = self.datagram_options_mut(record.kind) else {
            return if matches!(number, 0 | 1) { self.keep(id, LEVEL, name, number) } else { Err(Errno::EINVAL) };
        };
        match (name, number) {
            (IPV6_MULTICAST_HOPS, -1) => options.multicast_hop_limit = 1,
            (IPV6_MULTICAST_HOPS, 0..=255) => options.multicast_hop_limit = number as u8,
            (IPV6_MULTICAST_LOOP, 0 | 1) => options.multicast_loop = number == 1,
            (IPV6_MULTICAST_ALL, _) => options.multicast_all = number != 0,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }

    fn set_multicast_link6(&mut self, net: &mut Network, record: &Record, number: i32) -> Result<(), Errno> {
        let link = Self::known_link(net, number as u32, Errno::ENODEV)?;
        let bound = self.inet(record.kind).map_or(0, |inet| inet.link);
        if bound != 0 && link != 0 && link != bound {
            return Err(Errno::EINVAL);
        }
        self.datagram_options_mut(record.kind).ok_or(Errno::ENOPROTOOPT)?.multicast_link = link;
        Ok(())
    }

    fn set_ipv6_raw(&mut self, record: &Record, name: i32, number: i32) -> Result<(), Errno> {
        let raw = record.ty == Type::Raw;
        let options = self.datagram_options_mut(record.kind).filter(|_| raw).ok_or(Errno::ENOPROTOOPT)?;
        match (name, number) {
            (IPV6_HDRINCL, _) => options.header_included = number != 0,
            (_, ..0) => options.checksum_offset = None,
            (_, _) if number % 2 == 1 => return Err(Errno::EINVAL),
            _ => options.checksum_offset = Some(u16::try_from(number).map_err(|_| Errno::EINVAL)?),
        }
        Ok(())
    }

    /// Which ancillary data is wanted, and numbers that are only kept.
    fn set_ipv6_flag(&mut self, net: &mut Network, id: SocketId, record: &Record, name: i32, number: i32) -> Result<(), Errno> {
        let on = number != 0;
        let options = self.datagram_options_mut(record.kind);
        if let Some(flag) = options.and_then(|options| wanted(&mut options.recv, name)) {
            *flag = on;
            return Ok(());
        }
        match (name, self.datagram_options_mut(record.kind)) {
            (IPV6_DONTFRAG, Some(options)) => {
                options.dont_fragment = on;
                self.options_changed(net, record.kind)
            }
            (IPV6_MTU, _) if number != 0 && number < MIN_MTU => Err(Errno::EINVAL),
            (IPV6_MINHOPCOUNT, _) if !(0..=255).contains(&number) => Err(Errno::EINVAL),
            (IPV6_UNICAST_IF, _) => {
                Self::known_link(net, u32::from_be(number as u32), Errno::EADDRNOTAVAIL)?;
                self.keep(id, LEVEL, name, number)
            }
            (IPV6_MTU | IPV6_MINHOPCOUNT | IPV6_ADDR_PREFERENCES, _) => self.keep(id, LEVEL, name, number),
            (name, _) if is_flag(name) => self.keep(id, LEVEL, name, value::flag(on)),
            _ => Err(Errno::ENOPROTOOPT),
        }
    }

    pub(super) fn get_ipv6_option(
        &mut self,
        net: &mut Network,
        id: SocketId,
        name: i32,
        into: &mut [u8],
    ) -> Result<usize, Errno> {
        let record = *self.record(id)?;
        if name == IPV6_PATHMTU {
            let mtu = self.known_mtu(net, &record)?;
            let mut info = [0; 32];
            info[28..].copy_from_slice(&mtu.to_ne_bytes());
            return if into.len() < info.len() { Err(Errno::EINVAL) } else { Ok(value::put(into, &info)) };
        }
        let number = self.ipv6_number(net, id, &record, name)?;
        Ok(value::put_int(into, number))
    }

    fn ipv6_number(&mut self, net: &mut Network, id: SocketId, record: &Record, name: i32) -> Result<i32, Errno> {
        if name == IPV6_MTU {
            return self.known_mtu(net, record);
        }
        let inet = self.inet(record.kind).ok_or(Errno::ENOPROTOOPT)?;
        Ok(match name {
            IPV6_V6ONLY => value::flag(inet.v6only),
            IPV6_UNICAST_HOPS if inet.hop_limit == 0 => net.default_hop_limit(Version::V6).into(),
            IPV6_UNICAST_HOPS => inet.hop_limit.into(),
            IPV6_TCLASS => inet.tclass.into(),
            IPV6_RECVERR => value::flag(inet.recv_err),
            IPV6_MTU_DISCOVER => self.kept(id, LEVEL, name, super::super::numbers::ip::IP_PMTUDISC_WANT),
            IPV6_FREEBIND | IPV6_TRANSPARENT | IPV6_MINHOPCOUNT | IPV6_UNICAST_IF => self.kept(id, LEVEL, name, 0),
            IPV6_ADDR_PREFERENCES => self.kept(id, LEVEL, name, PREFER_DEFAULTS),
            IPV6_AUTOFLOWLABEL => self.kept(id, LEVEL, name, 1),
            _ => self.ipv6_datagram_number(id, record, name)?,
        })
    }

    fn ipv6_datagram_number(&self, id: SocketId, record: &Record, name: i32) -> Result<i32, Errno> {
        let Some(options) = self.datagram_options(record.kind) else {
            return match name {
                IPV6_MULTICAST_LOOP | IPV6_MULTICAST_ALL | IPV6_MULTICAST_HOPS => Ok(self.kept(id, LEVEL, name, 1)),
                IPV6_MULTICAST_IF => Ok(0),
                name if is_flag(name) => Ok(self.kept(id, LEVEL, name, 0)),
                _ => Err(Errno::ENOPROTOOPT),
            };
        };
        let mut recv = options.recv;
        Ok(match name {
            IPV6_MULTICAST_HOPS => options.multicast_hop_limit.into(),
            IPV6_MULTICAST_LOOP => value::flag(options.multicast_loop),
            IPV6_MULTICAST_ALL => value::flag(options.multicast_all),
            IPV6_MULTICAST_IF => options.multicast_link.into(),
            IPV6_DONTFRAG => value::flag(options.dont_fragment),
            IPV6_HDRINCL if record.ty == Type::Raw => value::flag(options.header_included),
            IPV6_CHECKSUM if record.ty == Type::Raw => options.checksum_offset.map_or(-1, i32::from),
            _ => match wanted(&mut recv, name) {
                Some(flag) => value::flag(*flag),
                None if is_flag(name) => self.kept(id, LEVEL, name, 0),
                None => return Err(Errno::ENOPROTOOPT),
            },
        })
    }
}

/// `IPV6_PREFER_SRC_PUBTMP_DEFAULT | IPV6_PREFER_SRC_COA`... as Linux gives it when nothing was set.
const PREFER_DEFAULTS: i32 = 0x104;

fn wanted(recv: &mut RecvOptions, name: i32) -> Option<&mut bool> {
    match name {
        IPV6_RECVPKTINFO => Some(&mut recv.pktinfo6),
        IPV6_RECVHOPLIMIT => Some(&mut recv.hop_limit),
        IPV6_RECVTCLASS => Some(&mut recv.tclass),
        IPV6_RECVORIGDSTADDR => Some(&mut recv.orig_dst6),
        IPV6_FLOWINFO => Some(&mut recv.flow_info),
        IPV6_RECVPATHMTU => Some(&mut recv.path_mtu),
        IPV6_2292PKTINFO => Some(&mut recv.old_pktinfo6),
        IPV6_2292HOPLIMIT => Some(&mut recv.old_hop_limit),
        _ => None,
    }
}

/// Switches that are kept for sockets they mean nothing to.
fn is_flag(name: i32) -> bool {
    matches!(
        name,
        IPV6_RECVPKTINFO
            | IPV6_RECVHOPLIMIT
            | IPV6_RECVTCLASS
            | IPV6_RECVORIGDSTADDR
            | IPV6_FLOWINFO
            | IPV6_RECVPATHMTU
            | IPV6_2292PKTINFO
            | IPV6_2292HOPLIMIT
            | IPV6_DONTFRAG
            | IPV6_AUTOFLOWLABEL
            | IPV6_FLOWINFO_SEND
    )
}
