//! What was got.

use std::net::Ipv4Addr;
use std::time::Duration;

use dhcproto::v4::{DhcpOption, DhcpOptions, OptionCode};

use super::message::Reply;
use crate::host::Prefix;

/// Items of a list that are heeded, whatever a server sends.
const MAX_LIST: usize = 16;
/// A lease shorter than this is not taken: it would have to be renewed without a pause.
const SHORTEST: u32 = 10;
/// RFC 2131 §3.3: a lease for ever.
const FOR_EVER: u32 = u32::MAX;
/// RFC 791: every host takes packets of this size; a smaller MTU would be somebody's malice.
const SMALLEST_MTU: u16 = 576;

/// An address for some time, and what comes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lease {
    /// The address with the length of its network's prefix.
    pub address: Prefix,
    /// Whom it is from.
    pub server: Ipv4Addr,
    /// Routers, best first. They do not count where there are [`routes`](Self::routes) (RFC 3442).
    pub routers: Vec<Ipv4Addr>,
    /// Destinations and their routers; a router of `0.0.0.0` says that they are on the link.
    pub routes: Vec<(Prefix, Ipv4Addr)>,
    /// DNS servers, best first.
    pub dns_servers: Vec<Ipv4Addr>,
    /// The domain that the host is in.
    pub domain: Option<String>,
    /// Domains for short names.
    pub search: Vec<String>,
    /// Largest packet in bytes.
    pub mtu: Option<u32>,
    /// How long it holds from the moment it was asked for; [`Duration::MAX`]: for ever.
    pub duration: Duration,
    /// When it is renewed with its server (T1).
    pub renew_after: Duration,
    /// When it is renewed with any server (T2).
    pub rebind_after: Duration,
}

impl Lease {
    /// What an offer or acknowledgement says; none if that cannot be a lease.
    pub(super) fn new(reply: &Reply) -> Option<Self> {
        let address = reply.address;
        let unusable = address.is_unspecified() || address.is_broadcast() || address.is_multicast() || address.is_loopback();
        if unusable {
            return None;
        }
        let options = Options(&reply.options);
        let seconds = options.seconds(OptionCode::AddressLeaseTime)?;
        if seconds < SHORTEST {
            return None;
        }
        let (renew_after, rebind_after) = options.times(seconds);
        Some(Self {
            address: Prefix::new(address.into(), options.prefix_len(address)).ok()?,
            server: reply.server,
            routers: options.addresses(OptionCode::Router),
            routes: options.routes(),
            dns_servers: options.addresses(OptionCode::DomainNameServer),
            domain: options.domain(),
            search: options.search(),
            mtu: options.mtu(),
            duration: duration(seconds),
            renew_after,
            rebind_after,
        })
    }

    /// The address alone.
    pub(super) fn ip(&self) -> Ipv4Addr {
        match self.address.addr() {
            std::net::IpAddr::V4(v4) => v4,
            std::net::IpAddr::V6(_) => unreachable!("made of an IPv4 address"),
        }
    }
}

fn duration(seconds: u32) -> Duration {
    if seconds == FOR_EVER { Duration::MAX } else { Duration::from_secs(seconds.into()) }
}

struct Options<'a>(&'a DhcpOptions);

