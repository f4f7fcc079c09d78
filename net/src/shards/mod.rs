//! One host on several cores: N complete stacks, each with a lock and a thread of its own, behind the same devices and addresses.
//!
//! A [shard](Shards::hosts) is a [`Host`]: every socket of every facade works on it, and nothing is shared between two of them but the
//! devices. Which shard a flow is for follows from its two ends by a keyed hash, so any thread that reads a packet knows where it goes.
//!
//! ```text
//!   queue 0 ──> thread of shard 0 ──(mine)──> stack 0 ──> queue 0
//!                              └──(another's)──> lane of shard 1 ──> thread of shard 1 ──> stack 1 ──> queue 1
//! ```
//!
//! A TUN or TAP with [as many queues](crate::device::TunBuilder::queues) as there are shards gives each of them one, and the kernel soon
//! answers by the queue that a flow's packets came by: then nothing is passed on. Any other device works as well.
//!
//! ```
//! use std::io::{Read, Write};
//!
//! use loggia::Host;
//! use loggia::device::{Properties, pair};
//! use loggia::net::TcpStream;
//! use loggia::shards::TcpListener;
//!
//! let [one, other] = pair(Properties::ip(1500));
//! let server = Host::builder().address("10.0.0.1/24").device(one).start_shards(2)?;
//! let client = Host::builder().address("10.0.0.2/24").device(other).start()?;
//!
//! let listener = TcpListener::bind_on(&server, "0.0.0.0:7")?; // on all shards
//! let mut here = TcpStream::connect_on(&client, "10.0.0.1:7")?;
//! let (mut there, _) = listener.accept()?; // from whichever has one
//! here.write_all(b"hello")?;
//! let mut room = [0; 5];
//! there.read_exact(&mut room)?;
//! assert_eq!(&room, b"hello");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # What goes where
//!
//! | what | where |
//! |---|---|
//! | connections we open | on the shard that opens them: their port is chosen so that answers come there. [`Shards::any`] takes turns |
//! | connections to us | by their ends: a [`TcpListener`] of this module listens on all shards. Serve each shard's [part](TcpListener::parts) by a thread or runtime of its own for the best use of cores |
//! | datagrams to an ephemeral port | to the shard that took the port: sockets bound to port 0 work on any shard |
//! | datagrams to any other port | by their ends: a [`UdpSocket`] of this module is bound on all shards |
//! | fragments | where their datagram goes |
//! | ICMP errors | where the flow goes that they are about |
//! | ARP replies, neighbour and router advertisements, redirects, group queries | to all; one shard answers questions |
//!
//! When a shard [ends](crate::Host::shutdown) before others the next one has its packets: it reads its queues, answers questions in its place,
//! accepts connections if it listens there too, and refuses the rest.
//!
//! Loopback and `AF_UNIX` stay within a shard, and raw sockets see what goes to their shard. A listener or an explicitly bound datagram
//! socket on one shard alone gets only the flows of that shard: what is not for it is refused by the others.
//!
//! | file | what |
//! |---|---|
//! | `steer` | where a packet goes |
//! | `fragments` | where pieces go, which do not say it themselves |
//! | `hub` | what shards of one device share |
//! | `lane` | packets on their way from one shard's thread to another |
//! | `port` | a shard's end of a shared device |
//! | `configure` | addresses and routes, on all of them |
//! | `any` | waiting at several sockets |
//! | `tcp_listener`, `udp` | sockets on all of them; for tasks in `tokio::shards` |

mod any;
mod configure;
mod fragments;
mod hub;
mod lane;
mod parts;
mod port;
mod steer;
mod tcp_listener;
mod udp;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use loggia_stack::transport::shard;

use crate::capture::{self, Capture};
use crate::events::{self, Events};
use crate::host::{Host, Interface};

#[cfg(feature = "tokio")]
pub(crate) use any::Several;
pub(crate) use hub::Hub;
#[cfg(feature = "tokio")]
pub(crate) use parts::Parts;
pub use tcp_listener::{Incoming, TcpListener};
pub use udp::UdpSocket;

/// One host on several cores; see the [module](self). Cloning it is cheap and gives the same.
#[derive(Clone)]
pub struct Shards(Arc<Set>);

struct Set {
    hosts: Vec<Host>,
    rule: shard::Shards,
    turn: AtomicUsize,
    /// What is shared, by the name of the interface where it has one.
    hubs: Mutex<Vec<(Option<String>, Weak<Hub>)>>,
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shards").field("count", &self.count()).finish_non_exhaustive()
    }
}

