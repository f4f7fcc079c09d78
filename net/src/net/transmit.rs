//! Datagrams with what their headers say besides, and several of one size as one: what QUIC wants of UDP.

use std::net::{IpAddr, SocketAddr};

use loggia_stack::base::{Errno, MsgFlags, SocketId};
use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::{ip, ipv6, udp};
use loggia_stack::socket::{Address, Control, Message, Received};

use crate::socket::{address, sock_addr};

/// A datagram to be sent, or several that lie behind each other.
#[derive(Clone, Debug)]
pub struct Transmit<'a> {
    data: &'a [u8],
    to: Option<SocketAddr>,
    from: Option<IpAddr>,
    segment_size: Option<u16>,
    tos: Option<u8>,
}

impl<'a> Transmit<'a> {
    /// For this address.
    pub const fn to(to: SocketAddr, data: &'a [u8]) -> Self {
        Self { data, to: Some(to), from: None, segment_size: None, tos: None }
    }

    /// For the connected end.
    pub const fn connected(data: &'a [u8]) -> Self {
        Self { data, to: None, from: None, segment_size: None, tos: None }
    }

    /// From this address of the host, whatever the socket is bound to and the routes say (`IP_PKTINFO`).
    #[must_use]
    pub const fn from(self, from: IpAddr) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Cut into datagrams of this size, of which the last may be shorter (`UDP_SEGMENT`); 64 at most, in 65,507 bytes.
    #[must_use]
    pub const fn segment_size(self, bytes: u16) -> Self {
        Self { segment_size: Some(bytes), ..self }
    }

    /// With these differentiated services and ECN bits: the byte that IPv4 calls type of service and IPv6 traffic class.
    #[must_use]
    pub const fn tos(self, tos: u8) -> Self {
        Self { tos: Some(tos), ..self }
    }

    /// What the call says besides data and address. `v6`: whether IPv6 carries it.
    fn control(&self, v6: bool) -> Vec<Control> {
        let tos = self.tos.map(|tos| if v6 { Control::TrafficClass(tos.into()) } else { Control::Tos(tos) });
        let from = self.from.map(|from| match from {
            IpAddr::V4(_) => Control::PktInfo { link: 0, local: from.into(), destination: from.into() },
            IpAddr::V6(_) => Control::PktInfo6 { link: 0, addr: from.into() },
        });
        let size = self.segment_size.map(Control::SegmentSize);
        [tos, from, size].into_iter().flatten().collect()
    }
}

/// Sends it. `EINVAL` for a segment size of nothing, or too many segments
pub(crate) fn transmit(stack: &mut Stack, id: SocketId, what: &Transmit<'_>) -> Result<usize, Errno> {
    let to = what.to.map(address);
    let end = match &to {
        Some(to) => to.clone(),
        None => stack.getpeername(id)?,
    };
    let control = what.control(matches!(&end, Address::Inet6 { addr, .. } if !addr.addr.is_v4()));
    stack.sendmsg(id, &Message { data: &[what.data], to: to.as_ref(), control: &control, flags: MsgFlags::NOSIGNAL })
}

/// What is known of a datagram that was received, or of several of one size that were received as one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RecvMeta {
    /// Bytes received.
    pub len: usize,
    /// Bytes of each datagram, of which the last may be shorter; `len` if it is a single one.
    pub stride: usize,
    /// The sender.
    pub from: SocketAddr,
    /// The address of ours that it was sent to.
    pub to: Option<IpAddr>,
    /// Differentiated services and ECN bits of its header.
    pub tos: Option<u8>,
    /// There was more than the buffer could take, and it is lost.
    pub truncated: bool,
}

/// Room for what [`tell_meta`] asks for.
const CONTROL: usize = 256;

/// Receives with what is known of it.
pub(crate) fn recv_meta(stack: &mut Stack, id: SocketId, into: &mut [u8]) -> Result<RecvMeta, Errno> {
    let Received { len, from, flags, control } = stack.recvmsg(id, &mut [into], CONTROL, MsgFlags::NONE)?;
    let from = sock_addr(&from).map_err(|_| Errno::EOPNOTSUPP)?;
    let mut meta = RecvMeta { len, stride: len, from, to: None, tos: None, truncated: flags.contains(MsgFlags::TRUNC) };
    for item in control {
        match item {
            Control::SegmentSize(size) => meta.stride = size.into(),
            Control::Tos(tos) => meta.tos = Some(tos),
            Control::TrafficClass(class) => meta.tos = Some(class as u8),
            // An IPv6 socket says it in its own form as well, which is that of its senders' addresses.
            Control::PktInfo { destination, .. } => _ = meta.to.get_or_insert(destination.into()),
            Control::PktInfo6 { addr, .. } => meta.to = Some(IpAddr::V6(addr.octets().into())),
            _ => {}
        }
    }
    Ok(meta)
}

/// Asks for all that [`RecvMeta`] has, or for none of it.
pub(crate) fn tell_meta(stack: &mut Stack, id: SocketId, on: bool) -> Result<(), Errno> {
    let v6 = !matches!(stack.getsockname(id)?, Address::Inet(_));
    let of_v6 = [(ipv6::LEVEL, ipv6::IPV6_RECVTCLASS), (ipv6::LEVEL, ipv6::IPV6_RECVPKTINFO)];
    // An IPv6 socket receives IPv4 as well.
    let of_both = [(udp::LEVEL, udp::UDP_GRO), (ip::LEVEL, ip::IP_RECVTOS), (ip::LEVEL, ip::IP_PKTINFO)];
    let mut wanted = of_both.into_iter().chain(of_v6.into_iter().filter(|_| v6));
    wanted.try_for_each(|(level, name)| stack.setsockopt(id, level, name, &i32::from(on).to_ne_bytes()))
}
