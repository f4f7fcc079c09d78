//! What is asked for.

use std::net::Ipv4Addr;

use crate::dns;

/// How a client asks for an address, and what it does with the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The host's name, for the server's records (none unless said).
    pub host_name: Option<String>,
    /// Who we are (option 61); the station's address unless said.
    pub client_id: Option<Vec<u8>>,
    /// An address that we had before, which is asked for first (INIT-REBOOT).
    pub previous: Option<Ipv4Addr>,
    /// Whether it is checked by ARP that nobody has the address before it is used (RFC 2131 §4.4.1, RFC 5227): on unless switched off.
    /// That takes four to seven seconds. An address that somebody has is declined.
    pub probe: bool,
    /// How names are looked up with the servers and domains that the lease brings; `None` leaves the host's resolver alone.
    pub resolver: Option<dns::Config>,
    /// The metric of the routes that the lease brings.
    pub metric: u32,
    /// Whether routes are made (on unless switched off).
    pub routes: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            host_name: None,
            client_id: None,
            previous: None,
            probe: true,
            resolver: Some(dns::Config::default()),
            metric: 0,
            routes: true,
        }
    }
}
