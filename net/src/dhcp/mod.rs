//! A DHCPv4 client on a host's own sockets (feature `dhcp`): RFC 2131, with the options of RFC 2132, classless routes (RFC 3442), search
//! lists (RFC 3397), long options (RFC 3396), and a check that nobody has the address (RFC 5227).
//!
//! | file | what |
//! |---|---|
//! | `config` | what is asked for |
//! | `lease` | what was got |
//! | `message` | what goes over the wire |
//! | `machine` | the states of RFC 2131 §4.4, without clock and sockets |
//! | `configure` | what a lease means for the host |
//! | `client` | who runs all that |
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use loggia::device::Tap;
//! use loggia::dhcp::{Client, Config};
//! use loggia::net::TcpStream;
//! use loggia::Host;
//!
//! let host = Host::builder().device(Tap::open("tap0")?).start()?;
//! let client = Client::start(&host, "tap0", Config::default())?;
//! let lease = client.bound().wait()?; // or .await: the host now has an address, routes and a resolver
//! println!("{} from {}", lease.address, lease.server);
//! let stream = TcpStream::connect_on(&host, "www.example.org:80")?;
//! client.release().wait()?; // gives the address back
//! # Ok::<(), std::io::Error>(())
//! ```

mod client;
mod config;
mod configure;
mod lease;
mod machine;
mod message;

pub use client::Client;
pub use config::Config;
pub use lease::Lease;
