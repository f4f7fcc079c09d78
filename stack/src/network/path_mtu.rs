//! What is known of the MTU of paths (RFC 1191, RFC 8201): learnt from "fragmentation needed" and "packet too big", believed for
//! ten minutes, bounded.

use crate::base::{Addr, Duration, Entropy, Instant, LinkId};

use super::config::Config;
use super::lru::Lru;
use super::{Network, RouteQuery, ipv6};

/// How many destinations are remembered.
const CAPACITY: usize = 4096;

/// What is known of the path to a destination.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PathMtu {
    /// Bytes of the largest packet.
    pub(crate) mtu: u32,
    /// The path takes less than we are willing to believe: packets of `mtu` bytes go without DF, so that routers cut them.
    pub(crate) locked: bool,
    /// When it is forgotten (RFC 1191 §6.3, RFC 8201 §4: ten minutes).
    pub(crate) expires: Instant,
}

/// Path MTUs found.
#[derive(Debug)]
pub(crate) struct PathMtus {
    known: Lru<Addr, PathMtu>,
}

impl PathMtus {
    pub(crate) fn new(entropy: &Entropy) -> Self {
        Self { known: Lru::new(entropy.key("path mtu"), CAPACITY) }
    }

    /// What is known of the path to `dst`.
    pub(crate) fn get(&self, dst: Addr, now: Instant) -> Option<PathMtu> {
        self.known.get(&dst).filter(|found| found.expires > now).copied()
    }

    /// A router told of `mtu`. Gives what the path MTU is now, if that is smaller than `present` or newly learnt to be the same.
    pub(crate) fn found(&mut self, dst: Addr, mtu: u32, present: u32, now: Instant, config: &Config) -> Option<PathMtu> {
        let found = believe(dst, mtu, present, now, config)?;
        self.known.insert(dst, found);
        Some(found)
    }
}

/// How much of a told MTU is believed.
fn believe(dst: Addr, mtu: u32, present: u32, now: Instant, config: &Config) -> Option<PathMtu> {
    // A path MTU only shrinks by being told; it grows by expiring (RFC 1191 §3, RFC 8201 §4).
    if mtu > present {
        return None;
    }
    if dst.is_v4() {
        // Linux: `ip_rt_min_pmtu`. RFC 1191 §3 has 68; attackers would have us send tiny packets.
        let expires = now + Duration::from_secs(config.ipv4.mtu_expires.into());
        let locked = mtu < config.ipv4.min_pmtu;
        Some(PathMtu { mtu: if locked { present.min(config.ipv4.min_pmtu) } else { mtu }, locked, expires })
    } else {
        // RFC 8201 §4: a value below the IPv6 minimum MTU is not believed at all.
        let expires = now + Duration::from_secs(config.ipv6.mtu_expires.into());
        (mtu >= ipv6::MIN_MTU).then_some(PathMtu { mtu, locked: false, expires })
    }
}

/// The next smaller MTU that occurs, for routers that do not tell one (RFC 1191 §7.1).
pub(crate) fn plateau_below(len: u32) -> u32 {
    const PLATEAUS: [u32; 11] = [65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];
    PLATEAUS.into_iter().find(|&plateau| plateau < len).unwrap_or(68)
}

impl Network {
    /// A router told by `link` that the path to `dst` takes no more than `mtu` bytes, answering a packet of `quoted_len` bytes
    /// (0: not known). Gives what that would mean, or nothing if the message cannot be true: it would not have been sent about so small a packet.
    pub(crate) fn path_mtu_told(&mut self, link: LinkId, dst: Addr, mtu: u32, quoted_len: u32) -> Option<u32> {
        match mtu {
            0 if dst.is_v4() => Some(plateau_below(quoted_len.min(self.present_path_mtu(link, dst)?))),
            told if quoted_len != 0 && told >= quoted_len => None,
            told => Some(told),
        }
    }

    /// What was told by `link` of the path to `dst` is believed. Gives the path MTU that now holds; nothing if nothing changes.
    pub fn path_mtu_believed(&mut self, link: LinkId, dst: Addr, mtu: u32) -> Option<u32> {
        let now = self.links.base.now;
        let present = self.present_path_mtu(link, dst)?;
        let found = self.path_mtu.found(dst, mtu, present, now, &self.config)?;
        self.routes.changed();
        Some(found.mtu)
    }

    /// The path MTU that holds now: what was found or the MTU of the link that leads there.
    fn present_path_mtu(&mut self, link: LinkId, dst: Addr) -> Option<u32> {
        let link = (dst.is_link_local() || dst.is_multicast()).then_some(link);
        self.route(&RouteQuery { dst, src: Addr::any(dst.version()), link }).ok().map(|route| route.mtu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST4: Addr = Addr::v4(192, 0, 2, 1);

    fn host6() -> Addr {
        "2001:db8::1".parse().unwrap()
    }

    fn paths() -> PathMtus {
        PathMtus::new(&Entropy::new(1.into()))
    }

    #[test]
    fn what_was_found_is_forgotten_after_ten_minutes() {
        let mut paths = paths();
        let now = Instant::from_secs(5);
        paths.found(HOST4, 1400, 1500, now, &Config::default());
        assert_eq!(paths.get(HOST4, Instant::from_secs(604)).unwrap().mtu, 1400);
        assert_eq!(paths.get(HOST4, Instant::from_secs(605)), None);
    }

    #[test]
    fn a_path_mtu_never_grows_by_being_told() {
        let mut paths = paths();
        assert_eq!(paths.found(HOST4, 1501, 1500, Instant::EPOCH, &Config::default()), None);
        assert_eq!(paths.found(host6(), 9000, 1500, Instant::EPOCH, &Config::default()), None);
        assert_eq!(paths.get(HOST4, Instant::EPOCH), None);
    }

    #[test]
    fn tiny_values_are_clamped_for_ipv4_and_ignored_for_ipv6() {
        let mut paths = paths();
        let found = paths.found(HOST4, 68, 1500, Instant::EPOCH, &Config::default()).unwrap();
        assert_eq!((found.mtu, found.locked), (552, true));
        // RFC 8201 §4
        assert_eq!(paths.found(host6(), 1279, 1500, Instant::EPOCH, &Config::default()), None);
        assert_eq!(paths.found(host6(), 1280, 1500, Instant::EPOCH, &Config::default()).unwrap().mtu, 1280);
    }

    #[test]
    fn a_flood_of_destinations_does_not_grow_the_cache() {
        let mut paths = paths();
        for host in 0..20_000u32 {
            paths.found(Addr::from_v4(host.to_be_bytes()), 1000, 1500, Instant::EPOCH, &Config::default());
        }
        assert_eq!(paths.known.len(), CAPACITY);
    }

    #[test]
    fn plateaus_are_those_of_rfc_1191() {
        // RFC 1191 §7.1
        assert_eq!(plateau_below(1500), 1492);
        assert_eq!(plateau_below(1492), 1006);
        assert_eq!(plateau_below(60), 68);
    }
}
