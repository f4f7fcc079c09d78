//! Descriptors of the kernel, one safe function a call.

use std::io::{self, Error};

use crate::machine::Outcome;

fn checked(result: isize) -> Outcome<usize> {
    if result < 0 { Err(Error::last_os_error().into()) } else { Ok(result as usize) }
}

/// A descriptor that stands for something of ours.
pub fn placeholder() -> Outcome<i32> {
    // SAFETY: the path is a C string.
    checked(unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) } as isize).map(|fd| fd as i32)
}

/// `close`
pub fn close(fd: i32) -> Outcome<()> {
    // SAFETY: takes no memory.
    checked(unsafe { libc::close(fd) } as isize).map(drop)
}

/// `pipe`
pub fn pipe() -> Outcome<[i32; 2]> {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    checked(unsafe { libc::pipe(ends.as_mut_ptr()) } as isize)?;
    Ok(ends)
}

/// `read`
pub fn read(fd: i32, len: usize) -> Outcome<Vec<u8>> {
    let mut bytes = vec![0; len];
    // SAFETY: `bytes` has room for `len` bytes.
    let count = checked(unsafe { libc::read(fd, bytes.as_mut_ptr().cast(), len) })?;
    bytes.truncate(count);
    Ok(bytes)
}

/// `pread`
pub fn read_at(fd: i32, offset: i64, len: usize) -> Outcome<Vec<u8>> {
    let mut bytes = vec![0; len];
    // SAFETY: `bytes` has room for `len` bytes.
    let count = checked(unsafe { libc::pread(fd, bytes.as_mut_ptr().cast(), len, offset) })?;
    bytes.truncate(count);
    Ok(bytes)
}

/// `write`, until everything is written.
pub fn write_all(fd: i32, mut bytes: &[u8]) -> Outcome<()> {
    while !bytes.is_empty() {
        // SAFETY: `bytes` has that many bytes.
        match checked(unsafe { libc::write(fd, bytes.as_ptr().cast(), bytes.len()) })? {
            0 => return Err(Error::from(io::ErrorKind::WriteZero).into()),
            count => bytes = &bytes[count..],
        }
    }
    Ok(())
}

/// What `poll` says of one descriptor now.
pub fn poll_now(fd: i32, events: i16) -> i16 {
    let mut entry = libc::pollfd { fd, events, revents: 0 };
    // SAFETY: one entry is passed.
    if unsafe { libc::poll(&raw mut entry, 1, 0) } < 0 { libc::POLLNVAL } else { entry.revents }
}

/// `fcntl` as the kernel answers it.
pub fn fcntl(fd: i32, command: i32, argument: i64) -> Outcome<i32> {
    // SAFETY: commands with a pointer come from packetdrill with one that is valid for them.
    checked(unsafe { libc::fcntl(fd, command, argument) } as isize).map(|value| value as i32)
}

/// `ioctl` as the kernel answers it.
pub fn ioctl(fd: i32, request: u64, argument: i64) -> Outcome<i32> {
    // SAFETY: the pointer comes from packetdrill and is valid for the request.
    checked(unsafe { libc::ioctl(fd, request, argument) } as isize).map(|value| value as i32)
}
