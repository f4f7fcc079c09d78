//! What one read of a stream gives: a walk over the queue, without changing it.
//!
//! ```text
//!   ┌────┬──────┬───┬────────────┬─────┐
//!   │ ab │ cde  │ U │ fg (rights)│ hi  │     U: the urgent byte
//!   └────┴──────┴───┴────────────┴─────┘
//!    1st read: abcde │ 2nd: fg + rights  │ 3rd: hi
//! ```
//!
//! A read stops before the urgent byte, after a message with rights, and (if credentials are passed) before a message of somebody
//! else. At the urgent byte a read steps over it, which loses it, unless it stays inline.

use alloc::collections::VecDeque;

use super::Credentials;
use super::message::Message;
use crate::base::Key;

/// What decides how far a read goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    /// `MSG_PEEK`
    pub(super) peek: bool,
    /// `SO_PEEK_OFF` for a peek, else 0.
    pub(super) skip: usize,
    /// Bytes of room.
    pub(super) room: usize,
    /// `SO_PASSCRED`
    pub(super) pass_credentials: bool,
    /// `SO_OOBINLINE`
    pub(super) oob_inline: bool,
    /// There is an urgent byte in the queue.
    pub(super) urgent: bool,
}

/// Why a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Stop {
    /// The room is full, or what follows may not be glued to what was read.
    #[default]
    Done,
    /// Nothing more is there: more may come, or the stream ends here.
    Empty,
}

/// What a walk found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Walk {
    /// Bytes.
    pub(super) copied: usize,
    /// Messages from the front that are done with, if this was no peek.
    pub(super) passed: usize,
    /// Bytes read of the message behind them.
    pub(super) partial: usize,
    /// The message whose rights are read.
    pub(super) rights: Option<usize>,
    /// The urgent byte was met, and is not urgent any more.
    pub(super) met_urgent: bool,
    /// Who sent the first message.
    pub(super) sender: Option<Key>,
    /// The credentials of what was read.
    pub(super) credentials: Option<Credentials>,
    pub(super) stop: Stop,
}

/// Walks over the readable part of `queue` and hands its bytes to `copy`.
pub(super) fn walk(queue: &VecDeque<Message>, reader: Reader, copy: impl FnMut(&[u8])) -> Walk {
    let mut walker = Walker { queue, reader, copy, at: 0, walk: Walk::default() };
    walker.run();
    let (at, peek) = (walker.at, reader.peek);
    Walk { passed: if peek { 0 } else { at.min(queue.len()) }, ..walker.walk }
}

struct Walker<'a, C> {
    queue: &'a VecDeque<Message>,
    reader: Reader,
    copy: C,
    /// The message the walk stands at.
    at: usize,
    walk: Walk,
}

impl<'a, C: FnMut(&[u8])> Walker<'a, C> {
    fn run(&mut self) {
        while let Some(message) = self.next_message() {
            if self.is_of_another(message) {
                return;
            }
            self.walk.sender = self.walk.sender.or(Some(message.sender));
            let unread = &message.data[self.reader.skip..];
            let count = unread.len().min(self.reader.room);
            (self.copy)(&unread[..count]);
            self.walk.copied += count;
            self.reader.room -= count;
            let carries = !message.rights.is_empty();
            if carries {
                self.walk.rights = Some(self.at);
            }
            if self.ends_here(carries, count, unread.len()) {
                return;
            }
        }
    }

    /// Steps behind a message of which `count` of `len` bytes were read, if the read goes on.
    fn ends_here(&mut self, carries: bool, count: usize, len: usize) -> bool {
        if self.reader.peek {
            // A peek looks on after its room is full, until something ends it: so rights behind the bytes it gives are
            // given with them. Linux does so too.
            self.reader.skip = 0;
            self.at += 1;
            return carries || self.at == self.queue.len();
        }
        if count < len {
            self.walk.partial = count;
            return true;
        }
        self.at += 1;
        carries || self.reader.room == 0
    }

    /// The next message with bytes to read. None ends the walk, and `stop` says why.
    fn next_message(&mut self) -> Option<&'a Message> {
        if self.stops_at_mark() {
            return None;
        }
        let queue = self.queue;
        while let Some(message) = queue.get(self.at) {
            let len = message.data.len();
            if self.reader.skip < len {
                return Some(message);
            }
            self.reader.skip -= len;
            self.at += 1;
        }
        self.walk.stop = Stop::Empty;
        None
    }

    /// Steps over the mark and the urgent byte where a read begins with them; true if it ends before them.
    fn stops_at_mark(&mut self) -> bool {
        let begun = self.walk.copied > 0;
        if self.queue.get(self.at).is_some_and(|message| message.data.is_empty()) {
            if begun && !self.reader.urgent {
                return true;
            }
            self.at += 1;
        }
        let Some(message) = self.queue.get(self.at) else { return false };
        if !message.urgent {
            return false;
        }
        if begun {
            return true;
        }
        if !self.reader.peek {
            self.reader.urgent = false;
            self.walk.met_urgent = true;
        }
        if !self.reader.oob_inline {
            self.at += 1;
        }
        false
    }

    fn is_of_another(&mut self, message: &Message) -> bool {
        if !self.reader.pass_credentials {
            return false;
        }
        let stated = message.stated_credentials();
        *self.walk.credentials.get_or_insert(stated) != stated
    }
}
