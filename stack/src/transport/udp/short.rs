//! A datagram that goes where the one before it went: what `send` and `prepare` come to for it, in one go.
//!
//! The first datagram goes the general way and leaves its [`Course`] with the socket. Whatever would make the next one go another way ends that:
//! a call that changes the socket ([`Endpoint::changes`]), or a change of routes, addresses or links ([`Network::takes`]).

use super::header::{self, Header};
use super::{Udp, base};
use crate::base::{Errno, Frame, Key, SockAddr};
use crate::network::{Network, Way};
use crate::transport::datagram::{Endpoint, Prepared, SendControl};

/// Where the datagrams of a socket went, and how.
#[derive(Debug)]
pub(super) struct Course {
    /// The address that the call gave, if it gave one.
    asked: Option<SockAddr>,
    pub(super) to: SockAddr,
    pub(super) way: Way,
    pub(super) ports: Header,
    /// [`Endpoint::changes`] when the course was taken.
    changes: u64,
}

/// True if a call says nothing of how its datagram is to go. Options of the socket may.
pub(super) fn is_plain(control: &SendControl, endpoint: &Endpoint) -> bool {
    let options = &endpoint.options;
    *control == SendControl::default() && !options.no_check && !options.cork && options.segment_size == 0 && !options.dont_route
}

impl Course {
    /// The course that a datagram was prepared for.
    pub(super) fn of(
        net: &mut Network,
        endpoint: &Endpoint,
        prepared: &Prepared,
        asked: Option<SockAddr>,
        to: SockAddr,
    ) -> Option<Self> {
        let way = net.way(&prepared.route, &prepared.outgoing)?;
        let ports = Header { src_port: endpoint.inet.local_port, dst_port: to.port };
        let to = SockAddr { addr: prepared.outgoing.dst, ..to };
        Some(Self { asked, to, way, ports, changes: endpoint.changes })
    }

    /// True if a datagram of so many bytes, for the address `asked` or for the connected end, goes this course.
    #[inline]
    pub(super) fn is_open(&self, net: &Network, endpoint: &Endpoint, asked: Option<SockAddr>, len: usize) -> bool {
        self.asked == asked
            && self.changes == endpoint.changes
            && !endpoint.write_shut
            && endpoint.inet.error.is_none()
            && net.takes(&self.way, header::LEN + len)
    }
}

impl Udp {
    /// Sends a datagram, to `asked` or to the connected end, as [`Udp::send`] does without flags and ancillary data. None: it did nothing, for the
    /// datagram does not go where the one before it went.
    pub fn send_short(
        &mut self,
        net: &mut Network,
        id: Key,
        data: &[u8],
        asked: Option<SockAddr>,
    ) -> Option<Result<usize, Errno>> {
        let socket = &mut self.sockets[id];
        let course = socket.course.as_deref()?;
        if !course.is_open(net, &socket.endpoint, asked, data.len()) || socket.corked.is_some() {
            return None;
        }
        let mut frame = Frame::copy_of(data);
        header::push_partial(&mut frame, course.ports, course.way.pseudo());
        let result = net.send_along(&course.way, frame);
        let (to, mtu) = (course.to, course.way.route().mtu);
        Some(socket.endpoint.sent(base(net), to, data.len(), mtu, result).map(|()| data.len()))
    }
}
