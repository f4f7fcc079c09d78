//! `socket`, `socketpair`, `dup`, `close`: how a socket comes and goes.

use super::layer::{Sockets, on_datagrams};
use super::numbers::*;
use super::record::{Kind, Phase, Record};
use super::semantics::{self, Family, Type};
use crate::base::{Duration, Errno, SocketId, Version};
use crate::network::Network;
use crate::transport::unix::{Credentials, Right, UnixKind};

/// What `socket` was asked for, once it is known to exist.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Wanted {
    family: Family,
    ty: Type,
    protocol: i32,
}

impl Sockets {
    /// A socket. `ty` may carry `SOCK_NONBLOCK` and `SOCK_CLOEXEC`, which mean nothing here.
    ///
    /// `EAFNOSUPPORT`, `ESOCKTNOSUPPORT`, `EPROTONOSUPPORT`, `EINVAL` as Linux; `EPERM` for raw sockets without permission;
    /// `ENFILE` at the limit of sockets, `ENOBUFS` when the memory budget is used up.
    #[inline(always)]
    pub fn socket(&mut self, net: &mut Network, family: i32, ty: i32, protocol: i32) -> Result<SocketId, Errno> {
        let wanted = wanted(family, ty, protocol)?;
        if wanted.ty == Type::Raw {
            self.config.net_raw.require()?;
        }
        self.admit(net, 1)?;
        Ok(self.open(net, wanted))
    }

    /// Two sockets connected to each other; `AF_UNIX` only. `EOPNOTSUPP` for other families.
    pub fn socketpair(&mut self, net: &mut Network, family: i32, ty: i32, protocol: i32) -> Result<(SocketId, SocketId), Errno> {
        let wanted = wanted(family, ty, protocol)?;
        if wanted.ty == Type::Raw {
            self.config.net_raw.require()?;
        }
        if wanted.family != Family::Unix {
            return Err(Errno::EOPNOTSUPP);
        }
        self.admit(net, 2)?;
        let (first, second) = (self.open(net, wanted), self.open(net, wanted));
        if let (Kind::Unix(a), Kind::Unix(b)) = (self.record(first)?.kind, self.record(second)?.kind) {
            self.unix.pair(a, b);
        }
        for id in [first, second] {
            self.record_mut(id)?.phase = Phase::Connected;
        }
        Ok((first, second))
    }

    fn admit(&self, net: &Network, count: usize) -> Result<(), Errno> {
        if self.records.len() + count > self.config.max_sockets {
            Err(Errno::ENFILE)
        } else if !net.links.base.budget.allows(count * size_of::<Record>()) {
            Err(Errno::ENOBUFS)
        } else {
            Ok(())
        }
    }

    /// Keeps a new socket; the budget counts it.
    #[inline(always)]
    fn open(&mut self, net: &mut Network, wanted: Wanted) -> SocketId {
        let Wanted { family, ty, protocol } = wanted;
        let (Some(version), Type::Stream) = (family.version(), ty) else { return self.open_other(net, wanted) };
        net.links.base.budget.charge(size_of::<Record>());
        let Self { records, tcp, .. } = self;
        // The transport is told the name before the record can be made.
        let id = records.insert_with(|id| Record::new(Kind::Tcp(tcp.open(id, version)), family, ty, protocol as u8));
        if family == Family::Inet6 {
            self.set_defaults(id, family);
        }
        id
    }

