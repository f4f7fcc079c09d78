//! The way out: from a call to the network layer.

use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;

use super::header::{self, Check, Header};
use super::short::{self, Course};
use super::{Udp, base};
use crate::base::event::{Direction, What};
use crate::base::{Base, Errno, Frame, Key, MsgFlags, Rope, SockAddr};
use crate::network::{Network, protocol};
use crate::transport::datagram::{Endpoint, Prepared, SendControl};

/// The most datagrams one call with `UDP_SEGMENT` may make (`UDP_MAX_SEGMENTS`).
pub(super) const MAX_SEGMENTS: usize = 128;

/// A datagram that is being put together.
#[derive(Debug)]
pub(super) struct Corked {
    prepared: Prepared,
    to: SockAddr,
    segment_size: u16,
    pub(super) data: Rope,
}

impl Udp {
    /// Sends one datagram (copies `data`); gives its length.
    ///
    /// `EDESTADDRREQ` (nowhere to send), `EINVAL` (port 0; segments that do not fit), `EMSGSIZE` (longer than IP or the path
    /// takes), `EACCES` (broadcast without permission), `EPIPE` (writing was shut), `EOPNOTSUPP` (`MSG_OOB`), `EAGAIN` (no
    /// port left; the link's queue is full), a pending `SO_ERROR`, and the errors of routing. `ENOBUFS` (no room for all
    /// fragments) is only told with `IP_RECVERR`, as in Linux: else the datagram is lost like one that was lost further on.
    ///
    /// Linux counts what waits in a link's queue against `SO_SNDBUF` and makes the sender wait when that is full. Here datagrams
    /// leave the socket at once, and the link's queue itself is what makes it wait.
    pub fn send(
        &mut self,
        net: &mut Network,
        id: Key,
        data: &[&[u8]],
        to: Option<SockAddr>,
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        let len = data.iter().map(|part| part.len()).fold(0, usize::saturating_add);
        check_len(&self.sockets[id].endpoint, to, len)?;
        let rope = match data {
            [whole] => Rope::from(*whole),
            parts => Rope::from(parts.iter().flat_map(|part| part.iter().copied()).collect::<Vec<u8>>()),
        };
        self.send_bytes(net, id, rope, to, control, flags)
    }

