//! What routers advertise (RFC 4861 §6.3.4): that they are default routers, which prefixes are on the link, and the link's
//! parameters. Prefixes for making addresses with go on to [`autoconf`](super::super::autoconf).

use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::base::{Addr, Cidr, Discard, Duration, Instant, LinkId, Timer, TimerOwner};

use super::super::autoconf::{LINK_TIMER, end_of};
use super::super::routes::{Entry, Origin, Via};
use super::super::{Network, Packet};
use super::solicit::Solicitation;
use super::{Advertiser, Preference, PrefixInformation, RouterAdvertisement};

/// At most so many default routers are kept of a link.
pub const MAX_ROUTERS: usize = 8;
/// At most so many on-link prefixes are kept of a link.
pub const MAX_PREFIXES: usize = 16;
/// The metric of advertised default routes, as Linux's `IP6_RT_PRIO_USER`.
const METRIC: u32 = 1024;
/// The metric of on-link prefixes that routers advertise (Linux's `IP6_RT_PRIO_ADDRCONF`).
const PREFIX_METRIC: u32 = 256;
/// `RETRANS_TIMER` of RFC 4861 §10, while no router says otherwise.
const RETRANS: Duration = Duration::from_secs(1);

/// A default router.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Router {
    /// Its link-local address.
    pub addr: Addr,
    /// How it ranks.
    pub preference: Preference,
    /// When it stops being one.
    pub until: Instant,
}

/// A prefix that is on the link.
#[derive(Clone, Copy, Debug)]
struct OnLink {
    prefix: Cidr,
    until: Instant,
}

/// What is known of a link's routers, and our asking for them.
#[derive(Debug, Default)]
pub(crate) struct Discovery {
    /// Our asking.
    pub solicitation: Solicitation,
    routers: Vec<Router>,
    prefixes: Vec<OnLink>,
    hop_limit: u8,
    mtu: u32,
    retrans: Option<Duration>,
}

impl Discovery {
    /// The default routers in the order they were heard first.
    pub(crate) fn routers(&self) -> impl Iterator<Item = &Router> {
        self.routers.iter()
    }

    fn next_event(&self) -> Instant {
        let routers = self.routers.iter().map(|router| router.until);
        let prefixes = self.prefixes.iter().map(|prefix| prefix.until);
        routers.chain(prefixes).chain(self.solicitation.next).min().unwrap_or(Instant::NEVER)
    }
}

/// Every destination.
fn everywhere() -> Cidr {
    Cidr::new(Addr::V6_ANY, 0)
}

impl Network {
    /// The default routers of a link (RFC 4861 §5.1).
    pub fn default_routers(&self, link: LinkId) -> impl Iterator<Item = &Router> {
        self.autoconf.link(link).into_iter().flat_map(|state| state.discovery.routers())
    }

    /// The hop limit that routers gave for a link.
    pub(crate) fn advertised_hop_limit(&self, link: LinkId) -> Option<u8> {
        self.autoconf.link(link).map(|state| state.discovery.hop_limit).filter(|&limit| limit > 0)
    }

    /// The largest IPv6 packet of a link: its MTU, or what routers said if that is less (RFC 4861 §6.3.4).
    pub(crate) fn ipv6_mtu(&self, link: LinkId) -> Option<u32> {
        let mtu = self.links.config(link)?.mtu;
        let advertised = self.autoconf.link(link).map_or(0, |state| state.discovery.mtu);
        Some(if advertised == 0 { mtu } else { mtu.min(advertised) })
    }

    /// `RetransTimer` of a link.
    pub(crate) fn retrans_time(&self, link: LinkId) -> Duration {
        self.autoconf.link(link).and_then(|state| state.discovery.retrans).unwrap_or(RETRANS)
    }

    /// True if router advertisements of this link are believed: a router does not believe other routers (RFC 4861 §6.2.7).
    pub(crate) fn hears_routers(&self, link: LinkId) -> bool {
        !self.config.ipv6.forwarding && self.link_settings(link).is_some_and(|settings| settings.accept_ra)
    }

