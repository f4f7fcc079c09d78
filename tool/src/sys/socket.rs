//! Native sockets, always without waiting and without `SIGPIPE`.

use std::io::{self, IoSlice};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use bytes::BytesMut;

use super::check;

fn owned(fd: RawFd) -> OwnedFd {
    // SAFETY: called with what a call has just made and nobody else knows.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// An `AF_UNIX` socket of `ty` (`SOCK_*`, with flags).
pub fn unix(ty: i32) -> io::Result<OwnedFd> {
    // SAFETY: integers go in and a descriptor comes out.
    check(unsafe { libc::socket(libc::AF_UNIX, ty, 0) }).map(owned)
}

/// Two `AF_UNIX` sockets of `ty` connected to each other.
pub fn pair(ty: i32) -> io::Result<(OwnedFd, OwnedFd)> {
    let mut fds = [0; 2];
    // SAFETY: the call writes two integers, for which there is room.
    check(unsafe { libc::socketpair(libc::AF_UNIX, ty, 0, fds.as_mut_ptr()) })?;
    Ok((owned(fds[0]), owned(fds[1])))
}

/// An `AF_UNIX` name in the abstract namespace; an empty one makes the kernel choose.
fn abstract_name(name: &[u8]) -> (libc::sockaddr_un, libc::socklen_t) {
    let mut address = libc::sockaddr_un { sun_family: libc::AF_UNIX as libc::sa_family_t, sun_path: [0; 108] };
    let name = &name[..name.len().min(107)];
    for (place, byte) in address.sun_path[1..].iter_mut().zip(name) {
        *place = *byte as libc::c_char;
    }
    let len = if name.is_empty() { 2 } else { 3 + name.len() };
    (address, len as libc::socklen_t)
}

/// Gives an `AF_UNIX` socket a name in the abstract namespace.
pub fn bind_abstract(fd: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    let (address, len) = abstract_name(name);
    // SAFETY: the pointer leads to a `sockaddr_un` of at least `len` bytes.
    check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const address).cast(), len) }).map(drop)
}

/// The name [`bind_abstract`] gave.
pub fn abstract_name_of(fd: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let (mut address, _) = abstract_name(&[]);
    let mut len = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: the call writes at most `len` bytes into a `sockaddr_un`.
    check(unsafe { libc::getsockname(fd.as_raw_fd(), (&raw mut address).cast(), &raw mut len) })?;
    let name = address.sun_path.iter().take((len as usize).saturating_sub(2)).skip(1);
    Ok(name.map(|byte| *byte as u8).collect())
}

/// Connects to a name in the abstract namespace.
pub fn connect_abstract(fd: BorrowedFd<'_>, name: &[u8]) -> io::Result<()> {
    let (address, len) = abstract_name(name);
    // SAFETY: the pointer leads to a `sockaddr_un` of at least `len` bytes.
    check(unsafe { libc::connect(fd.as_raw_fd(), (&raw const address).cast(), len) }).map(drop)
}

/// Dissolves what `connect` made of a datagram socket.
pub fn disconnect(fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut address = abstract_name(&[]).0;
    address.sun_family = libc::AF_UNSPEC as libc::sa_family_t;
    // SAFETY: the pointer leads to a `sockaddr_un`, of which the family is looked at.
    check(unsafe { libc::connect(fd.as_raw_fd(), (&raw const address).cast(), 2) }).map(drop)
}

/// Lets a socket accept connections.
pub fn listen(fd: BorrowedFd<'_>, backlog: i32) -> io::Result<()> {
    // SAFETY: integers go in.
    check(unsafe { libc::listen(fd.as_raw_fd(), backlog) }).map(drop)
}

/// The next connection, non-blocking and closed by `exec`. `EAGAIN`
pub fn accept(fd: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let (no_address, no_length) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: no address is asked for; a descriptor comes out.
    check(unsafe { libc::accept4(fd.as_raw_fd(), no_address, no_length, libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK) }).map(owned)
}

/// Ends one direction or both.
pub fn shutdown(fd: BorrowedFd<'_>, how: i32) -> io::Result<()> {
    // SAFETY: integers go in.
    check(unsafe { libc::shutdown(fd.as_raw_fd(), how) }).map(drop)
}

/// Sends what is taken at once, with more `MSG_*` flags. `EAGAIN`, `EPIPE`, `ECONNRESET` ...
pub fn send(fd: BorrowedFd<'_>, data: &[u8], flags: i32) -> io::Result<usize> {
    let flags = flags | libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: pointer and length are those of a slice, which is only read.
    check(unsafe { libc::send(fd.as_raw_fd(), data.as_ptr().cast(), data.len(), flags) }).map(|len| len as usize)
}

/// The same from pieces, at most 1,024.
pub fn send_pieces(fd: BorrowedFd<'_>, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    // SAFETY: all zeros are a `msghdr` without anything.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = pieces.as_ptr().cast_mut().cast();
    message.msg_iovlen = pieces.len().min(1024) as _;
    // SAFETY: `IoSlice` is an `iovec` in memory; the pieces are only read.
    check(unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) })
        .map(|len| len as usize)
}

