//! `ICMP_FILTER` and `ICMP6_FILTER` of raw sockets.

use super::super::layer::Sockets;
use super::super::numbers::{IPPROTO_ICMP, IPPROTO_ICMPV6, icmpv6, ipv6, raw};
use super::value;
use crate::base::{Errno, SocketId};

impl Sockets {
    /// `EOPNOTSUPP` if the socket's protocol is not the one the filter is for.
    fn filter(&self, id: SocketId, level: i32, name: i32) -> Result<(), Errno> {
        let wanted = match (level, name) {
            (raw::LEVEL, raw::ICMP_FILTER) => IPPROTO_ICMP,
            (icmpv6::LEVEL, icmpv6::ICMPV6_FILTER) => IPPROTO_ICMPV6,
            (raw::LEVEL, ipv6::IPV6_CHECKSUM) => return Err(Errno::ENOPROTOOPT),
            _ => return Err(Errno::ENOPROTOOPT),
        };
        if i32::from(self.record(id)?.protocol) == wanted { Ok(()) } else { Err(Errno::EOPNOTSUPP) }
    }

    pub(super) fn set_filter(&mut self, id: SocketId, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        self.filter(id, level, name)?;
        let kind = self.record(id)?.kind;
        let options = self.datagram_options_mut(kind).ok_or(Errno::ENOPROTOOPT)?;
        if level == icmpv6::LEVEL {
            // Linux takes a shorter value for the first types only.
            for (word, bytes) in options.icmp6_filter.iter_mut().zip(value.chunks_exact(4)) {
                *word = value::u32_at(bytes, 0)?;
            }
        } else {
            let mut bytes = options.icmp_filter.to_ne_bytes();
            let len = value.len().min(4);
            bytes[..len].copy_from_slice(&value[..len]);
            options.icmp_filter = u32::from_ne_bytes(bytes);
        }
        Ok(())
    }

    pub(super) fn get_filter(&self, id: SocketId, level: i32, name: i32, into: &mut [u8]) -> Result<usize, Errno> {
        self.filter(id, level, name)?;
        let options = self.datagram_options(self.record(id)?.kind).ok_or(Errno::ENOPROTOOPT)?;
        if level == icmpv6::LEVEL {
            let mut bytes = [0; 32];
            for (four, word) in bytes.chunks_exact_mut(4).zip(options.icmp6_filter) {
                four.copy_from_slice(&word.to_ne_bytes());
            }
            Ok(value::put(into, &bytes))
        } else {
            Ok(value::put(into, &options.icmp_filter.to_ne_bytes()))
        }
    }
}
