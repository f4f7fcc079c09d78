//! Asking for routers (RFC 4861 §6.3.7), at growing distances until one answers (RFC 7559).

use crate::base::{Addr, Duration, Instant, LinkId};

use super::super::Network;
use super::Message;

/// `IRT` of RFC 7559 §2: the first distance between solicitations.
const INITIAL: Duration = Duration::from_secs(4);
/// `MRT` of RFC 7559 §2: the largest distance.
const LARGEST: Duration = Duration::from_secs(3600);

/// Solicitations of a link.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Solicitation {
    /// How many have been sent since the link came up.
    sent: u8,
    /// The present distance.
    distance: Duration,
    /// When the next is sent.
    pub next: Option<Instant>,
}

/// The distance after `present`, with `jitter` of -100..=100 thousandths (RFC 7559 §2, RFC 8415 §15).
fn next_distance(present: Duration, jitter: i32) -> Duration {
    let base = if present.is_zero() { INITIAL } else { (present * 2).min(LARGEST) };
    base * u32::try_from(1000 + jitter).unwrap_or(1000) / 1000
}

impl Network {
    /// Begins to ask for routers, unless we forward (RFC 4861 §6.2.2) or are not to hear them.
    ///
    /// RFC 4861 §6.3.7 wants a random delay before the first; duplicate detection of the link-local address has waited already.
    pub(crate) fn start_solicitation(&mut self, link: LinkId) {
        let now = self.links.base.now;
        let wanted = self.hears_routers(link) && self.links.is_up(link);
        let Some(state) = self.autoconf.link_mut(link) else { return };
        let answered = state.discovery.routers().next().is_some();
        let running = state.discovery.solicitation.next.is_some();
        if wanted && !answered && !running && state.settings.router_solicitations != Some(0) {
            state.discovery.solicitation = Solicitation { next: Some(now), ..Solicitation::default() };
            self.schedule_discovery(link);
        }
    }

    /// Ends asking: a router answered (RFC 4861 §6.3.7), or we do not want to know.
    pub(crate) fn stop_solicitation(&mut self, link: LinkId) {
        if let Some(state) = self.autoconf.link_mut(link) {
            state.discovery.solicitation.next = None;
            self.schedule_discovery(link);
        }
    }

    /// The next solicitation is due.
    pub(super) fn solicit_routers(&mut self, link: LinkId) {
        if !self.hears_routers(link) {
            return self.stop_solicitation(link);
        }
        let now = self.links.base.now;
        let jitter = self.links.base.entropy.below(201) as i32 - 100;
        let Some(state) = self.autoconf.link_mut(link) else { return };
        let solicitation = &mut state.discovery.solicitation;
        solicitation.sent = solicitation.sent.saturating_add(1);
        solicitation.distance = next_distance(solicitation.distance, jitter);
        let done = state.settings.router_solicitations.is_some_and(|most| solicitation.sent >= most);
        solicitation.next = (!done).then_some(now + solicitation.distance);
        let src = self.addresses.link_local(link).unwrap_or(Addr::V6_ANY);
        // RFC 4861 §4.1: nobody has no link address.
        let source_mac = if src.is_unspecified() { None } else { self.mac_of(link) };
        self.send_ndp(link, src, Addr::ALL_ROUTERS, &Message::RouterSolicitation { source_mac });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_double_up_to_an_hour() {
        // RFC 7559 §2
        let mut distance = Duration::ZERO;
        let all: alloc::vec::Vec<u64> = core::iter::repeat_with(|| {
            distance = next_distance(distance, 0);
            distance.as_secs()
        })
        .take(13)
        .collect();
        assert_eq!(all, [4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600, 3600]);
        assert_eq!(next_distance(Duration::ZERO, 100), Duration::from_millis(4400));
        assert_eq!(next_distance(Duration::ZERO, -100), Duration::from_millis(3600));
    }
}
