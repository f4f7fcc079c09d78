//! Raw sockets: the way out.

use alloc::vec::Vec;

use super::{Raw, Socket, check_family};
use crate::base::checksum::checksum;
use crate::base::event::{Direction, What};
use crate::base::{Errno, Frame, Key, MsgFlags, Rope, SockAddr, Sum, Version};
use crate::network::{Network, protocol};
use crate::transport::datagram::{Endpoint, Prepared, SendControl};

/// Bytes of an IPv4 header without options.
const IPV4_HEADER: usize = 20;

impl Raw {
    /// Sends one packet (copies `data`); gives its length.
    ///
    /// `EDESTADDRREQ` (nowhere to send), `EMSGSIZE` (longer than IP or the path takes), `EINVAL` (an IP header that is none; too
    /// short for `IPV6_CHECKSUM`), `EACCES` (broadcast without permission), `EPIPE` (writing was shut), `EOPNOTSUPP`
    /// (`MSG_OOB`), a pending `SO_ERROR`, and the errors of routing.
    pub fn send(
        &mut self,
        net: &mut Network,
        id: Key,
        data: &[&[u8]],
        to: Option<SockAddr>,
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        if data.iter().map(|part| part.len()).fold(0, usize::saturating_add) > 0xffff {
            return Err(Errno::EMSGSIZE);
        }
        let whole: Vec<u8> = data.iter().flat_map(|part| part.iter().copied()).collect();
        self.send_bytes(net, id, whole.into(), to, control, flags)
    }

    /// The same with payload that is not copied, unless it carries something the kernel fills in.
    pub fn send_bytes(
        &mut self,
        net: &mut Network,
        id: Key,
        data: Rope,
        to: Option<SockAddr>,
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        if data.len() > 0xffff {
            return Err(Errno::EMSGSIZE);
        }
        if flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let Socket { endpoint, protocol } = &mut self.sockets[id];
        let to = destination(endpoint, to)?;
        check_family(endpoint, to.addr)?;
        let mut prepared = endpoint.prepare(net, *protocol, to, control, flags)?;
        prepared.confirm(net, flags);
        if endpoint.write_shut {
            return Err(Errno::EPIPE);
        }
        if let Some(errno) = endpoint.inet.take_error() {
            return Err(errno);
        }
        let len = data.len();
        let frame = if endpoint.options.header_included {
            with_own_header(net, endpoint, &mut prepared, to, data)?
        } else {
            with_our_header(net, endpoint, &prepared, to, data)?
        };
        transmit(net, endpoint, &prepared, to, frame)?;
        Ok(len)
    }
}

fn destination(endpoint: &Endpoint, to: Option<SockAddr>) -> Result<SockAddr, Errno> {
    match to {
        Some(to) => Ok(SockAddr { port: 0, ..to }),
        None if endpoint.inet.is_connected() => Ok(endpoint.inet.remote_end()),
        None => Err(Errno::EDESTADDRREQ),
    }
}

/// `EMSGSIZE` if a packet of `len` bytes is over `limit`; with `IP_RECVERR` the error queue tells it.
fn check_len(net: &mut Network, endpoint: &mut Endpoint, to: SockAddr, len: usize, limit: usize) -> Result<(), Errno> {
    if len <= limit {
        return Ok(());
    }
    endpoint.local_too_big(&mut net.links.base, to, limit as u32);
    Err(Errno::EMSGSIZE)
}

/// A payload around which the network layer puts the IP header.
fn with_our_header(
    net: &mut Network,
    endpoint: &mut Endpoint,
    prepared: &Prepared,
    to: SockAddr,
    data: Rope,
) -> Result<Frame, Errno> {
    let limit = prepared.packet_limit(net);
    check_len(net, endpoint, to, prepared.header_len() + data.len(), limit)?;
    match endpoint.options.checksum_offset.filter(|_| endpoint.inet.version == Version::V6) {
        Some(offset) => Ok(Frame::new(checked(prepared, data, usize::from(offset))?)),
        None => Ok(Frame::new(data)),
    }
}

