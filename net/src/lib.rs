//! A TCP/IP host in your program: sockets shaped like std's and tokio's, over any device that carries packets, beside the kernel.
//!
//! # A host
//!
//! A [`Host`] has addresses, routes, ports and sockets of its own. It speaks by [devices](device): a TUN or TAP interface of Linux, a packet
//! socket, another host of the same process, or whatever you write.
//!
//! ```no_run
//! use loggia::Host;
//! use loggia::device::Tun;
//!
//! let host = Host::builder().address("10.0.0.2/24").gateway("10.0.0.1").device(Tun::open("tun0")?).start()?;
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! A host that is alone needs neither privileges nor a device, and two of them a cable:
//!
//! ```
//! use std::io::{Read, Write};
//!
//! use loggia::Host;
//! use loggia::device::{Properties, pair};
//! use loggia::net::{TcpListener, TcpStream};
//!
//! let [one, other] = pair(Properties::ip(1500));
//! let server = Host::builder().address("10.0.0.1/24").device(one).start()?;
//! let client = Host::builder().address("10.0.0.2/24").device(other).start()?;
//!
//! let listener = TcpListener::bind_on(&server, "0.0.0.0:7")?;
//! let mut here = TcpStream::connect_on(&client, "10.0.0.1:7")?;
//! let (mut there, _) = listener.accept()?;
//! here.write_all(b"hello")?;
//! let mut room = [0; 5];
//! there.read_exact(&mut room)?;
//! assert_eq!(&room, b"hello");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # Sockets
//!
//! Take the facade you know. [`net`] has the names of `std::net` and `std::os::unix::net`, `tokio::net` (feature `tokio`) those of
//! `tokio::net`, and [`berkeley`] the calls themselves for those who port C. Names and methods are theirs; only constructors say on which host:
//! `TcpListener::bind` becomes `bind_on(&host, ..)`, `TcpStream::connect` becomes `connect_on(&host, ..)`. Errors have the same kinds and
//! numbers. One file of tests for each facade is compiled against the original and against ours.
//!
//! Where the originals have no door, there is one: [`TcpStream::send_bytes`](net::TcpStream::send_bytes) and
//! [`recv_bytes`](net::TcpStream::recv_bytes) share chunks instead of copying them, [`TcpStream::info`](net::TcpStream::info) tells of a
//! connection in numbers, [`Host::inspect`] of everything, and unknown options go by their numbers
//! ([`Socket::setsockopt`](net::Socket::setsockopt)).
//!
//! # Names and addresses
//!
//! A host has names of its own ([`Host::add_name`]) and asks a resolver for others ([`Host::set_resolver`]): that of the feature `dns`, with search
//! list, cache and TCP, or yours ([`lookup::Resolve`]). Wherever an address can be said, a name can. The feature `dhcp` has a client that gets
//! a host its address, routes and DNS servers, and keeps them.
//!
//! # A device of your own
//!
//! [`Device`](device::Device) is what carries packets: `properties`, `receive`, `send`, and a way to say when it is ready, which is a
//! descriptor or a call of a [`Notifier`](device::Notifier). See [`device`] for one in thirty lines, and for one around another.
//!
//! # A proxy
//!
//! A [transparent](Interface::transparent) interface takes packets for anybody. A [`TcpGate`](net::TcpGate) gives each who wants to open a
//! connection as an [`Opening`](net::Opening): whom it is from, where it was to go; you accept, refuse or call it unreachable before its SYN
//! is answered. The example `forwarder` carries everything that enters a TUN on by the machine's own sockets, in 119 lines.
//!
//! # How it runs
//!
//! Whoever writes to a socket carries the packets to the device, on his own thread and under the one lock of the host; the host's one thread
//! reads the device, runs what came through to the socket, and wakes its reader. A thread that waits in a blocking call while nobody else does
//! reads the device itself. There are no queues between threads, no polling, and no wake-ups when nothing happens. When the last handle and the last socket of a host are gone, it goes on until what was written has been
//! acknowledged, for a limited time; [`Host::shutdown`] waits for that.
//!
//! # Modules
//!
//! | module | what |
//! |---|---|
//! | [`Host`], [`host`] | a host with its interfaces, in real time |
//! | [`device`] | what carries its packets: TUN, TAP, descriptors, memory, your own |
//! | [`events`], [`capture`] | what happens on a host, as values; what passes its devices, as a pcapng file |
//! | [`net`] | sockets shaped like std's, whose calls wait |
//! | `tokio` | sockets shaped like `tokio::net` (feature `tokio`) |
//! | [`shards`] | one host on several cores |
//! | [`berkeley`] | the calls themselves, with descriptors, `poll` and `epoll` |
//! | [`congestion`] | congestion controls, one's own included |
//! | [`lookup`] | addresses and names, as `ToSocketAddrs` |
//! | `dns` | a resolver (feature `dns`) |
//! | `dhcp` | a client for DHCPv4 (feature `dhcp`) |
//! | [`time`] | sleep, timeouts and intervals in a host's own time |
//! | [`driver`] | who runs a host's stack: the door for worlds in virtual time; it follows the core, not this crate's version |
#![deny(missing_docs, unsafe_code)]

#[cfg(unix)]
mod bell;
pub mod berkeley;
mod blocking;
pub mod capture;
pub mod congestion;
mod connecting;
#[cfg(unix)]
pub mod device;
#[cfg(all(unix, feature = "dhcp"))]
pub mod dhcp;
#[cfg(feature = "dns")]
pub mod dns;
pub mod driver;
pub mod events;
pub mod host;
mod info;
pub mod lookup;
pub mod net;
mod opening;
mod options;
#[cfg(unix)]
pub mod shards;
pub mod time;
#[cfg(feature = "tokio")]
pub mod tokio;

mod socket;
#[cfg(unix)]
mod unix;
mod waiting;

/// What the manual says is compiled, and run where nothing is needed for it.
#[cfg(all(doctest, unix, feature = "dhcp"))]
#[doc = include_str!("../../docs/manual/library.md")]
struct Manual;

pub use driver::{Driver, Waiters};
pub use host::Host;
#[cfg(unix)]
pub use host::{Builder, Interface};
pub use info::{State, TcpInfo};
pub use lookup::ToAddrs;
#[cfg(unix)]
pub use shards::Shards;
