//! The states of a neighbour and what an advertisement does to them.

use super::super::mac::Mac;

/// What is known of a neighbour (RFC 4861 §7.3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NeighbourState {
    /// It is being asked for; packets wait.
    Incomplete,
    /// It answered, or showed otherwise that it hears us, not long ago.
    Reachable,
    /// Its link address is known, but whether it is still there is not.
    Stale,
    /// A packet was sent to a stale one; the layers above have a moment to tell of progress.
    Delay,
    /// It is being asked whether it is still there.
    Probe,
    /// It did not answer.
    Failed,
    /// Set by the user; never changes.
    Permanent,
}

impl NeighbourState {
    /// True if a link address is known and in use.
    pub const fn is_resolved(self) -> bool {
        !matches!(self, Self::Incomplete | Self::Failed)
    }
}

/// A neighbour advertisement, as far as the cache cares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Advert {
    /// The target link address option.
    pub(super) mac: Option<Mac>,
    /// S: it answers a solicitation of ours.
    pub(super) solicited: bool,
    /// O: it may replace a link address that is known.
    pub(super) overrides: bool,
    /// R: the sender is a router.
    pub(super) router: bool,
}

/// What changes; none of a field: nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Change {
    pub(super) mac: Option<Mac>,
    pub(super) state: Option<NeighbourState>,
    pub(super) router: Option<bool>,
}

/// What an advertisement changes (RFC 4861 §7.2.5). `known` is the link address in the cache; it counts only if resolved.
pub(super) fn advertised(state: NeighbourState, known: Option<Mac>, advert: &Advert) -> Change {
    use NeighbourState::{Permanent, Reachable, Stale};
    let Advert { mac, solicited, overrides, router } = *advert;
    if state == Permanent {
        return Change::default();
    }
    if !state.is_resolved() {
        // "If the link layer has addresses and no Target Link-Layer Address option is included, [...] silently discard."
        let Some(mac) = mac else { return Change::default() };
        let state = if solicited { Reachable } else { Stale };
        return Change { mac: Some(mac), state: Some(state), router: Some(router) };
    }
    let new = mac.filter(|_| mac != known);
    if new.is_some() && !overrides {
        let state = (state == Reachable).then_some(Stale);
        return Change { state, ..Change::default() };
    }
    let state = match (solicited, new) {
        (true, _) => Some(Reachable),
        (false, Some(_)) => Some(Stale),
        (false, None) => None,
    };
    Change { mac: new, state, router: Some(router) }
}

/// What a link address that came along with something else changes (RFC 4861 §7.2.3, 6.3.4, 8.3): a new one is STALE.
pub(super) fn learnt(state: NeighbourState, known: Option<Mac>, mac: Mac) -> Change {
    let news = !state.is_resolved() || known != Some(mac);
    if state == NeighbourState::Permanent || !news {
        return Change::default();
    }
    Change { mac: Some(mac), state: Some(NeighbourState::Stale), router: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use NeighbourState::{Delay, Failed, Incomplete, Permanent, Probe, Reachable, Stale};

    const OLD: Mac = Mac([2, 0, 0, 0, 0, 1]);
    const NEW: Mac = Mac([2, 0, 0, 0, 0, 2]);

    fn change(
        state: NeighbourState,
        mac: Option<Mac>,
        solicited: bool,
        overrides: bool,
    ) -> (Option<Mac>, Option<NeighbourState>) {
        let known = state.is_resolved().then_some(OLD);
        let advert = Advert { mac, solicited, overrides, router: true };
        let change = advertised(state, known, &advert);
        (change.mac, change.state)
    }

    /// RFC 4861 §7.2.5 and the table of its appendix C.
    #[test]
    fn an_advertisement_changes_what_the_table_says() {
        let rows = [
            // state, link address, S, O -> link address, state
            (Incomplete, None, true, true, None, None),
            (Incomplete, Some(NEW), false, false, Some(NEW), Some(Stale)),
            (Incomplete, Some(NEW), true, false, Some(NEW), Some(Reachable)),
            (Failed, Some(NEW), true, false, Some(NEW), Some(Reachable)),
            (Reachable, Some(NEW), true, false, None, Some(Stale)),
            (Reachable, Some(NEW), false, false, None, Some(Stale)),
            (Stale, Some(NEW), true, false, None, None),
            (Delay, Some(NEW), true, false, None, None),
            (Probe, Some(NEW), true, false, None, None),
            (Probe, Some(NEW), false, false, None, None),
            (Reachable, Some(OLD), true, false, None, Some(Reachable)),
            (Stale, Some(OLD), true, false, None, Some(Reachable)),
            (Probe, None, true, false, None, Some(Reachable)),
            (Probe, None, true, true, None, Some(Reachable)),
            (Probe, Some(OLD), false, false, None, None),
            (Delay, None, false, true, None, None),
            (Reachable, Some(NEW), true, true, Some(NEW), Some(Reachable)),
            (Probe, Some(NEW), true, true, Some(NEW), Some(Reachable)),
            (Reachable, Some(NEW), false, true, Some(NEW), Some(Stale)),
            (Probe, Some(NEW), false, true, Some(NEW), Some(Stale)),
            (Stale, Some(OLD), false, true, None, None),
            (Permanent, Some(NEW), true, true, None, None),
        ];
        for (state, mac, solicited, overrides, new_mac, new_state) in rows {
            let expected = (new_mac, new_state);
            assert_eq!(change(state, mac, solicited, overrides), expected, "{state:?} {mac:?} S={solicited} O={overrides}");
        }
    }

    /// RFC 4861 §7.2.5: the router flag is not touched where the advertisement is not believed.
    #[test]
    fn the_router_flag_follows_only_an_advertisement_that_counts() {
        let advert = |overrides| Advert { mac: Some(NEW), solicited: true, overrides, router: true };
        assert_eq!(advertised(Stale, Some(OLD), &advert(false)).router, None);
        assert_eq!(advertised(Stale, Some(OLD), &advert(true)).router, Some(true));
        assert_eq!(advertised(Incomplete, None, &advert(false)).router, Some(true));
    }

    #[test]
    fn what_is_learnt_by_the_way_is_stale_if_it_is_news() {
        assert_eq!(learnt(Reachable, Some(OLD), OLD), Change::default());
        assert_eq!(learnt(Reachable, Some(OLD), NEW).state, Some(Stale));
        assert_eq!(learnt(Incomplete, None, NEW).state, Some(Stale));
        assert_eq!(learnt(Permanent, Some(OLD), NEW), Change::default());
    }
}