/// `data` with the checksum over pseudo-header and itself at `offset` (RFC 3542 §3.1). `EINVAL` if it is too short for one.
fn checked(prepared: &Prepared, data: Rope, offset: usize) -> Result<Rope, Errno> {
    let mut bytes = data.to_vec();
    let len = bytes.len();
    let upper = prepared.outgoing.protocol;
    let field = bytes.get_mut(offset..offset + 2).ok_or(Errno::EINVAL)?;
    field.fill(0);
    let mut sum = Sum::pseudo(prepared.route.src, prepared.outgoing.dst, upper, len);
    sum.add(&bytes);
    let sum = match sum.finish() {
        0 if upper == protocol::UDP => 0xffff,
        sum => sum,
    };
    bytes[offset..offset + 2].copy_from_slice(&sum.to_be_bytes());
    Ok(bytes.into())
}

/// A packet whose IP header the caller wrote. As in Linux the IPv4 length and header checksum are always filled in, source and
/// identification if they are zero; an IPv6 packet goes as it is. It is never cut: it must fit the link.
fn with_own_header(
    net: &mut Network,
    endpoint: &mut Endpoint,
    prepared: &mut Prepared,
    to: SockAddr,
    data: Rope,
) -> Result<Frame, Errno> {
    prepared.outgoing.header_included = true;
    let mtu = net.links.config(prepared.route.link).map_or(0, |link| link.mtu as usize);
    check_len(net, endpoint, to, data.len(), mtu)?;
    if endpoint.inet.version == Version::V6 {
        let mut frame = Frame::new(data);
        frame.l3_len = 40;
        return if frame.len() < 40 { Err(Errno::EINVAL) } else { Ok(frame) };
    }
    let mut header = [0; 60];
    let len = data.copy_to(0, &mut header);
    let header_len = usize::from(header[0] & 0x0f) * 4;
    if len < IPV4_HEADER || header_len < IPV4_HEADER || header_len > len {
        return Err(Errno::EINVAL);
    }
    let id = net.links.base.entropy.next_u32() as u16;
    fill_header(&mut header[..header_len], prepared, data.len(), id);
    let mut frame = Frame::new(data.slice(header_len, data.len() - header_len));
    frame.push(header_len).copy_from_slice(&header[..header_len]);
    frame.l3_len = header_len as u16;
    Ok(frame)
}

fn fill_header(header: &mut [u8], prepared: &Prepared, len: usize, id: u16) {
    header[2..4].copy_from_slice(&(len as u16).to_be_bytes());
    if header[4..6] == [0, 0] {
        header[4..6].copy_from_slice(&id.to_be_bytes());
    }
    if header[12..16] == [0; 4] {
        header[12..16].copy_from_slice(&prepared.route.src.v4_octets());
    }
    header[10..12].fill(0);
    let sum = checksum(header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
}

fn transmit(net: &mut Network, endpoint: &mut Endpoint, prepared: &Prepared, to: SockAddr, frame: Frame) -> Result<(), Errno> {
    let len = frame.len() as u32;
    match net.send(&prepared.route, &prepared.outgoing, frame) {
        Ok(()) => {
            let (socket, peer) = (endpoint.inet.owner, SockAddr { addr: prepared.outgoing.dst, ..to });
            net.links.base.emit(What::Datagram { socket, direction: Direction::Out, peer, len });
            Ok(())
        }
        // Linux tells of a full link only with IP_RECVERR.
        Err(Errno::ENOBUFS) if !endpoint.inet.recv_err => Ok(()),
        Err(Errno::EMSGSIZE) => {
            endpoint.local_too_big(&mut net.links.base, to, prepared.route.mtu);
            Err(Errno::EMSGSIZE)
        }
        Err(errno) => Err(errno),
    }
}
