//! The system calls, one safe function each.
// The widths of some fields differ between C libraries.
#![allow(clippy::unnecessary_cast)]

use std::mem::{MaybeUninit, size_of, size_of_val};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr;

use super::world::Answer;

const FAMILY: usize = size_of::<libc::sa_family_t>();

fn check(result: i32) -> Answer<i32> {
    if result < 0 { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { Ok(result) }
}

/// A descriptor that a call just made.
fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: nobody else has it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// An address and how much of it counts.
fn sockaddr(sun_path: &[u8]) -> (libc::sockaddr_un, libc::socklen_t) {
    // SAFETY: all zeros is a valid address.
    let mut address: libc::sockaddr_un = unsafe { MaybeUninit::zeroed().assume_init() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    for (place, byte) in address.sun_path.iter_mut().zip(sun_path) {
        *place = *byte as libc::c_char;
    }
    (address, (FAMILY + sun_path.len()) as libc::socklen_t)
}

fn sun_path(address: &libc::sockaddr_un, len: libc::socklen_t) -> Vec<u8> {
    address.sun_path.iter().take((len as usize).saturating_sub(FAMILY)).map(|&byte| byte as u8).collect()
}

pub fn socket(kind: i32) -> Answer<OwnedFd> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::socket(libc::AF_UNIX, kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0) }).map(own)
}

pub fn socketpair(kind: i32) -> Answer<[OwnedFd; 2]> {
    let mut fds = [0; 2];
    // SAFETY: there is room for two descriptors.
    check(unsafe { libc::socketpair(libc::AF_UNIX, kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0, fds.as_mut_ptr()) })?;
    Ok(fds.map(own))
}

pub fn bind(fd: RawFd, name: &[u8]) -> Answer<()> {
    let (address, len) = sockaddr(name);
    // SAFETY: the address is as long as said.
    check(unsafe { libc::bind(fd, ptr::from_ref(&address).cast(), len) }).map(drop)
}

pub fn listen(fd: RawFd, backlog: i32) -> Answer<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::listen(fd, backlog) }).map(drop)
}

/// To no name: to `AF_UNSPEC`.
pub fn connect(fd: RawFd, name: Option<&[u8]>) -> Answer<()> {
    let (mut address, mut len) = sockaddr(name.unwrap_or_default());
    if name.is_none() {
        address.sun_family = libc::AF_UNSPEC as libc::sa_family_t;
        len = 16;
    }
    // SAFETY: the address is as long as said.
    check(unsafe { libc::connect(fd, ptr::from_ref(&address).cast(), len) }).map(drop)
}

pub fn accept(fd: RawFd) -> Answer<OwnedFd> {
    // SAFETY: no address is asked for.
    check(unsafe { libc::accept4(fd, ptr::null_mut(), ptr::null_mut(), libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC) }).map(own)
}

pub fn shutdown(fd: RawFd, how: i32) -> Answer<()> {
    // SAFETY: takes no pointers.
    check(unsafe { libc::shutdown(fd, how) }).map(drop)
}

pub fn poll(fd: RawFd) -> u16 {
    let events = libc::POLLIN | libc::POLLPRI | libc::POLLOUT | libc::POLLRDHUP;
    let mut polled = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: one entry is there.
    check(unsafe { libc::poll(&raw mut polled, 1, 0) }).expect("poll");
    polled.revents as u16
}

type NameCall = unsafe extern "C" fn(i32, *mut libc::sockaddr, *mut libc::socklen_t) -> i32;

fn name(fd: RawFd, call: NameCall) -> Answer<Vec<u8>> {
    let (mut address, _) = sockaddr(b"");
    let mut len = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: there is as much room as said.
    check(unsafe { call(fd, ptr::from_mut(&mut address).cast(), &raw mut len) })?;
    Ok(sun_path(&address, len))
}

pub fn getsockname(fd: RawFd) -> Answer<Vec<u8>> {
    name(fd, libc::getsockname)
}

pub fn getpeername(fd: RawFd) -> Answer<Vec<u8>> {
    name(fd, libc::getpeername)
}

pub fn setsockopt(fd: RawFd, option: i32, value: i32) -> Answer<()> {
    let len = size_of::<i32>() as libc::socklen_t;
    // SAFETY: the value is as long as said.
    check(unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, option, ptr::from_ref(&value).cast(), len) }).map(drop)
}

