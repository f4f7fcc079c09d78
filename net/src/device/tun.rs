//! Interfaces of the Linux kernel: what it sends by one we receive, and the other way round.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::channel::Channel;
use super::kernel_thread::{self, KernelThread};
use super::sys::{self, Flags, Offload};
use super::{Device, MacAddr, Packet, Properties, big_tcp, flow, virtio};

/// An interface of the kernel that carries IP packets (`/dev/net/tun`). Needs `CAP_NET_ADMIN`, or an interface that was made for this
/// user (`ip tuntap add tun0 mode tun user NAME`). The kernel's end is configured by its own tools
/// (`ip addr add 10.0.0.1/24 dev tun0; ip link set tun0 up`) after this has opened it, unless it was made before; what was not, goes with
/// the last who has it open, and its addresses too. Our MTU is the kernel's when it is opened: see
/// [`set_mtu`](crate::Host::set_mtu) for later.
///
/// ```no_run
/// use loggia::Host;
/// use loggia::device::Tun;
///
/// let host = Host::builder().address("10.0.0.2/24").gateway("10.0.0.1").device(Tun::open("tun0")?).start()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Tun(Interface);

/// As [`Tun`], but carrying Ethernet frames: the host behind it is a station of its own, with ARP and neighbour discovery.
#[derive(Debug)]
pub struct Tap(Interface);

impl Tun {
    /// Opens the interface of this name, which is made if it is not there (`tun%d` lets the kernel number it), with offloads and one
    /// queue. `EPERM`, `EBUSY` (another has it), `EINVAL`; [`NotFound`](io::ErrorKind::NotFound) without `/dev/net/tun` and
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied) where that is not for us.
    pub fn open(name: &str) -> io::Result<Self> {
        Self::builder().open(name)
    }

    /// As [`Tun::open`], with choices.
    pub fn builder() -> TunBuilder {
        TunBuilder { offloads: true, big_tcp: true, kernel_thread: None, queues: 1, mtu: None, mac: None }
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

impl Tap {
    /// Opens the interface of this name, as [`Tun::open`] does. Our station gets a random address.
    pub fn open(name: &str) -> io::Result<Self> {
        Tun::builder().open_tap(name)
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Our station's address (not that of the kernel's end).
    pub fn mac(&self) -> MacAddr {
        self.0.mac.unwrap_or_default()
    }
}

/// How to open a [`Tun`] or [`Tap`].
#[derive(Clone, Debug)]
pub struct TunBuilder {
    offloads: bool,
    big_tcp: bool,
    kernel_thread: Option<bool>,
    queues: usize,
    mtu: Option<u32>,
    mac: Option<MacAddr>,
}

impl TunBuilder {
    /// Whether checksums and the cutting of large TCP packets are left to the receiver, both ways (on unless switched off): few calls
    /// carry much. Off, each packet is one segment with a complete checksum.
    pub fn offloads(mut self, on: bool) -> Self {
        self.offloads = on;
        self
    }

    /// Whether the kernel may be given IPv4 packets of up to 256 KiB for connections to its own end of a [`Tun`] with offloads, if it is Linux 6.3 or
    /// newer (on unless switched off). They say 0 for their length, which who looks at the interface with other tools may not understand.
    pub fn big_tcp(mut self, on: bool) -> Self {
        self.big_tcp = on;
        self
    }

    /// Whether a thread of the kernel's own is to handle what we send, beside ours (threaded NAPI). Unless said it does without offloads and with
    /// one queue, where each packet is much work for few bytes: twice as much goes to the kernel. With offloads single packets, such as datagrams,
    /// gain as much, and bulk loses a tenth; with several queues each has a thread.
    ///
    /// It takes Linux 5.12, more than one processor, `CAP_SYS_ADMIN` and `CAP_NET_ADMIN` (those of a namespace of users will do), and an
    /// interface that this makes: without, and for interfaces that were made before, nothing is changed.
    pub fn kernel_thread(mut self, on: bool) -> Self {
        self.kernel_thread = Some(on);
        self
    }

    /// How many queues to open (`IFF_MULTI_QUEUE` if more than one). The kernel spreads its connections over them, and answers by the queue
    /// that a connection's packets came by; we send those of one connection by one.
    pub fn queues(mut self, queues: usize) -> Self {
        self.queues = queues.max(1);
        self
    }

    /// Our end's MTU; that of the kernel's end unless said.
    pub fn mtu(mut self, mtu: u32) -> Self {
        self.mtu = Some(mtu);
        self
    }

    /// Our station's address on a [`Tap`].
    pub fn mac(mut self, mac: MacAddr) -> Self {
        self.mac = Some(mac);
        self
    }

    /// Opens an interface for IP packets; errors as [`Tun::open`].
    pub fn open(&self, name: &str) -> io::Result<Tun> {
        self.attach(name, None).map(Tun)
    }

    /// Opens an interface for Ethernet frames; errors as [`Tun::open`].
    pub fn open_tap(&self, name: &str) -> io::Result<Tap> {
        self.attach(name, Some(self.mac.unwrap_or_else(random_mac))).map(Tap)
    }

    fn attach(&self, name: &str, mac: Option<MacAddr>) -> io::Result<Interface> {
        let wanted = self.kernel_thread.unwrap_or(!self.offloads && self.queues == 1);
        if let Some(thread) = wanted.then(|| KernelThread::for_new(name)).flatten() {
            let interface = self.attach_with(name, mac, true)?;
            if thread.begin(&interface.name).is_ok() {
                return Ok(interface);
            }
            // Whoever may not have it has what there was, which is slower and not wrong: the interface goes, and is made once more.
        }
        self.attach_with(name, mac, false)
    }

    fn attach_with(&self, name: &str, mac: Option<MacAddr>, napi: bool) -> io::Result<Interface> {
        let flags = Flags { ethernet: mac.is_some(), header: self.offloads, queues: self.queues > 1, napi };
        let mut name = name.to_owned();
        let mut channels = Vec::with_capacity(self.queues);
        for _ in 0..self.queues {
            let (fd, full_name) = sys::attach(&name, flags)?;
            // It is the interface's, whoever opened it before.
            sys::set_offload(&fd, if self.offloads { Offload::ChecksumsAndTcp } else { Offload::None })?;
            if self.offloads {
                sys::set_header_len(&fd, virtio::LEN)?;
            }
            if napi {
                sys::set_send_buffer(&fd, kernel_thread::QUEUE)?;
            }
            channels.push(Channel::new(fd, self.offloads)?);
            name = full_name;
        }
        let mtu = self.mtu.map_or_else(|| sys::mtu(&name), Ok)?;
        let largest = if self.big_tcp && mac.is_none() { big_tcp::largest() } else { big_tcp::LARGEST };
        Ok(Interface { name, channels, full: AtomicUsize::new(0), mac, mtu, offloads: self.offloads, largest })
    }
}

/// A local, individual address.
fn random_mac() -> MacAddr {
    let [a, b, c, d, e, f, ..] = RandomState::new().build_hasher().finish().to_ne_bytes();
    [a & 0xfc | 0x02, b, c, d, e, f]
}

#[derive(Debug)]
struct Interface {
    name: String,
    channels: Vec<Channel>,
    /// The queue that had no room last.
    full: AtomicUsize,
    mac: Option<MacAddr>,
    mtu: u32,
    offloads: bool,
    /// The most payload of a super-segment.
    largest: u32,
}

impl Interface {
    fn properties(&self) -> Properties {
        let plain = match self.mac {
            Some(mac) => Properties::ethernet(mac, self.mtu),
            None => Properties::ip(self.mtu),
        };
        let segmentation = if self.offloads { self.largest } else { 0 };
        plain
            .name(&self.name)
            .queues(self.channels.len())
            .checksum_offload(self.offloads)
            .segmentation_offload(segmentation)
            .coalesce(true)
    }

    /// Packets of one flow go by one queue, so that they keep their order and the kernel answers by it too: also where that is full and
    /// another is not, for what handles the other may be ahead.
    fn send(&self, packet: &Packet) -> io::Result<()> {
        let queue = match self.channels.len() {
            1 => 0,
            count => flow::spread(packet.frame(), self.mac.is_some(), count),
        };
        let sent = self.send_by(queue, packet);
        if sent.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            self.full.store(queue, Ordering::Relaxed);
        }
        sent
    }

    fn send_by(&self, queue: usize, packet: &Packet) -> io::Result<()> {
        big_tcp::send(packet, |packet| self.channels[queue].send(packet))
    }
}

