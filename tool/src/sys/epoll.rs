//! Waiting for many descriptors (`epoll(7)`).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use super::check;

/// What is waited for, and what came.
pub mod mask {
    /// Something to read.
    pub const IN: u32 = libc::EPOLLIN as u32;
    /// Urgent data.
    pub const PRI: u32 = libc::EPOLLPRI as u32;
    /// Room to write.
    pub const OUT: u32 = libc::EPOLLOUT as u32;
    /// An error.
    pub const ERR: u32 = libc::EPOLLERR as u32;
    /// Both directions are closed.
    pub const HUP: u32 = libc::EPOLLHUP as u32;
    /// The other end writes no more.
    pub const RDHUP: u32 = libc::EPOLLRDHUP as u32;
    /// Tell of changes, not of states.
    pub const EDGE: u32 = libc::EPOLLET as u32;
}

/// A set of descriptors that are waited for.
#[derive(Debug)]
pub struct Epoll(OwnedFd);

/// Room for what [`Epoll::wait`] gives.
pub struct Events {
    room: Box<[libc::epoll_event]>,
    count: usize,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Events {
    /// Room for so many at a time.
    pub fn with_room(count: usize) -> Self {
        Self { room: vec![libc::epoll_event { events: 0, u64: 0 }; count].into(), count: 0 }
    }

    /// What came: the mask and the number its descriptor was added with.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        self.room[..self.count].iter().map(|event| (event.events, event.u64))
    }

    /// Forgets what came.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// How many came.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True if none came.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One of those that came.
    pub fn get(&self, place: usize) -> (u32, u64) {
        let event = self.room[..self.count][place];
        (event.events, event.u64)
    }
}

impl Epoll {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        // SAFETY: an integer goes in and a descriptor comes out.
        let fd = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the call just made it, and nobody else knows it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    fn control(&self, operation: i32, fd: BorrowedFd<'_>, mask: u32, number: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: mask, u64: number };
        // SAFETY: the call reads one `epoll_event`, which is what the pointer leads to.
        check(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), operation, fd.as_raw_fd(), &raw mut event) }).map(drop)
    }

    /// Adds a descriptor, to be told of with `number`.
    pub fn add(&self, fd: BorrowedFd<'_>, mask: u32, number: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, mask, number)
    }

    /// Changes what is waited for.
    pub fn change(&self, fd: BorrowedFd<'_>, mask: u32, number: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, fd, mask, number)
    }

    /// Takes a descriptor out.
    pub fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, 0)
    }

    /// Waits until something is ready, at most `timeout` (none: for ever), to the nanosecond (Linux 5.11). A signal ends it with nothing.
    pub fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = timeout.map(|timeout| libc::timespec {
            tv_sec: timeout.as_secs().min(1 << 30) as libc::time_t,
            tv_nsec: timeout.subsec_nanos().into(),
        });
        let limit = timeout.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        let (room, most) = (events.room.as_mut_ptr(), events.room.len() as i32);
        events.count = 0;
        let mask: *const libc::sigset_t = std::ptr::null();
        // SAFETY: `room` leads to `most` entries that are ours alone, `limit` to a `timespec` that lives on, or nowhere; no signal mask.
        let result = check(unsafe { libc::syscall(libc::SYS_epoll_pwait2, self.0.as_raw_fd(), room, most, limit, mask, 0usize) });
        match result {
            Ok(count) => events.count = count as usize,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl AsFd for Epoll {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
