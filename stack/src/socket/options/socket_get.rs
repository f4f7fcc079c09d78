//! Asking options of `SOL_SOCKET`.

use alloc::vec::Vec;

use super::super::layer::Sockets;
use super::super::numbers::sol_socket::*;
use super::super::record::{Kind, Record, Timestamps};
use super::value;
use crate::base::{Duration, Errno, LinkId, SocketId, TcpState};
use crate::network::Network;
use crate::transport::unix::{Credentials, UnixState};

/// Room a name of a link takes, with its NUL.
const IFNAMSIZ: usize = 16;

impl Sockets {
    pub(super) fn get_socket_option(
        &mut self,
        net: &mut Network,
        id: SocketId,
        name: i32,
        into: &mut [u8],
    ) -> Result<usize, Errno> {
        let record = *self.record(id)?;
        match name {
            SO_ERROR => {
                let error = self.take_error(record.kind).map_or(0, Errno::number);
                return Ok(value::put_int(into, error));
            }
            SO_BINDTODEVICE => return self.device_name(net, &record, into),
            SO_PEERCRED => return Ok(value::put(into, &credentials(self.peer_credentials(&record)))),
            SO_PEERNAME => {
                let name = self.getpeername(id)?.to_bytes();
                return if into.len() > name.len() { Err(Errno::EINVAL) } else { Ok(value::put(into, &name)) };
            }
            SO_COOKIE if into.len() < 8 => return Err(Errno::EINVAL),
            SO_COOKIE => return Ok(value::put(into, &(id.to_bits() + 1).to_ne_bytes())),
            SO_MEMINFO => return Ok(value::put(into, &self.memory_info(&record))),
            SO_LINGER => {
                let linger = self.rare(&record, |rare| rare.linger);
                let linger = [value::flag(linger.on), linger.seconds as i32];
                return Ok(value::put(into, &linger.map(i32::to_ne_bytes).concat()));
            }
            SO_RCVTIMEO | SO_RCVTIMEO_NEW => {
                return Ok(value::put(into, &timeval(self.rare(&record, |rare| rare.receive_timeout))));
            }
            SO_SNDTIMEO | SO_SNDTIMEO_NEW => return Ok(value::put(into, &timeval(self.rare(&record, |rare| rare.send_timeout)))),
            SO_MAX_PACING_RATE => return Ok(put_rate(into, self.rare(&record, |rare| rare.max_pacing_rate))),
            _ => {}
        }
        let number = self.socket_number(id, &record, name)?;
        Ok(value::put_int(into, number))
    }

    fn socket_number(&self, id: SocketId, record: &Record, name: i32) -> Result<i32, Errno> {
        Ok(match name {
            SO_TYPE => record.ty.number(),
            SO_DOMAIN => record.family.number(),
            SO_PROTOCOL => i32::from(record.protocol),
            SO_ACCEPTCONN => value::flag(self.is_listening(record)),
            SO_SNDBUF => self.buffers(record).0 as i32,
            SO_RCVBUF => self.buffers(record).1 as i32,
            SO_SNDLOWAT => 1,
            SO_RCVLOWAT => match record.kind {
                Kind::Tcp(key) => self.tcp.options(key).rcvlowat as i32,
                _ => self.rare(record, |rare| rare.rcvlowat) as i32,
            },
            SO_PASSCRED => match record.kind {
                Kind::Unix(key) => value::flag(self.unix.options(key).pass_credentials),
                _ => return Err(Errno::EOPNOTSUPP),
            },
            SO_PASSRIGHTS => match record.kind {
                Kind::Unix(key) => value::flag(self.unix.options(key).pass_rights),
                _ => return Err(Errno::EOPNOTSUPP),
            },
            SO_PEEK_OFF => match record.kind {
                Kind::Unix(key) => self.unix.options(key).peek_offset,
                Kind::Raw(_) | Kind::Ping(_) => return Err(Errno::EOPNOTSUPP),
                _ => self.rare(record, |rare| rare.peek_off),
            },
            SO_TIMESTAMP | SO_TIMESTAMP_NEW => value::flag(record.timestamps == Timestamps::Micros),
            SO_TIMESTAMPNS | SO_TIMESTAMPNS_NEW => value::flag(record.timestamps == Timestamps::Nanos),
            SO_TIMESTAMPING | SO_TIMESTAMPING_NEW => self.rare(record, |rare| rare.timestamping.flags) as i32,
            SO_PRIORITY => self.rare(record, |rare| rare.priority) as i32,
            SO_MARK => self.rare(record, |rare| rare.mark) as i32,
            SO_INCOMING_CPU => self.rare(record, |rare| rare.incoming_cpu),
            SO_DEBUG => value::flag(self.rare(record, |rare| rare.debug)),
            SO_ZEROCOPY => value::flag(self.rare(record, |rare| rare.zero_copy.on)),
            SO_BSDCOMPAT | SO_INCOMING_NAPI_ID => 0,
            SO_BINDTOIFINDEX => self.inet(record.kind).map_or(0, |inet| i32::from(inet.link)),
            SO_REUSEADDR | SO_REUSEPORT | SO_BROADCAST | SO_DONTROUTE | SO_NO_CHECK | SO_KEEPALIVE | SO_OOBINLINE => {
                self.flag(id, record, name)
            }
            _ => return Err(Errno::ENOPROTOOPT),
        })
    }