/// Receives what is there, with more `MSG_*` flags. `EAGAIN`, `ECONNRESET` ...
pub fn receive(fd: BorrowedFd<'_>, into: &mut [u8], flags: i32) -> io::Result<usize> {
    // SAFETY: pointer and length are those of a slice that is ours alone.
    check(unsafe { libc::recv(fd.as_raw_fd(), into.as_mut_ptr().cast(), into.len(), flags | libc::MSG_DONTWAIT) })
        .map(|len| len as usize)
}

/// Receives behind what is in a buffer, at most `most` bytes and as far as it has room without growing, with more `MSG_*` flags.
pub fn receive_more(fd: BorrowedFd<'_>, into: &mut BytesMut, most: usize, flags: i32) -> io::Result<usize> {
    let room = into.spare_capacity_mut();
    let most = most.min(room.len());
    // SAFETY: the pointer is that of the spare capacity, which is ours alone and at least as long; it is only written to.
    let len = check(unsafe { libc::recv(fd.as_raw_fd(), room.as_mut_ptr().cast(), most, flags | libc::MSG_DONTWAIT) })? as usize;
    // SAFETY: the kernel has written `len` bytes there.
    unsafe { into.set_len(into.len() + len) };
    Ok(len)
}

/// Reads an option of at most eight bytes that is a number.
pub fn option(fd: BorrowedFd<'_>, level: i32, name: i32) -> io::Result<u64> {
    let mut value = [0; 8];
    let len = option_bytes(fd, level, name, &mut value)?;
    value[len..].fill(0);
    Ok(u64::from_le_bytes(value))
}

/// Reads an option; says how many bytes it has.
pub fn option_bytes(fd: BorrowedFd<'_>, level: i32, name: i32, into: &mut [u8]) -> io::Result<usize> {
    let mut len = into.len() as libc::socklen_t;
    // SAFETY: the call writes at most `len` bytes into the slice.
    check(unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, into.as_mut_ptr().cast(), &raw mut len) })?;
    Ok(len as usize)
}

/// Sets an option.
pub fn set_option(fd: BorrowedFd<'_>, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    let len = value.len() as libc::socklen_t;
    // SAFETY: pointer and length are those of a slice, which is only read.
    check(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast(), len) }).map(drop)
}

/// What the kernel calls a socket by, in all its descriptors (`SO_COOKIE`). `ENOTSOCK`
pub fn cookie(fd: BorrowedFd<'_>) -> io::Result<u64> {
    option(fd, libc::SOL_SOCKET, libc::SO_COOKIE)
}

/// The process at the other end when it connected (`SO_PEERCRED`).
pub fn peer_process(fd: BorrowedFd<'_>) -> io::Result<i32> {
    let mut value = [0; 12];
    option_bytes(fd, libc::SOL_SOCKET, libc::SO_PEERCRED, &mut value)?;
    Ok(i32::from_ne_bytes([value[0], value[1], value[2], value[3]]))
}

fn query(fd: BorrowedFd<'_>, request: libc::Ioctl) -> io::Result<usize> {
    let mut value: libc::c_int = 0;
    // SAFETY: the requests used here write one integer, for which there is room.
    check(unsafe { libc::ioctl(fd.as_raw_fd(), request, &raw mut value) })?;
    Ok(value as usize)
}

/// Bytes of memory the other end has not read yet, as the kernel counts them (`SIOCOUTQ`).
pub fn unread_by_peer(fd: BorrowedFd<'_>) -> io::Result<usize> {
    query(fd, libc::TIOCOUTQ as libc::Ioctl)
}

/// Bytes there are to read (`SIOCINQ`).
pub fn unread(fd: BorrowedFd<'_>) -> io::Result<usize> {
    query(fd, libc::FIONREAD as libc::Ioctl)
}

/// True if the next byte is an urgent one (`SIOCATMARK`).
pub fn at_mark(fd: BorrowedFd<'_>) -> io::Result<bool> {
    const SIOCATMARK: libc::Ioctl = 0x8905;
    query(fd, SIOCATMARK).map(|mark| mark != 0)
}

/// The flags of the open file (`F_GETFL`).
pub fn file_flags(fd: BorrowedFd<'_>) -> io::Result<i32> {
    // SAFETY: integers go in and one comes out.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })
}

/// Sets the open file not to wait (`O_NONBLOCK`), and clears its other flags.
pub fn set_nonblocking(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: integers go in.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) }).map(drop)
}

/// What of `poll`'s bits is so now.
pub fn poll(fd: BorrowedFd<'_>, wanted: i16) -> io::Result<i16> {
    let mut entry = libc::pollfd { fd: fd.as_raw_fd(), events: wanted, revents: 0 };
    // SAFETY: one entry, which is ours.
    check(unsafe { libc::poll(&raw mut entry, 1, 0) })?;
    Ok(entry.revents)
}

/// The number of the socket in `/proc` and in listings.
pub fn inode(fd: BorrowedFd<'_>) -> io::Result<u64> {
    // SAFETY: all zeros are a value of this structure of integers.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the call writes one `stat`.
    check(unsafe { libc::fstat(fd.as_raw_fd(), &raw mut status) })?;
    Ok(status.st_ino)
}
