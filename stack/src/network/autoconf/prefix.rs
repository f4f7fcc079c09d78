//! From an advertised prefix to an address and its lifetimes (RFC 4862 §5.5.3).

use crate::base::{Cidr, Duration, Instant, Key, LinkId};

use super::super::Network;
use super::super::addresses::{AddrState, Assigned, Origin};
use super::super::ndp::PrefixInformation;
use super::MAX_ADVERTISED;

/// Within this time a valid lifetime cannot be cut short by an advertisement nobody signed (RFC 4862 §5.5.3 (e)).
const TWO_HOURS: Duration = Duration::from_secs(2 * 60 * 60);

/// The end of a lifetime in seconds that starts now; `u32::MAX` has none (RFC 4861 §4.6.2).
pub(crate) fn end_of(now: Instant, seconds: u32) -> Instant {
    if seconds == u32::MAX { Instant::NEVER } else { now + Duration::from_secs(u64::from(seconds)) }
}

/// The two-hour rule: until when an address is valid that was valid until `present` and is now advertised until `advertised`.
/// A forged advertisement can thus not take an address away at once (RFC 4862 §5.5.3 (e)).
fn valid_until(now: Instant, present: Instant, advertised: Instant) -> Instant {
    let soon = now + TWO_HOURS;
    if advertised > soon || advertised > present {
        advertised
    } else if present <= soon {
        present
    } else {
        soon
    }
}

impl Network {
    /// A prefix for making addresses with was advertised.
    pub(crate) fn advertised_for_addresses(&mut self, link: LinkId, information: &PrefixInformation) {
        let prefix = information.prefix;
        // RFC 4862 §5.5.3 (a)-(d); identifiers of 64 bits need prefixes of 64 (RFC 7136 §5).
        let unfit = !information.autonomous || prefix.addr.is_link_local() || prefix.prefix != 64;
        if unfit || prefix.addr.is_multicast() || information.preferred > information.valid {
            return;
        }
        match self.made_for(link, prefix) {
            Some(key) => self.renew(key, information),
            None if information.valid > 0 => self.make_advertised(link, information),
            None => {}
        }
    }

    /// The address we made for a prefix.
    fn made_for(&self, link: LinkId, prefix: Cidr) -> Option<Key> {
        let made = |key: &&Key| {
            let assigned = self.addresses.by_key(**key);
            assigned.is_some_and(|assigned| assigned.origin == Origin::Advertised && prefix.contains(assigned.cidr.addr))
        };
        self.addresses.keys_of(link).iter().find(made).copied()
    }

    fn make_advertised(&mut self, link: LinkId, information: &PrefixInformation) {
        let now = self.links.base.now;
        let made = self.addresses.on_link(link).filter(|assigned| assigned.origin == Origin::Advertised).count();
        if made >= MAX_ADVERTISED {
            return;
        }
        let Some((addr, dad_counter)) = self.stable_address(link, information.prefix, 0) else { return };
        self.assign(Assigned {
            dad_counter,
            preferred_until: end_of(now, information.preferred),
            valid_until: end_of(now, information.valid),
            ..Assigned::new(link, Cidr::new(addr, 64), Origin::Advertised)
        });
    }

    fn renew(&mut self, key: Key, information: &PrefixInformation) {
        let now = self.links.base.now;
        let Some(assigned) = self.addresses.by_key_mut(key) else { return };
        assigned.preferred_until = end_of(now, information.preferred);
        assigned.valid_until = valid_until(now, assigned.valid_until, end_of(now, information.valid));
        if assigned.state.usable() {
            let preferred = assigned.preferred_until > now;
            let state = if preferred { AddrState::Preferred } else { AddrState::Deprecated };
            self.set_state(key, state);
        }
        self.schedule_address(key);
    }

    /// Drops the addresses of a link that were made in this way.
    pub(super) fn drop_made(&mut self, link: LinkId, origin: Origin) {
        for key in self.addresses.keys_of(link).to_vec() {
            if self.addresses.by_key(key).is_some_and(|assigned| assigned.origin == origin) {
                self.drop_address(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_hour_rule() {
        // RFC 4862 §5.5.3 (e)
        let now = Instant::from_secs(100_000);
        let at = |hours: u64| now + Duration::from_secs(hours * 3600);
        assert_eq!(valid_until(now, at(10), at(3)), at(3), "1: more than two hours are believed");
        assert_eq!(valid_until(now, at(1), at(2)), at(2), "1: more than what remains is believed");
        assert_eq!(valid_until(now, at(1), at(0)), at(1), "2: less than two hours remain: they stay");
        assert_eq!(valid_until(now, at(10), at(1)), at(2), "3: else two hours");
        assert_eq!(valid_until(now, at(10), Instant::NEVER), Instant::NEVER);
        assert_eq!(valid_until(now, Instant::NEVER, at(0)), at(2));
    }

    #[test]
    fn infinity_is_all_ones() {
        assert_eq!(end_of(Instant::from_secs(5), u32::MAX), Instant::NEVER);
        assert_eq!(end_of(Instant::from_secs(5), 7), Instant::from_secs(12));
    }
}
