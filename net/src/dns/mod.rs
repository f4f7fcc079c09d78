//! A DNS resolver on a host's own sockets (feature `dns`): RFC 1034 and 1035 as a stub asks, negative answers (RFC 2308), EDNS (RFC 6891),
//! answers over TCP (RFC 7766), and what makes forging hard (RFC 5452).
//!
//! | file | what |
//! |---|---|
//! | `config` | servers and how to ask them, as in `resolv.conf(5)` |
//! | `hosts` | names that a file knows, as in `hosts(5)` |
//! | `names` | the full names that a short one may mean |
//! | `question`, `answer` | what is asked, which messages answer it, and what they say |
//! | `exchange` | one question to one server: UDP, and TCP where that does not do |
//! | `cache` | what was answered, for as long as it holds |
//! | `order` | the best address first (RFC 6724) |
//! | `resolver` | which server, how often, which name next |
//! | `error` | why there is no answer |
//!
//! ```no_run
//! use loggia::Host;
//! use loggia::device::Tun;
//! use loggia::dns::{Config, Resolver};
//! use loggia::net::TcpStream;
//!
//! let resolver = Resolver::new(Config::new(["10.0.0.1".parse::<std::net::IpAddr>().unwrap()]));
//! let host = Host::builder().address("10.0.0.2/24").gateway("10.0.0.1").device(Tun::open("tun0")?).resolver(resolver.clone()).start()?;
//! let stream = TcpStream::connect_on(&host, "www.example.org:80")?; // as with std, a name will do
//! let name = resolver.reverse(&host, stream.peer_addr()?.ip()).wait()?; // or .await
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Whatever servers answer is bounded: messages of 64 KiB, chains of [`MAX_CHAIN`] aliases, [`MAX_ADDRESSES`] addresses, a cache of
//! [`Config::cache`] answers, and a time for each question. Message ids and ports come from the host's seed; an answer must come from the
//! address that was asked, with the same id and question.

mod answer;
mod cache;
mod config;
mod error;
mod exchange;
mod hosts;
mod names;
mod order;
mod question;
mod resolver;

pub use config::Config;
pub use error::{Error, Failure};
pub use hosts::Hosts;
pub use resolver::{Lookup, Resolver};

/// Aliases (CNAME) that are followed for one name.
pub const MAX_CHAIN: usize = 16;
/// Addresses of one name that are kept.
pub const MAX_ADDRESSES: usize = 64;