    /// The same with payload that is not copied.
    pub fn send_bytes(
        &mut self,
        net: &mut Network,
        id: Key,
        data: Rope,
        to: Option<SockAddr>,
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<usize, Errno> {
        self.autobind(net, id)?;
        let len = data.len();
        check_len(&self.sockets[id].endpoint, to, len)?;
        if flags.contains(MsgFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let more = flags.contains(MsgFlags::MORE) || self.options(id).cork;
        if self.sockets[id].corked.is_some() {
            // Linux does not look at the address of what is added to a datagram that was begun.
            self.append(net, id, data)?;
        } else {
            let datagram = self.begin(net, id, data, to, control, flags)?;
            if !more {
                self.remember(net, id, &datagram, to, control);
                return self.transmit(net, id, datagram).map(|()| len);
            }
            hold(base(net), len)?;
            self.sockets[id].corked = Some(Box::new(datagram));
        }
        if more { Ok(len) } else { self.uncork(net, id).map(|()| len) }
    }

    /// Decides where a datagram goes.
    fn begin(
        &mut self,
        net: &mut Network,
        id: Key,
        data: Rope,
        to: Option<SockAddr>,
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<Corked, Errno> {
        let endpoint = &mut self.sockets[id].endpoint;
        let to = destination(endpoint, to)?;
        let prepared = endpoint.prepare(net, protocol::UDP, to, control, flags)?;
        prepared.confirm(net, flags);
        if endpoint.write_shut {
            return Err(Errno::EPIPE);
        }
        if let Some(errno) = endpoint.inet.take_error() {
            return Err(errno);
        }
        if !net.links.has_room(prepared.route.link) {
            if !core::mem::replace(&mut endpoint.blocked, true) {
                self.blocked.push(id);
            }
            return Err(Errno::EAGAIN);
        }
        let segment_size = control.segment_size.unwrap_or(endpoint.options.segment_size);
        let datagram = Corked { prepared, to, segment_size, data };
        datagram.check_room(net, endpoint, 0)?;
        Ok(datagram)
    }

    /// The next datagram may go where this one goes.
    fn remember(&mut self, net: &mut Network, id: Key, datagram: &Corked, asked: Option<SockAddr>, control: &SendControl) {
        let socket = &mut self.sockets[id];
        let Corked { prepared, to, .. } = datagram;
        let course =
            short::is_plain(control, &socket.endpoint).then(|| Course::of(net, &socket.endpoint, prepared, asked, *to)).flatten();
        socket.course = course.map(Box::new);
    }

    /// Links have room again: who waits for that may send.
    pub fn links_drained(&mut self, net: &mut Network) {
        for id in core::mem::take(&mut self.blocked) {
            if let Some(socket) = self.sockets.get_mut(id) {
                socket.endpoint.blocked = false;
                socket.endpoint.notify(base(net));
            }
        }
    }

    /// Adds to a datagram that was begun; if it gets too long all of it is lost, as in Linux.
    fn append(&mut self, net: &mut Network, id: Key, data: Rope) -> Result<(), Errno> {
        let socket = &mut self.sockets[id];
        let Some(mut datagram) = socket.corked.take() else { return Ok(()) };
        let room = datagram.check_room(net, &mut socket.endpoint, data.len());
        if let Err(errno) = room.and_then(|()| hold(base(net), data.len())) {
            base(net).budget.release(datagram.data.len());
            return Err(errno);
        }
        datagram.data.append(data);
        socket.corked = Some(datagram);
        Ok(())
    }

    /// Sends what was corked.
    pub(super) fn uncork(&mut self, net: &mut Network, id: Key) -> Result<(), Errno> {
        let Some(datagram) = self.sockets[id].corked.take() else { return Ok(()) };
        base(net).budget.release(datagram.data.len());
        self.transmit(net, id, *datagram)
    }

    fn transmit(&mut self, net: &mut Network, id: Key, datagram: Corked) -> Result<(), Errno> {
        let endpoint = &mut self.sockets[id].endpoint;
        let Corked { prepared, to, segment_size, data } = datagram;
        let Prepared { route, outgoing } = &prepared;
        let len = data.len();
        let mut frame = Frame::new(data);
        if segment_size != 0 && len > segment_size as usize {
            prepared.check_segments(net, endpoint, segment_size, len)?;
            frame.segment_size = segment_size;
        }
        let check = if endpoint.options.no_check && outgoing.dst.is_v4() && frame.segment_size == 0 {
            Check::No
        } else if frame.segment_size == 0 && len + header::LEN + prepared.header_len() > route.mtu as usize {
            Check::Now
        } else {
            Check::Later
        };
        let ports = Header { src_port: endpoint.inet.local_port, dst_port: to.port };
        header::push(&mut frame, ports, route.src, outgoing.dst, check);
        let result = net.send(route, outgoing, frame);
        endpoint.sent(base(net), SockAddr { addr: outgoing.dst, ..to }, len, route.mtu, result)
    }
}

impl Endpoint {
    /// What a call gives, and what is told, of a datagram of UDP that the network layer took or did not take.
    pub(super) fn sent(
        &mut self,
        base: &mut Base,
        peer: SockAddr,
        len: usize,
        mtu: u32,
        result: Result<(), Errno>,
    ) -> Result<(), Errno> {
        let counters = &mut base.counters.udp;
        match result {
            Ok(()) => {
                counters.out_datagrams += 1;
                base.emit(What::Datagram { socket: self.inet.owner, direction: Direction::Out, peer, len: len as u32 });
                Ok(())
            }
            Err(Errno::ENOBUFS) => {
                counters.sndbuf_errors += 1;
                if self.inet.recv_err { Err(Errno::ENOBUFS) } else { Ok(()) }
            }
            Err(Errno::EMSGSIZE) => {
                self.local_too_big(base, peer, mtu);
                Err(Errno::EMSGSIZE)
            }
            Err(errno) => Err(errno),
        }
    }
}

impl Corked {
    /// `EMSGSIZE` if the datagram cannot take `more` bytes; with `IP_RECVERR` the error queue tells what the path takes.
    fn check_room(&self, net: &mut Network, endpoint: &mut Endpoint, more: usize) -> Result<(), Errno> {
        // Cut into segments it need only fit the length field.
        let limit = if self.segment_size == 0 { self.prepared.packet_limit(net) } else { self.prepared.largest_packet() };
        if self.prepared.header_len() + header::LEN + self.data.len() + more <= limit {
            return Ok(());
        }
        let options = self.prepared.outgoing.options.as_ref().map_or(0, Bytes::len);
        let told = self.prepared.fragment_limit(net).saturating_sub(options);
        endpoint.local_too_big(base(net), self.to, told as u32);
        Err(Errno::EMSGSIZE)
    }
}

impl Prepared {
    /// What Linux asks of a datagram cut by `UDP_SEGMENT`: each part fits the path, and there are not too many of them.
    fn check_segments(&self, net: &Network, endpoint: &Endpoint, size: u16, len: usize) -> Result<(), Errno> {
        let mtu = self.packet_limit(net).min(self.route.mtu as usize);
        let fits = self.header_len() + header::LEN + size as usize <= mtu;
        let few = len <= size as usize * MAX_SEGMENTS;
        if fits && few && !endpoint.options.no_check { Ok(()) } else { Err(Errno::EINVAL) }
    }
}

/// Where a datagram goes: to the address of the call, else to the connected one.
fn destination(endpoint: &Endpoint, to: Option<SockAddr>) -> Result<SockAddr, Errno> {
    match to {
        Some(to) if to.port == 0 => Err(Errno::EINVAL),
        Some(to) => Ok(to),
        None if endpoint.inet.is_connected() => Ok(endpoint.inet.remote_end()),
        None => Err(Errno::EDESTADDRREQ),
    }
}

/// Charges what is corked. `ENOBUFS` if the stack's memory is used up.
fn hold(base: &mut Base, len: usize) -> Result<(), Errno> {
    if !base.budget.allows(len) {
        return Err(Errno::ENOBUFS);
    }
    base.budget.charge(len);
    Ok(())
}

/// No datagram is longer than its length field can tell. As on Linux the error queue hears of it with IPv6 alone, for which
/// [`Corked::check_room`] looks: by that `tracepath` begins.
fn check_len(endpoint: &Endpoint, to: Option<SockAddr>, len: usize) -> Result<(), Errno> {
    let to = to.unwrap_or_else(|| endpoint.inet.remote_end());
    let longest = if to.addr.is_v4() { 0xffff } else { i32::MAX as usize - header::LEN };
    if len <= longest { Ok(()) } else { Err(Errno::EMSGSIZE) }
}
