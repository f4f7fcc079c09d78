//! What carries a host's packets: TUN, TAP, any packet descriptor, memory, or what you write yourself.
//!
//! | type | what |
//! |---|---|
//! | [`Tun`], [`Tap`] | an interface of the Linux kernel, with offloads and several queues |
//! | [`PacketFd`] | a datagram or seqpacket socket, or any descriptor that reads and writes whole packets |
//! | [`pair`] | two ends in memory, for two hosts of one process |
//! | [`Loopback`] | gives back what it is given |
//!
//! A device of your own (a WireGuard tunnel, a virtio ring, a WebSocket) implements [`Device`]: `properties`, `receive`, `send`, and one more
//! to say when it is ready: `descriptor` gives one that can be polled, or `attach` takes a [`Notifier`] that is called.
//!
//! ```
//! use std::collections::VecDeque;
//! use std::io;
//! use std::sync::Mutex;
//!
//! use loggia::device::{Device, Notifier, Packet, Properties};
//!
//! /// Packets go into a queue and come from one: the two sides of somebody else's transport.
//! #[derive(Default)]
//! struct Queues {
//!     arrived: Mutex<VecDeque<Vec<u8>>>,
//!     leaving: Mutex<VecDeque<Vec<u8>>>,
//!     notifier: Mutex<Option<Notifier>>,
//! }
//!
//! impl Queues {
//!     /// What the transport calls when a packet has come.
//!     fn arrived(&self, packet: Vec<u8>) {
//!         self.arrived.lock().unwrap().push_back(packet);
//!         let notifier = self.notifier.lock().unwrap().clone();
//!         if let Some(notifier) = notifier {
//!             notifier.ready(); // runs it through to the socket, here and now
//!         }
//!     }
//! }
//!
//! impl Device for Queues {
//!     fn properties(&self) -> Properties {
//!         Properties::ip(1420).name("wg0")
//!     }
//!
//!     fn receive(&self, _queue: usize) -> io::Result<Packet> {
//!         let packet = self.arrived.lock().unwrap().pop_front();
//!         packet.map(Packet::from).ok_or_else(|| io::ErrorKind::WouldBlock.into())
//!     }
//!
//!     fn send(&self, packet: &Packet) -> io::Result<()> {
//!         let mut leaving = self.leaving.lock().unwrap();
//!         if leaving.len() == 1000 {
//!             return Err(io::ErrorKind::WouldBlock.into()); // the host keeps it until `Notifier::ready`
//!         }
//!         leaving.push_back(packet.to_vec());
//!         Ok(())
//!     }
//!
//!     fn attach(&self, notifier: Notifier) {
//!         *self.notifier.lock().unwrap() = Some(notifier);
//!     }
//! }
//! ```
//!
//! # A device around another
//!
//! One that loses, delays or counts what another carries passes all methods on: those that have a default too, for the default is that of a
//! device with one queue, no descriptor and nobody to tell.
//!
//! ```
//! use std::io::{self, Read, Write};
//! use std::os::fd::BorrowedFd;
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! use loggia::Host;
//! use loggia::device::{Device, Notifier, Packet, Properties, pair};
//! use loggia::net::{TcpListener, TcpStream};
//!
//! /// Loses every tenth packet that is sent by it.
//! struct Lossy<D> {
//!     inner: D,
//!     sent: AtomicU32,
//! }
//!
//! impl<D: Device> Lossy<D> {
//!     fn is_lost(&self) -> bool {
//!         self.sent.fetch_add(1, Ordering::Relaxed) % 10 == 9
//!     }
//! }
//!
//! impl<D: Device> Device for Lossy<D> {
//!     fn properties(&self) -> Properties {
//!         self.inner.properties().segmentation_offload(0) // each packet is one segment
//!     }
//!
//!     fn receive(&self, queue: usize) -> io::Result<Packet> {
//!         self.inner.receive(queue)
//!     }
//!
//!     fn send(&self, packet: &Packet) -> io::Result<()> {
//!         if self.is_lost() { Ok(()) } else { self.inner.send(packet) }
//!     }
//!
//!     fn send_by(&self, queue: usize, packet: &Packet) -> io::Result<()> {
//!         if self.is_lost() { Ok(()) } else { self.inner.send_by(queue, packet) }
//!     }
//!
//!     fn flush(&self) {
//!         self.inner.flush();
//!     }
//!
//!     fn full_queue(&self) -> usize {
//!         self.inner.full_queue()
//!     }
//!
//!     fn descriptor(&self, queue: usize) -> Option<BorrowedFd<'_>> {
//!         self.inner.descriptor(queue)
//!     }
//!
//!     fn attach(&self, notifier: Notifier) {
//!         self.inner.attach(notifier);
//!     }
//! }
//!
//! let [one, other] = pair(Properties::ip(1500));
//! let one = Lossy { inner: one, sent: AtomicU32::new(0) };
//! let client = Host::builder().address("10.0.0.1/24").device(one).start()?;
//! let server = Host::builder().address("10.0.0.2/24").device(other).start()?;
//! let listener = TcpListener::bind_on(&server, "0.0.0.0:7")?;
//! let mut here = TcpStream::connect_on(&client, "10.0.0.2:7")?;
//! let mut there = listener.accept()?.0;
//! let reader = std::thread::spawn(move || {
//!     let mut all = Vec::new();
//!     there.read_to_end(&mut all).map(|_| all)
//! });
//! here.write_all(&[7; 100_000])?;
//! drop(here);
//! assert_eq!(reader.join().expect("no panic")?.len(), 100_000); // TCP sends again what is lost
//! # Ok::<(), io::Error>(())
//! ```

