//! Names that a file knows.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;

/// Names and addresses as in `hosts(5)`. Names are compared without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    forward: BTreeMap<String, Vec<IpAddr>>,
    reverse: BTreeMap<IpAddr, String>,
}

impl Hosts {
    /// Knows nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a file such as `/etc/hosts`; lines without an address and a name are passed over.
    pub fn read(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::parse(&std::fs::read_to_string(path)?))
    }

    /// As [`Hosts::read`], of a file's text.
    pub fn parse(text: &str) -> Self {
        let mut hosts = Self::default();
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let Some(Ok(addr)) = words.next().map(str::parse) else { continue };
            words.for_each(|name| hosts.add(name, addr));
        }
        hosts
    }

    /// Knows one more address of a name. The first name of an address is its name.
    pub fn add(&mut self, name: &str, addr: IpAddr) {
        let name = plain(name);
        self.reverse.entry(addr).or_insert_with(|| name.clone());
        let addrs = self.forward.entry(name).or_default();
        if !addrs.contains(&addr) {
            addrs.push(addr);
        }
    }

    /// The addresses of a name; none if it is not known.
    pub fn addresses(&self, name: &str) -> &[IpAddr] {
        self.forward.get(&plain(name)).map_or(&[], Vec::as_slice)
    }

    /// The name of an address.
    pub fn name(&self, addr: IpAddr) -> Option<&str> {
        self.reverse.get(&addr).map(String::as_str)
    }
}

/// Without regard to case and the dot at the end.
fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_hosts_5_says() {
        let hosts = Hosts::parse(
            "\
            127.0.0.1\tlocalhost\n\
            # a comment\n\
            192.0.2.1 Server.example server # and another\n\
            2001:db8::1   server.example\n\
            nonsense server\n\
            192.0.2.9\n\
            192.0.2.1 server\n",
        );
        let addr = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(hosts.addresses("SERVER.example."), [addr("192.0.2.1"), addr("2001:db8::1")]);
        assert_eq!(hosts.addresses("server"), [addr("192.0.2.1")]);
        assert!(hosts.addresses("nonsense").is_empty());
        assert_eq!(hosts.name(addr("192.0.2.1")), Some("server.example"));
        assert_eq!(hosts.name(addr("192.0.2.9")), None);
    }
}
