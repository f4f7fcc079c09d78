//! The system calls, one safe function each.

use std::fs::File;
use std::io;
use std::mem::{size_of, size_of_val};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A descriptor that a call just made.
fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// This thread is in a network namespace of its own from now on.
pub(crate) fn leave_network() -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::unshare(libc::CLONE_NEWNET) }).map(drop)
}

/// This thread goes before all others, if that is permitted: what is late here is late on the links.
pub(crate) fn hurry() -> bool {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: the parameters outlive the call; thread 0 is this one.
    check(unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const priority) }).is_ok()
}

/// A network device with a name, as ioctls take it.
fn request(name: &str) -> libc::ifreq {
    // SAFETY: all zeros is a valid request.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(name.bytes().take(libc::IFNAMSIZ - 1)) {
        *place = byte as libc::c_char;
    }
    request
}

fn ask(fd: RawFd, what: libc::c_ulong, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: all requests of this file take an `ifreq`.
    check(unsafe { libc::ioctl(fd, what as _, ptr::from_mut(request)) }).map(drop)
}

/// Attaches an open `/dev/net/tun` to a new device that carries bare IP packets.
pub(crate) fn make_tun(tun: &File, name: &str) -> io::Result<()> {
    let mut request = request(name);
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as i16;
    ask(tun.as_raw_fd(), libc::TUNSETIFF as _, &mut request)
}

/// Gives a device an address in a /24 and sets it up.
pub(crate) fn set_up(name: &str, address: [u8; 4]) -> io::Result<()> {
    let socket = tcp_socket()?;
    let of = |what: libc::c_ulong, address: [u8; 4]| {
        let mut request = request(name);
        // SAFETY: both are plain bytes, and the union is as large as the larger.
        unsafe { ptr::from_mut(&mut request.ifr_ifru).cast::<libc::sockaddr_in>().write(sockaddr(address, 0)) };
        ask(socket.as_raw_fd(), what, &mut request)
    };
    of(libc::SIOCSIFADDR as _, address)?;
    of(libc::SIOCSIFNETMASK as _, [255, 255, 255, 0])?;
    let mut request = request(name);
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
    ask(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &mut request)
}

fn sockaddr(address: [u8; 4], port: u16) -> libc::sockaddr_in {
    // SAFETY: all zeros is a valid address.
    let mut name: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    name.sin_family = libc::AF_INET as libc::sa_family_t;
    name.sin_port = port.to_be();
    name.sin_addr.s_addr = u32::from_ne_bytes(address);
    name
}

const LEN: libc::socklen_t = size_of::<libc::sockaddr_in>() as libc::socklen_t;

/// A socket that does not block.
pub(crate) fn tcp_socket() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: takes no pointers.
    check(unsafe { libc::socket(libc::AF_INET, kind, 0) }).map(own)
}

pub(crate) fn bind(socket: &OwnedFd, address: [u8; 4], port: u16) -> io::Result<()> {
    let name = sockaddr(address, port);
    // SAFETY: the address is as long as said.
    check(unsafe { libc::bind(socket.as_raw_fd(), ptr::from_ref(&name).cast(), LEN) }).map(drop)
}

pub(crate) fn listen(socket: &OwnedFd) -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::listen(socket.as_raw_fd(), 8) }).map(drop)
}

/// The next connection; none if there is none yet.
pub(crate) fn accept(listener: &OwnedFd) -> Option<OwnedFd> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: the peer's address is not asked for.
    check(unsafe { libc::accept4(listener.as_raw_fd(), ptr::null_mut(), ptr::null_mut(), flags) }).ok().map(own)
}

/// Begins to connect.
pub(crate) fn connect(socket: &OwnedFd, address: [u8; 4], port: u16) -> io::Result<()> {
    let name = sockaddr(address, port);
    // SAFETY: the address is as long as said.
    match check(unsafe { libc::connect(socket.as_raw_fd(), ptr::from_ref(&name).cast(), LEN) }) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => Err(error),
        _ => Ok(()),
    }
}

pub(crate) fn end_writing(socket: &OwnedFd) -> io::Result<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_WR) }).map(drop)
}

pub(crate) fn set(socket: &OwnedFd, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    let len = value.len() as libc::socklen_t;
    // SAFETY: the value is as long as said.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, value.as_ptr().cast(), len) }).map(drop)
}

/// `TCP_INFO` as bytes.
pub(crate) fn tcp_info(socket: &OwnedFd) -> io::Result<[u8; 256]> {
    let mut info = [0; 256];
    let mut len = size_of_val(&info) as libc::socklen_t;
    // SAFETY: there is as much room as said.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::IPPROTO_TCP, libc::TCP_INFO, info.as_mut_ptr().cast(), &raw mut len)
    };
    check(result).map(|_| info)
}

/// Waits until one of the descriptors is ready for what is asked of it, or the time has passed. Says which are.
pub(crate) fn wait(fds: &[(RawFd, i16)], nanos: u64) -> Vec<bool> {
    let mut polled: Vec<libc::pollfd> = fds.iter().map(|&(fd, events)| libc::pollfd { fd, events, revents: 0 }).collect();
    let time = libc::timespec { tv_sec: (nanos / 1_000_000_000) as _, tv_nsec: (nanos % 1_000_000_000) as _ };
    // SAFETY: as many as said; a signal mask is not given.
    let _ready = unsafe { libc::ppoll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, &raw const time, ptr::null()) };
    polled.iter().map(|polled| polled.revents != 0).collect()
}
