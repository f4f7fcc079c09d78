//! Being a router on a link: advertising it (RFC 4861 §6.2).
//!
//! ```text
//!   advertise()   at most 16 s      at most 16 s      at random between a third of the interval and the interval
//!   ├─ RA ───────────── RA ─────────────── RA ──────────────────────── RA ────── … ─┤ final RA, lifetime 0
//!                           RS heard: RA within half a second, 3 s after the last at the earliest
//! ```

use crate::base::{Addr, Duration, Errno, Instant, LinkId};
use crate::link::Mac;

use super::super::{Network, Packet};
use super::{Message, RouterAdvertisement};

/// `MAX_INITIAL_RTR_ADVERT_INTERVAL` (RFC 4861 §10).
const MAX_INITIAL_INTERVAL: Duration = Duration::from_secs(16);
/// `MAX_INITIAL_RTR_ADVERTISEMENTS`
const INITIAL: u8 = 3;
/// `MIN_DELAY_BETWEEN_RAS`
const MIN_DELAY: Duration = Duration::from_secs(3);
/// `MAX_RA_DELAY_TIME`
const MAX_ANSWER_DELAY: Duration = Duration::from_millis(500);

/// What is advertised on a link, and how often.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Advertising {
    /// The message; the link address is filled in. Its `lifetime` counts only while this host forwards.
    pub message: RouterAdvertisement,
    /// `MaxRtrAdvInterval`: 4 to 1800 seconds.
    pub max_interval: Duration,
}

impl Advertising {
    /// The defaults of RFC 4861 §6.2.1: every ten minutes at most, a lifetime of half an hour.
    pub const fn new(message: RouterAdvertisement) -> Self {
        Self { message, max_interval: Duration::from_secs(600) }
    }

    /// RFC 4861 §6.2.1
    fn is_sensible(&self) -> bool {
        let seconds = self.max_interval.as_secs();
        let lifetime = u64::from(self.message.lifetime);
        let lifetime_fits = lifetime == 0 || (seconds..=9000).contains(&lifetime);
        let fits = |prefix: &super::PrefixInformation| !prefix.prefix.addr.is_link_local() && prefix.preferred <= prefix.valid;
        (4..=1800).contains(&seconds) && lifetime_fits && self.message.prefixes.iter().all(fits)
    }
}

/// Advertising, going on.
#[derive(Debug)]
pub(crate) struct Advertiser {
    what: Advertising,
    /// When the next advertisement is sent.
    next: Instant,
    /// When the last one was.
    last: Option<Instant>,
    /// So many more at short distances.
    initial_left: u8,
}

impl Advertiser {
    /// When the next advertisement is sent.
    pub(super) const fn next(&self) -> Instant {
        self.next
    }

    /// RFC 4861 §6.2.6: a solicitation brings the next advertisement forward, but not too close to the last.
    fn answer_at(&mut self, now: Instant, delay: Duration) {
        let earliest = self.last.map_or(now, |last| last + MIN_DELAY);
        self.next = self.next.min((now + delay).max(earliest));
    }
}

impl Network {
    /// Starts to advertise this host as a router on a link, changes what it advertises, or (none) ends it with a last word.
    /// `ENODEV`, `EINVAL` for what RFC 4861 §6.2.1 does not allow.
    pub fn advertise(&mut self, link: LinkId, advertising: Option<Advertising>) -> Result<(), Errno> {
        if advertising.as_ref().is_some_and(|advertising| !advertising.is_sensible()) {
            return Err(Errno::EINVAL);
        }
        let now = self.links.base.now;
        let state = self.autoconf.link_mut(link).ok_or(Errno::ENODEV)?;
        let advertiser = advertising.map(|what| Advertiser { what, next: now, last: None, initial_left: INITIAL });
        let begins = advertiser.is_some();
        let former = core::mem::replace(&mut state.advertiser, advertiser);
        match (former, begins) {
            (None, true) => self.host_join(link, Addr::ALL_ROUTERS),
            (Some(former), false) => {
                // RFC 4861 §6.2.5: hosts are not to wait for the lifetime to run out.
                self.send_router_advertisement(link, RouterAdvertisement { lifetime: 0, ..former.what.message });
                self.host_leave(link, Addr::ALL_ROUTERS);
            }
            _ => {}
        }
        self.schedule_discovery(link);
        Ok(())
    }

