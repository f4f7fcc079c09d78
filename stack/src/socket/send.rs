//! `send`, `sendto`, `sendmsg`: written once for streams and once for messages.

use alloc::vec::Vec;

use bytes::Bytes;

use super::address::Address;
use super::control::Control;
use super::layer::{Sockets, on_datagrams};
use super::record::{Kind, Record};
use super::semantics::{Family, Type};
use crate::base::event::class;
use crate::base::{Addr, Errno, Key, MsgFlags, SockAddr, SocketId, TcpState, Version, What};
use crate::network::Network;
use crate::transport::datagram::SendControl;
use crate::transport::inet::Inet;
use crate::transport::unix::{Right, UnixControl};

/// Largest datagram: the IP length field has 16 bits.
const MAX_DATAGRAM: usize = 65535;

/// What `sendmsg` sends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Message<'a> {
    /// The bytes, in pieces.
    pub data: &'a [&'a [u8]],
    /// Where to; none: the connected end.
    pub to: Option<&'a Address>,
    /// Ancillary data.
    pub control: &'a [Control],
    /// `MSG_*`
    pub flags: MsgFlags,
}

impl<'a> Message<'a> {
    /// The first of the pieces.
    #[inline]
    pub(super) fn first_piece(&self) -> &'a [u8] {
        self.data.first().copied().unwrap_or_default()
    }

    /// Bytes of a message in one piece to this address, of which nothing is said of how it is to go. None: it is another.
    #[inline(always)]
    pub(super) fn len_if_like(&self, asked: Option<&Address>) -> Option<usize> {
        match self.data {
            [data] if self.is_plain() && is_same(self.to, asked) => Some(data.len()),
            _ => None,
        }
    }

    /// True if neither flags nor ancillary data say how it is to go.
    pub(super) fn is_plain(&self) -> bool {
        self.control.is_empty() && tell_nothing(self.flags)
    }
}

#[inline(always)]
fn is_same(one: Option<&Address>, other: Option<&Address>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one.is_same(other) || one == other,
        _ => false,
    }
}

/// A name of another family than the socket's: what it comes to is to be found out.
#[derive(Clone, Copy, Debug)]
pub(super) struct OtherFamily;

/// Where a message is to go, as whoever goes there again asks for it; none: to the connected end.
#[inline(always)]
pub(super) fn asked_of(record: &Record, to: Option<&Address>) -> Result<Option<SockAddr>, OtherFamily> {
    match (to, record.family) {
        (None, _) => Ok(None),
        (Some(Address::Inet(to)), Family::Inet) | (Some(Address::Inet6 { addr: to, .. }), Family::Inet6) => Ok(Some(*to)),
        (Some(_), _) => Err(OtherFamily),
    }
}

/// True if flags do not say how a message is to go.
const fn tell_nothing(flags: MsgFlags) -> bool {
    flags.is_within(MsgFlags(MsgFlags::DONTWAIT.0 | MsgFlags::NOSIGNAL.0))
}

/// What is to be sent: copied, or shared.
enum Payload<'a> {
    Slices(&'a [&'a [u8]]),
    Chunk(Bytes),
}

impl Payload<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Slices(slices) => slices.iter().fold(0, |sum, slice| sum.saturating_add(slice.len())),
            Self::Chunk(chunk) => chunk.len(),
        }
    }
}

impl Sockets {
    /// Sends; says how many bytes were taken: all of a message, as many as there is room for of a stream.
    ///
    /// Without room `EAGAIN`. `EPIPE` (no `SIGPIPE`: the core knows no signals), a pending error, `EDESTADDRREQ`, `EMSGSIZE`,
    /// `EISCONN`, `EINVAL`, `EOPNOTSUPP`, `EACCES` (broadcast), `ENOBUFS` and the errors of routing.
    pub fn sendmsg(&mut self, net: &mut Network, id: SocketId, message: &Message<'_>) -> Result<usize, Errno> {
        if let [data] = message.data
            && let Some(sent) = self.send_short(net, id, data, message.to, message.control, message.flags)
        {
            return sent.map(|()| data.len());
        }
        self.send_payload(net, id, Payload::Slices(message.data), message)
    }

