//! Options of `IPPROTO_TCP`.

use super::super::layer::Sockets;
use super::super::numbers::tcp::*;
use super::value;
use crate::base::{Errno, Key, SocketId, TcpState};
use crate::network::Network;
use crate::transport::tcp::congestion::Algorithm;
use crate::transport::tcp::{FastOpenKeys, TcpConfig, TcpOptions};

/// `MAX_TCP_KEEPIDLE`, `MAX_TCP_KEEPINTVL` and `MAX_TCP_WINDOW` of Linux.
const MOST: i32 = 32767;
/// `TCP_MIN_MSS`
const MIN_MSS: i32 = 88;
/// The longest FIN-WAIT-2 that `TCP_LINGER2` may ask for, in seconds.
const MAX_FIN_TIMEOUT: i32 = 120;
/// The smallest window clamp: half of the smallest receive buffer.
const MIN_CLAMP: i32 = 1152;
/// The maximum segment size as long as nothing is known of the path.
const DEFAULT_MSS: u32 = 536;

impl Sockets {
    #[inline(always)]
    pub(super) fn set_tcp_option(
        &mut self,
        net: &mut Network,
        id: SocketId,
        key: Key,
        name: i32,
        value: &[u8],
    ) -> Result<(), Errno> {
        if name == TCP_NODELAY {
            self.tcp.set_nodelay(net, key, value::int(value)? != 0);
            return Ok(());
        }
        self.set_other_option(net, id, key, name, value)
    }

    #[inline(never)] // That one is what most set.
    fn set_other_option(&mut self, net: &mut Network, id: SocketId, key: Key, name: i32, value: &[u8]) -> Result<(), Errno> {
        match name {
            TCP_CONGESTION => self.set_congestion(key, value)?,
            // Linux's answer for a protocol it has no module for.
            TCP_ULP => return if value.is_empty() { Err(Errno::EINVAL) } else { Err(Errno::ENOENT) },
            TCP_INQ => {
                let on = between(value::int(value)?, 0, 1)?;
                self.record_mut(id)?.inq = on == 1;
            }
            TCP_SAVE_SYN => {
                let number = between(value::int(value)?, 0, 2)?;
                return self.keep(id, LEVEL, name, number);
            }
            TCP_THIN_LINEAR_TIMEOUTS => {
                let number = between(value::int(value)?, 0, 1)?;
                return self.keep(id, LEVEL, name, number);
            }
            TCP_FASTOPEN => {
                let number = between(value::int(value)?, 0, i32::MAX)?;
                if !matches!(self.tcp.state(key), TcpState::Closed | TcpState::Listen) {
                    return Err(Errno::EINVAL);
                }
                self.tcp.options_mut(key).fast_open_queue = number as u32;
            }
            TCP_FASTOPEN_KEY => self.tcp.options_mut(key).fast_open_keys = Some(fast_open_keys(value)?),
            TCP_FASTOPEN_CONNECT => {
                let on = between(value::int(value)?, 0, 1)? == 1;
                if self.tcp.config().fastopen & 1 == 0 {
                    return Err(Errno::EOPNOTSUPP);
                }
                if self.tcp.state(key) != TcpState::Closed {
                    return Err(Errno::EINVAL);
                }
                self.tcp.options_mut(key).fast_open_connect = on;
            }
            TCP_FASTOPEN_NO_COOKIE => {
                let on = between(value::int(value)?, 0, 1)? == 1;
                if !matches!(self.tcp.state(key), TcpState::Closed | TcpState::Listen) {
                    return Err(Errno::EINVAL);
                }
                self.tcp.options_mut(key).fast_open_no_cookie = on;
            }
            TCP_REPAIR | TCP_TIMESTAMP => return value::int(value).and(Err(Errno::EPERM)),
            _ => self.set_tcp_number(key, name, value::int(value)?)?,
        }
        self.tcp.change_options(net, key, |_| {});
        Ok(())
    }

    fn set_congestion(&mut self, key: Key, value: &[u8]) -> Result<(), Errno> {
        if value.is_empty() {
            return Err(Errno::EINVAL);
        }
        let name = value.split(|&byte| byte == 0).next().unwrap_or_default();
        let name = core::str::from_utf8(name).map_err(|_| Errno::ENOENT)?;
        let algorithm = Algorithm::named(name, &self.tcp.config().own_congestion_controls).ok_or(Errno::ENOENT)?;
        self.tcp.options_mut(key).congestion = Some(algorithm);
        Ok(())
    }

    fn set_tcp_number(&mut self, key: Key, name: i32, number: i32) -> Result<(), Errno> {
        let state = self.tcp.state(key);
        let config_max_rto = 120;
        let options = self.tcp.options_mut(key);
        match name {
            TCP_CORK => options.cork = number != 0,
            TCP_QUICKACK => options.quickack = number & 1 != 0,
            TCP_MAXSEG => options.maxseg = if number == 0 { 0 } else { between(number, MIN_MSS, MOST)? as u16 },
            TCP_KEEPIDLE => options.keepidle = between(number, 1, MOST)? as u16,
            TCP_KEEPINTVL => options.keepintvl = between(number, 1, MOST)? as u16,
            TCP_KEEPCNT => options.keepcnt = between(number, 1, 127)? as u8,
            TCP_SYNCNT => options.syncnt = between(number, 1, 127)? as u8,
            TCP_LINGER2 => options.linger2 = if number < 0 { -1 } else { number.min(MAX_FIN_TIMEOUT) as i16 },
            TCP_DEFER_ACCEPT => options.defer_accept = whole_timeouts(number, config_max_rto),
            TCP_WINDOW_CLAMP if number == 0 && state != TcpState::Closed => return Err(Errno::EINVAL),
            TCP_WINDOW_CLAMP => options.window_clamp = if number == 0 { 0 } else { number.max(MIN_CLAMP) as u32 },
            TCP_USER_TIMEOUT => options.user_timeout = between(number, 0, i32::MAX)? as u32,
            TCP_NOTSENT_LOWAT => options.notsent_lowat = number as u32,
            // TCP_MD5SIG too: as a Linux built without it.
            _ => return Err(Errno::ENOPROTOOPT),
        }
        Ok(())
    }

