//! A descriptor that reads and writes whole packets, with or without a virtio-net header in front.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

use bytes::{Buf, Bytes};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, SocketType, send, sendmsg, sockopt};

use super::buffers::Buffers;
use super::packet::Packet;
use super::virtio;

/// Most pieces of one call; a packet that lies in more is copied together.
const PIECES: usize = 64;
/// A packet in several pieces that is no longer than this is copied together: of one piece the system takes what it needs at once, of several
/// after it has looked at them one by one, which takes 130 ns longer where the copy takes 20.
const SHORT: usize = 2048;
/// Room for the largest packet, whatever the interface's MTU is or becomes: 64 KiB and a link header.
const LARGEST: usize = 65_535 + 18 + virtio::LEN;

/// How often one reads again after a signal, or an error that says nothing of what is there.
const TRIES: usize = 16;

/// What kind of descriptor it is, which decides what its end looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// A character device such as TUN: reading nothing is its end.
    File,
    /// Packets of a connection: reading nothing is its end, writing after the end is an error and no signal.
    Connected,
    /// A datagram may be empty, and there is no end.
    Datagrams,
}

#[derive(Debug)]
pub(super) struct Channel {
    fd: OwnedFd,
    kind: Kind,
    /// A virtio-net header is in front of each packet.
    headed: bool,
    /// Where the next packet is read to; kept if a packet was small enough to be copied out.
    buffer: Mutex<Vec<u8>>,
    buffers: Buffers,
    /// Where short packets are copied together.
    whole: Mutex<Vec<u8>>,
}

impl Channel {
    /// A channel over `fd`, which no longer blocks.
    pub(super) fn new(fd: OwnedFd, headed: bool) -> io::Result<Self> {
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        let kind = match sockopt::socket_type(&fd) {
            Ok(SocketType::DGRAM | SocketType::RAW) => Kind::Datagrams,
            Ok(SocketType::STREAM) => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a stream socket does not keep packets apart"));
            }
            Ok(_) => Kind::Connected,
            Err(_) => Kind::File,
        };
        Ok(Self { fd, kind, headed, buffer: Mutex::default(), buffers: Buffers::default(), whole: Mutex::default() })
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The next packet. What makes no sense comes as an empty one, which the host counts and drops: passing over it here would hold up who
    /// waits for us as long as more of it comes.
    pub(super) fn receive(&self) -> io::Result<Packet> {
        let bytes = self.read()?;
        Ok(self.unpack(bytes).unwrap_or_else(|| Bytes::new().into()))
    }

    fn read(&self) -> io::Result<Bytes> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.clear();
        buffer.reserve_exact(LARGEST);
        let mut tries = 0..TRIES;
        let len = loop {
            tries.next().ok_or(io::ErrorKind::WouldBlock)?;
            match rustix::io::read(&self.fd, rustix::buffer::spare_capacity(&mut buffer)) {
                Err(Errno::INTR) => {}
                Err(errno) if self.kind == Kind::Datagrams && is_of_an_earlier_packet(errno) => {}
                done => break done?,
            }
        };
        if len == 0 && self.kind != Kind::Datagrams {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // A small packet must not hold a large buffer for as long as a socket holds the packet.
        if len < buffer.capacity() / 2 {
            return Ok(Bytes::copy_from_slice(&buffer));
        }
        let filled = std::mem::replace(&mut *buffer, self.buffers.take());
        Ok(self.buffers.lend(filled))
    }

    fn unpack(&self, mut bytes: Bytes) -> Option<Packet> {
        if !self.headed {
            return (!bytes.is_empty()).then(|| bytes.into());
        }
        let header = virtio::Header::from_ne_bytes(*bytes.first_chunk()?);
        bytes.advance(virtio::LEN);
        header.apply(bytes.into()).ok()
    }

    pub(super) fn send(&self, packet: &Packet) -> io::Result<()> {
        if self.headed {
            let header = virtio::Header::of(packet).to_ne_bytes();
            self.write(&header, packet)
        } else {
            self.write(&[], packet)
        }
    }

    fn write(&self, header: &[u8], packet: &Packet) -> io::Result<()> {
        if header.len() + packet.len() > SHORT {
            return self.write_where_it_lies(header, packet);
        }
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        whole.clear();
        whole.extend_from_slice(header);
        packet.chunks().for_each(|piece| whole.extend_from_slice(piece));
        self.write_pieces(&[IoSlice::new(&whole)])
    }

    fn write_where_it_lies(&self, header: &[u8], packet: &Packet) -> io::Result<()> {
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let mut count = 0;
        for piece in Some(header).filter(|header| !header.is_empty()).into_iter().chain(packet.chunks()) {
            if count == PIECES {
                let whole = packet.to_vec();
                return self.write_pieces(&[IoSlice::new(header), IoSlice::new(&whole)]);
            }
            pieces[count] = IoSlice::new(piece);
            count += 1;
        }
        self.write_pieces(&pieces[..count])
    }

    fn write_pieces(&self, pieces: &[IoSlice<'_>]) -> io::Result<()> {
        let mut told = false;
        loop {
            let done = match (self.kind, pieces) {
                (Kind::File, [whole]) => rustix::io::write(&self.fd, whole),
                (Kind::File, _) => rustix::io::writev(&self.fd, pieces),
                // Without the signal that a write to an end without a reader raises.
                (Kind::Connected | Kind::Datagrams, [whole]) => send(&self.fd, whole, SendFlags::NOSIGNAL),
                (Kind::Connected | Kind::Datagrams, _) => {
                    sendmsg(&self.fd, pieces, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)
                }
            };
            match done {
                Err(Errno::INTR) => {}
                // This one has not been sent yet.
                Err(errno) if self.kind == Kind::Datagrams && is_of_an_earlier_packet(errno) && !told => told = true,
                done => return Ok(done.map(drop)?),
            }
        }
    }
}

/// What ICMP, or the machine itself, says by the next call of what became of an earlier packet. It is no more than that: the socket lives
/// on, and packets may be lost.
fn is_of_an_earlier_packet(errno: Errno) -> bool {
    const TOLD: [Errno; 12] = [
        Errno::CONNREFUSED,
        Errno::CONNRESET,
        Errno::HOSTUNREACH,
        Errno::HOSTDOWN,
        Errno::NETUNREACH,
        Errno::NETDOWN,
        Errno::NONET,
        Errno::NOPROTOOPT,
        Errno::PROTO,
        Errno::MSGSIZE,
        Errno::OPNOTSUPP,
        Errno::ACCESS,
    ];
    TOLD.contains(&errno)
}
