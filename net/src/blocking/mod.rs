//! How a thread waits for a socket.
//!
//! | file | what |
//! |---|---|
//! | `calls` | the calls that may have to wait |
//! | `patience` | for how long |
//! | `park` | how a thread sleeps and is woken |

mod calls;
mod park;
mod patience;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use loggia_stack::base::{Errno, MsgFlags, Ready, SocketId};
use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::{AF_UNIX, SOCK_STREAM, sol_socket};

use crate::driver::{Left, Slot, Stand, Waiters};
use crate::host::Host;
use crate::socket::{READ, Socket, WRITE, error};

pub(crate) use park::{park, waker};
pub(crate) use patience::{Patience, moment_in};

/// A socket whose calls wait. Its clones are the same socket, as duplicates of a descriptor are: they share its mode and timeouts.
#[derive(Clone, Debug)]
pub(crate) struct Blocking(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    socket: Socket,
    /// The mode, which goes along when the socket is passed in a message.
    nonblocking: Arc<AtomicBool>,
}

/// A socket, as long as others have it.
#[derive(Clone, Debug)]
pub(crate) struct WeakBlocking(Weak<Shared>);

impl WeakBlocking {
    pub(crate) fn upgrade(&self) -> Option<Blocking> {
        self.0.upgrade().map(Blocking)
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.0.strong_count() > 0
    }
}

/// How a try ended.
enum Tried<T> {
    Done(io::Result<T>),
    /// Somebody will wake us; nobody later than that.
    Waits(Stand, Option<Instant>),
}

impl Blocking {
    pub(crate) fn new(socket: Socket) -> Self {
        Self::with_mode(socket, Arc::default())
    }

    /// One that came in a message.
    pub(crate) fn with_mode(socket: Socket, nonblocking: Arc<AtomicBool>) -> Self {
        Self(Arc::new(Shared { socket, nonblocking }))
    }

    pub(crate) fn open(host: &Host, family: i32, ty: i32) -> io::Result<Self> {
        Socket::new(host, family, ty).map(Self::new)
    }

    pub(crate) fn pair(host: &Host, family: i32, ty: i32) -> io::Result<(Self, Self)> {
        let (one, other) = Socket::pair(host, family, ty)?;
        Ok((Self::new(one), Self::new(other)))
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.0.socket
    }

    /// The socket alone, for those who do not wait by threads. Other handles go on being the same socket.
    #[cfg(feature = "tokio")]
    pub(crate) fn into_socket(self) -> Socket {
        Arc::try_unwrap(self.0).map_or_else(|shared| shared.socket.duplicate(), |shared| shared.socket)
    }

    pub(crate) fn downgrade(&self) -> WeakBlocking {
        WeakBlocking(Arc::downgrade(&self.0))
    }