    pub(super) fn get_tcp_option(&self, net: &Network, id: SocketId, name: i32, into: &mut [u8]) -> Result<usize, Errno> {
        let key = self.tcp_key(id)?;
        let options = self.tcp.options(key);
        match name {
            TCP_INFO => return Ok(value::put(into, &super::tcp_info::encode(&self.tcp.info_at(key, net.links.base.now)))),
            TCP_CONGESTION => {
                let mut name = [0; 16];
                value::put(&mut name, self.tcp.congestion_control(key).name().as_bytes());
                return Ok(value::put(into, &name));
            }
            TCP_ULP => return Ok(0),
            // Those of the house that go by windows have nothing to say.
            TCP_CC_INFO => {
                return Ok(self.tcp.congestion_info(key).map_or(0, |info| value::put(into, &super::tcp_info::congestion(&info))));
            }
            TCP_MAXSEG => return Ok(value::put_int(into, self.maximum_segment(key) as i32)),
            TCP_INQ => return Ok(value::put_int(into, value::flag(self.record(id)?.inq))),
            TCP_FASTOPEN_KEY => {
                return Ok(value::put(
                    into,
                    &options.fast_open_keys.unwrap_or_default().into_iter().flatten().flatten().collect::<alloc::vec::Vec<u8>>(),
                ));
            }
            TCP_SAVE_SYN | TCP_THIN_LINEAR_TIMEOUTS => {
                return Ok(value::put_int(into, self.kept(id, LEVEL, name, 0)));
            }
            TCP_REPAIR => return Ok(value::put_int(into, 0)),
            TCP_TIMESTAMP => return Ok(value::put_int(into, net.links.base.now.millis() as i32)),
            _ => {}
        }
        tcp_number(options, self.tcp.config(), name).map(|number| value::put_int(into, number))
    }

    /// What `TCP_MAXSEG` says: what was asked for before there is a connection, what is in use on one.
    fn maximum_segment(&self, key: Key) -> u32 {
        let asked = u32::from(self.tcp.options(key).maxseg);
        match (self.tcp.state(key), asked) {
            (TcpState::Closed | TcpState::Listen, 0) => DEFAULT_MSS,
            (TcpState::Closed | TcpState::Listen, _) => asked,
            _ => self.tcp.info(key).snd_mss,
        }
    }
}

fn tcp_number(options: &TcpOptions, config: &TcpConfig, name: i32) -> Result<i32, Errno> {
    let or = |set: i32, default: i32| if set == 0 { default } else { set };
    Ok(match name {
        TCP_NODELAY => value::flag(options.nodelay),
        TCP_CORK => value::flag(options.cork),
        TCP_FASTOPEN => options.fast_open_queue as i32,
        TCP_FASTOPEN_CONNECT => value::flag(options.fast_open_connect),
        TCP_FASTOPEN_NO_COOKIE => value::flag(options.fast_open_no_cookie),
        TCP_QUICKACK => value::flag(options.quickack),
        TCP_KEEPIDLE => or(options.keepidle.into(), config.keepalive_time.as_secs() as i32),
        TCP_KEEPINTVL => or(options.keepintvl.into(), config.keepalive_intvl.as_secs() as i32),
        TCP_KEEPCNT => or(options.keepcnt.into(), config.keepalive_probes.into()),
        TCP_SYNCNT => or(options.syncnt.into(), config.syn_retries.into()),
        TCP_LINGER2 if options.linger2 < 0 => -1,
        TCP_LINGER2 => or(options.linger2.into(), config.fin_timeout.as_secs() as i32),
        TCP_DEFER_ACCEPT => options.defer_accept.into(),
        TCP_WINDOW_CLAMP => options.window_clamp as i32,
        TCP_USER_TIMEOUT => options.user_timeout as i32,
        TCP_NOTSENT_LOWAT => options.notsent_lowat as i32,
        _ => return Err(Errno::ENOPROTOOPT),
    })
}

/// One key, or a new one and the one before it.
fn fast_open_keys(value: &[u8]) -> Result<FastOpenKeys, Errno> {
    let key = |at: usize| value.get(at..at + 16).and_then(|bytes| bytes.try_into().ok());
    match value.len() {
        16 | 32 => Ok([key(0), key(16)]),
        _ => Err(Errno::EINVAL),
    }
}

fn between(number: i32, least: i32, most: i32) -> Result<i32, Errno> {
    if (least..=most).contains(&number) { Ok(number) } else { Err(Errno::EINVAL) }
}

/// `TCP_DEFER_ACCEPT` counts in retransmissions of the SYN-ACK: seconds are rounded up to the end of one.
fn whole_timeouts(seconds: i32, longest: i32) -> u16 {
    let (mut period, mut timeout, mut count) = (1, 1, 1);
    if seconds <= 0 {
        return 0;
    }
    while seconds > period && count < 255 {
        timeout = (timeout * 2).min(longest);
        period += timeout;
        count += 1;
    }
    period as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deferred_accepts_end_with_a_retransmission() {
        let rounded: [u16; 6] = [0, 1, 2, 3, 5, 10].map(|seconds| whole_timeouts(seconds, 120));
        assert_eq!(rounded, [0, 1, 3, 3, 7, 15]);
        assert!(whole_timeouts(i32::MAX, 120) < u16::MAX);
    }
}