macro_rules! device {
    ($what:ty) => {
        impl Device for $what {
            fn properties(&self) -> Properties {
                self.0.properties()
            }

            fn receive(&self, queue: usize) -> io::Result<Packet> {
                self.0.channels[queue].receive()
            }

            fn receive_several(&self, queue: usize, take: &mut dyn FnMut(Packet)) -> io::Result<()> {
                self.0.channels[queue].receive_several(take)
            }

            fn send(&self, packet: &Packet) -> io::Result<()> {
                self.0.send(packet)
            }

            fn send_by(&self, queue: usize, packet: &Packet) -> io::Result<()> {
                self.0.send_by(queue, packet)
            }

            fn full_queue(&self) -> usize {
                self.0.full.load(Ordering::Relaxed)
            }

            fn descriptor(&self, queue: usize) -> Option<BorrowedFd<'_>> {
                Some(self.0.channels.get(queue)?.descriptor())
            }
        }
    };
}

device!(Tun);
device!(Tap);

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    /// Three queues, whose ends are at the other side of datagram sockets.
    fn interface() -> (Interface, Vec<UnixDatagram>) {
        let (ours, theirs): (Vec<_>, Vec<_>) = (0..3).map(|_| UnixDatagram::pair().expect("a pair")).unzip();
        let channels = ours.into_iter().map(|fd| Channel::new(fd.into(), false).expect("a channel")).collect();
        let (name, full) = ("tun0".into(), AtomicUsize::new(0));
        (Interface { name, channels, full, mac: None, mtu: 1500, offloads: false, largest: 0 }, theirs)
    }

    /// A packet of UDP of this source port.
    fn datagram(port: u8) -> Packet {
        let mut packet = vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, flow::UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend([0, port, 0, 9, 0, 8, 0, 0]);
        packet.into()
    }

    #[test]
    fn a_flow_waits_for_its_queue() {
        let (interface, ends) = interface();
        let by = |queue| (0..=255).map(datagram).find(|packet| flow::spread(packet.frame(), false, 3) == queue).expect("one");
        let (one, other) = (by(1), by(2));
        let kind = loop {
            if let Err(error) = interface.send(&one) {
                break error.kind();
            }
        };
        assert_eq!((kind, interface.full.load(Ordering::Relaxed)), (io::ErrorKind::WouldBlock, 1));
        interface.send(&other).expect("its own queue has room");
        ends.iter().for_each(|end| end.set_nonblocking(true).expect("a flag"));
        assert!(ends[0].recv(&mut [0; 28]).is_err(), "nothing went by another queue");
        while ends[1].recv(&mut [0; 28]).is_ok() {}
        interface.send(&one).expect("there is room");
    }
}
