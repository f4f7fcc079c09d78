//! `SO_ZEROCOPY` and `MSG_ZEROCOPY` of streams: the caller is told by the error queue when its memory is its own again.
//!
//! Everything here is copied, and that is what the caller is told (`SO_EE_CODE_ZEROCOPY_COPIED`), as Linux tells it on a device that
//! cannot do without; programs then stop asking. As in Linux the news of a send comes when the peer has acknowledged it, and news that
//! follow one another are joined while nobody fetches them.

use alloc::collections::VecDeque;

use super::control::Control;
use super::layer::Sockets;
use super::receive::Received;
use super::record::{Kind, Record};
use super::semantics::Family;
use crate::base::{Errno, Key, MsgFlags, SocketId};

/// Most sends whose news is kept; a caller that has so many open sends without being told.
const MOST: usize = 1 << 16;

/// The sends of one socket.
#[derive(Clone, Debug, Default)]
pub struct ZeroCopy {
    /// `SO_ZEROCOPY`
    pub on: bool,
    next: u32,
    /// Where each ends in the stream, and its number.
    pending: VecDeque<(u64, u32)>,
    /// Ranges of numbers that are over and not fetched.
    done: VecDeque<(u32, u32)>,
}

impl ZeroCopy {
    /// A send ended at `end` of the stream.
    fn sent(&mut self, end: u64) {
        if self.on && self.pending.len() < MOST {
            self.pending.push_back((end, self.next));
            self.next = self.next.wrapping_add(1);
        }
    }

    /// Everything before `acked` is the peer's.
    fn acked(&mut self, acked: u64) {
        while let Some((end, number)) = self.pending.front().copied()
            && end <= acked
        {
            self.pending.pop_front();
            match self.done.back_mut() {
                Some((_, last)) if last.wrapping_add(1) == number => *last = number,
                _ => self.done.push_back((number, number)),
            }
        }
    }

    fn has_news(&self, acked: u64) -> bool {
        !self.done.is_empty() || self.pending.front().is_some_and(|(end, _)| *end <= acked)
    }
}

impl Sockets {
    /// A stream took so many bytes of a send with these flags.
    pub(super) fn note_zero_copy(&mut self, id: SocketId, record: &Record, flags: MsgFlags) -> Result<(), Errno> {
        if let Kind::Tcp(key) = record.kind
            && flags.contains(MsgFlags::ZEROCOPY)
            && self.rare(record, |rare| rare.zero_copy.on)
        {
            let end = self.tcp.write_offset(key);
            self.rare_mut(id)?.zero_copy.sent(end);
        }
        Ok(())
    }

    /// True if the error queue has something to tell.
    pub(super) fn has_zero_copy_news(&self, record: &Record, key: Key) -> bool {
        record.rare.is_some() && self.rare(record, |rare| rare.zero_copy.has_news(self.tcp.info(key).bytes_acked))
    }

    /// The oldest news. `EAGAIN`
    pub(super) fn receive_zero_copy(&mut self, id: SocketId, record: &Record, key: Key) -> Result<Received, Errno> {
        let acked = self.tcp.info(key).bytes_acked;
        if record.rare.is_none() {
            return Err(Errno::EAGAIN);
        }
        let news = &mut self.rare_mut(id)?.zero_copy;
        news.acked(acked);
        let (first, last) = news.done.pop_front().ok_or(Errno::EAGAIN)?;
        let v6 = record.family == Family::Inet6;
        let control = alloc::vec![Control::ZeroCopy { first, last, v6 }];
        Ok(Received { flags: MsgFlags::ERRQUEUE, control, ..Received::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_are_joined_until_they_are_fetched() {
        let mut sends = ZeroCopy { on: true, ..ZeroCopy::default() };
        for end in [100, 200, 300] {
            sends.sent(end);
        }
        assert!(!sends.has_news(99) && sends.has_news(100));
        sends.acked(250);
        assert_eq!(sends.done, [(0, 1)]);
        sends.done.clear();
        sends.acked(300);
        assert_eq!(sends.done, [(2, 2)]);
    }
}
