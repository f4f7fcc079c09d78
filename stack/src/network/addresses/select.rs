//! Which source address a packet gets: RFC 6724 §5 for IPv6, Linux's `inet_select_addr` for IPv4.
//!
//! Each rule is a pure comparison of two candidates; the first rule that prefers one decides. Not here: rule 4 (home
//! addresses, RFC 6275) and rule 7 (temporary addresses, RFC 8981), because this host has neither, and rule 5.5, which Linux does
//! not have either.

use core::cmp::Ordering;

use super::policy::{policy, scope};
use super::{AddrState, Addresses, Assigned};
use crate::base::{Addr, LinkId};

/// What the rules see of an address that could be the source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The address.
    pub addr: Addr,
    /// Length of its prefix: bits beyond it do not count for rule 8.
    pub prefix: u8,
    /// It is deprecated.
    pub deprecated: bool,
    /// It stands on the link the packet leaves by.
    pub outgoing: bool,
}

impl Candidate {
    fn new(assigned: &Assigned, link: LinkId) -> Self {
        Self {
            addr: assigned.cidr.addr,
            prefix: assigned.cidr.prefix,
            deprecated: assigned.state == AddrState::Deprecated,
            outgoing: assigned.link == link,
        }
    }
}

/// A rule: `Greater` if `a` is the better source for packets to `dst`, `Equal` if the rule does not tell.
type Rule = fn(a: &Candidate, b: &Candidate, dst: Addr) -> Ordering;

const RULES: [Rule; 6] = [same_address, appropriate_scope, not_deprecated, outgoing_link, matching_label, longest_prefix];

/// RFC 6724 §5 rule 1: prefer the destination itself.
fn same_address(a: &Candidate, b: &Candidate, dst: Addr) -> Ordering {
    (a.addr == dst).cmp(&(b.addr == dst))
}

/// RFC 6724 §5 rule 2: prefer the smallest scope that reaches the destination; failing that, the largest.
fn appropriate_scope(a: &Candidate, b: &Candidate, dst: Addr) -> Ordering {
    let (of_a, of_b, wanted) = (scope(a.addr), scope(b.addr), scope(dst));
    match of_a.cmp(&of_b) {
        Ordering::Less => {
            if of_a < wanted {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        Ordering::Greater => {
            if of_b < wanted {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        Ordering::Equal => Ordering::Equal,
    }
}

/// RFC 6724 §5 rule 3: avoid deprecated addresses.
fn not_deprecated(a: &Candidate, b: &Candidate, _dst: Addr) -> Ordering {
    b.deprecated.cmp(&a.deprecated)
}

/// RFC 6724 §5 rule 5: prefer the outgoing link's addresses.
fn outgoing_link(a: &Candidate, b: &Candidate, _dst: Addr) -> Ordering {
    a.outgoing.cmp(&b.outgoing)
}

/// RFC 6724 §5 rule 6: prefer the label of the destination.
fn matching_label(a: &Candidate, b: &Candidate, dst: Addr) -> Ordering {
    let fits = |candidate: &Candidate| policy(candidate.addr).label == policy(dst).label;
    fits(a).cmp(&fits(b))
}

/// RFC 6724 §5 rule 8: prefer the longest prefix in common with the destination, within the source's own prefix (§2.2).
fn longest_prefix(a: &Candidate, b: &Candidate, dst: Addr) -> Ordering {
    let common = |candidate: &Candidate| candidate.addr.common_prefix(dst).min(candidate.prefix);
    common(a).cmp(&common(b))
}

/// Which of two candidates is the better source for packets to `dst`; `Equal` if no rule tells.
pub fn compare(a: &Candidate, b: &Candidate, dst: Addr) -> Ordering {
    RULES.iter().map(|rule| rule(a, b, dst)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The best source for packets to `dst`. Where no rule tells, the last of the equals: Linux puts a new address in front of the
/// older ones of its scope and keeps the first.
pub fn best(candidates: impl Iterator<Item = Candidate>, dst: Addr) -> Option<Candidate> {
    candidates.reduce(|best, next| if compare(&next, &best, dst).is_ge() { next } else { best })
}

/// RFC 6724 §4: the candidates are the usable addresses of the host; for multicast and link-local destinations only those of
/// the outgoing link.
pub(super) fn source_v6(all: &Addresses, link: LinkId, dst: Addr) -> Option<Addr> {
    let own_link_only = dst.is_multicast() || dst.is_link_local();
    let eligible = |assigned: &&Assigned| {
        let addr = assigned.cidr.addr;
        let elsewhere = assigned.link != link && (own_link_only || addr.is_link_local() || addr.is_loopback());
        !addr.is_v4() && assigned.state.usable() && !elsewhere
    };
    best(all.iter().filter(eligible).map(|assigned| Candidate::new(assigned, link)), dst).map(|best| best.addr)
}

/// Like Linux: the first address of the link whose network contains the next hop; else the link's first primary address;
/// else the first primary address of another link that is not confined to it.
pub(super) fn source_v4(all: &Addresses, link: LinkId, next_hop: Addr) -> Option<Addr> {
    let here = |assigned: &&Assigned| assigned.cidr.addr.is_v4() && assigned.state.usable();
    let elsewhere = |assigned: &&Assigned| {
        let addr = assigned.cidr.addr;
        let confined = addr.is_loopback() || addr.is_link_local();
        here(assigned) && assigned.link != link && !confined && !all.is_secondary(assigned)
    };
    let same_network = all.on_link(link).filter(here).find(|assigned| assigned.cidr.contains(next_hop));
    let found = same_network.or_else(|| all.on_link(link).find(here)).or_else(|| all.iter().find(elsewhere));
    found.map(|assigned| assigned.cidr.addr)
}
