//! Calls on sockets. Each is answered by the stack; those that may wait are asked again until they need not.

use loggia_stack::base::{MsgFlags, Ready, TcpState};
use loggia_stack::socket::numbers::{SOCK_NONBLOCK, sol_socket};
use loggia_stack::socket::{Address, Control, Message, Received};
use loggia_stack::{Errno, SocketId};

use crate::descriptors::{Kind, Socket};
use crate::machine::{Machine, Outcome, Patience, World};

/// What a send call sends.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The bytes, in pieces.
    pub data: &'a [&'a [u8]],
    /// Where to; none: the connected end.
    pub to: Option<&'a Address>,
    /// Ancillary data.
    pub control: &'a [Control],
    /// `MSG_*`
    pub flags: MsgFlags,
}

impl Machine {
    /// `socket`
    pub fn socket(&self, family: i32, ty: i32, protocol: i32) -> Outcome<i32> {
        self.call(Patience::None, |world| {
            let id = world.host.stack.socket(family, ty, protocol)?;
            world.descriptors.open(Kind::Socket(Socket { id, nonblocking: ty & SOCK_NONBLOCK != 0 }))
        })
    }

    /// A call that is answered at once.
    pub fn at_once<T>(&self, fd: i32, mut call: impl FnMut(&mut World, SocketId) -> Result<T, Errno>) -> Outcome<T> {
        self.call(Patience::None, |world| {
            let id = world.descriptors.id(fd)?;
            Ok(call(world, id)?)
        })
    }

    /// `accept`: the new descriptor and whom it is connected to.
    pub fn accept(&self, fd: i32) -> Outcome<(i32, Address)> {
        self.call(self.patience(fd, sol_socket::SO_RCVTIMEO), |world| {
            let id = world.descriptors.id(fd)?;
            let (id, peer) = world.host.stack.accept(id)?;
            Ok((world.descriptors.open(Kind::Socket(Socket { id, nonblocking: false }))?, peer))
        })
    }

    /// `connect`: who may wait, waits for the end of the handshake.
    pub fn connect(&self, fd: i32, address: &Address) -> Outcome<()> {
        let patience = self.patience(fd, sol_socket::SO_SNDTIMEO);
        let mut begun = false;
        let result = self.call(patience, |world| {
            let id = world.descriptors.id(fd)?;
            match world.host.stack.connect(id, address) {
                Err(Errno::EINPROGRESS) if patience != Patience::None => {
                    begun = true;
                    Err(Errno::EAGAIN.into())
                }
                Err(Errno::EALREADY) if begun => Err(Errno::EAGAIN.into()),
                result => Ok(result?),
            }
        });
        match result {
            // As Linux tells one who did not wait to the end.
            Err(failed) if begun && failed == Errno::EAGAIN.into() => Err(Errno::EINPROGRESS.into()),
            result => result,
        }
    }

    /// All calls that receive.
    pub fn receive_message(&self, fd: i32, into: &mut [&mut [u8]], control_room: usize, flags: MsgFlags) -> Outcome<Received> {
        let mut patience = self.patience(fd, sol_socket::SO_RCVTIMEO);
        if flags.contains(MsgFlags::DONTWAIT) || flags.contains(MsgFlags::ERRQUEUE) {
            patience = Patience::None;
        }
        let flags = if patience == Patience::None { flags | MsgFlags::DONTWAIT } else { flags };
        self.call(patience, |world| {
            let id = world.descriptors.id(fd)?;
            Ok(world.host.stack.recvmsg(id, into, control_room, flags)?)
        })
    }

    /// All calls that send. Who may wait, waits until everything is taken.
    pub fn send_message(&self, fd: i32, out: &Outgoing<'_>) -> Outcome<usize> {
        let mut patience = self.patience(fd, sol_socket::SO_SNDTIMEO);
        if out.flags.contains(MsgFlags::DONTWAIT) {
            patience = Patience::None;
        }
        let flags = if patience == Patience::None { out.flags | MsgFlags::DONTWAIT } else { out.flags };
        let whole: usize = out.data.iter().map(|piece| piece.len()).sum();
        let (mut done, mut opening) = (0, false);
        let result = self.call(patience, |world| {
            let id = world.descriptors.id(fd)?;
            if opening && world.host.stack.tcp_state(id) == Some(TcpState::SynSent) {
                return Err(Errno::EAGAIN.into());
            }
            // As in Linux: a writer that found no room sleeps until a third of the buffer is free.
            if done > 0
                && !opening
                && !world.host.stack.readiness(id).is_ok_and(|ready| ready.intersects(Ready::OUT | Ready::ERR | Ready::HUP))
            {
                return Err(Errno::EAGAIN.into());
            }
            let data = rest(out.data, done);
            if opening && data.is_empty() && world.host.stack.tcp_state(id) != Some(TcpState::Closed) {
                opening = false;
                return Ok(done);
            }
            let message = Message { data: &data, to: out.to, control: out.control, flags };
            let result = world.host.stack.sendmsg(id, &message);
            // This very call opens the connection (Fast Open), and who may wait, waits for that too.
            opening = patience != Patience::None && world.host.stack.tcp_state(id) == Some(TcpState::SynSent);
            match result {
                Err(Errno::EALREADY | Errno::EINPROGRESS) if patience != Patience::None => Err(Errno::EAGAIN.into()),
                Err(errno) => {
                    done = if world.host.stack.tcp_state(id) == Some(TcpState::Closed) { 0 } else { done };
                    Err(errno.into())
                }
                Ok(count) => {
                    done += count;
                    let waits = opening || (done < whole && patience != Patience::None);
                    if waits { Err(Errno::EAGAIN.into()) } else { Ok(done) }
                }
            }
        });
        if done > 0 { Ok(done) } else { result }
    }
}

/// What is left of the pieces after so many bytes.
fn rest<'a>(pieces: &[&'a [u8]], mut done: usize) -> Vec<&'a [u8]> {
    let mut left = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let skip = done.min(piece.len());
        done -= skip;
        if skip < piece.len() || piece.is_empty() {
            left.push(&piece[skip..]);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_is_not_sent_again() {
        let pieces: [&[u8]; 3] = [b"abc", b"de", b"f"];
        assert_eq!(rest(&pieces, 0).concat(), b"abcdef");
        assert_eq!(rest(&pieces, 4).concat(), b"ef");
        assert_eq!(rest(&pieces, 6).concat(), b"");
    }
}
