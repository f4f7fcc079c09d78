//! Setting options of `SOL_SOCKET`.

use super::super::layer::Sockets;
use super::super::numbers::sol_socket::*;
use super::super::record::{Kind, Record, Timestamps};
use super::super::semantics::{Family, Type};
use super::value;
use crate::base::{Duration, Errno, SocketId};
use crate::network::Network;

/// The least `SO_SNDBUF` (`SOCK_MIN_SNDBUF`: two small packets with their overhead).
const MIN_SNDBUF: u32 = 4608;
/// The least `SO_RCVBUF` (`SOCK_MIN_RCVBUF`).
const MIN_RCVBUF: u32 = 2304;

/// Which buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Buffer {
    Send,
    Receive,
}

impl Sockets {
    #[inline(always)]
    pub(super) fn set_socket_option(
        &mut self,
        net: &mut Network,
        id: SocketId,
        record: &Record,
        name: i32,
        value: &[u8],
    ) -> Result<(), Errno> {
        let (which, most) = match name {
            SO_SNDBUF => (Buffer::Send, self.config.wmem_max),
            SO_RCVBUF => (Buffer::Receive, self.config.rmem_max),
            _ => return self.set_other(net, id, record, name, value),
        };
        self.set_buffer(net, record, which, (value::int(value)? as u32).min(most))
    }

    #[inline(never)] // Buffers are what most set.
    fn set_other(&mut self, net: &mut Network, id: SocketId, record: &Record, name: i32, value: &[u8]) -> Result<(), Errno> {
        if name == SO_BINDTODEVICE {
            return self.bind_to_device(net, id, value);
        }
        let number = value::int(value)?;
        let on = number != 0;
        match name {
            SO_REUSEADDR | SO_REUSEPORT | SO_BROADCAST | SO_DONTROUTE | SO_NO_CHECK | SO_KEEPALIVE | SO_OOBINLINE => {
                return self.set_flag(net, id, record, name, on);
            }
            SO_SNDBUFFORCE | SO_RCVBUFFORCE => {
                self.config.net_admin.require()?;
                let which = if name == SO_SNDBUFFORCE { Buffer::Send } else { Buffer::Receive };
                return self.set_buffer(net, record, which, number.max(0) as u32);
            }
            SO_MAX_PACING_RATE => {
                let rate = pacing_rate(number, value);
                self.rare_mut(id)?.max_pacing_rate = rate;
                if let Kind::Tcp(key) = record.kind {
                    self.tcp.options_mut(key).max_pacing_rate = rate;
                    self.tcp.options_changed(net, key);
                }
            }
            SO_RCVLOWAT => return self.set_low_water(net, id, record, number),
            SO_BINDTOIFINDEX => return self.bind_to_link(net, record, number),
            SO_PASSCRED => match record.kind {
                Kind::Unix(key) => self.unix.options_mut(key).pass_credentials = on,
                _ => return Err(Errno::EOPNOTSUPP),
            },
            SO_PASSRIGHTS => match record.kind {
                Kind::Unix(key) => self.unix.options_mut(key).pass_rights = on,
                _ => return Err(Errno::EOPNOTSUPP),
            },
            SO_PEEK_OFF => return self.set_peek_off(id, record, number),
            SO_TIMESTAMPING | SO_TIMESTAMPING_NEW => return self.set_timestamping(id, record, value),
            SO_ZEROCOPY if number & !1 != 0 => return Err(Errno::EINVAL),
            SO_ZEROCOPY if matches!(record.kind, Kind::Tcp(_)) => self.rare_mut(id)?.zero_copy.on = on,
            // Refused rather than accepted and not kept: nothing would ever tell the caller that its memory is free again.
            SO_ZEROCOPY if on => return Err(Errno::EOPNOTSUPP),
            SO_ZEROCOPY => {}
            _ => return self.set_kept(id, name, number, value),
        }
        Ok(())
    }