    /// Sends bytes to the connected end: as [`Sockets::sendmsg`], but nothing is made of what else a message may say.
    pub fn send(&mut self, net: &mut Network, id: SocketId, data: &[u8], flags: MsgFlags) -> Result<usize, Errno> {
        if let Some(sent) = self.send_short(net, id, data, None, &[], flags) {
            return sent.map(|()| data.len());
        }
        self.send_payload(net, id, Payload::Slices(&[data]), &Message { flags, ..Message::default() })
    }

    /// A short message of a stream, or a datagram, of which nothing is to be told beside that it was sent. None: nothing was done.
    #[inline(always)] // What a message says is known where it is made.
    fn send_short(
        &mut self,
        net: &mut Network,
        id: SocketId,
        data: &[u8],
        to: Option<&Address>,
        control: &[Control],
        flags: MsgFlags,
    ) -> Option<Result<(), Errno>> {
        let record = self.records.get(id)?;
        if record.rare.is_some() || record.write_shut || net.links.base.events.wanted(class::CALLS) {
            return None;
        }
        match record.kind {
            Kind::Tcp(key) => self.tcp.write_short(net, key, data, flags).then_some(Ok(())),
            Kind::Udp(key) if control.is_empty() && tell_nothing(flags) => {
                self.udp.send_short(net, key, data, asked_of(record, to).ok()?)
            }
            _ => None,
        }
    }

    /// Sends a chunk without copying it (`AF_UNIX` copies it all the same).
    pub fn send_bytes(&mut self, net: &mut Network, id: SocketId, chunk: Bytes, flags: MsgFlags) -> Result<usize, Errno> {
        self.send_bytes_to(net, id, chunk, None, flags)
    }

    /// As [`Sockets::send_bytes`], to an address.
    pub fn send_bytes_to(
        &mut self,
        net: &mut Network,
        id: SocketId,
        chunk: Bytes,
        to: Option<&Address>,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        self.send_payload(net, id, Payload::Chunk(chunk), &Message { to, flags, ..Message::default() })
    }

    fn send_payload(
        &mut self,
        net: &mut Network,
        id: SocketId,
        payload: Payload<'_>,
        message: &Message<'_>,
    ) -> Result<usize, Errno> {
        let record = *self.record(id)?;
        let asked = payload.len();
        let offset = match record.kind {
            Kind::Tcp(key) if net.links.base.events.wanted(class::CALLS) => self.tcp.write_offset(key),
            Kind::Unix(key) if record.ty == Type::Stream => self.unix.write_offset(key),
            _ => 0,
        };
        let result = match record.kind {
            Kind::Tcp(key) => self.send_opening_stream(net, id, &record, key, payload, message),
            Kind::Unix(key) => self.send_unix(net, key, payload, message),
            _ => self.send_datagram(net, &record, payload, message),
        };
        if result.is_ok() {
            self.note_zero_copy(id, &record, message.flags)?;
            self.note_timestamping(&mut net.links.base, &record);
        }
        let result_for_event = result.map(|count| count as u32);
        net.links.base.emit(What::Write { socket: id, offset, asked: asked as u32, result: result_for_event });
        result
    }

    /// A stream that this very call may open (Linux's `tcp_sendmsg_fastopen`).
    fn send_opening_stream(
        &mut self,
        net: &mut Network,
        id: SocketId,
        record: &Record,
        key: Key,
        payload: Payload<'_>,
        message: &Message<'_>,
    ) -> Result<usize, Errno> {
        let opens = message.flags.contains(MsgFlags::FASTOPEN) || self.tcp.is_deferred(key);
        if opens && let Payload::Slices(data) = &payload {
            let waits = !message.flags.contains(MsgFlags::DONTWAIT);
            if let Some(taken) = self.open_with_data(net, id, key, data, message.to, waits)? {
                return Ok(taken);
            }
        }
        self.send_stream(net, record, key, payload, message.flags)
    }

