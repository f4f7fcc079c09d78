//! The machine's calls, in the shape of ours.
#![allow(unsafe_code)]
#![allow(clippy::undocumented_unsafe_blocks, clippy::unused_self, reason = "a table of descriptors is needed elsewhere")]

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::{size_of, zeroed};
use std::ptr::{from_mut, null_mut};
use std::time::Duration;

pub(crate) use loggia::berkeley::{FdSet, PollFd};
use loggia::net::SockAddr;

pub(crate) struct Berkeley;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Event {
    pub(crate) events: u32,
    pub(crate) data: u64,
}

pub(crate) struct MsgReceived {
    pub(crate) len: usize,
    pub(crate) flags: i32,
    pub(crate) control: usize,
}

/// The address that a call writes.
fn address(call: impl FnOnce(*mut libc::sockaddr, *mut libc::socklen_t) -> i32) -> io::Result<(i32, SockAddr)> {
    let mut bytes = [0u8; size_of::<libc::sockaddr_storage>()];
    let mut len = bytes.len() as libc::socklen_t;
    let result = fd(call(bytes.as_mut_ptr().cast(), &raw mut len))?;
    // A sender without a name writes none.
    Ok((result, SockAddr::from_bytes(&bytes[..len as usize]).unwrap_or_else(|_| SockAddr::unix("").expect("no name"))))
}

