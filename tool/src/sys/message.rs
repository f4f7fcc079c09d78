//! Messages with descriptors over AF_UNIX (`unix(7)`, SCM_RIGHTS).

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use super::check;

/// Descriptors in one message at most.
pub const DESCRIPTORS: usize = 8;

/// Room for a control message of that many descriptors, aligned as a `cmsghdr` must be.
#[repr(C, align(8))]
struct Room([u8; 64]);

/// What one message brought.
#[derive(Debug)]
pub struct Received {
    /// Bytes; 0 at the end of the conversation.
    pub len: usize,
    /// Descriptors, closed on exec.
    pub descriptors: Vec<OwnedFd>,
}

/// A connected pair of message sockets (SOCK_SEQPACKET), closed on exec.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: the pointer is to an array of two.
    check(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC, 0, ends.as_mut_ptr()) })?;
    // SAFETY: the kernel has just opened both for this process.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

fn header(bytes: &mut libc::iovec, room: &mut Room, control: usize) -> libc::msghdr {
    // SAFETY: a structure of integers and pointers, for which all zeros is a value.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_iov = bytes;
    header.msg_iovlen = 1;
    if control > 0 {
        header.msg_control = room.0.as_mut_ptr().cast();
        header.msg_controllen = control as _;
    }
    header
}

/// Sends one message; blocks while the other side's queue is full. EPIPE if the other side is gone, without a signal.
///
/// # Panics
/// If there are more than [`DESCRIPTORS`].
pub fn send(socket: BorrowedFd<'_>, message: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    assert!(descriptors.len() <= DESCRIPTORS, "a message carries {DESCRIPTORS} descriptors at most");
    let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let mut bytes = libc::iovec { iov_base: message.as_ptr().cast_mut().cast(), iov_len: message.len() };
    let mut room = Room([0; 64]);
    let payload = size_of_val(numbers.as_slice());
    // SAFETY: computes a size.
    let control = if numbers.is_empty() { 0 } else { unsafe { libc::CMSG_SPACE(payload as u32) as usize } };
    let header = header(&mut bytes, &mut room, control);
    if control > 0 {
        // SAFETY: `header` names `room`, which is aligned and larger than CMSG_SPACE of the numbers, so the first header and its data lie
        // within it.
        unsafe {
            let first = libc::CMSG_FIRSTHDR(&raw const header);
            (*first).cmsg_level = libc::SOL_SOCKET;
            (*first).cmsg_type = libc::SCM_RIGHTS;
            (*first).cmsg_len = libc::CMSG_LEN(payload as u32) as _;
            ptr::copy_nonoverlapping(numbers.as_ptr().cast(), libc::CMSG_DATA(first), payload);
        }
    }
    loop {
        // SAFETY: the header names live memory only; the kernel reads the message and the control data.
        match check(unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, libc::MSG_NOSIGNAL) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(drop),
        }
    }
}

/// Whether a call waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Patience {
    /// Until a message comes.
    Waits,
    /// Not at all: `WouldBlock` if there is none.
    None,
}

/// Receives one message.
///
/// What the other side sent before it went is received also where it left messages of ours unread, which the kernel tells first and once
/// (ECONNRESET).
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8], patience: Patience) -> io::Result<Received> {
    let mut bytes = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut room = Room([0; 64]);
    let mut header = header(&mut bytes, &mut room, size_of::<Room>());
    let flags = libc::MSG_CMSG_CLOEXEC | if patience == Patience::None { libc::MSG_DONTWAIT } else { 0 };
    let mut was_reset = false;
    let len = loop {
        // SAFETY: the header names live memory only, with its lengths.
        match check(unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset && !was_reset => was_reset = true,
            other => break other? as usize,
        }
    };
    Ok(Received { len, descriptors: descriptors(&header) })
}

fn descriptors(header: &libc::msghdr) -> Vec<OwnedFd> {
    let mut found = Vec::new();
    // SAFETY: the kernel has filled the control memory that `header` names, which is still alive, and its headers say their lengths;
    // every number in an SCM_RIGHTS message is a descriptor just opened for this process.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(header);
        while let Some(message) = next.as_ref() {
            if (message.cmsg_level, message.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let len = (message.cmsg_len as u64 - u64::from(libc::CMSG_LEN(0))) as usize;
                let data: *const RawFd = libc::CMSG_DATA(next).cast::<libc::c_void>().cast();
                found.extend((0..len / size_of::<RawFd>()).map(|i| OwnedFd::from_raw_fd(data.add(i).read_unaligned())));
            }
            next = libc::CMSG_NXTHDR(header, next);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    #[test]
    fn last_words_are_heard_though_the_speaker_did_not_listen() {
        for patience in [Patience::None, Patience::Waits] {
            let (ours, theirs) = pair().unwrap();
            send(theirs.as_fd(), b"ended", &[]).unwrap();
            send(ours.as_fd(), b"a wish", &[]).unwrap();
            drop(theirs);
            let mut buffer = [0; 16];
            let heard = receive(ours.as_fd(), &mut buffer, patience).map(|received| received.len).unwrap();
            assert_eq!(&buffer[..heard], b"ended");
            assert_eq!(receive(ours.as_fd(), &mut buffer, patience).map(|received| received.len).unwrap(), 0);
        }
    }
}