    /// Linux's `tcp_sendmsg`. A destination is not looked at (POSIX would have EISCONN).
    fn send_stream(
        &mut self,
        net: &mut Network,
        record: &Record,
        key: Key,
        payload: Payload<'_>,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        let state = self.tcp.state(key);
        if !self.tcp.may_write(key) {
            if let Some(error) = self.take_error(record.kind) {
                return Err(error);
            }
            let opening = matches!(state, TcpState::SynSent | TcpState::SynReceived);
            return Err(if opening { Errno::EAGAIN } else { Errno::EPIPE });
        }
        if let Some(error) = self.take_error(record.kind) {
            return Err(error);
        }
        if record.write_shut {
            return Err(Errno::EPIPE);
        }
        let wanted = payload.len();
        let taken = match payload {
            Payload::Slices(slices) => self.tcp.write(net, key, slices, flags),
            Payload::Chunk(chunk) => self.tcp.write_bytes(net, key, chunk, flags),
        };
        if taken == 0 && wanted > 0 { Err(Errno::EAGAIN) } else { Ok(taken) }
    }

    /// Linux's `udp_sendmsg` and `raw_sendmsg` up to the place where the datagram is built.
    fn send_datagram(
        &mut self,
        net: &mut Network,
        record: &Record,
        payload: Payload<'_>,
        message: &Message<'_>,
    ) -> Result<usize, Errno> {
        // UDP looks at it again: over IPv6 the error queue hears of what is too long.
        let may_be_longer = record.family == Family::Inet6 && matches!(record.kind, Kind::Udp(_));
        if payload.len() > MAX_DATAGRAM && !may_be_longer {
            return Err(Errno::EMSGSIZE);
        }
        if message.flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let to = self.destination(record, message.to)?;
        let inet = self.inet(record.kind).ok_or(Errno::EBADF)?;
        if to.is_none() && !is_connected(inet) {
            self.bind_by_sending(net, record);
            return Err(Errno::EDESTADDRREQ);
        }
        let carrier = to.map_or(inet.remote, |to| to.addr).version();
        let control = send_control(record.family, carrier, message.control)?;
        if let Some(error) = self.take_error(record.kind) {
            return Err(error);
        }
        if record.write_shut {
            return Err(Errno::EPIPE);
        }
        let flags = message.flags;
        match payload {
            Payload::Slices(slices) => on_datagrams!(
                self, record.kind, |transport, key| transport.send(net, key, slices, to, &control, flags), _ => Err(Errno::EBADF)
            ),
            Payload::Chunk(chunk) => on_datagrams!(
                self, record.kind, |transport, key| transport.send_bytes(net, key, chunk.into(), to, &control, flags), _ => Err(Errno::EBADF)
            ),
        }
    }

    /// A send call gives a socket a port even if it then fails, as in Linux.
    fn bind_by_sending(&mut self, net: &mut Network, record: &Record) {
        let Some(inet) = self.inet(record.kind) else { return };
        if record.semantics().binds_by_sending && inet.local_port == 0 {
            let any = SockAddr::new(Addr::any(inet.version), 0);
            // Without a free port there is nothing to tell here: the call fails anyway.
            let _ = on_datagrams!(self, record.kind, |transport, key| transport.bind(net, key, any), _ => Ok(()));
        }
    }

    /// The destination a send call names for a datagram.
    fn destination(&self, record: &Record, to: Option<&Address>) -> Result<Option<SockAddr>, Errno> {
        let Some(address) = to else { return Ok(None) };
        let to = match (record.family, address) {
            (Family::Inet6, Address::Unspecified) => return Ok(None),
            (Family::Inet, Address::Unspecified) => return Err(Errno::EINVAL),
            (Family::Inet6, Address::Inet(_)) if !self.is_dual(record) => return Err(Errno::ENETUNREACH),
            (Family::Inet6, Address::Inet(addr)) => self.remote_name(record, &Address::Inet6 { addr: *addr, flowinfo: 0 })?,
            (Family::Inet6, Address::Unix(_)) => return Err(Errno::EINVAL),
            _ => self.remote_name(record, address)?,
        };
        if matches!(record.kind, Kind::Udp(_)) && to.port == 0 {
            return Err(Errno::EINVAL);
        }
        Ok(Some(to))
    }