    /// Options that change nothing but the socket's record.
    #[inline(never)] // Buffers are what most set.
    fn set_kept(&mut self, id: SocketId, name: i32, number: i32, value: &[u8]) -> Result<(), Errno> {
        let on = number != 0;
        let admin = self.config.net_admin;
        match name {
            SO_TIMESTAMP | SO_TIMESTAMP_NEW => {
                self.record_mut(id)?.timestamps = if on { Timestamps::Micros } else { Timestamps::Off };
            }
            SO_TIMESTAMPNS | SO_TIMESTAMPNS_NEW => {
                self.record_mut(id)?.timestamps = if on { Timestamps::Nanos } else { Timestamps::Off };
            }
            SO_LINGER => {
                let seconds = value::u32_at(value, 4)?;
                let linger = &mut self.rare_mut(id)?.linger;
                linger.on = on;
                if on {
                    linger.seconds = seconds.min(i32::MAX as u32);
                }
            }
            SO_RCVTIMEO | SO_RCVTIMEO_NEW => self.rare_mut(id)?.receive_timeout = timeout(value)?,
            SO_SNDTIMEO | SO_SNDTIMEO_NEW => self.rare_mut(id)?.send_timeout = timeout(value)?,
            SO_PRIORITY => {
                if !(0..=6).contains(&number) {
                    admin.require()?;
                }
                self.rare_mut(id)?.priority = number as u32;
            }
            SO_MARK => {
                admin.require()?;
                self.rare_mut(id)?.mark = number as u32;
            }
            SO_DEBUG if on && admin.require().is_err() => return Err(Errno::EACCES),
            SO_DEBUG => self.rare_mut(id)?.debug = on,
            SO_INCOMING_CPU => self.rare_mut(id)?.incoming_cpu = number,
            SO_BSDCOMPAT => {}
            // SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR, SO_ACCEPTCONN, SO_SNDLOWAT ... can only be asked.
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(())
    }

    #[inline(never)] // Buffers are what most set.
    fn set_flag(&mut self, net: &mut Network, id: SocketId, record: &Record, name: i32, on: bool) -> Result<(), Errno> {
        if name == SO_REUSEPORT && on && record.family == Family::Unix {
            return Err(Errno::EOPNOTSUPP);
        }
        match (name, record.kind) {
            (SO_KEEPALIVE, Kind::Tcp(key)) => self.tcp.options_mut(key).keepalive = on,
            (SO_OOBINLINE, Kind::Tcp(key)) => self.tcp.options_mut(key).oobinline = on,
            (SO_OOBINLINE, Kind::Unix(key)) => self.unix.options_mut(key).oob_inline = on,
            (SO_REUSEADDR | SO_REUSEPORT, kind) => match (self.inet_mut(kind), name) {
                (Some(inet), SO_REUSEADDR) => inet.reuse_addr = on,
                (Some(inet), _) => inet.reuse_port = on,
                (None, _) => return self.keep(id, LEVEL, name, value::flag(on)),
            },
            (_, kind) => match (self.datagram_options_mut(kind), name) {
                (Some(options), SO_BROADCAST) => options.broadcast = on,
                (Some(options), SO_DONTROUTE) => options.dont_route = on,
                (Some(options), SO_NO_CHECK) => options.no_check = on,
                _ => return self.keep(id, LEVEL, name, value::flag(on)),
            },
        }
        self.options_changed(net, record.kind)
    }

    /// Twice what was asked for, because what a buffer holds is counted with its overhead; `getsockopt` gives the doubled value.
    #[inline(always)]
    fn set_buffer(&mut self, net: &mut Network, record: &Record, which: Buffer, asked: u32) -> Result<(), Errno> {
        let least = if which == Buffer::Send { MIN_SNDBUF } else { MIN_RCVBUF };
        let size = asked.min(i32::MAX as u32 / 2).saturating_mul(2).max(least);
        match (record.kind, which) {
            (Kind::Tcp(key), which) => {
                self.tcp.change_options(net, key, |options| match which {
                    Buffer::Send => options.sndbuf = size,
                    Buffer::Receive => options.rcvbuf = size,
                });
                return Ok(());
            }
            (Kind::Unix(key), Buffer::Send) => self.unix.options_mut(key).send_buffer = size,
            (Kind::Unix(key), Buffer::Receive) => self.unix.options_mut(key).receive_buffer = size,
            (kind, which) => match (self.datagram_options_mut(kind), which) {
                (Some(options), Buffer::Send) => options.sndbuf = size as usize,
                (Some(options), Buffer::Receive) => options.rcvbuf = size as usize,
                (None, _) => {}
            },
        }
        if let Kind::Unix(key) = record.kind {
            self.unix.options_changed(&mut net.links.base, key);
        }
        self.options_changed(net, record.kind)
    }

    #[inline(never)] // Buffers are what most set.
    fn set_low_water(&mut self, net: &mut Network, id: SocketId, record: &Record, number: i32) -> Result<(), Errno> {
        let wanted = if number < 0 { i32::MAX } else { number.max(1) } as u32;
        let Kind::Tcp(key) = record.kind else {
            self.rare_mut(id)?.rcvlowat = wanted;
            return Ok(());
        };
        let most = match self.tcp.options(key).rcvbuf {
            0 => self.tcp.config().rmem[2],
            set => set,
        } / 2;
        self.tcp.options_mut(key).rcvlowat = wanted.min(most).max(1);
        self.options_changed(net, record.kind)
    }

    #[inline(never)] // Buffers are what most set.
    fn set_peek_off(&mut self, id: SocketId, record: &Record, number: i32) -> Result<(), Errno> {
        match record.kind {
            Kind::Unix(key) => self.unix.options_mut(key).peek_offset = number,
            _ if record.ty == Type::Raw => return Err(Errno::EOPNOTSUPP),
            Kind::Ping(_) => return Err(Errno::EOPNOTSUPP),
            _ => self.rare_mut(id)?.peek_off = number,
        }
        Ok(())
    }

    /// `SO_BINDTODEVICE`: a name of at most 15 bytes; an empty one unbinds.
    #[inline(never)] // Buffers are what most set.
    fn bind_to_device(&mut self, net: &mut Network, id: SocketId, value: &[u8]) -> Result<(), Errno> {
        let record = *self.record(id)?;
        let name = value.get(..15).unwrap_or(value).split(|byte| *byte == 0).next().unwrap_or_default();
        let link = if name.is_empty() { 0 } else { Self::link_by_name(net, name)? };
        self.set_link(net, &record, link)
    }

    #[inline(never)] // Buffers are what most set.
    fn bind_to_link(&mut self, net: &mut Network, record: &Record, number: i32) -> Result<(), Errno> {
        if number < 0 {
            return Err(Errno::EINVAL);
        }
        let link = u16::try_from(number).map_err(|_| Errno::ENODEV)?;
        if link != 0 && net.links.config(crate::base::LinkId(link)).is_none() {
            return Err(Errno::ENODEV);
        }
        self.set_link(net, record, link)
    }

    /// Unprivileged programs may bind to a link, but not change or undo that, as in Linux since 5.7.
    fn set_link(&mut self, net: &mut Network, record: &Record, link: u16) -> Result<(), Errno> {
        let (raw, admin) = (self.config.net_raw, self.config.net_admin);
        let Some(inet) = self.inet_mut(record.kind) else { return Ok(()) };
        if inet.link != 0 && inet.link != link {
            raw.require().or_else(|_| admin.require())?;
        }
        inet.link = link;
        self.options_changed(net, record.kind)
    }
}

/// `struct timeval`: none for "no limit" (zero). A negative time means not to wait at all.
fn timeout(value: &[u8]) -> Result<Option<Duration>, Errno> {
    let word =
        |at: usize| value.get(at..).and_then(|rest| rest.first_chunk()).map(|b| i64::from_ne_bytes(*b)).ok_or(Errno::EINVAL);
    let (seconds, micros) = (word(0)?, word(8)?);
    if !(0..1_000_000).contains(&micros) {
        return Err(Errno::EDOM);
    }
    Ok(match (seconds, micros) {
        (0, 0) => None,
        (..0, _) => Some(Duration::ZERO),
        _ => Some(Duration::new(seconds as u64, micros as u32 * 1000)),
    })
}

/// Eight bytes if there are, else four of which all ones mean no limit.
fn pacing_rate(number: i32, value: &[u8]) -> u64 {
    match value.first_chunk() {
        Some(eight) => u64::from_ne_bytes(*eight),
        None if number == -1 => u64::MAX,
        None => u64::from(number as u32),
    }
}