    /// RFC 4861 §6.3.4
    pub(super) fn router_advertised(&mut self, packet: &Packet, advertisement: &RouterAdvertisement) {
        let link = packet.link;
        if !self.hears_routers(link) || self.addresses.is_local_on(link, packet.src) {
            return self.links.base.discard(Some(link), Discard::NdpMalformed, packet.len);
        }
        self.take_parameters(link, advertisement);
        self.learn(link, packet.src, advertisement.source_mac);
        self.update_router(link, packet.src, advertisement);
        for information in &advertisement.prefixes {
            self.update_prefix(link, information);
            if self.link_settings(link).is_some_and(|settings| settings.autoconf) {
                self.advertised_for_addresses(link, information);
            }
        }
        if advertisement.lifetime > 0 {
            // RFC 7559 §2: who is no default router is no answer.
            self.stop_solicitation(link);
        }
        self.schedule_discovery(link);
    }

    /// Hop limit, times and MTU of the link; zero leaves one as it is. Values that no link has are not believed.
    fn take_parameters(&mut self, link: LinkId, advertisement: &RouterAdvertisement) {
        const HOUR_MS: u32 = 3_600_000;
        let believed = |millis: u32| if millis <= HOUR_MS { millis } else { 0 };
        let (reachable, retrans) = (believed(advertisement.reachable_ms), believed(advertisement.retrans_ms));
        if reachable != 0 || retrans != 0 {
            self.links.neighbour_times(link, reachable, retrans);
        }
        let mtu_of_link = self.links.config(link).map_or(0, |config| config.mtu);
        let Some(state) = self.autoconf.link_mut(link) else { return };
        let discovery = &mut state.discovery;
        let hop_limit_changes = advertisement.hop_limit != 0 && advertisement.hop_limit != discovery.hop_limit;
        if hop_limit_changes {
            discovery.hop_limit = advertisement.hop_limit;
        }
        if retrans != 0 {
            // Linux takes nothing below 10 ms.
            discovery.retrans = Some(Duration::from_millis(u64::from(retrans.max(10))));
        }
        let mtu = advertisement.mtu.filter(|mtu| (1280..=mtu_of_link).contains(mtu) && discovery.mtu != *mtu);
        if let Some(mtu) = mtu {
            discovery.mtu = mtu;
        }
        // Headers that were made have the hop limit in them.
        if hop_limit_changes || mtu.is_some() {
            self.routes.changed();
        }
    }

    /// The list of default routers and their routes follow an advertisement.
    fn update_router(&mut self, link: LinkId, addr: Addr, advertisement: &RouterAdvertisement) {
        let until = self.links.base.now + Duration::from_secs(u64::from(advertisement.lifetime));
        let Some(state) = self.autoconf.link_mut(link) else { return };
        if advertisement.lifetime == 0 || !state.settings.accept_ra_defrtr {
            return self.forget_router(link, addr);
        }
        let preference = advertisement.preference;
        let routers = &mut state.discovery.routers;
        let known = routers.iter_mut().find(|router| router.addr == addr);
        let unchanged = known.as_ref().is_some_and(|router| router.preference == preference);
        match known {
            Some(router) if unchanged => router.until = until,
            Some(_) => {
                self.forget_router(link, addr);
                self.add_router(link, Router { addr, preference, until });
            }
            None => self.add_router(link, Router { addr, preference, until }),
        }
    }

    fn add_router(&mut self, link: LinkId, router: Router) {
        let Some(state) = self.autoconf.link_mut(link) else { return };
        if state.discovery.routers.len() < MAX_ROUTERS {
            state.discovery.routers.push(router);
            self.install_default_routes();
        }
    }

    /// A router is no default router any more.
    pub(crate) fn forget_router(&mut self, link: LinkId, addr: Addr) {
        let Some(state) = self.autoconf.link_mut(link) else { return };
        let routers = &mut state.discovery.routers;
        if let Some(at) = routers.iter().position(|router| router.addr == addr) {
            routers.remove(at);
            self.install_default_routes();
        }
    }

    /// The routes to all default routers, anew. They have one metric, for a silent router is passed over whatever its preference
    /// (RFC 4191 §3.2); among the others the table keeps to this order.
    fn install_default_routes(&mut self) {
        self.routes.remove(everywhere(), |entry| entry.origin == Origin::Advertised);
        let mut routers: Vec<(LinkId, Router)> = Vec::new();
        for link in self.links.ids() {
            routers.extend(self.default_routers(link).map(|router| (link, *router)));
        }
        routers.sort_by_key(|(_, router)| Reverse(router.preference));
        for (link, router) in routers {
            let via = Via::Gateway(router.addr);
            self.routes.insert(Entry { dst: everywhere(), via, link, metric: METRIC, origin: Origin::Advertised });
        }
    }

