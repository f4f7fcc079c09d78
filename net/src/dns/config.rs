//! Servers, and how they are asked.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::path::Path;
use std::time::Duration;

use super::hosts::Hosts;

/// Where DNS servers listen.
const PORT: u16 = 53;
/// As `resolv.conf(5)` bounds them.
const MAX_SERVERS: usize = 3;
const MAX_NDOTS: usize = 15;
const MAX_TIMEOUT: u64 = 30;
const MAX_ATTEMPTS: u32 = 5;
/// Domains of a search list that are heeded.
const MAX_SEARCH: usize = 32;
/// Answers that are kept unless said.
const CACHE: usize = 1024;

/// How names are looked up. The words and defaults are those of `resolv.conf(5)`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The servers to ask, in this order.
    pub servers: Vec<SocketAddr>,
    /// Domains that are put behind names with too few dots, in this order.
    pub search: Vec<String>,
    /// A name with so many dots is tried as it is before the search list (1).
    pub ndots: usize,
    /// How long an answer is waited for, each time (5 seconds).
    pub timeout: Duration,
    /// How often all servers are asked (twice).
    pub attempts: u32,
    /// Whether each question begins with another server (off).
    pub rotate: bool,
    /// Whether questions go by TCP only (off).
    pub use_tcp: bool,
    /// What is known without asking.
    pub hosts: Hosts,
    /// How many answers are kept; 0: none.
    pub cache: usize,
}

impl Default for Config {
    /// No servers.
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
            rotate: false,
            use_tcp: false,
            hosts: Hosts::new(),
            cache: CACHE,
        }
    }
}

impl Config {
    /// Asks these servers, at port 53.
    pub fn new(servers: impl IntoIterator<Item = impl Into<IpAddr>>) -> Self {
        Self { servers: servers.into_iter().map(|addr| SocketAddr::new(addr.into(), PORT)).collect(), ..Self::default() }
    }

    /// Reads a file such as `/etc/resolv.conf`. Servers on the machine's loopback, as `systemd-resolved` has one, are not on that of a
    /// host of ours. The hosts file is another: [`Hosts::read`].
    pub fn read(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::parse(&std::fs::read_to_string(path)?))
    }

    /// As [`Config::read`], of a file's text. What cannot be understood is passed over, as the C library does.
    pub fn parse(text: &str) -> Self {
        let mut config = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") if config.servers.len() < MAX_SERVERS => config.servers.extend(words.next().and_then(server)),
                Some("search") => config.set_search(words),
                // The last of the two counts.
                Some("domain") => config.set_search(words.take(1)),
                Some("options") => words.for_each(|option| config.option(option)),
                _ => {}
            }
        }
        config
    }

    /// Takes a search list, bounded.
    pub(crate) fn set_search<'a>(&mut self, domains: impl Iterator<Item = &'a str>) {
        self.search = domains.filter(|domain| *domain != ".").take(MAX_SEARCH).map(str::to_owned).collect();
    }

    fn option(&mut self, option: &str) {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        match (name, value.parse::<u64>()) {
            ("ndots", Ok(dots)) => self.ndots = dots.min(MAX_NDOTS as u64) as usize,
            ("timeout", Ok(seconds)) => self.timeout = Duration::from_secs(seconds.clamp(1, MAX_TIMEOUT)),
            ("attempts", Ok(attempts)) => self.attempts = attempts.clamp(1, MAX_ATTEMPTS.into()) as u32,
            ("rotate", _) => self.rotate = true,
            ("use-vc", _) => self.use_tcp = true,
            _ => {}
        }
    }
}

/// A server's address; that of a link-local one may have the number of its link behind a `%`.
fn server(text: &str) -> Option<SocketAddr> {
    if let Some((addr, scope)) = text.split_once('%') {
        return Some(SocketAddrV6::new(addr.parse().ok()?, PORT, 0, scope.parse().ok()?).into());
    }
    Some(SocketAddr::new(text.parse().ok()?, PORT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_resolv_conf_5_says() {
        let config = Config::parse(
            "\
            # comment\n\
            ; another\n\
            domain example.net\n\
            nameserver 192.0.2.1\n\
            nameserver 2001:db8::53\n\
            nameserver name\n\
            nameserver fe80::1%2\n\
            nameserver 192.0.2.4\n\
            search example.com  example.org\n\
            options ndots:99 timeout:0 attempts:9 rotate edns0 use-vc\n\
            sortlist 10.0.0.0\n",
        );
        let servers = ["192.0.2.1:53", "[2001:db8::53]:53", "[fe80::1%2]:53"].map(|text| text.parse().expect("an address"));
        assert_eq!(config.servers, servers, "three at most");
        assert_eq!(config.search, ["example.com", "example.org"], "the last of domain and search counts");
        assert_eq!((config.ndots, config.timeout, config.attempts), (15, Duration::from_secs(1), 5));
        assert!(config.rotate && config.use_tcp);
        assert_eq!(Config::parse(""), Config::default());
        assert_eq!(Config::parse("search a.example\ndomain b.example c.example").search, ["b.example"]);
    }
}
