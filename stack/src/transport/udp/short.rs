//! A datagram that goes where the one before it went: what `send` and `prepare` come to for it, in one go.
//!
//! The first datagram goes the general way and leaves its [`Course`] with the socket. Whatever would make the next one go another way ends that:
//! a call that changes the socket ([`Endpoint::changes`]), or a change of routes, addresses or links ([`Network::takes`]).

use super::header::{self, Header};
use super::socket::Socket;
use super::{Udp, base};
use crate::base::event::{Direction, What};
use crate::base::{Checksum, Errno, Frame, Key, SockAddr, Sum, Version};
use crate::network::{LONGEST_HEADER, Network, Straight, Way, ipv4, ipv6};
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
    /// The headers of the datagram that went last.
    headers: Headers,
}

/// The headers of datagrams of one length.
#[derive(Clone, Copy, Debug)]
struct Headers {
    /// Bytes of payload behind them.
    len: usize,
    /// That of the network, at the end of the place for it, and that of UDP with a partial checksum.
    bytes: [u8; ROOM],
    /// The sum of the latter.
    sum: Sum,
}

/// Bytes of the longest headers.
const ROOM: usize = LONGEST_HEADER + header::LEN;

impl Headers {
    fn of(way: &Way, ports: Header, len: usize) -> Self {
        let (mut bytes, len_udp) = ([0; ROOM], header::LEN + len);
        let udp = header::partial(ports, way.pseudo(), len_udp);
        let (network, transport) = bytes.split_first_chunk_mut().expect("of both headers one is the first");
        way.write_header(network, len_udp);
        transport.copy_from_slice(&udp);
        let mut sum = Sum::new();
        sum.add(&udp);
        Self { len, bytes, sum }
    }

    #[inline(never)] // Both in one place would have fewer registers each.
    fn packet_v6(&self, data: &[u8], checksums: Checksums) -> Frame {
        self.packet::<{ ipv6::HEADER_LEN + header::LEN }>(data, checksums)
    }

    /// The packet of a datagram, of which the headers have so many bytes.
    #[inline(always)]
    fn packet<const LEN: usize>(&self, data: &[u8], checksums: Checksums) -> Frame {
        let mut frame = Frame::copy_of(data);
        let headers = frame.prepend(&self.bytes[ROOM - LEN..]);
        match checksums {
            Checksums::Later => frame.checksum = Checksum::Partial { offset: header::CHECKSUM },
            Checksums::Now => {
                let mut sum = self.sum;
                sum.add(data);
                headers[LEN - 2..].copy_from_slice(&header::checksum_of(sum).to_be_bytes());
            }
        }
        (frame.l2_len, frame.l3_len, frame.l4_len) = (0, (LEN - header::LEN) as u16, header::LEN as u8);
        frame
    }
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
        let headers = Headers::of(&way, ports, 0);
        Some(Self { asked, to, way, ports, changes: endpoint.changes, headers })
    }

    /// True if a datagram of so many bytes, for the address `asked` or for the connected end, goes this course.
    #[inline]
    pub(super) fn is_open(&self, net: &Network, endpoint: &Endpoint, asked: Option<SockAddr>, len: usize) -> bool {
        self.is_of(endpoint, asked) && net.takes(&self.way, header::LEN + len)
    }

    /// True if it is that of a datagram for the address `asked` or for the connected end.
    #[inline(always)]
    fn is_of(&self, endpoint: &Endpoint, asked: Option<SockAddr>) -> bool {
        self.asked == asked && self.changes == endpoint.changes && !endpoint.write_shut && endpoint.inet.error.is_none()
    }

    /// Sends the packet of a datagram.
    #[inline(always)]
    fn send(&mut self, straight: Straight<'_>, data: &[u8]) {
        let checksums = if straight.has_checksums() { Checksums::Later } else { Checksums::Now };
        let packet = self.packet(data, checksums);
        straight.send(&self.way, packet);
    }

    /// The packet of a datagram, with all headers. Its checksum is left to the device if that makes `checksums`.
    #[inline(always)]
    fn packet(&mut self, data: &[u8], checksums: Checksums) -> Frame {
        if self.headers.len != data.len() {
            self.headers = Headers::of(&self.way, self.ports, data.len());
        }
        match self.way.version() {
            Version::V4 => self.headers.packet::<{ ipv4::HEADER_LEN + header::LEN }>(data, checksums),
            Version::V6 => self.headers.packet_v6(data, checksums),
        }
    }
}

/// When the checksum of a datagram is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Checksums {
    Now,
    Later,
}

impl Udp {
    /// Sends a datagram, to `asked` or to the connected end, as [`Udp::send`] does without flags and ancillary data. None: it did nothing, for the
    /// datagram does not go where the one before it went.
    #[inline(always)] // Called once for each way into the socket layer.
    pub fn send_short(&mut self, net: &mut Network, id: Key, data: &[u8], asked: Option<SockAddr>) -> Option<Result<(), Errno>> {
        let socket = &mut self.sockets[id];
        let course = socket.course.as_deref_mut()?;
        if !course.is_of(&socket.endpoint, asked) || socket.corked.is_some() {
            return None;
        }
        let len = header::LEN + data.len();
        let Some(straight) = net.straight_bare(&course.way, len) else { return send_onward(net, socket, data) };
        course.send(straight, data);
        sent(net, &socket.endpoint, course, data);
        Some(Ok(()))
    }
}

/// Notes that a datagram of the course left.
#[inline(always)]
fn sent(net: &mut Network, endpoint: &Endpoint, course: &Course, data: &[u8]) {
    let (socket, peer, len) = (endpoint.inet.owner, course.to, data.len() as u32);
    base(net).counters.udp.out_datagrams += 1;
    base(net).emit(What::Datagram { socket, direction: Direction::Out, peer, len });
}

/// Sends a datagram of the socket's course over a link that needs more than packets.
#[inline(never)]
fn send_onward(net: &mut Network, socket: &mut Socket, data: &[u8]) -> Option<Result<(), Errno>> {
    let course = socket.course.as_deref_mut()?;
    let Some(straight) = net.straight(&course.way, header::LEN + data.len()) else { return send_along(net, socket, data) };
    course.send(straight, data);
    sent(net, &socket.endpoint, course, data);
    Some(Ok(()))
}

/// The same where there is more to ask of the link.
#[inline(never)]
fn send_along(net: &mut Network, socket: &mut Socket, data: &[u8]) -> Option<Result<(), Errno>> {
    let course = socket.course.as_deref()?;
    if !net.takes(&course.way, header::LEN + data.len()) {
        return None;
    }
    let mut frame = Frame::copy_of(data);
    header::push_partial(&mut frame, course.ports, course.way.pseudo());
    let result = net.send_along(&course.way, frame);
    let (to, mtu) = (course.to, course.way.route().mtu);
    Some(socket.endpoint.sent(base(net), to, data.len(), mtu, result))
}
