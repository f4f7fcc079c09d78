//! The error queue (`MSG_ERRQUEUE`): what ICMP or this host itself said of datagrams sent before.

use alloc::vec::Vec;

use super::control::Control;
use super::layer::{Sockets, on_datagrams};
use super::name::scoped;
use super::receive::Received;
use super::record::Record;
use super::semantics::Family;
use crate::base::{Errno, MsgFlags};
use crate::network::Network;

impl Sockets {
    /// The oldest entry: the bytes are what was quoted of the datagram, the sender is where it was sent, the ancillary data
    /// is what is wanted of the packet that brought the error, and the error. `EAGAIN` if there is none.
    pub(super) fn receive_error(
        &mut self,
        net: &mut Network,
        record: &Record,
        into: &mut [&mut [u8]],
    ) -> Result<Received, Errno> {
        let entry = on_datagrams!(self, record.kind, |transport, key| transport.pop_error(net, key), _ => None);
        let error = entry.ok_or(Errno::EAGAIN)?;
        let mut copied = 0;
        for piece in into {
            let rest = &error.data[copied..];
            let len = rest.len().min(piece.len());
            piece[..len].copy_from_slice(&rest[..len]);
            copied += len;
        }
        let cut = if copied < error.data.len() { MsgFlags::TRUNC } else { MsgFlags::NONE };
        let destination = error.destination;
        let mut control = match &error.bearer {
            Some(bearer) => self.wanted(record)?.of(net, bearer, 0),
            None => Vec::new(),
        };
        control.push(Control::Error { error, v6: record.family == Family::Inet6 });
        Ok(Received {
            len: copied,
            from: scoped(record, destination.addr, destination.port, destination.scope as u16),
            flags: MsgFlags::ERRQUEUE | cut,
            control,
        })
    }
}
