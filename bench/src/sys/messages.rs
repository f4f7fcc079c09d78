//! Several datagrams in a call.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

/// Datagrams of a call at most.
const MOST: usize = 32;
/// Bytes of each.
const SIZE: usize = 64;

/// Datagrams of one size, and whom each came from or goes to.
pub struct Batch {
    datagrams: [[u8; SIZE]; MOST],
    names: [libc::sockaddr_in; MOST],
    /// How many of them there are.
    count: usize,
}

impl Batch {
    /// As many as there may be, for an address of IPv4, or for whom the socket is connected to.
    pub fn full() -> Self {
        // SAFETY: a `sockaddr_in` is numbers, for which zeros are values.
        let names = [unsafe { std::mem::zeroed() }; MOST];
        Self { datagrams: [[0; SIZE]; MOST], names, count: MOST }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Waits for a datagram and takes those that are there, in the place of what it had, with `recvmmsg`.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<()> {
        self.count = MOST;
        self.call(true, |messages| {
            // SAFETY: there are as many headers, whose pointers are to what is borrowed for the call, and of the lengths they say.
            unsafe {
                libc::recvmmsg(
                    socket.as_raw_fd(),
                    messages.as_mut_ptr(),
                    messages.len() as u32,
                    libc::MSG_WAITFORONE,
                    std::ptr::null_mut(),
                )
            }
        })
        .map(|received| self.count = received)
    }

    /// Sends all with `sendmmsg`: to whom each came from, or, if none has come, to whom the socket is connected.
    pub fn send(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let named = self.names[0].sin_family != 0;
        self.call(named, |messages| {
            // SAFETY: as for receiving; nothing is written but how much was sent.
            unsafe { libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), messages.len() as u32, 0) }
        })
        .map(drop)
    }

    fn call(&mut self, named: bool, call: impl FnOnce(&mut [libc::mmsghdr]) -> i32) -> io::Result<usize> {
        let mut pieces: Vec<_> = self
            .datagrams
            .iter_mut()
            .map(|datagram| libc::iovec { iov_base: datagram.as_mut_ptr().cast(), iov_len: SIZE })
            .collect();
        let entries = pieces.iter_mut().zip(&mut self.names).take(self.count);
        let mut messages: Vec<_> = entries
            .map(|(piece, name)| {
                // SAFETY: a header is pointers and numbers, for which zeros are values.
                let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
                (message.msg_hdr.msg_iov, message.msg_hdr.msg_iovlen) = (piece, 1);
                if named {
                    message.msg_hdr.msg_name = (&raw mut *name).cast();
                    message.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as u32;
                }
                message
            })
            .collect();
        let done = call(&mut messages);
        if done < 0 { Err(io::Error::last_os_error()) } else { Ok(done as usize) }
    }
}