    fn flag(&self, id: SocketId, record: &Record, name: i32) -> i32 {
        let inet = self.inet(record.kind);
        let set = match (name, record.kind) {
            (SO_KEEPALIVE, Kind::Tcp(key)) => Some(self.tcp.options(key).keepalive),
            (SO_OOBINLINE, Kind::Tcp(key)) => Some(self.tcp.options(key).oobinline),
            (SO_OOBINLINE, Kind::Unix(key)) => Some(self.unix.options(key).oob_inline),
            (SO_REUSEADDR, _) => inet.map(|inet| inet.reuse_addr),
            (SO_REUSEPORT, _) => inet.map(|inet| inet.reuse_port),
            (SO_BROADCAST, kind) => self.datagram_options(kind).map(|options| options.broadcast),
            (SO_DONTROUTE, kind) => self.datagram_options(kind).map(|options| options.dont_route),
            (SO_NO_CHECK, kind) => self.datagram_options(kind).map(|options| options.no_check),
            _ => None,
        };
        set.map_or_else(|| self.kept(id, LEVEL, name, 0), value::flag)
    }

    pub(super) fn is_listening(&self, record: &Record) -> bool {
        match record.kind {
            Kind::Tcp(key) => self.tcp.state(key) == TcpState::Listen,
            Kind::Unix(key) => self.unix.state(key) == UnixState::Listening,
            Kind::Udp(_) | Kind::Raw(_) | Kind::Ping(_) => false,
        }
    }

    /// `SO_SNDBUF` and `SO_RCVBUF` as they are counted.
    fn buffers(&self, record: &Record) -> (u32, u32) {
        match record.kind {
            Kind::Tcp(key) => self.tcp.buffers(key),
            Kind::Unix(key) => (self.unix.options(key).send_buffer, self.unix.options(key).receive_buffer),
            kind => self.datagram_options(kind).map_or((0, 0), |options| (options.sndbuf as u32, options.rcvbuf as u32)),
        }
    }

    fn device_name(&self, net: &Network, record: &Record, into: &mut [u8]) -> Result<usize, Errno> {
        let link = self.inet(record.kind).map_or(0, |inet| inet.link);
        if link == 0 {
            return Ok(0);
        }
        if into.len() < IFNAMSIZ {
            return Err(Errno::EINVAL);
        }
        let mut name: Vec<u8> = net.links.config(LinkId(link)).ok_or(Errno::ENODEV)?.name.bytes().collect();
        name.push(0);
        Ok(value::put(into, &name))
    }

    fn peer_credentials(&self, record: &Record) -> Credentials {
        match record.kind {
            Kind::Unix(key) => self.unix.peer_credentials(key),
            _ => Credentials::NONE,
        }
    }

    /// `SK_MEMINFO_*`: receive queue, its limit, send queue, its limit, then what Linux counts beyond them.
    fn memory_info(&self, record: &Record) -> Vec<u8> {
        let (sndbuf, rcvbuf) = self.buffers(record);
        let (received, sent) = match record.kind {
            Kind::Tcp(key) => (self.tcp.unread(key).readable, 0),
            Kind::Udp(key) => (self.udp.queued(key), 0),
            Kind::Raw(key) => (self.raw.queued(key), 0),
            Kind::Ping(key) => (self.ping.queued(key), 0),
            Kind::Unix(key) => (0, self.unix.output_queue(key)),
        };
        let words = [received as u32, rcvbuf, sent as u32, sndbuf, 0, sent as u32, 0, 0, 0];
        words.map(u32::to_ne_bytes).concat()
    }
}

fn credentials(who: Credentials) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&who.pid.to_ne_bytes());
    bytes[4..8].copy_from_slice(&who.uid.to_ne_bytes());
    bytes[8..].copy_from_slice(&who.gid.to_ne_bytes());
    bytes
}

fn timeval(timeout: Option<Duration>) -> [u8; 16] {
    let timeout = timeout.unwrap_or_default();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&timeout.as_secs().to_ne_bytes());
    bytes[8..].copy_from_slice(&u64::from(timeout.subsec_micros()).to_ne_bytes());
    bytes
}

/// Eight bytes where there is room, else four.
fn put_rate(into: &mut [u8], rate: u64) -> usize {
    if into.len() >= 8 {
        value::put(into, &rate.to_ne_bytes())
    } else {
        value::put(into, &u32::try_from(rate).unwrap_or(u32::MAX).to_ne_bytes())
    }
}