fn check(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

fn fd(result: i32) -> io::Result<i32> {
    check(result as isize).map(|fd| fd as i32)
}

fn millis(timeout: Option<Duration>) -> i32 {
    timeout.map_or(-1, |timeout| timeout.as_millis() as i32)
}

// SAFETY of all blocks below: each passes pointers to locals with their sizes, to calls that keep none of them.
impl Berkeley {
    pub(crate) fn socket(&self, family: i32, ty: i32, protocol: i32) -> io::Result<i32> {
        fd(unsafe { libc::socket(family, ty, protocol) })
    }

    pub(crate) fn socketpair(&self, family: i32, ty: i32) -> io::Result<(i32, i32)> {
        let mut two = [0; 2];
        check(unsafe { libc::socketpair(family, ty, 0, two.as_mut_ptr()) } as isize).map(|_| (two[0], two[1]))
    }

    pub(crate) fn close(&self, number: i32) -> io::Result<()> {
        check(unsafe { libc::close(number) } as isize).map(drop)
    }

    pub(crate) fn dup(&self, number: i32) -> io::Result<i32> {
        fd(unsafe { libc::dup(number) })
    }

    pub(crate) fn dup2(&self, number: i32, other: i32) -> io::Result<i32> {
        fd(unsafe { libc::dup2(number, other) })
    }

    pub(crate) fn fcntl(&self, number: i32, command: i32, argument: i32) -> io::Result<i32> {
        fd(unsafe { libc::fcntl(number, command, argument) })
    }

    pub(crate) fn ioctl(&self, number: i32, request: u32, argument: &mut i32) -> io::Result<()> {
        check(unsafe { libc::ioctl(number, request.into(), from_mut(argument)) } as isize).map(drop)
    }

    pub(crate) fn bind(&self, number: i32, to: &SockAddr) -> io::Result<()> {
        let to = to.to_bytes();
        check(unsafe { libc::bind(number, to.as_ptr().cast(), to.len() as libc::socklen_t) } as isize).map(drop)
    }

    pub(crate) fn listen(&self, number: i32, backlog: i32) -> io::Result<()> {
        check(unsafe { libc::listen(number, backlog) } as isize).map(drop)
    }

    pub(crate) fn accept(&self, number: i32) -> io::Result<(i32, SockAddr)> {
        address(|from, len| unsafe { libc::accept(number, from, len) })
    }

    pub(crate) fn connect(&self, number: i32, to: &SockAddr) -> io::Result<()> {
        let to = to.to_bytes();
        check(unsafe { libc::connect(number, to.as_ptr().cast(), to.len() as libc::socklen_t) } as isize).map(drop)
    }

    pub(crate) fn getsockname(&self, number: i32) -> io::Result<SockAddr> {
        address(|own, len| unsafe { libc::getsockname(number, own, len) }).map(|(_, own)| own)
    }

    pub(crate) fn setsockopt(&self, number: i32, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
        let len = value.len() as libc::socklen_t;
        check(unsafe { libc::setsockopt(number, level, name, value.as_ptr().cast(), len) } as isize).map(drop)
    }

    pub(crate) fn send(&self, number: i32, data: &[u8], flags: i32) -> io::Result<usize> {
        check(unsafe { libc::send(number, data.as_ptr().cast(), data.len(), flags | libc::MSG_NOSIGNAL) })
    }

    pub(crate) fn recv(&self, number: i32, into: &mut [u8], flags: i32) -> io::Result<usize> {
        check(unsafe { libc::recv(number, into.as_mut_ptr().cast(), into.len(), flags) })
    }

    pub(crate) fn sendmsg(
        &self,
        number: i32,
        data: &[IoSlice<'_>],
        to: Option<&SockAddr>,
        control: &[u8],
        flags: i32,
    ) -> io::Result<usize> {
        let mut message = unsafe { zeroed::<libc::msghdr>() };
        message.msg_iov = data.as_ptr().cast_mut().cast();
        message.msg_iovlen = data.len();
        message.msg_control = if control.is_empty() { null_mut() } else { control.as_ptr().cast_mut().cast() };
        message.msg_controllen = control.len();
        let to = to.map(SockAddr::to_bytes);
        if let Some(to) = &to {
            message.msg_name = to.as_ptr().cast_mut().cast();
            message.msg_namelen = to.len() as libc::socklen_t;
        }
        check(unsafe { libc::sendmsg(number, &raw const message, flags | libc::MSG_NOSIGNAL) })
    }

    pub(crate) fn recvmsg(
        &self,
        number: i32,
        into: &mut [IoSliceMut<'_>],
        control: &mut [u8],
        flags: i32,
    ) -> io::Result<MsgReceived> {
        let mut message = unsafe { zeroed::<libc::msghdr>() };
        message.msg_iov = into.as_mut_ptr().cast();
        message.msg_iovlen = into.len();
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = control.len();
        let len = check(unsafe { libc::recvmsg(number, &raw mut message, flags) })?;
        Ok(MsgReceived { len, flags: message.msg_flags, control: message.msg_controllen })
    }

    pub(crate) fn poll(&self, fds: &mut [PollFd], timeout: Option<Duration>) -> io::Result<usize> {
        let mut polls: Vec<_> = fds.iter().map(|poll| libc::pollfd { fd: poll.fd, events: poll.events, revents: 0 }).collect();
        let found = check(unsafe { libc::poll(polls.as_mut_ptr(), polls.len() as libc::nfds_t, millis(timeout)) } as isize)?;
        fds.iter_mut().zip(&polls).for_each(|(poll, found)| poll.revents = found.revents);
        Ok(found)
    }

    pub(crate) fn select(
        &self,
        count: i32,
        read: Option<&mut FdSet>,
        write: Option<&mut FdSet>,
        except: Option<&mut FdSet>,
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        let mut sets = [read, write, except];
        let mut theirs = [unsafe { zeroed::<libc::fd_set>() }; 3];
        let numbers = || 0..libc::FD_SETSIZE as i32;
        for (ours, theirs) in sets.iter().zip(&mut theirs) {
            let wanted = numbers().filter(|number| ours.as_ref().is_some_and(|ours| ours.contains(*number)));
            wanted.for_each(|number| unsafe { libc::FD_SET(number, theirs) });
        }
        let timeval = |time: Duration| libc::timeval { tv_sec: time.as_secs() as i64, tv_usec: time.subsec_micros().into() };
        let mut limit = timeout.map(timeval);
        let limit = limit.as_mut().map_or(null_mut(), from_mut);
        let [read, write, except] = &mut theirs;
        let found = check(unsafe { libc::select(count, read, write, except, limit) } as isize)?;
        for (ours, theirs) in sets.iter_mut().zip(&theirs) {
            let Some(ours) = ours else { continue };
            **ours = numbers().filter(|number| unsafe { libc::FD_ISSET(*number, theirs) }).collect();
        }
        Ok(found)
    }

    pub(crate) fn epoll_create(&self) -> io::Result<i32> {
        fd(unsafe { libc::epoll_create1(0) })
    }

    pub(crate) fn epoll_ctl(&self, set: i32, operation: i32, number: i32, events: u32, data: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events, u64: data };
        check(unsafe { libc::epoll_ctl(set, operation, number, &raw mut event) } as isize).map(drop)
    }

    pub(crate) fn epoll_wait(&self, set: i32, most: usize, timeout: Option<Duration>) -> io::Result<Vec<Event>> {
        let mut events = vec![libc::epoll_event { events: 0, u64: 0 }; most];
        let found = check(unsafe { libc::epoll_wait(set, events.as_mut_ptr(), most as i32, millis(timeout)) } as isize)?;
        Ok(events[..found].iter().map(|event| Event { events: event.events, data: event.u64 }).collect())
    }
}

#[path = "stories.rs"]
mod stories;

macro_rules! tests {
    ($($story:ident)*) => {
        $(#[test]
        fn $story() {
            stories::$story(&Berkeley);
        })*
    };
}

every_story!(tests);
