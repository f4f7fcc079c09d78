//! `shutdown`: one direction ends, or both.

use super::layer::{Sockets, on_datagrams};
use super::numbers::{SHUT_RD, SHUT_RDWR, SHUT_WR};
use super::record::{Kind, Phase, Record};
use crate::base::{Errno, Key, SocketId, TcpState};
use crate::network::Network;
use crate::transport::inet::Shutdown;
use crate::transport::unix::UnixShutdown;

impl Sockets {
    /// Ends reading (`SHUT_RD`), writing (`SHUT_WR`) or both, for all handles of the socket. `EINVAL`, `ENOTCONN`.
    pub fn shutdown(&mut self, net: &mut Network, id: SocketId, how: i32) -> Result<(), Errno> {
        let record = *self.record(id)?;
        let how = match how {
            SHUT_RD => Shutdown::Read,
            SHUT_WR => Shutdown::Write,
            SHUT_RDWR => Shutdown::Both,
            _ => return Err(Errno::EINVAL),
        };
        match record.kind {
            Kind::Tcp(key) => self.shutdown_stream(net, id, &record, key, how),
            Kind::Unix(key) => {
                // Never ENOTCONN: an AF_UNIX socket without a peer takes it, as in Linux.
                self.unix.shutdown(&mut net.links.base, key, unix(how));
                Ok(())
            }
            kind => {
                self.mark_shut(id, how)?;
                on_datagrams!(self, kind, |transport, key| transport.shutdown(net, key, how), _ => Ok(()))
            }
        }
    }

    fn shutdown_stream(
        &mut self,
        net: &mut Network,
        id: SocketId,
        record: &Record,
        key: Key,
        how: Shutdown,
    ) -> Result<(), Errno> {
        let state = self.tcp.state(key);
        if record.phase == Phase::Connecting {
            let opening = matches!(state, TcpState::SynSent | TcpState::SynReceived | TcpState::Closed);
            self.record_mut(id)?.phase = if opening { Phase::Disconnecting } else { Phase::Connected };
        }
        match state {
            TcpState::Closed => {
                self.mark_shut(id, how)?;
                Err(Errno::ENOTCONN)
            }
            // A listener takes SHUT_WR for nothing, and with SHUT_RD stops to listen.
            TcpState::Listen if how == Shutdown::Write => Ok(()),
            TcpState::Listen | TcpState::SynSent => {
                self.disconnect(net, id, key);
                Ok(())
            }
            _ => {
                self.mark_shut(id, how)?;
                if how != Shutdown::Write {
                    self.tcp.shutdown_read(net, key);
                }
                if how != Shutdown::Read {
                    self.tcp.shutdown_write(net, key);
                }
                Ok(())
            }
        }
    }

    fn mark_shut(&mut self, id: SocketId, how: Shutdown) -> Result<(), Errno> {
        let record = self.record_mut(id)?;
        record.read_shut |= how != Shutdown::Write;
        record.write_shut |= how != Shutdown::Read;
        Ok(())
    }
}

fn unix(how: Shutdown) -> UnixShutdown {
    match how {
        Shutdown::Read => UnixShutdown::Read,
        Shutdown::Write => UnixShutdown::Write,
        Shutdown::Both => UnixShutdown::Both,
    }
}