    fn add_prefix_route(&mut self, link: LinkId, prefix: Cidr) {
        let entry = Entry { dst: prefix, via: Via::OnLink, link, metric: PREFIX_METRIC, origin: Origin::Advertised };
        self.routes.insert(entry);
    }

    fn remove_prefix_route(&mut self, link: LinkId, prefix: Cidr) {
        self.routes.remove(prefix, |entry| entry.link == link && entry.origin == Origin::Advertised);
    }

    /// RFC 4861 §6.3.4, last part: the list of prefixes on the link.
    fn update_prefix(&mut self, link: LinkId, information: &PrefixInformation) {
        let &PrefixInformation { prefix, on_link, valid, .. } = information;
        if !on_link || prefix.addr.is_link_local() || prefix.addr.is_multicast() {
            return;
        }
        let until = end_of(self.links.base.now, valid);
        let Some(state) = self.autoconf.link_mut(link) else { return };
        let prefixes = &mut state.discovery.prefixes;
        match prefixes.iter().position(|known| known.prefix == prefix) {
            Some(at) if valid > 0 => prefixes[at].until = until,
            Some(at) => {
                prefixes.remove(at);
                self.remove_prefix_route(link, prefix);
            }
            None if valid > 0 && prefixes.len() < MAX_PREFIXES => {
                prefixes.push(OnLink { prefix, until });
                self.add_prefix_route(link, prefix);
            }
            None => {}
        }
    }

    /// The link went down or away: nothing that its routers said holds any more.
    pub(crate) fn forget_routers(&mut self, link: LinkId) {
        let Some(state) = self.autoconf.link_mut(link) else { return };
        let gone = core::mem::take(&mut state.discovery);
        // Headers were made with what routers said, and what is remembered of routes has their MTU.
        self.routes.changed();
        if !gone.routers.is_empty() {
            self.install_default_routes();
        }
        for known in &gone.prefixes {
            self.remove_prefix_route(link, known.prefix);
        }
        self.schedule_discovery(link);
    }

    /// Arms a link's timer for whatever comes next: a solicitation, an advertisement, the end of a router or a prefix.
    pub(super) fn schedule_discovery(&mut self, link: LinkId) {
        let Some(state) = self.autoconf.link_mut(link) else { return };
        let advertisement = state.advertiser.as_ref().map_or(Instant::NEVER, Advertiser::next);
        let next = state.discovery.next_event().min(advertisement);
        let old = state.timer.take();
        let timers = &mut self.links.base.timers;
        if let Some(timer) = old {
            timers.cancel(timer);
        }
        if next.is_set() {
            let timer = Timer { owner: TimerOwner::Autoconf, key: LINK_TIMER | u64::from(link.0) };
            state.timer = Some(timers.arm(next, timer));
        }
    }

    /// A link's timer fired.
    pub(crate) fn discovery_timer(&mut self, link: LinkId) {
        let now = self.links.base.now;
        let Some(state) = self.autoconf.link_mut(link) else { return };
        state.timer = None;
        let advertise = state.advertiser.as_ref().is_some_and(|advertiser| advertiser.next() <= now);
        if state.discovery.solicitation.next.is_some_and(|next| next <= now) {
            self.solicit_routers(link);
        }
        if advertise {
            self.advertise_now(link);
        }
        self.expire_routers(link, now);
        self.schedule_discovery(link);
    }

    /// RFC 4861 §6.3.5
    fn expire_routers(&mut self, link: LinkId, now: Instant) {
        let Some(state) = self.autoconf.link_mut(link) else { return };
        let routers: Vec<Addr> = state.discovery.routers.iter().filter(|r| r.until <= now).map(|r| r.addr).collect();
        let (gone, kept) = state.discovery.prefixes.iter().partition(|prefix| prefix.until <= now);
        state.discovery.prefixes = kept;
        let gone: Vec<OnLink> = gone;
        for addr in routers {
            self.forget_router(link, addr);
        }
        for known in gone {
            self.remove_prefix_route(link, known.prefix);
        }
    }
}
