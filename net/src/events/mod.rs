//! What happens on a host, told as it happens: connections, retransmissions, ICMP errors, neighbours, addresses, packets that went no further.
//!
//! [`Host::events`](crate::Host::events) gives a stream of [`Event`]s: an iterator that waits, a future for tasks, with the feature `tokio` a
//! `Stream`. A host records only what somebody listens for, and nobody waits for a listener: of those who are slow, events are lost and
//! [counted](Events::lost).
//!
//! ```
//! use std::time::Duration;
//!
//! use loggia::Host;
//! use loggia::events::What;
//! use loggia::net::TcpStream;
//!
//! let host = Host::builder().start()?;
//! let mut events = host.events()?;
//! TcpStream::connect_on(&host, "127.0.0.1:9").expect_err("nobody listens there");
//! let failed = events.by_ref().find(|event| matches!(event.what, What::Failed { .. })).expect("the host is there");
//! println!("{}", failed); // 0.000213 127.0.0.1:45678 -> 127.0.0.1:9 failed: reset
//! # assert!(failed.to_string().ends_with("-> 127.0.0.1:9 failed: reset"));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | file | what |
//! |---|---|
//! | `what` | the events |
//! | `options` | which of them, and how many wait |
//! | `stream` | the listener's end |
//! | `listeners` | the host's end |
//! | `tell` | the core's events in this crate's words |

mod listeners;
mod options;
mod stream;
mod tell;
mod what;

pub(crate) use listeners::Listeners;
pub use options::Options;
pub use stream::{Events, Listener};
pub use what::{AddressNews, Direction, DropCause, Event, Reason, Resent, Side, What};