pub fn getsockopt<const N: usize>(fd: RawFd, option: i32) -> Answer<[i32; N]> {
    let mut value = [0; N];
    let mut len = size_of::<[i32; N]>() as libc::socklen_t;
    // SAFETY: there is as much room as said.
    check(unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, option, value.as_mut_ptr().cast(), &raw mut len) })?;
    Ok(value)
}

pub fn ioctl(fd: RawFd, request: u32) -> Answer<usize> {
    let mut value = 0i32;
    // SAFETY: the requests asked here write one integer.
    check(unsafe { libc::ioctl(fd, libc::c_ulong::from(request) as _, &raw mut value) })?;
    Ok(value as usize)
}

/// Room for the rights of one message and credentials, aligned.
type ControlRoom = [u64; 160];

pub fn sendmsg(fd: RawFd, data: &[u8], to: Option<&[u8]>, flags: i32, rights: &[RawFd]) -> Answer<usize> {
    let (mut address, len) = sockaddr(to.unwrap_or_default());
    let mut piece = libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
    let mut control: ControlRoom = [0; 160];
    // SAFETY: all zeros is a message of nothing.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    if to.is_some() {
        message.msg_name = ptr::from_mut(&mut address).cast();
        message.msg_namelen = len;
    }
    if !rights.is_empty() {
        let bytes = size_of_val(rights);
        message.msg_control = control.as_mut_ptr().cast();
        // SAFETY: only computes.
        message.msg_controllen = unsafe { libc::CMSG_SPACE(bytes as u32) } as _;
        assert!(message.msg_controllen as usize <= size_of::<ControlRoom>());
        // SAFETY: the control buffer has room for one header and the descriptors behind it.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(bytes as u32) as _;
            ptr::copy_nonoverlapping(rights.as_ptr().cast(), libc::CMSG_DATA(header), bytes);
        }
    }
    // SAFETY: all parts of the message live until the call returns.
    let sent = unsafe { libc::sendmsg(fd, &raw const message, flags | libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) };
    check(sent as i32).map(|sent| sent as usize)
}

pub struct Received {
    pub bytes: Vec<u8>,
    pub len: usize,
    pub flags: i32,
    pub from: Vec<u8>,
    pub credentials: Option<[i64; 3]>,
    pub rights: Vec<OwnedFd>,
}

pub fn recvmsg(fd: RawFd, len: usize, flags: i32) -> Answer<Received> {
    let mut bytes = vec![0u8; len];
    let (mut address, _) = sockaddr(b"");
    let mut piece = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: len };
    let mut control: ControlRoom = [0; 160];
    // SAFETY: all zeros is a message of nothing.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_name = ptr::from_mut(&mut address).cast();
    message.msg_namelen = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    message.msg_iov = &raw mut piece;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of::<ControlRoom>() as _;
    // SAFETY: all parts of the message live until the call returns.
    let got = unsafe { libc::recvmsg(fd, &raw mut message, flags | libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC) };
    let got = check(got as i32)? as usize;
    bytes.truncate(got);
    let (credentials, rights) = ancillary(&message);
    let from = sun_path(&address, message.msg_namelen);
    let told = libc::MSG_OOB | libc::MSG_TRUNC | libc::MSG_CTRUNC | libc::MSG_EOR;
    Ok(Received { bytes, len: got, flags: message.msg_flags & told, from, credentials, rights })
}

fn ancillary(message: &libc::msghdr) -> (Option<[i64; 3]>, Vec<OwnedFd>) {
    let (mut credentials, mut rights) = (None, Vec::new());
    // SAFETY: the kernel filled the control buffer; the macros walk over whole items in it.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while let Some(item) = header.as_ref() {
            let bytes = libc::CMSG_DATA(header);
            let count = (item.cmsg_len as usize - libc::CMSG_LEN(0) as usize) / size_of::<i32>();
            let word = |n: usize| i32::from_ne_bytes(bytes.add(4 * n).cast::<[u8; 4]>().read());
            match item.cmsg_type {
                libc::SCM_RIGHTS => rights.extend((0..count).map(|n| own(word(n)))),
                libc::SCM_CREDENTIALS => credentials = Some([0, 1, 2].map(|n| i64::from(word(n) as u32))),
                other => panic!("ancillary data {other}"),
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    (credentials, rights)
}

/// The kernel's version: 6.18 is (6, 18).
pub fn kernel_version() -> (u32, u32) {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|word| word.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}
