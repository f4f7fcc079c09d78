//! `SO_TIMESTAMPING`: when what was written left and when the peer had it, by the error queue of streams; when a datagram arrived.
//!
//! All time is the stack's own ("software"). The packet itself is not given back, as with `SOF_TIMESTAMPING_OPT_TSONLY`; without that flag
//! `MSG_TRUNC` says that there was one.

use super::control::Control;
use super::layer::Sockets;
use super::numbers::timestamping::*;
use super::options::value;
use super::receive::Received;
use super::record::{Kind, Record};
use super::semantics::Family;
use crate::base::{Base, Errno, Key, MsgFlags, SocketId, TcpState};
use crate::transport::tcp::StampsWanted;

/// The option as it is set.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timestamping {
    /// `SOF_TIMESTAMPING_*`
    pub flags: u32,
    /// Where in the stream the numbers of `SOF_TIMESTAMPING_OPT_ID` begin.
    begin: u64,
}

impl Timestamping {
    /// Another stream begins.
    pub(super) fn begin_anew(&mut self) {
        self.begin = 0;
    }
}

impl Sockets {
    /// `EINVAL` for flags that there are not, and for numbers of bytes (`OPT_ID`) before there is a connection.
    pub(super) fn set_timestamping(&mut self, id: SocketId, record: &Record, bytes: &[u8]) -> Result<(), Errno> {
        let flags = value::int(bytes)? as u32;
        let before = self.rare(record, |rare| rare.timestamping);
        if flags & !ALL != 0 || (flags & OPT_ID_TCP != 0 && flags & OPT_ID == 0) {
            return Err(Errno::EINVAL);
        }
        let mut begin = before.begin;
        if let Kind::Tcp(key) = record.kind
            && flags & OPT_ID != 0
            && before.flags & OPT_ID == 0
        {
            if matches!(self.tcp.state(key), TcpState::Closed | TcpState::Listen) {
                return Err(Errno::EINVAL);
            }
            begin = if flags & OPT_ID_TCP != 0 { self.tcp.write_offset(key) } else { self.tcp.info(key).bytes_acked };
        }
        self.rare_mut(id)?.timestamping = Timestamping { flags, begin };
        Ok(())
    }

    /// A stream took something: its last byte is watched.
    pub(super) fn note_timestamping(&mut self, base: &mut Base, record: &Record) {
        let flags = if record.rare.is_some() { self.rare(record, |rare| rare.timestamping.flags) } else { 0 };
        let wanted =
            StampsWanted { scheduled: flags & TX_SCHED != 0, sent: flags & TX_SOFTWARE != 0, acked: flags & TX_ACK != 0 };
        if let Kind::Tcp(key) = record.kind
            && wanted != StampsWanted::default()
        {
            self.tcp.watch_write(base, key, wanted);
        }
    }

    /// The oldest news of the error queue. `EAGAIN`
    pub(super) fn receive_stamp(&mut self, base: &mut Base, record: &Record, key: Key) -> Result<Received, Errno> {
        let Timestamping { flags, begin } = self.rare(record, |rare| rare.timestamping);
        let stamp = self.tcp.take_stamp(base, key).ok_or(Errno::EAGAIN)?;
        let number = if flags & OPT_ID != 0 { stamp.end.wrapping_sub(begin + 1) as u32 } else { 0 };
        let time = (flags & SOFTWARE != 0).then_some(Control::Timestamping(stamp.at));
        let what = Control::Stamp { happened: stamp.happened as u32, number, v6: record.family == Family::Inet6 };
        let truncated = if flags & OPT_TSONLY == 0 { MsgFlags::TRUNC } else { MsgFlags::NONE };
        let control = time.into_iter().chain([what]).collect();
        Ok(Received { flags: MsgFlags::ERRQUEUE | truncated, control, ..Received::default() })
    }

    /// The receiver wants to know when datagrams arrived.
    pub(super) fn wants_arrival_stamp(&self, record: &Record) -> bool {
        let flags = if record.rare.is_some() { self.rare(record, |rare| rare.timestamping.flags) } else { 0 };
        flags & (RX_SOFTWARE | SOFTWARE) == RX_SOFTWARE | SOFTWARE
    }
}
