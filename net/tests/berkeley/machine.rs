//! The machine's calls, in the shape of ours.
#![allow(unsafe_code)]
#![allow(clippy::undocumented_unsafe_blocks, clippy::unused_self, reason = "a table of descriptors is needed elsewhere")]

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::{size_of, zeroed};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::ptr::{from_mut, from_ref, null_mut};
use std::time::Duration;

pub(crate) use loggia::berkeley::PollFd;

pub(crate) struct Berkeley;

/// An IPv4 address.
pub(crate) struct Address(libc::sockaddr_in);

impl From<SocketAddr> for Address {
    fn from(addr: SocketAddr) -> Self {
        let SocketAddr::V4(v4) = addr else { panic!("the stories are of IPv4") };
        Self(libc::sockaddr_in {
            sin_family: libc::AF_INET as u16,
            sin_port: v4.port().to_be(),
            sin_addr: libc::in_addr { s_addr: u32::from(*v4.ip()).to_be() },
            sin_zero: [0; 8],
        })
    }
}

impl Address {
    #[allow(clippy::unnecessary_wraps, reason = "as ours, which knows other families")]
    pub(crate) fn as_socket(&self) -> Option<SocketAddr> {
        let ip = Ipv4Addr::from(u32::from_be(self.0.sin_addr.s_addr));
        Some(SocketAddrV4::new(ip, u16::from_be(self.0.sin_port)).into())
    }
}

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

const IN: libc::socklen_t = size_of::<libc::sockaddr_in>() as libc::socklen_t;

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

    pub(crate) fn bind(&self, number: i32, to: &Address) -> io::Result<()> {
        check(unsafe { libc::bind(number, from_ref(&to.0).cast(), IN) } as isize).map(drop)
    }

    pub(crate) fn listen(&self, number: i32, backlog: i32) -> io::Result<()> {
        check(unsafe { libc::listen(number, backlog) } as isize).map(drop)
    }

    pub(crate) fn accept(&self, number: i32) -> io::Result<(i32, Address)> {
        let (mut from, mut len) = (unsafe { zeroed::<libc::sockaddr_in>() }, IN);
        fd(unsafe { libc::accept(number, from_mut(&mut from).cast(), &raw mut len) }).map(|number| (number, Address(from)))
    }

    pub(crate) fn connect(&self, number: i32, to: &Address) -> io::Result<()> {
        check(unsafe { libc::connect(number, from_ref(&to.0).cast(), IN) } as isize).map(drop)
    }

    pub(crate) fn getsockname(&self, number: i32) -> io::Result<Address> {
        let (mut own, mut len) = (unsafe { zeroed::<libc::sockaddr_in>() }, IN);
        check(unsafe { libc::getsockname(number, from_mut(&mut own).cast(), &raw mut len) } as isize).map(|_| Address(own))
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
        to: Option<&Address>,
        control: &[u8],
        flags: i32,
    ) -> io::Result<usize> {
        let mut message = unsafe { zeroed::<libc::msghdr>() };
        message.msg_iov = data.as_ptr().cast_mut().cast();
        message.msg_iovlen = data.len();
        message.msg_control = if control.is_empty() { null_mut() } else { control.as_ptr().cast_mut().cast() };
        message.msg_controllen = control.len();
        if let Some(to) = to {
            message.msg_name = from_ref(&to.0).cast_mut().cast();
            message.msg_namelen = IN;
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