    /// The link came up, or has an address to speak from: the next advertisements come at short distances again.
    pub(crate) fn restart_advertising(&mut self, link: LinkId) {
        let now = self.links.base.now;
        if let Some(advertiser) = self.autoconf.link_mut(link).and_then(|state| state.advertiser.as_mut()) {
            (advertiser.next, advertiser.initial_left) = (now, INITIAL);
            self.schedule_discovery(link);
        }
    }

    /// A host asks for routers (RFC 4861 §6.2.6).
    pub(super) fn router_solicited(&mut self, packet: &Packet, mac: Option<Mac>) {
        let (link, now) = (packet.link, self.links.base.now);
        let delay = self.random_within(MAX_ANSWER_DELAY);
        if let Some(advertiser) = self.autoconf.link_mut(link).and_then(|state| state.advertiser.as_mut()) {
            advertiser.answer_at(now, delay);
            self.schedule_discovery(link);
        }
        if self.config.ipv6.forwarding && !packet.src.is_unspecified() {
            self.learn(link, packet.src, mac);
        }
    }

    /// The next advertisement is due.
    pub(super) fn advertise_now(&mut self, link: LinkId) {
        let now = self.links.base.now;
        let share = self.links.base.entropy.below(1000);
        let Some(advertiser) = self.autoconf.link_mut(link).and_then(|state| state.advertiser.as_mut()) else { return };
        let initial = advertiser.initial_left > 0;
        advertiser.initial_left = advertiser.initial_left.saturating_sub(1);
        advertiser.last = Some(now);
        advertiser.next = now + next_interval(advertiser.what.max_interval, share, initial);
        let message = advertiser.what.message.clone();
        // RFC 4861 §6.2.5: who does not forward is no default router.
        let lifetime = if self.config.ipv6.forwarding { message.lifetime } else { 0 };
        self.send_router_advertisement(link, RouterAdvertisement { lifetime, ..message });
    }

    /// Without a link-local address nobody would believe it (RFC 4861 §6.1.2); it is sent when there is one.
    fn send_router_advertisement(&mut self, link: LinkId, message: RouterAdvertisement) {
        let Some(src) = self.addresses.link_local(link) else { return };
        let source_mac = self.mac_of(link);
        let message = Message::RouterAdvertisement(RouterAdvertisement { source_mac, ..message });
        self.send_ndp(link, src, Addr::ALL_NODES, &message);
    }
}

/// A time between `MinRtrAdvInterval`, a third of the largest, and the largest, at `share` thousandths of the way
/// (RFC 4861 §6.2.4).
fn next_interval(max: Duration, share: u32, initial: bool) -> Duration {
    let min = max / 3;
    let interval = min + max.saturating_sub(min) * share / 1000;
    if initial { interval.min(MAX_INITIAL_INTERVAL) } else { interval }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_lie_between_a_third_and_the_whole() {
        // RFC 4861 §6.2.1, §6.2.4
        let max = Duration::from_secs(600);
        assert_eq!(next_interval(max, 0, false), Duration::from_secs(200));
        assert_eq!(next_interval(max, 500, false), Duration::from_secs(400));
        assert_eq!(next_interval(max, 500, true), MAX_INITIAL_INTERVAL);
    }

    #[test]
    fn what_may_not_be_advertised() {
        // RFC 4861 §6.2.1
        let with = |seconds, lifetime| Advertising {
            message: RouterAdvertisement { lifetime, ..RouterAdvertisement::default() },
            max_interval: Duration::from_secs(seconds),
        };
        for (seconds, lifetime, sensible) in
            [(600, 1800, true), (600, 0, true), (3, 1800, false), (1801, 9000, false), (600, 599, false), (600, 9001, false)]
        {
            assert_eq!(with(seconds, lifetime).is_sensible(), sensible, "{seconds} {lifetime}");
        }
    }
}
