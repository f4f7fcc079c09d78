//! `sendmmsg`, `recvmmsg`: several messages in one call. It fails only if the first does; those after it are done in order, until one cannot be.
//!
//! Between two messages, or two runs of datagrams that are alike, happens what happens between two calls.

use super::stack::Stack;
use crate::base::{Errno, MsgFlags, SocketId};
use crate::socket::{Receiving, Sending};

/// The most messages one call sends (`UIO_MAXIOV`).
const MOST: usize = 1024;

impl Stack {
    /// Sends messages in order until one cannot be sent, or is taken in part by a stream, 1024 at most; says how many, that one included. An error, as
    /// [`Stack::sendmsg`] gives it, only if there is no first one; as in Linux one that comes after it is not told.
    ///
    /// ```
    /// use loggia_stack::base::MsgFlags;
    /// use loggia_stack::engine::{Config, Stack};
    /// use loggia_stack::socket::numbers::{AF_INET, SOCK_DGRAM};
    /// use loggia_stack::socket::{Message, Receiving, Sending};
    /// use loggia_stack::{Instant, Seed};
    ///
    /// let mut stack = Stack::new(Config::default(), Seed::from(1), Instant::EPOCH);
    /// let (one, other) = (stack.socket(AF_INET, SOCK_DGRAM, 0)?, stack.socket(AF_INET, SOCK_DGRAM, 0)?);
    /// stack.bind(other, &"127.0.0.1:7".parse().expect("an address"))?;
    /// stack.connect(one, &"127.0.0.1:7".parse().expect("an address"))?;
    /// let texts: [&[u8]; 2] = [b"one", b"two"];
    /// let mut messages = [0, 1].map(|at| Sending::of(Message { data: &texts[at..=at], ..Message::default() }));
    /// assert_eq!(stack.sendmmsg(one, &mut messages)?, 2);
    ///
    /// let mut rooms = [[0; 16]; 4];
    /// let mut pieces = rooms.each_mut().map(|room| [&mut room[..]]);
    /// let mut places: Vec<_> = pieces.iter_mut().map(|into| Receiving::into(into, 0)).collect();
    /// assert_eq!(stack.recvmmsg(other, &mut places, MsgFlags::NONE)?, 2);
    /// assert_eq!(places[1].received.len, 3);
    /// assert_eq!(&rooms[1][..3], b"two");
    /// # Ok::<(), loggia_stack::Errno>(())
    /// ```
    pub fn sendmmsg(&mut self, id: SocketId, messages: &mut [Sending<'_>]) -> Result<usize, Errno> {
        let count = messages.len().min(MOST);
        let mut sent = 0;
        while sent < count {
            let some = self.sockets.send_some(&mut self.net, id, &mut messages[sent..count]);
            self.settle();
            match some {
                Ok(some) => sent += some,
                Err(errno) if sent == 0 => return Err(errno),
                Err(_) => break,
            }
            // What comes behind it must not come before its rest.
            if !messages[sent - 1].is_whole() {
                break;
            }
        }
        Ok(sent)
    }

    /// Receives a message into each place until there is none; says how many. An error, as [`Stack::recvmsg`] gives it, only if there is no first
    /// one; one that comes after it is pending then. A pending error is told before anything is received, also of a stream.
    ///
    /// Nothing waits here. A caller that is to wait until all places are full calls again for the others, unless it has `MSG_WAITFORONE`: then all
    /// but the first are received with `MSG_DONTWAIT`.
    pub fn recvmmsg(&mut self, id: SocketId, places: &mut [Receiving<'_, '_>], flags: MsgFlags) -> Result<usize, Errno> {
        self.sockets.tell_error(&mut self.net, id, places.len(), flags)?;
        let (first, others) = waiting(flags);
        let mut received = 0;
        while received < places.len() {
            let flags = if received == 0 { first } else { others };
            let some = self.sockets.receive_some(&mut self.net, id, &mut places[received..], flags);
            self.settle();
            match some {
                Ok(some) => received += some,
                Err(errno) if received == 0 => return Err(errno),
                Err(Errno::EAGAIN) => break,
                Err(errno) => {
                    self.sockets.put_error(id, errno);
                    break;
                }
            }
            // What is urgent is told at once.
            if places[received - 1].received.flags.contains(MsgFlags::OOB) {
                break;
            }
        }
        Ok(received)
    }
}

/// The flags by which the first message is received, and those after it.
fn waiting(flags: MsgFlags) -> (MsgFlags, MsgFlags) {
    let first = flags.without(MsgFlags::WAITFORONE);
    (first, if first == flags { first } else { first | MsgFlags::DONTWAIT })
}