    /// Tells two sockets apart that are there at the same time.
    pub(crate) fn key(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    pub(crate) fn set_nonblocking(&self, on: bool) {
        self.0.nonblocking.store(on, Ordering::Relaxed);
    }

    pub(crate) fn is_nonblocking(&self) -> bool {
        self.0.nonblocking.load(Ordering::Relaxed)
    }

    /// Says that it is passed in a message.
    pub(crate) fn pass(&self, waiters: &mut Waiters) {
        waiters.pass(self.socket().id, &self.0.nonblocking);
    }

    /// Repeats `work` until it need not wait, for as long as it may.
    pub(crate) fn when<T>(
        &self,
        interest: Ready,
        patience: &mut Patience,
        mut work: impl FnMut(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
    ) -> io::Result<T> {
        let socket = self.socket();
        let mut waiting = Waiting { socket, slot: None };
        loop {
            let late = patience.is_over();
            let (tried, left) = socket.host.with(|stack, waiters| match work(stack, waiters, socket.id) {
                Err(Errno::EAGAIN) if waiters.is_closed() => (Tried::Done(Err(error(Errno::ENETDOWN))), waiting.leave(waiters)),
                Err(Errno::EAGAIN) if !late && !self.is_nonblocking() => {
                    let slot = *waiting.slot.get_or_insert_with(|| waiters.slot());
                    let left = waiters.wait(socket.id, slot, interest, &waker());
                    (Tried::Waits(waiters.stand(1), patience.deadline(stack, socket.id)), left)
                }
                done => (Tried::Done(done.map_err(error)), waiting.leave(waiters)),
            });
            drop(left);
            match tried {
                Tried::Done(result) => return result,
                Tried::Waits(stand, deadline) => socket.host.park(stand, deadline),
            }
        }
    }

    /// Runs `work` once.
    pub(crate) fn at_once<T>(&self, work: impl FnOnce(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>) -> io::Result<T> {
        let Socket { host, id } = self.socket();
        let done = host.with(|stack, waiters| match work(stack, waiters, *id) {
            Err(Errno::EAGAIN) if waiters.is_closed() => Err(Errno::ENETDOWN),
            done => done,
        });
        done.map_err(error)
    }

    /// Repeats a read.
    pub(crate) fn reading<T>(&self, mut work: impl FnMut(&mut Stack, SocketId) -> Result<T, Errno>) -> io::Result<T> {
        self.when(READ, &mut Patience::reading(), |stack, _, id| work(stack, id))
    }

    /// Repeats a write.
    pub(crate) fn writing<T>(&self, mut work: impl FnMut(&mut Stack, SocketId) -> Result<T, Errno>) -> io::Result<T> {
        self.when(WRITE, &mut Patience::writing(), |stack, _, id| work(stack, id))
    }

    /// Repeats a receiving call with these flags. Who has waited in vain for much (`SO_RCVLOWAT`, `MSG_WAITALL`) gets the little there is.
    pub(crate) fn receiving<T>(
        &self,
        flags: MsgFlags,
        patience: &mut Patience,
        mut work: impl FnMut(&mut Stack, &mut Waiters, SocketId, MsgFlags) -> Result<T, Errno>,
    ) -> io::Result<T> {
        let what_there_is = flags | MsgFlags::DONTWAIT;
        if self.never_waits(flags)? {
            return self.at_once(|stack, waiters, id| work(stack, waiters, id, what_there_is));
        }
        let mut told = false;
        let waited = self.when(READ, patience, |stack, waiters, id| {
            let tried = work(stack, waiters, id, flags);
            // What the socket itself says is not asked for twice: it says an error once.
            told = !matches!(tried, Err(Errno::EAGAIN));
            tried
        });
        match waited {
            Err(over) if !told && is_over(&over) => {
                let last = self.socket().host.with(|stack, waiters| work(stack, waiters, self.socket().id, what_there_is));
                match last {
                    Err(Errno::EAGAIN) => Err(over),
                    last => last.map_err(error),
                }
            }
            done => done,
        }
    }

    /// True where a receiving call does not wait: as the mode or the call says, and as on Linux for errors and for the byte that overtook.
    fn never_waits(&self, flags: MsgFlags) -> io::Result<bool> {
        if self.is_nonblocking() || flags.contains(MsgFlags::DONTWAIT) {
            return Ok(true);
        }
        let is = |option, value| Ok::<_, io::Error>(self.socket().int(sol_socket::LEVEL, option)? == value);
        Ok((flags.contains(MsgFlags::ERRQUEUE) && !is(sol_socket::SO_DOMAIN, AF_UNIX)?)
            || (flags.contains(MsgFlags::OOB) && is(sol_socket::SO_TYPE, SOCK_STREAM)?))
    }
}

/// True if a wait ended without what was waited for.
fn is_over(waited: &io::Error) -> bool {
    [Errno::EAGAIN, Errno::ENETDOWN].iter().any(|errno| waited.raw_os_error() == Some(errno.number()))
}

/// One who waits, until it is dropped.
struct Waiting<'a> {
    socket: &'a Socket,
    slot: Option<Slot>,
}

impl Waiting<'_> {
    fn leave(&mut self, waiters: &mut Waiters) -> Left {
        self.slot.take().map(|slot| waiters.leave(self.socket.id, slot)).unwrap_or_default()
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.slot.is_some() {
            drop(self.socket.host.with(|_, waiters| self.leave(waiters)));
        }
    }
}
