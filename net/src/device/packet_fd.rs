//! Any descriptor that reads and writes whole packets.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use super::channel::Channel;
use super::{Device, Packet, Properties};

/// A device over a descriptor that keeps packets apart: a datagram or seqpacket socket, a TUN that another process opened. What a datagram
/// socket tells by an error of packets sent before (ICMP) is passed over; what makes no sense is counted as too short and dropped.
#[derive(Debug)]
pub struct PacketFd {
    channel: Channel,
    properties: Properties,
}

impl PacketFd {
    /// A device over `fd`, which is made non-blocking, one packet a read or write. `InvalidInput` for a stream socket.
    pub fn new(fd: impl Into<OwnedFd>, properties: Properties) -> io::Result<Self> {
        Ok(Self { channel: Channel::new(fd.into(), false)?, properties: properties.queues(1) })
    }

    /// As [`PacketFd::new`], with a [virtio-net header](super::virtio) of ten bytes in front of each packet, in the machine's byte order.
    pub fn with_virtio_header(fd: impl Into<OwnedFd>, properties: Properties) -> io::Result<Self> {
        Ok(Self { channel: Channel::new(fd.into(), true)?, properties: properties.queues(1) })
    }
}

impl Device for PacketFd {
    fn properties(&self) -> Properties {
        self.properties.clone()
    }

    fn receive(&self, _: usize) -> io::Result<Packet> {
        self.channel.receive()
    }

    fn receive_several(&self, _: usize, take: &mut dyn FnMut(Packet)) -> io::Result<()> {
        self.channel.receive_several(take)
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        self.channel.send(packet)
    }

    fn descriptor(&self, _: usize) -> Option<BorrowedFd<'_>> {
        Some(self.channel.descriptor())
    }
}