    /// The same of one that is no stream of the internet.
    #[inline(never)]
    fn open_other(&mut self, net: &mut Network, wanted: Wanted) -> SocketId {
        let Wanted { family, ty, protocol } = wanted;
        let version = family.version().unwrap_or(Version::V4);
        net.links.base.budget.charge(size_of::<Record>());
        let Self { records, udp, raw, ping, unix, .. } = self;
        let id = records.insert_with(|id| {
            let kind = match (family, ty) {
                (Family::Unix, Type::Stream) => Kind::Unix(unix.open(id, UnixKind::Stream)),
                (Family::Unix, Type::SeqPacket) => Kind::Unix(unix.open(id, UnixKind::SeqPacket)),
                (Family::Unix, _) => Kind::Unix(unix.open(id, UnixKind::Datagram)),
                (_, Type::Raw) => Kind::Raw(raw.open(id, version, protocol as u8)),
                _ if protocol == IPPROTO_UDP => Kind::Udp(udp.open(id, version)),
                _ => Kind::Ping(ping.open(id, version)),
            };
            Record::new(kind, family, ty, protocol as u8)
        });
        self.set_defaults(id, family);
        id
    }

    /// What the stack's settings say of sockets other than streams, and of the family that may carry both.
    fn set_defaults(&mut self, id: SocketId, family: Family) {
        let Ok(kind) = self.record(id).map(|record| record.kind) else { return };
        let (rmem, wmem, v6only) = (self.config.rmem_default, self.config.wmem_default, self.config.bindv6only);
        if let Some(options) = self.datagram_options_mut(kind) {
            (options.rcvbuf, options.sndbuf) = (rmem as usize, wmem as usize);
        }
        if let Some(inet) = self.inet_mut(kind) {
            inet.v6only = v6only && family == Family::Inet6;
        }
    }

    /// One more handle for a socket.
    pub fn dup(&mut self, id: SocketId) -> Result<(), Errno> {
        let record = self.record_mut(id)?;
        record.handles = record.handles.checked_add(1).ok_or(Errno::EMFILE)?;
        Ok(())
    }

    /// Gives one handle back; with the last one the socket goes. A TCP connection lives on by itself until it is closed in order, or
    /// is reset: with unread data (RFC 2525 §2.17), with `SO_LINGER` of zero, or when a lingering close takes too long.
    pub fn close(&mut self, net: &mut Network, id: SocketId) -> Result<(), Errno> {
        self.give_up(net, id)?;
        self.drop_rights(net);
        Ok(())
    }

    #[inline(always)]
    fn release(&mut self, net: &mut Network, id: SocketId) {
        let Some(record) = self.forget(net, id) else { return };
        let linger = self.forget_rare(&record).map(|rare| rare.linger);
        match record.kind {
            Kind::Tcp(key) => {
                let linger = linger.filter(|linger| linger.on);
                let linger = linger.map(|linger| Duration::from_secs(linger.seconds.into()));
                self.tcp.close(net, key, linger);
            }
            Kind::Unix(key) => self.unix.close(&mut net.links.base, key),
            kind => on_datagrams!(self, kind, |transport, key| transport.close(net, key), _ => ()),
        }
    }

    /// Gives up the references of messages that nobody will receive, which may close sockets, whose queues may hold more of them.
    #[inline(always)]
    pub(super) fn drop_rights(&mut self, net: &mut Network) {
        if self.unix.has_dropped_rights() {
            self.drop_all_rights(net);
        }
    }

    #[cold]
    #[inline(never)]
    fn drop_all_rights(&mut self, net: &mut Network) {
        while let Some(right) = self.unix.dropped_right() {
            match right {
                // One that is in a message is not gone.
                Right::Socket(id) => self.give_up(net, id).unwrap_or_default(),
                Right::Foreign(handle) => self.foreign.push(handle),
            }
        }
    }

