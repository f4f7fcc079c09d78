//! Hosts: a stack with its interfaces, addresses and routes, and whoever runs it.
//!
//! | file | what |
//! |---|---|
//! | `builder`, `interface` | how one is made |
//! | `configure`, `status` | what may change while it runs, and what it says of itself |
//! | `address` | how addresses are written |
//! | `running` | a host in real time: one lock, and what is done under it |
//! | `thread` | its thread, which reads devices and keeps time when nobody else does |
//! | `helm`, `lookout` | who does so at the moment, and how |
//! | `port`, `rest` | its end of a device, and what becomes of one that calls in vain |
//! | `here` | which thread is at something at the moment |
//! | `observers` | who looks on: listeners to events, captures |

mod address;
#[cfg(unix)]
mod builder;
mod configure;
#[cfg(unix)]
mod helm;
#[cfg(unix)]
mod here;
#[cfg(unix)]
mod interface;
#[cfg(unix)]
mod lookout;
#[cfg(unix)]
mod observers;
#[cfg(unix)]
mod port;
#[cfg(unix)]
mod rest;
#[cfg(unix)]
mod running;
mod status;
#[cfg(unix)]
mod thread;

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{self, Duration};

use loggia_stack::base::{Addr, Instant};
use loggia_stack::engine::Stack;

use crate::capture::{self, Capture};
use crate::driver::{Driver, Stand, Waiters};
use crate::events::{self, Events};
use crate::lookup::{self, Looking, Resolve};

pub use address::{IntoIp, IntoPrefix, Prefix};
#[cfg(unix)]
pub use builder::Builder;
#[cfg(unix)]
pub use interface::Interface;
pub use status::{Counter, InterfaceStatus, Neighbour, NeighbourState, Route};

/// A host: its own addresses, routes, ports and sockets. Cloning it is cheap and gives the same host; sockets hold one too.
///
/// One that [`Host::builder`] made runs in real time. Whoever writes to a socket carries the packets to the device on his own thread; one
/// thread of the host's own reads devices and keeps time, unless a single caller waits, who does so itself, and sleeps when there is nothing to do. When the last clone and the last socket
/// are gone, that thread still sends what was written before, for a [limited time](Builder::linger); nobody waits for it. Who wants to wait
/// calls [`Host::shutdown`].
///
/// Worlds in virtual time have hosts too; see [`driver`](crate::driver).
#[derive(Clone)]
pub struct Host(Arc<dyn Driver>);

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Host");
        self.0.name().inspect(|name| _ = shown.field("name", name));
        shown.finish()
    }
}

impl Host {
    /// A host to be.
    #[cfg(unix)]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The host that `driver` runs.
    pub fn new(driver: Arc<dyn Driver>) -> Self {
        Self(driver)
    }

    /// Runs `work` on the stack; see [`Driver::with`]. For those who build sockets of their own: the stack's interface is not this crate's.
    pub fn with<T>(&self, work: impl FnOnce(&mut Stack, &mut Waiters) -> T) -> T {
        let (mut work, mut result) = (Some(work), None);
        self.0.with(&mut |stack, waiters| {
            if let Some(work) = work.take() {
                result = Some(work(stack, waiters));
            }
        });
        result.expect("a driver runs what it is given")
    }

    /// See [`Driver::park`].
    pub(crate) fn park(&self, stand: Stand, deadline: Option<time::Instant>) {
        self.0.park(stand, deadline);
    }

    /// True if both are the same host.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The present moment, in the host's own time.
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// The addresses of a name that this host knows by itself.
    pub fn lookup(&self, name: &str) -> Vec<IpAddr> {
        self.0.lookup(name).into_iter().map(IpAddr::from).collect()
    }

    /// Lets this host know a name, in place of what it knew of it before. [`Unsupported`](io::ErrorKind::Unsupported) for hosts of a world.
    pub fn add_name(&self, name: &str, addrs: impl IntoIterator<Item = IpAddr>) -> io::Result<()> {
        self.0.add_name(name, addrs.into_iter().map(Addr::from).collect())
    }

