//! How a thread waits for a socket.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use loggia_stack::base::{Errno, MsgFlags, Ready, SocketId};
use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::{SHUT_RD, SHUT_RDWR, SHUT_WR, sol_socket};
use loggia_stack::socket::{Address, Control, Message};
use loggia_stack::transport::unix::{Right, SCM_MAX_FD};

use crate::driver::{Slot, Waiters};
use crate::host::Host;
use crate::socket::{READ, Socket, WRITE, ended, error, recvfrom, send};

/// A socket whose calls wait. Its clones are the same socket, as duplicates of a descriptor are: they share its mode and timeouts.
#[derive(Clone, Debug)]
pub(crate) struct Blocking(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    socket: Socket,
    nonblocking: AtomicBool,
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

/// How a wait ended.
enum Tried<T> {
    Done(io::Result<T>),
    /// Somebody will wake us; nobody later than that.
    Waits(Option<Duration>),
}

/// How long to wait.
#[derive(Clone, Copy)]
pub(crate) enum Patience {
    /// As long as the option of this name says: `SO_RCVTIMEO`, `SO_SNDTIMEO`.
    Option(i32),
    /// Until then.
    Until(Instant),
}

impl Blocking {
    pub(crate) fn new(socket: Socket) -> Self {
        Self(Arc::new(Shared { socket, nonblocking: AtomicBool::new(false) }))
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

    pub(crate) fn downgrade(&self) -> WeakBlocking {
        WeakBlocking(Arc::downgrade(&self.0))
    }

    /// Tells two sockets apart that are there at the same time.
    pub(crate) fn key(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// The flags of a call, with what the socket's mode adds.
    pub(crate) fn flags(&self, flags: MsgFlags) -> MsgFlags {
        if self.is_nonblocking() { flags | MsgFlags::DONTWAIT } else { flags }
    }

    pub(crate) fn set_nonblocking(&self, on: bool) {
        self.0.nonblocking.store(on, Ordering::Relaxed);
    }

    pub(crate) fn is_nonblocking(&self) -> bool {
        self.0.nonblocking.load(Ordering::Relaxed)
    }

    /// Repeats `work` until it need not wait, for as long as it may.
    pub(crate) fn when<T>(
        &self,
        interest: Ready,
        patience: Patience,
        mut work: impl FnMut(&mut Stack, &mut Waiters, SocketId) -> Result<T, Errno>,
    ) -> io::Result<T> {
        let socket = self.socket();
        let mut waiting = Waiting { socket, slot: None };
        let mut deadline = None;
        loop {
            let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let tried = socket.host.with(|stack, waiters| match work(stack, waiters, socket.id) {
                Err(Errno::EAGAIN) if waiters.is_closed() => Tried::Done(Err(error(Errno::ENETDOWN))),
                Err(Errno::EAGAIN) if !late && !self.is_nonblocking() => {
                    let slot = *waiting.slot.get_or_insert_with(|| waiters.slot());
                    waiters.wait(socket.id, slot, interest, &waker());
                    Tried::Waits(patience.left(stack, socket.id))
                }
                done => {
                    waiting.leave(waiters);
                    Tried::Done(done.map_err(error))
                }
            });
            match tried {
                Tried::Done(result) => return result,
                Tried::Waits(left) => {
                    deadline = deadline.or(left.map(moment_in));
                    park(deadline);
                }
            }
        }
    }

    /// Repeats a read.
    pub(crate) fn reading<T>(&self, mut work: impl FnMut(&mut Stack, SocketId) -> Result<T, Errno>) -> io::Result<T> {
        self.when(READ, Patience::Option(sol_socket::SO_RCVTIMEO), |stack, _, id| work(stack, id))
    }

    /// Repeats a write.
    pub(crate) fn writing<T>(&self, mut work: impl FnMut(&mut Stack, SocketId) -> Result<T, Errno>) -> io::Result<T> {
        self.when(WRITE, Patience::Option(sol_socket::SO_SNDTIMEO), |stack, _, id| work(stack, id))
    }

    /// Waits for a connection. `EAGAIN`, `EINVAL`
    pub(crate) fn accept(&self) -> io::Result<(Self, Address)> {
        let (id, from) = self.when(READ, Patience::Option(sol_socket::SO_RCVTIMEO), Socket::accept)?;
        Ok((Self::new(self.socket().adopt(id)), from))
    }

    /// Connects, for as long as `limit` says, else the socket's `SO_SNDTIMEO`. With a limit it waits in non-blocking mode too.
    pub(crate) fn connect(&self, to: &Address, limit: Option<Duration>) -> io::Result<()> {
        let patience = limit.map_or(Patience::Option(sol_socket::SO_SNDTIMEO), |limit| Patience::Until(moment_in(limit)));
        loop {
            match self.socket().host.with(|stack, _| stack.connect(self.socket().id, to)) {
                Ok(()) => return Ok(()),
                Err(Errno::EINPROGRESS) if !self.is_nonblocking() => break,
                // A Unix listener's backlog is full, and nothing announces that it has room.
                Err(Errno::EAGAIN) if !self.is_nonblocking() => thread::sleep(BACKLOG_RETRY),
                Err(errno) => return Err(error(errno)),
            }
        }
        match self.when(WRITE, patience, |stack, _, id| ended(stack.readiness(id)?)) {
            Err(waited) if waited.kind() == io::ErrorKind::WouldBlock => {
                // As Linux says it, and as std does where it has the limit.
                return Err(match patience {
                    Patience::Option(_) => error(Errno::EINPROGRESS),
                    Patience::Until(_) => io::Error::new(io::ErrorKind::TimedOut, "connection timed out"),
                });
            }
            done => done?,
        }
        self.socket().take_error()?.map_or(Ok(()), Err)
    }

    /// Reads; 0 is the end of a stream.
    pub(crate) fn recv(&self, into: &mut [u8], flags: MsgFlags) -> io::Result<usize> {
        self.reading(|stack, id| stack.recv(id, into, self.flags(flags)))
    }

    pub(crate) fn recv_vectored(&self, into: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let mut pieces: Vec<&mut [u8]> = into.iter_mut().take(PIECES).map(|piece| &mut **piece).collect();
        self.reading(|stack, id| stack.recvmsg(id, &mut pieces, 0, self.flags(MsgFlags::NONE)).map(|received| received.len))
    }

    pub(crate) fn recv_from(&self, into: &mut [u8], flags: MsgFlags) -> io::Result<(usize, Address)> {
        self.reading(|stack, id| recvfrom(stack, id, into, self.flags(flags)))
    }

    /// Sends a datagram.
    pub(crate) fn send(&self, data: &[u8], to: Option<&Address>) -> io::Result<usize> {
        self.writing(|stack, id| send(stack, id, &[data], to))
    }

    /// Writes to a stream: all of it, as Linux does for those who wait, unless an error or the timeout comes first.
    pub(crate) fn write(&self, data: &[u8]) -> io::Result<usize> {
        let mut done = 0;
        loop {
            match self.writing(|stack, id| send(stack, id, &[&data[done..]], None)) {
                Ok(len) => done += len,
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(error),
            }
            if done == data.len() || self.is_nonblocking() {
                return Ok(done);
            }
        }
    }

    /// As [`Blocking::write`], without a copy.
    pub(crate) fn send_bytes(&self, mut chunk: Bytes) -> io::Result<usize> {
        let mut done = 0;
        loop {
            match self.writing(|stack, id| stack.send_bytes(id, chunk.clone(), MsgFlags::NOSIGNAL)) {
                Ok(len) => {
                    done += len;
                    chunk.advance(len);
                }
                Err(_) if done > 0 => return Ok(done),
                Err(error) => return Err(error),
            }
            if chunk.is_empty() || self.is_nonblocking() {
                return Ok(done);
            }
        }
    }

    pub(crate) fn write_vectored(&self, data: &[IoSlice<'_>]) -> io::Result<usize> {
        let pieces: Vec<&[u8]> = data.iter().take(PIECES).map(|piece| &**piece).collect();
        self.writing(|stack, id| send(stack, id, &pieces, None))
    }

    /// Sends sockets along. `EINVAL` for one of another host
    pub(crate) fn send_sockets(&self, data: &[u8], sockets: &[&Socket]) -> io::Result<usize> {
        if !sockets.iter().all(|socket| socket.host.is(&self.socket().host)) {
            return Err(error(Errno::EINVAL));
        }
        let control = [Control::Rights(sockets.iter().map(|socket| Right::Socket(socket.id)).collect())];
        let message = Message { data: &[data], control: &control, flags: MsgFlags::NOSIGNAL, ..Message::default() };
        self.writing(|stack, id| stack.sendmsg(id, &message))
    }

    /// Receives with the sockets that were sent along.
    pub(crate) fn recv_sockets(&self, into: &mut [u8]) -> io::Result<(usize, Vec<Self>)> {
        let room = Control::Rights(vec![Right::Foreign(0); SCM_MAX_FD]).space();
        let patience = Patience::Option(sol_socket::SO_RCVTIMEO);
        let (len, ids) = self.when(READ, patience, |stack, waiters, id| {
            let received = stack.recvmsg(id, &mut [&mut *into], room, MsgFlags::NONE)?;
            let rights = received.control.into_iter().filter_map(|item| match item {
                Control::Rights(rights) => Some(rights),
                _ => None,
            });
            let ids = rights.flatten().filter_map(|right| match right {
                Right::Socket(id) => Some(id),
                Right::Foreign(_) => None,
            });
            let ids: Vec<_> = ids.collect();
            ids.iter().for_each(|id| waiters.know(*id));
            Ok((received.len, ids))
        })?;
        Ok((len, ids.into_iter().map(|id| Self::new(self.socket().adopt(id))).collect()))
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.socket().shutdown(match how {
            Shutdown::Read => SHUT_RD,
            Shutdown::Write => SHUT_WR,
            Shutdown::Both => SHUT_RDWR,
        })
    }

    /// `SO_RCVTIMEO` or `SO_SNDTIMEO`.
    pub(crate) fn timeout(&self, name: i32) -> io::Result<Option<Duration>> {
        self.socket().call(|stack, id| timeout(stack, id, name))
    }

    /// `InvalidInput` for a timeout of nothing, as std.
    pub(crate) fn set_timeout(&self, name: i32, timeout: Option<Duration>) -> io::Result<()> {
        let value = match timeout {
            Some(Duration::ZERO) => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "cannot set a 0 duration timeout"));
            }
            // Less than a microsecond would be none at all.
            Some(timeout) => timeout.max(Duration::from_micros(1)),
            None => Duration::ZERO,
        };
        let seconds = i64::try_from(value.as_secs()).unwrap_or(i64::MAX);
        let value = [seconds.to_ne_bytes(), i64::from(value.subsec_micros()).to_ne_bytes()].concat();
        self.socket().set(sol_socket::LEVEL, name, &value)
    }
}

/// Most pieces of one vectored call, as Linux's `UIO_MAXIOV` bounds them.
const PIECES: usize = 1024;

/// How soon one looks again whether a full backlog has room.
const BACKLOG_RETRY: Duration = Duration::from_millis(1);

impl Patience {
    /// How long to wait from now on; none: for ever.
    fn left(self, stack: &mut Stack, id: SocketId) -> Option<Duration> {
        match self {
            Self::Option(name) => timeout(stack, id, name).ok()?,
            Self::Until(deadline) => Some(deadline.saturating_duration_since(Instant::now())),
        }
    }
}

/// What a timeout's option says, in `struct timeval`.
fn timeout(stack: &mut Stack, id: SocketId, name: i32) -> Result<Option<Duration>, Errno> {
    let mut value = [0; 16];
    stack.getsockopt(id, sol_socket::LEVEL, name, &mut value)?;
    let word = |at: usize| value[at..].first_chunk().map_or(0, |bytes| i64::from_ne_bytes(*bytes)) as u64;
    let duration = Duration::from_secs(word(0)) + Duration::from_micros(word(8));
    Ok((!duration.is_zero()).then_some(duration))
}

/// One who waits, until it is dropped.
struct Waiting<'a> {
    socket: &'a Socket,
    slot: Option<Slot>,
}

impl Waiting<'_> {
    fn leave(&mut self, waiters: &mut Waiters) {
        if let Some(slot) = self.slot.take() {
            waiters.leave(self.socket.id, slot);
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.slot.is_some() {
            self.socket.host.with(|_, waiters| self.leave(waiters));
        }
    }
}

/// Wakes a thread that is parked.
struct Unparker(Thread);

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// Sleeps until this thread's waker is woken, or the deadline; perhaps less.
pub(crate) fn park(deadline: Option<Instant>) {
    match deadline {
        None => thread::park(),
        Some(deadline) => thread::park_timeout(deadline.saturating_duration_since(Instant::now())),
    }
}

/// What wakes this thread from [`park`].
pub(crate) fn waker() -> Waker {
    WAKER.with(Waker::clone)
}

thread_local! {
    /// This thread's waker. A wake that comes late makes a later wait look once in vain.
    static WAKER: Waker = Waker::from(Arc::new(Unparker(thread::current())));
}

/// When `time` will be over; a time that no clock reaches is over in a century.
pub(crate) fn moment_in(time: Duration) -> Instant {
    const CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + CENTURY)
}
