//! Options of `IPPROTO_UDP`.

use super::super::layer::Sockets;
use super::super::numbers::udp::*;
use super::value;
use crate::base::{Errno, SocketId};
use crate::network::Network;

impl Sockets {
    #[inline(never)] // Most set options of sockets and of TCP.
    pub(super) fn set_udp_option(&mut self, net: &mut Network, id: SocketId, name: i32, value: &[u8]) -> Result<(), Errno> {
        let number = value::int(value)?;
        let kind = self.record(id)?.kind;
        let options = self.datagram_options_mut(kind).ok_or(Errno::ENOPROTOOPT)?;
        match name {
            UDP_CORK => options.cork = number != 0,
            UDP_SEGMENT => options.segment_size = u16::try_from(number).map_err(|_| Errno::EINVAL)?,
            UDP_GRO => options.gro = number != 0,
            UDP_NO_CHECK6_TX | UDP_NO_CHECK6_RX => return self.keep(id, LEVEL, name, value::flag(number != 0)),
            _ => return Err(Errno::ENOPROTOOPT),
        }
        self.options_changed(net, kind)
    }

    pub(super) fn get_udp_option(&self, id: SocketId, name: i32, into: &mut [u8]) -> Result<usize, Errno> {
        let options = self.datagram_options(self.record(id)?.kind).ok_or(Errno::ENOPROTOOPT)?;
        let number = match name {
            UDP_CORK => value::flag(options.cork),
            UDP_SEGMENT => i32::from(options.segment_size),
            UDP_GRO => value::flag(options.gro),
            UDP_NO_CHECK6_TX | UDP_NO_CHECK6_RX => self.kept(id, LEVEL, name, 0),
            _ => return Err(Errno::ENOPROTOOPT),
        };
        Ok(value::put_int(into, number))
    }
}
