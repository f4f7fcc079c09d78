//! A descriptor that reads and writes whole packets, with or without a virtio-net header in front.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags, SocketType, send, sendmsg, sockopt};

use super::buffers::Buffers;
use super::gather::{self, Run};
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
    /// Where the next packets are read to; kept if they were small enough to be copied out.
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
        let mut buffer = self.begin()?;
        Ok(self.single(&mut buffer))
    }

    /// The next packet, and those of the same stream that come behind it; the error says why there are no more.
    pub(super) fn receive_several(&self, take: &mut dyn FnMut(Packet)) -> io::Result<()> {
        let mut buffer = self.begin()?;
        if self.headed {
            take(self.single(&mut buffer));
            return Ok(());
        }
        let mut run = match Run::begin(std::mem::take(&mut *buffer)) {
            Ok(run) => run,
            Err(single) => {
                *buffer = single;
                take(self.single(&mut buffer));
                return Ok(());
            }
        };
        let (mut other, mut end) = (None, Ok(()));
        while !run.is_full() && other.is_none() && end.is_ok() {
            match run.next(|buffer| self.read(buffer)) {
                Ok(next) => other = next,
                Err(error) => end = Err(error),
            }
        }
        *buffer = run.finish(|whole| self.buffers.lend(whole), take).unwrap_or_else(|| self.buffers.take());
        other.into_iter().for_each(|other| take(self.unpack(other)));
        end
    }

    /// The buffer with the next packet in it.
    fn begin(&self) -> io::Result<MutexGuard<'_, Vec<u8>>> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.clear();
        buffer.reserve_exact(LARGEST + if self.headed { 0 } else { gather::MOST });
        self.read(&mut buffer)?;
        Ok(buffer)
    }

    /// The packet that is alone in the buffer.
    fn single(&self, buffer: &mut Vec<u8>) -> Packet {
        // A small packet must not hold a large buffer for as long as a socket holds the packet.
        if buffer.len() < LARGEST / 2 {
            return self.unpack(Bytes::copy_from_slice(buffer));
        }
        let filled = std::mem::replace(buffer, self.buffers.take());
        self.unpack(self.buffers.lend(filled))
    }

    /// Reads a packet to the end of the buffer.
    fn read(&self, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.reserve_exact(LARGEST);
        let mut tries = 0..TRIES;
        let len = loop {
            tries.next().ok_or(io::ErrorKind::WouldBlock)?;
            match rustix::io::read(&self.fd, rustix::buffer::spare_capacity(buffer)) {
                Err(Errno::INTR) => {}
                Err(errno) if self.kind == Kind::Datagrams && is_of_an_earlier_packet(errno) => {}
                done => break done?,
            }
        };
        if len == 0 && self.kind != Kind::Datagrams {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn unpack(&self, bytes: Bytes) -> Packet {
        let packet = if self.headed { headed(bytes) } else { Some(bytes.into()).filter(|packet: &Packet| !packet.is_empty()) };
        packet.unwrap_or_else(|| Bytes::new().into())
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

/// The packet behind a virtio-net header, if that can be true of it.
fn headed(mut bytes: Bytes) -> Option<Packet> {
    let header = virtio::Header::from_ne_bytes(*bytes.first_chunk()?);
    bytes.advance(virtio::LEN);
    header.apply(bytes.into()).ok()
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