    /// Looks a name up: among those that this host knows, else by its [resolver](Self::set_resolver). A text that is an address is that
    /// address. [`NotFound`](io::ErrorKind::NotFound) and the resolver's errors.
    pub fn resolve(&self, name: &str) -> Looking<Vec<IpAddr>> {
        let known = lookup::known(self, name);
        match self.resolver() {
            Some(resolver) if known.is_empty() => resolver.addresses(self, name),
            _ if known.is_empty() => {
                let unknown = lookup::unknown(name);
                Looking::new(async { Err(unknown) })
            }
            _ => Looking::new(async { Ok(known) }),
        }
    }

    /// Asks `resolver` for names that this host does not know, from now on. [`Unsupported`](io::ErrorKind::Unsupported) for hosts of a
    /// world.
    pub fn set_resolver(&self, resolver: impl Resolve + 'static) -> io::Result<()> {
        self.0.set_resolver(Some(Arc::new(resolver)))
    }

    /// Asks nobody for names that this host does not know. [`Unsupported`](io::ErrorKind::Unsupported) for hosts of a world.
    pub fn remove_resolver(&self) -> io::Result<()> {
        self.0.set_resolver(None)
    }

    /// Who is asked for names that this host does not know.
    pub fn resolver(&self) -> Option<Arc<dyn Resolve>> {
        self.0.resolver()
    }

    /// Adds an interface. Errors as [`Builder::start`]; [`Unsupported`](io::ErrorKind::Unsupported) for hosts of a world.
    #[cfg(unix)]
    pub fn attach(&self, interface: Interface) -> io::Result<()> {
        self.0.attach(interface)
    }

    /// Takes an interface away, with its addresses and routes, and lets its device go before this returns (a little later, if it is called
    /// on the host's own thread, by a waker). `ENODEV`
    #[cfg(unix)]
    pub fn detach(&self, interface: &str) -> io::Result<()> {
        self.0.detach(interface)
    }

    /// What happens on this host from now on: connections, retransmissions, drops, addresses and neighbours. See [`events`].
    /// [`Unsupported`](io::ErrorKind::Unsupported) for hosts of a world, `ENETDOWN` for one that is over.
    pub fn events(&self) -> io::Result<Events> {
        self.events_of(events::Options::default())
    }

    pub(crate) fn listen(&self, listener: events::Listener) -> io::Result<()> {
        self.0.listen(listener)
    }

    pub(crate) fn tap(&self, tap: capture::Tap) -> io::Result<()> {
        self.0.tap(tap)
    }

    /// As [`Host::events`], with a choice.
    pub fn events_of(&self, options: events::Options) -> io::Result<Events> {
        let (events, listener) = Events::new(options);
        self.0.listen(listener)?;
        Ok(events)
    }

    /// Captures what passes the devices of this host, those attached later included, in a pcapng file at `path`, which is made anew. See
    /// [`capture`]. Errors of the file; [`Unsupported`](io::ErrorKind::Unsupported) for hosts of a world, `ENETDOWN` for one
    /// that is over.
    pub fn capture(&self, path: impl AsRef<std::path::Path>, options: &capture::Options) -> io::Result<Capture> {
        self.capture_to(io::BufWriter::new(std::fs::File::create(path)?), options)
    }

    /// As [`Host::capture`], to a writer, which gets whole blocks on a thread of its own and is flushed when nothing more is at hand.
    pub fn capture_to(&self, writer: impl io::Write + Send + 'static, options: &capture::Options) -> io::Result<Capture> {
        let (capture, tap) = Capture::start(Box::new(writer), options)?;
        self.0.tap(tap)?;
        Ok(capture)
    }

    /// Ends the host in order: writing ends on all connections, what was written is sent until the other ends have acknowledged it, for
    /// `limit` at most, and the devices are let go before this returns. What has not been acknowledged by then is given up, and at once if
    /// every interface is down or has lost its device. Connections that the other ends have not closed are reset then: they learn that
    /// nobody is here any more. Listeners end at once, and with them the connections that nobody has accepted. Afterwards calls
    /// that wait, new sockets and changes of the configuration give `ENETDOWN`; what came before can still be read, and the state be looked at.
    ///
    /// This holds the thread. Tasks have `loggia::tokio::shutdown` (feature `tokio`).
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) if something was given up.
    pub fn shutdown(&self, limit: Duration) -> io::Result<()> {
        self.0.shutdown(limit)
    }

    /// True once it has ended: by [`shutdown`](Self::shutdown), or because a device panicked on its thread. False while what was written is
    /// still sent.
    pub fn is_over(&self) -> bool {
        self.with(|_, waiters| waiters.is_closed())
    }
}