    /// One reference less. If those that remain may all be in queues that nobody can reach, they are looked for.
    #[inline(always)]
    fn give_up(&mut self, net: &mut Network, id: SocketId) -> Result<(), Errno> {
        let record = self.record_mut(id)?;
        record.handles -= 1;
        if record.handles == 0 {
            self.release(net, id);
        } else {
            self.collect(net, id);
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn collect(&mut self, net: &mut Network, id: SocketId) {
        if !self.unix.is_in_flight(id) {
            return;
        }
        let Self { unix, records, .. } = self;
        unix.collect(&mut net.links.base, |id| {
            records.get(id).and_then(|record| match record.kind {
                Kind::Unix(key) => Some((key, record.handles as usize)),
                _ => None,
            })
        });
    }

    /// The next foreign handle (see [`Right::Foreign`]) that was in a message nobody will receive: its owner may close it.
    pub fn dropped_handle(&mut self) -> Option<u64> {
        self.foreign.pop()
    }

    /// Says whose a socket is, for `SO_PEERCRED` and `SCM_CREDENTIALS`; without meaning for other families than `AF_UNIX`.
    pub fn set_credentials(&mut self, id: SocketId, credentials: Credentials) -> Result<(), Errno> {
        if let Kind::Unix(key) = self.record(id)?.kind {
            self.unix.set_credentials(key, credentials);
        }
        Ok(())
    }

    /// Says by its number which link a name such as `SO_BINDTODEVICE`'s means. `ENODEV`
    pub(super) fn link_by_name(net: &Network, name: &[u8]) -> Result<u16, Errno> {
        let name = core::str::from_utf8(name).map_err(|_| Errno::ENODEV)?;
        net.links.by_name(name).map(|link| link.0).ok_or(Errno::ENODEV)
    }
}

/// Linux's order of tests: flags, ranges, family, type, protocol.
#[inline(always)]
fn wanted(family: i32, ty: i32, protocol: i32) -> Result<Wanted, Errno> {
    if ty & !(SOCK_TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    let ty = ty & SOCK_TYPE_MASK;
    if !(0..AF_MAX).contains(&family) {
        return Err(Errno::EAFNOSUPPORT);
    }
    if ty >= SOCK_MAX {
        return Err(Errno::EINVAL);
    }
    match family {
        AF_UNIX => wanted_unix(ty, protocol),
        AF_INET | AF_INET6 => wanted_inet(if family == AF_INET { Family::Inet } else { Family::Inet6 }, ty, protocol),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

#[inline(never)] // Those of the internet are made more often.
fn wanted_unix(ty: i32, protocol: i32) -> Result<Wanted, Errno> {
    if protocol != 0 && protocol != AF_UNIX {
        return Err(Errno::EPROTONOSUPPORT);
    }
    let ty = match ty {
        SOCK_STREAM => Type::Stream,
        // Linux takes a raw AF_UNIX socket for a datagram socket, as BSD had it.
        SOCK_DGRAM | SOCK_RAW => Type::Datagram,
        SOCK_SEQPACKET => Type::SeqPacket,
        _ => return Err(Errno::ESOCKTNOSUPPORT),
    };
    Ok(Wanted { family: Family::Unix, ty, protocol })
}

fn wanted_inet(family: Family, ty: i32, protocol: i32) -> Result<Wanted, Errno> {
    if !(0..IPPROTO_MAX).contains(&protocol) {
        return Err(Errno::EINVAL);
    }
    let ty = match ty {
        SOCK_STREAM => Type::Stream,
        SOCK_DGRAM => Type::Datagram,
        SOCK_RAW => Type::Raw,
        _ => return Err(Errno::ESOCKTNOSUPPORT),
    };
    let ping = if family == Family::Inet { IPPROTO_ICMP } else { IPPROTO_ICMPV6 };
    let known = match ty {
        Type::Stream => protocol == IPPROTO_IP || protocol == IPPROTO_TCP,
        Type::Datagram => protocol == IPPROTO_IP || protocol == IPPROTO_UDP || protocol == ping,
        // A raw socket must name its protocol, which is one byte in the header.
        Type::Raw | Type::SeqPacket => (1..=255).contains(&protocol),
    };
    if !known {
        return Err(Errno::EPROTONOSUPPORT);
    }
    let protocol = if protocol == IPPROTO_IP { semantics::default_protocol(family, ty) } else { protocol };
    Ok(Wanted { family, ty, protocol })
}