    fn send_unix(&mut self, net: &mut Network, key: Key, payload: Payload<'_>, message: &Message<'_>) -> Result<usize, Errno> {
        let to = match message.to {
            None | Some(Address::Unspecified) => None,
            Some(Address::Unix(address)) => Some(address),
            Some(Address::Inet(_) | Address::Inet6 { .. }) => return Err(Errno::EINVAL),
        };
        let control = self.unix_control(message.control)?;
        let base = &mut net.links.base;
        let result = match payload {
            Payload::Slices(slices) => self.unix.send(base, key, slices, to, message.flags, control),
            Payload::Chunk(chunk) => self.unix.send(base, key, &[&chunk[..]], to, message.flags, control),
        };
        self.drop_rights(net);
        result
    }

    /// Each right that is sent is a reference of its own; `EBADF` if one names no socket.
    fn unix_control(&mut self, items: &[Control]) -> Result<UnixControl, Errno> {
        let mut control = UnixControl::default();
        for item in items {
            match item {
                Control::Rights(rights) => control.rights.extend_from_slice(rights),
                Control::Credentials(who) => control.credentials = Some(*who),
                _ => {}
            }
        }
        let sockets: Vec<SocketId> = control
            .rights
            .iter()
            .filter_map(|right| match right {
                Right::Socket(id) => Some(*id),
                Right::Foreign(_) => None,
            })
            .collect();
        if sockets.iter().any(|id| !self.records.contains(*id)) {
            return Err(Errno::EBADF);
        }
        for id in sockets {
            self.dup(id)?;
        }
        Ok(control)
    }
}

/// True if a datagram socket has been told its other end.
pub(super) fn is_connected(inet: &Inet) -> bool {
    inet.remote_port != 0 || !inet.remote.is_unspecified()
}

/// What ancillary data sets for one datagram; what is of another level than that of the header which carries it is not looked at, as in Linux. An
/// IPv6 socket that sends IPv4 may name the source in IPv6's form (`ip_cmsg_send`).
fn send_control(family: Family, carrier: Version, items: &[Control]) -> Result<SendControl, Errno> {
    let mut control = SendControl::default();
    let v6 = carrier == Version::V6;
    for item in items {
        match *item {
            Control::PktInfo { link, local, .. } if !v6 => {
                control.link = link_number(link)?;
                control.src = (!local.is_unspecified()).then_some(local);
            }
            Control::PktInfo6 { addr, .. } if !v6 && family == Family::Inet6 && !addr.is_v4() => return Err(Errno::EINVAL),
            Control::PktInfo6 { link, addr } if family == Family::Inet6 => {
                control.link = link_number(link)?;
                control.src = (!addr.is_unspecified()).then_some(addr);
            }
            Control::Ttl(ttl) if !v6 => control.hop_limit = Some(byte(ttl, 1)?),
            Control::HopLimit(-1) | Control::TrafficClass(-1) if v6 => {}
            Control::HopLimit(hops) if v6 => control.hop_limit = Some(byte(hops, 0)?),
            Control::Tos(tos) if !v6 => control.tos = Some(tos),
            Control::TrafficClass(class) if v6 => control.tos = Some(byte(class, 0)?),
            Control::SegmentSize(size) => control.segment_size = Some(size),
            _ => {}
        }
    }
    Ok(control)
}

fn byte(value: i32, least: u8) -> Result<u8, Errno> {
    u8::try_from(value).ok().filter(|byte| *byte >= least).ok_or(Errno::EINVAL)
}

/// Linux's answer for a link that does not exist.
fn link_number(link: u32) -> Result<u16, Errno> {
    u16::try_from(link).map_err(|_| Errno::ENODEV)
}