impl Shards {
    /// These hosts, which have no interfaces yet.
    pub(crate) fn new(hosts: Vec<Host>, rule: shard::Shards) -> Self {
        Self(Arc::new(Set { hosts, rule, turn: AtomicUsize::new(0), hubs: Mutex::default() }))
    }

    /// The shards. Sockets on one of them are served by its thread alone.
    pub fn hosts(&self) -> &[Host] {
        &self.0.hosts
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.0.hosts.len()
    }

    /// The next in turn: where a connection may be opened.
    pub fn any(&self) -> &Host {
        &self.0.hosts[self.0.turn.fetch_add(1, Ordering::Relaxed) % self.count()]
    }

    /// Which shard has the datagrams between this port of ours and that end.
    pub(crate) fn of_datagram(&self, port: u16, to: SocketAddr) -> usize {
        self.0.rule.udp(port, to.ip().into(), to.port()).into()
    }

    /// Adds an interface to all shards. Errors as [`Builder::start_shards`](crate::Builder::start_shards); then no shard has it.
    pub fn attach(&self, interface: Interface) -> io::Result<()> {
        let before = self.hosts()[0].interfaces().len();
        let (hub, interfaces) = Hub::share(interface, &self.0.rule)?;
        for (number, (host, interface)) in self.hosts().iter().zip(interfaces).enumerate() {
            if let Err(error) = host.attach(interface) {
                self.undo(number, before);
                return Err(error);
            }
        }
        let name = self.hosts()[0].interfaces().pop().map(|interface| interface.name);
        let mut hubs = self.0.hubs.lock().unwrap_or_else(PoisonError::into_inner);
        hubs.retain(|(_, hub)| hub.strong_count() > 0);
        hubs.push((name, Arc::downgrade(&hub)));
        Ok(())
    }

    /// Takes the interface that the first few shards got last away again.
    fn undo(&self, shards: usize, before: usize) {
        for host in &self.hosts()[..shards] {
            if let Some(last) = host.interfaces().get(before..).and_then(<[_]>::last) {
                // It was added a moment ago.
                let _ = host.detach(&last.name);
            }
        }
    }

    /// Packets for an interface that a shard was too slow to take.
    fn lost_on_the_way(&self, interface: &str) -> u64 {
        let hubs = self.0.hubs.lock().unwrap_or_else(PoisonError::into_inner);
        let of = hubs.iter().filter(|(name, _)| name.as_deref() == Some(interface)).filter_map(|(_, hub)| hub.upgrade());
        of.map(|hub| hub.dropped()).sum()
    }

    /// Takes an interface away from all shards and lets its device go. `ENODEV`
    pub fn detach(&self, interface: &str) -> io::Result<()> {
        self.on_all(|host| host.detach(interface))
    }

    /// Does the same on all shards; the first error.
    fn on_all(&self, work: impl Fn(&Host) -> io::Result<()>) -> io::Result<()> {
        self.hosts().iter().map(work).fold(Ok(()), io::Result::and)
    }

    /// What happens on all shards from now on, in one stream; see [`Host::events`]. Neighbours are told of by each shard that meets them.
    pub fn events(&self) -> io::Result<Events> {
        self.events_of(events::Options::default())
    }

    /// As [`Shards::events`], with a choice.
    pub fn events_of(&self, options: events::Options) -> io::Result<Events> {
        let (events, listener) = Events::new(options);
        self.on_all(|host| host.listen(listener.clone()))?;
        Ok(events)
    }

    /// Captures what passes the devices in one file; see [`Host::capture`]. Each shard's end of a device is an interface of the file,
    /// `tun0/1` for instance, and packets of different shards may stand a little out of order.
    pub fn capture(&self, path: impl AsRef<Path>, options: &capture::Options) -> io::Result<Capture> {
        self.capture_to(io::BufWriter::new(std::fs::File::create(path)?), options)
    }

    /// As [`Shards::capture`], to a writer.
    pub fn capture_to(&self, writer: impl io::Write + Send + 'static, options: &capture::Options) -> io::Result<Capture> {
        let (capture, tap) = Capture::start(Box::new(writer), options)?;
        for (number, host) in self.hosts().iter().enumerate() {
            host.tap(tap.named(format!("/{number}")))?;
        }
        Ok(capture)
    }

    /// Ends all shards in order, at the same time; see [`Host::shutdown`].
    pub fn shutdown(&self, limit: Duration) -> io::Result<()> {
        thread::scope(|scope| {
            let ends: Vec<_> = self.hosts().iter().map(|host| scope.spawn(move || host.shutdown(limit))).collect();
            let ended = ends.into_iter().map(|end| end.join().unwrap_or_else(|_| Err(io::Error::other("a shard panicked"))));
            ended.fold(Ok(()), io::Result::and)
        })
    }
}
