//! What the applications at the ends do, over whichever sockets.

use crate::plan::Transfer;
use crate::sim::pattern::Pattern;

/// Which end of all transfers a stack has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Sender,
    Receiver,
}

/// A connected socket that does not block.
pub(crate) trait Socket {
    /// None: not now.
    fn write(&mut self, data: &[u8]) -> Option<usize>;
    /// None: not now; 0: the end of the stream.
    fn read(&mut self, into: &mut [u8]) -> Option<usize>;
    fn end_writing(&mut self);
}

/// One end of one transfer.
pub(crate) struct End {
    role: Role,
    bytes: u64,
    piece: usize,
    pattern: Pattern,
    moved: u64,
    /// The sender has said that no more comes.
    ended: bool,
}

impl End {
    pub(crate) fn new(transfer: &Transfer, role: Role) -> Self {
        let pattern = Pattern::new(transfer.number.into());
        Self { role, bytes: transfer.bytes, piece: transfer.piece, pattern, moved: 0, ended: false }
    }

    /// Does what it can now; true if it is through: everything has arrived, and both ends know.
    pub(crate) fn act(&mut self, socket: &mut dyn Socket) -> bool {
        match self.role {
            Role::Sender => self.send(socket),
            Role::Receiver => self.receive(socket),
        }
    }

    /// True if it waits for room, false if it waits for data.
    pub(crate) fn wants_to_write(&self) -> bool {
        self.role == Role::Sender && !self.ended
    }

    fn send(&mut self, socket: &mut dyn Socket) -> bool {
        while self.moved < self.bytes {
            let most = self.piece.min((self.bytes - self.moved) as usize);
            let Some(count) = socket.write(self.pattern.at(self.moved, most)) else { return false };
            self.moved += count as u64;
        }
        if !std::mem::replace(&mut self.ended, true) {
            socket.end_writing();
        }
        // The receiver closes when it has read the end.
        socket.read(&mut [0]).map(|count| assert_eq!(count, 0, "the receiver sends nothing")).is_some()
    }

    fn receive(&mut self, socket: &mut dyn Socket) -> bool {
        let mut into = vec![0; self.piece];
        while let Some(count) = socket.read(&mut into) {
            assert!(self.pattern.matches(self.moved, &into[..count]), "wrong bytes after offset {}", self.moved);
            self.moved += count as u64;
            if count == 0 {
                assert_eq!(self.moved, self.bytes, "the end came early");
                return true;
            }
        }
        false
    }
}