#[cfg(target_os = "linux")]
mod big_tcp;
mod buffers;
mod channel;
pub(crate) mod flow;
mod gather;
mod kernel_thread;
mod memory;
mod notifier;
mod packet;
mod packet_fd;
mod properties;
#[cfg(target_os = "linux")]
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod tun;
pub mod virtio;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

pub use memory::{Loopback, Memory, pair};
pub(crate) use notifier::Notified;
pub use notifier::Notifier;
pub use packet::{Checksum, Packet};
pub use packet_fd::PacketFd;
pub use properties::{MacAddr, Properties};
#[cfg(target_os = "linux")]
pub use tun::{Tap, Tun, TunBuilder};

/// What carries packets. The host calls [`send`](Device::send) from whichever thread writes to a socket, one call at a time and under its
/// lock, so it should be quick; it must not call the host from there, nor drop a socket of the host's.
///
/// A device that panics in `receive` is lost, and the panic goes on in whoever called [`Notifier::ready`]: at the end of a [`pair`] that is who
/// writes at the other, with a descriptor whoever waits in a blocking call or has written much. One that panics in `send` loses the packet, and
/// the panic goes on in whoever wrote to a socket. On the host's own thread either ends the host.
pub trait Device: Send + Sync + 'static {
    /// What the device is. Asked once, when it is attached.
    fn properties(&self) -> Properties;

    /// The next packet that has come by one of its queues (numbered from 0), without waiting.
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) says that none has; [`Interrupted`](io::ErrorKind::Interrupted) too, but that the device
    /// did not call in vain: what it called for was not a packet for this host. Either way the host asks again when the device is ready. Any
    /// other error says that the device is lost: the host takes the interface down and lets the device go.
    fn receive(&self, queue: usize) -> io::Result<Packet>;

    /// As [`receive`](Device::receive), for a device that can do better than one packet at a time: gives `take` the next packet, or several, in
    /// order, or none where all that was read is dropped. An error says why there are no more for now, also after some were given. `take` must not ask
    /// the same device for more. The host calls this one; a device around another that
    /// looks at what comes has only to leave it as it is.
    fn receive_several(&self, queue: usize, take: &mut dyn FnMut(Packet)) -> io::Result<()> {
        take(self.receive(queue)?);
        Ok(())
    }

    /// Takes a packet, without waiting. `Ok` says no more than that: packets may be lost.
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) says that the device is full; the host offers the same packet again when the device is
    /// ready. With any other error the packet is lost, as packets may be: it is counted in
    /// [`sent_dropped`](crate::host::InterfaceStatus::sent_dropped) and told as [`Dropped`](crate::events::What::Dropped).
    fn send(&self, packet: &Packet) -> io::Result<()>;

    /// As [`send`](Device::send), by one of its queues (numbered from 0): [shards](crate::shards) send each by one of its own, several at a
    /// time. A device with one queue need not know of this.
    fn send_by(&self, queue: usize, packet: &Packet) -> io::Result<()> {
        let _ = queue;
        self.send(packet)
    }

    /// Called after packets were sent, without the host's lock: the moment to tell the other side that there is something.
    /// Not called for devices with descriptors.
    fn flush(&self) {}

    /// The queue that had no room when [`send`](Device::send) last said so: who waits for room waits for its descriptor. Of a device that
    /// sends by one queue it is that.
    fn full_queue(&self) -> usize {
        0
    }

    /// A descriptor that `poll` calls readable when a packet can be received by this queue, and (that of the
    /// [full queue](Device::full_queue)) writable when one can be sent. `None` if the device tells by its [`Notifier`] instead.
    fn descriptor(&self, queue: usize) -> Option<BorrowedFd<'_>> {
        let _ = queue;
        None
    }

    /// The host that the device has been attached to can be told by this that there is something to receive, or room again.
    fn attach(&self, notifier: Notifier) {
        let _ = notifier;
    }
}

impl<D: Device + ?Sized> Device for Arc<D> {
    fn properties(&self) -> Properties {
        (**self).properties()
    }

    fn receive(&self, queue: usize) -> io::Result<Packet> {
        (**self).receive(queue)
    }

    fn receive_several(&self, queue: usize, take: &mut dyn FnMut(Packet)) -> io::Result<()> {
        (**self).receive_several(queue, take)
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        (**self).send(packet)
    }

    fn send_by(&self, queue: usize, packet: &Packet) -> io::Result<()> {
        (**self).send_by(queue, packet)
    }

    fn flush(&self) {
        (**self).flush();
    }

    fn full_queue(&self) -> usize {
        (**self).full_queue()
    }

    fn descriptor(&self, queue: usize) -> Option<BorrowedFd<'_>> {
        (**self).descriptor(queue)
    }

    fn attach(&self, notifier: Notifier) {
        (**self).attach(notifier);
    }
}
