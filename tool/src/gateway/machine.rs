//! The machine as programs in a lab see it: whom an address stands for, and its name servers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use loggia_lab::plan::{MACHINE_V4, MACHINE_V6};

/// The port of name servers.
const DNS: u16 = 53;

/// Whom addresses stand for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Machine {
    resolvers: Vec<IpAddr>,
}

impl Machine {
    /// With the name servers of `/etc/resolv.conf`; the machine itself if there is none, as resolvers do.
    pub fn new() -> Self {
        Self::with_resolvers(Path::new("/etc/resolv.conf"))
    }

    /// With the name servers that a file of that form names.
    pub fn with_resolvers(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let mut resolvers = name_servers(&text);
        if resolvers.is_empty() {
            resolvers.push(Ipv4Addr::LOCALHOST.into());
        }
        Self { resolvers }
    }

    /// Where on the machine's side somebody is who is called `to` in the lab: places to try, the first one first. The machine's own address
    /// there means its loopback, of either family, and its port 53 the first of its name servers. Everybody else is himself.
    pub fn real(&self, to: SocketAddr) -> Vec<SocketAddr> {
        let (v4, v6): (IpAddr, IpAddr) = (Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into());
        let places = match to.ip() {
            ip if !is_machine(ip) => vec![ip],
            _ if to.port() == DNS => vec![self.resolvers[0]],
            IpAddr::V4(_) => vec![v4, v6],
            IpAddr::V6(_) => vec![v6, v4],
        };
        places.into_iter().map(|ip| SocketAddr::new(ip, to.port())).collect()
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

fn is_machine(ip: IpAddr) -> bool {
    ip == MACHINE_V4 || ip == MACHINE_V6
}

/// The `nameserver` lines of `resolv.conf(5)`. Those with a scope name a link and are left out.
fn name_servers(text: &str) -> Vec<IpAddr> {
    let server = |line: &str| line.trim_start().strip_prefix("nameserver")?.split_ascii_whitespace().next()?.parse().ok();
    text.lines().filter_map(server).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_an_address_and_others_are_themselves() {
        let machine = Machine { resolvers: vec![IpAddr::from([127, 0, 0, 53])] };
        let real = |to: &str| {
            let places = machine.real(to.parse().unwrap());
            places.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(real("10.255.255.1:8080"), "127.0.0.1:8080 [::1]:8080");
        assert_eq!(real("[fd00:0:0:ffff::1]:8080"), "[::1]:8080 127.0.0.1:8080");
        assert_eq!(real("10.255.255.1:53"), "127.0.0.53:53");
        assert_eq!(real("[fd00:0:0:ffff::1]:53"), "127.0.0.53:53");
        assert_eq!(real("192.0.2.7:53"), "192.0.2.7:53");
        assert_eq!(real("10.255.255.2:80"), "10.255.255.2:80");
    }

    #[test]
    fn name_servers_are_read_as_the_resolver_does() {
        let text = "# nameserver 1.1.1.1\nsearch example.com\nnameserver 192.0.2.1\n nameserver\t2001:db8::1 # the second\nnameserver fe80::1%eth0\n";
        assert_eq!(name_servers(text), ["192.0.2.1".parse::<IpAddr>().unwrap(), "2001:db8::1".parse().unwrap()]);
    }

    #[test]
    fn without_a_file_the_machine_itself_is_asked() {
        let machine = Machine::with_resolvers(Path::new("/no/such/file"));
        assert_eq!(machine.resolvers, [IpAddr::from([127, 0, 0, 1])]);
    }
}