impl Options<'_> {
    fn seconds(&self, code: OptionCode) -> Option<u32> {
        match self.0.get(code)? {
            DhcpOption::AddressLeaseTime(seconds) | DhcpOption::Renewal(seconds) | DhcpOption::Rebinding(seconds) => {
                Some(*seconds)
            }
            _ => None,
        }
    }

    /// T1 and T2: as the server says if that can be, else half and seven eighths of the lease (RFC 2131 §4.4.5).
    fn times(&self, lease: u32) -> (Duration, Duration) {
        if lease == FOR_EVER {
            return (Duration::MAX, Duration::MAX);
        }
        let (half, most) = (lease / 2, lease - lease / 8);
        let said = (self.seconds(OptionCode::Renewal), self.seconds(OptionCode::Rebinding));
        let (renew, rebind) = (said.0.unwrap_or(half), said.1.unwrap_or(most));
        let possible = 0 < renew && renew <= rebind && rebind <= lease;
        let (renew, rebind) = if possible { (renew, rebind) } else { (half, most) };
        (Duration::from_secs(renew.into()), Duration::from_secs(rebind.into()))
    }

    /// The mask's, or without a mask that of the address's class, as most clients take it.
    fn prefix_len(&self, address: Ipv4Addr) -> u8 {
        match self.0.get(OptionCode::SubnetMask) {
            Some(DhcpOption::SubnetMask(mask)) if mask.to_bits().leading_ones() == mask.to_bits().count_ones() => {
                mask.to_bits().leading_ones() as u8
            }
            _ => match address.octets()[0] {
                0..=127 => 8,
                128..=191 => 16,
                _ => 24,
            },
        }
    }

    fn addresses(&self, code: OptionCode) -> Vec<Ipv4Addr> {
        match self.0.get(code) {
            Some(DhcpOption::Router(addresses) | DhcpOption::DomainNameServer(addresses)) => {
                let possible =
                    |address: &&Ipv4Addr| !address.is_unspecified() && !address.is_broadcast() && !address.is_multicast();
                addresses.iter().filter(possible).take(MAX_LIST).copied().collect()
            }
            _ => Vec::new(),
        }
    }

    fn routes(&self) -> Vec<(Prefix, Ipv4Addr)> {
        let Some(DhcpOption::ClasslessStaticRoute(routes)) = self.0.get(OptionCode::ClasslessStaticRoute) else {
            return Vec::new();
        };
        let routes = routes.iter().take(MAX_LIST).filter_map(|(net, router)| {
            // Bits beyond the prefix do not count (RFC 3442).
            Some((Prefix::new(net.network().into(), net.prefix_len()).ok()?, *router))
        });
        routes.collect()
    }

    fn domain(&self) -> Option<String> {
        match self.0.get(OptionCode::DomainName)? {
            DhcpOption::DomainName(domain) => one_domain(domain.trim_end_matches('\0')),
            _ => None,
        }
    }

    fn search(&self) -> Vec<String> {
        match self.0.get(OptionCode::DomainSearch) {
            Some(DhcpOption::DomainSearch(domains)) => {
                domains.iter().take(MAX_LIST).filter_map(|domain| one_domain(&domain.to_ascii())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn mtu(&self) -> Option<u32> {
        match self.0.get(OptionCode::InterfaceMtu)? {
            DhcpOption::InterfaceMtu(mtu) if *mtu >= SMALLEST_MTU => Some((*mtu).into()),
            _ => None,
        }
    }
}

/// A domain, if it can be one: whoever writes it into a file or shows it must not be led astray.
fn one_domain(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let possible = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (!text.is_empty() && text.len() <= 253 && text.bytes().all(possible)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(options: impl IntoIterator<Item = DhcpOption>) -> Reply {
        let own = [DhcpOption::AddressLeaseTime(1000)];
        Reply {
            kind: super::super::message::Kind::Ack,
            server: Ipv4Addr::new(10, 0, 0, 1),
            address: Ipv4Addr::new(10, 0, 0, 9),
            options: own.into_iter().chain(options).collect(),
        }
    }

    fn lease(options: impl IntoIterator<Item = DhcpOption>) -> Lease {
        Lease::new(&reply(options)).expect("a lease")
    }

    #[test]
    fn times_that_cannot_be_are_not_believed() {
        let times = |options: &[DhcpOption]| {
            let lease = lease(options.iter().cloned());
            (lease.renew_after.as_secs(), lease.rebind_after.as_secs())
        };
        assert_eq!(times(&[]), (500, 875), "RFC 2131 §4.4.5");
        assert_eq!(times(&[DhcpOption::Renewal(100), DhcpOption::Rebinding(200)]), (100, 200));
        assert_eq!(times(&[DhcpOption::Renewal(200), DhcpOption::Rebinding(100)]), (500, 875));
        assert_eq!(times(&[DhcpOption::Renewal(0)]), (500, 875));
        assert_eq!(times(&[DhcpOption::Rebinding(1001)]), (500, 875));
        let endless = lease([DhcpOption::AddressLeaseTime(u32::MAX)]);
        assert_eq!((endless.duration, endless.renew_after), (Duration::MAX, Duration::MAX), "RFC 2131 §3.3");
        assert_eq!(Lease::new(&reply([DhcpOption::AddressLeaseTime(9)])), None, "too short");
    }

    #[test]
    fn masks_that_are_none_and_addresses_that_are_none() {
        let len = |mask: [u8; 4]| lease([DhcpOption::SubnetMask(mask.into())]).address.prefix_len();
        assert_eq!([len([255, 255, 255, 128]), len([255, 255, 0, 255]), len([0, 0, 0, 0])], [25, 8, 0]);
        for address in [[0, 0, 0, 0], [255, 255, 255, 255], [224, 0, 0, 1], [127, 0, 0, 1]] {
            assert_eq!(Lease::new(&Reply { address: address.into(), ..reply([]) }), None);
        }
    }

    #[test]
    fn lists_are_bounded_and_cleaned() {
        let many: Vec<Ipv4Addr> = (0..=255).map(|last| Ipv4Addr::new(10, 0, 0, last)).collect();
        assert_eq!(lease([DhcpOption::Router(many.clone())]).routers.len(), MAX_LIST);
        let odd = vec![Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST, Ipv4Addr::new(10, 0, 0, 53)];
        assert_eq!(lease([DhcpOption::DomainNameServer(odd)]).dns_servers, [Ipv4Addr::new(10, 0, 0, 53)]);
        let domain = |text: &str| lease([DhcpOption::DomainName(text.into())]).domain;
        assert_eq!(domain("lan\0.example").as_deref(), None, "a NUL is only borne at the end");
        assert_eq!(domain("lan.example\0").as_deref(), Some("lan.example"));
        assert_eq!([domain("a b"), domain("a\nnameserver"), domain("")], [None, None, None]);
        assert_eq!(lease([DhcpOption::InterfaceMtu(68)]).mtu, None);
        assert_eq!(lease([DhcpOption::InterfaceMtu(1400)]).mtu, Some(1400));
    }
}
