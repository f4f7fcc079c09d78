//! The best address first: RFC 6724 §6.

use std::cmp::Ordering;
use std::net::{IpAddr, SocketAddr};

use loggia_stack::base::Addr;
use loggia_stack::engine::Stack;
use loggia_stack::network::addresses::policy::{policy, scope};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::SOCK_DGRAM;

use crate::host::Host;
use crate::socket::{address, family};

/// A destination with the source that the host would send from; none if it cannot send there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Destination {
    addr: Addr,
    source: Option<Addr>,
}

/// A rule: `Less` if `a` is to be tried before `b`, `Equal` if the rule does not tell. Not here: rule 3 (a source in use is never
/// deprecated where there is another), rule 4 (home addresses) and rule 7 (native transport), of which the host knows nothing.
type Rule = fn(a: &Destination, b: &Destination) -> Ordering;

const RULES: [Rule; 6] = [usable, matching_scope, matching_label, higher_precedence, smaller_scope, longest_prefix];

/// Rule 1: avoid what cannot be reached.
fn usable(a: &Destination, b: &Destination) -> Ordering {
    b.source.is_some().cmp(&a.source.is_some())
}

/// Rule 2: prefer a destination that reaches as far as its source.
fn matching_scope(a: &Destination, b: &Destination) -> Ordering {
    let matches = |d: &Destination| d.source.is_some_and(|source| scope(source) == scope(d.addr));
    matches(b).cmp(&matches(a))
}

/// Rule 5: prefer a destination with the label of its source.
fn matching_label(a: &Destination, b: &Destination) -> Ordering {
    let matches = |d: &Destination| d.source.is_some_and(|source| policy(source).label == policy(d.addr).label);
    matches(b).cmp(&matches(a))
}

/// Rule 6: prefer higher precedence.
fn higher_precedence(a: &Destination, b: &Destination) -> Ordering {
    policy(b.addr).precedence.cmp(&policy(a.addr).precedence)
}

/// Rule 8: prefer the smaller scope.
fn smaller_scope(a: &Destination, b: &Destination) -> Ordering {
    scope(a.addr).cmp(&scope(b.addr))
}

/// Rule 9: prefer what has more in common with its source. For IPv6 only, as most do: for IPv4 it would undo the order in which servers
/// spread their clients over addresses (RFC 6724 §10.5 has the discussion).
fn longest_prefix(a: &Destination, b: &Destination) -> Ordering {
    let common = |d: &Destination| d.source.map_or(0, |source| source.common_prefix(d.addr));
    if a.addr.is_v4() || b.addr.is_v4() { Ordering::Equal } else { common(b).cmp(&common(a)) }
}

/// Sorts; what no rule tells apart stays in the order in which it came (rule 10).
fn sort(destinations: &mut [Destination]) {
    destinations.sort_by(|a, b| RULES.iter().map(|rule| rule(a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal));
}

/// Sorts addresses for a host.
pub(super) fn best_first(host: &Host, addrs: &mut Vec<IpAddr>) {
    if addrs.len() < 2 {
        return;
    }
    let mut destinations: Vec<_> =
        host.with(|stack, _| addrs.iter().map(|ip| Destination { addr: Addr::from(*ip), source: source(stack, *ip) }).collect());
    sort(&mut destinations);
    *addrs = destinations.into_iter().map(|destination| destination.addr.into()).collect();
}

/// From where a host would send there: what a socket is bound to that is connected to it.
fn source(stack: &mut Stack, to: IpAddr) -> Option<Addr> {
    // Any port will do; nothing is sent.
    let to = SocketAddr::new(to, 9);
    let socket = stack.socket(family(&to), SOCK_DGRAM, 0).ok()?;
    let name = stack.connect(socket, &address(to)).and_then(|()| stack.getsockname(socket));
    // It was opened a moment ago.
    let _ = stack.close(socket);
    match name.ok()? {
        Address::Inet(addr) | Address::Inet6 { addr, .. } => Some(addr.addr).filter(|addr| !addr.is_unspecified()),
        Address::Unspecified | Address::Unix(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sorted destinations of pairs of destination and source.
    fn sorted(pairs: &[(&str, &str)]) -> Vec<String> {
        let read =
            |(addr, source): &(&str, &str)| Destination { addr: addr.parse().expect("an address"), source: source.parse().ok() };
        let mut destinations: Vec<_> = pairs.iter().map(read).collect();
        sort(&mut destinations);
        destinations.iter().map(|destination| destination.addr.to_string()).collect()
    }

    /// RFC 6724 §10.2, as far as its examples are about the rules that are here.
    #[test]
    fn the_examples_of_the_rfc() {
        let cases: [&[(&str, &str)]; 8] = [
            // Prefer matching scope.
            &[("2001:db8:1::1", "2001:db8:1::2"), ("198.51.100.121", "169.254.13.78")],
            &[("198.51.100.121", "198.51.100.117"), ("2001:db8:1::1", "fe80::1")],
            // Prefer higher precedence.
            &[("2001:db8:1::1", "2001:db8:1::2"), ("10.1.2.3", "10.1.2.4")],
            // Prefer smaller scope.
            &[("fe80::1", "fe80::2"), ("2001:db8:1::1", "2001:db8:1::2")],
            // Prefer matching label.
            &[("2002:c633:6401::1", "2002:c633:6401::2"), ("2001:db8:1::1", "2002:c633:6401::2")],
            // Prefer higher precedence.
            &[("10.1.2.3", "10.1.2.4"), ("2002:c633:6401::1", "2002:c633:6401::2")],
            &[("2001:db8:1::1", "2001:db8:1::2"), ("2002:c633:6401::1", "2002:c633:6401::2")],
            // Avoid unusable destinations.
            &[("10.1.2.3", "10.1.2.4"), ("2001:db8:1::1", "none")],
        ];
        for case in cases {
            let expected: Vec<String> = case.iter().map(|(addr, _)| (*addr).to_owned()).collect();
            let reversed: Vec<_> = case.iter().rev().copied().collect();
            assert_eq!((sorted(case), sorted(&reversed)), (expected.clone(), expected), "RFC 6724 §10.2");
        }
    }

    #[test]
    fn the_order_of_the_server_stays_where_no_rule_tells() {
        let of = |addrs: [&'static str; 2]| addrs.map(|addr| (addr, "192.0.2.77"));
        assert_eq!(sorted(&of(["192.0.2.1", "203.0.113.1"])), ["192.0.2.1", "203.0.113.1"]);
        assert_eq!(sorted(&of(["203.0.113.1", "192.0.2.1"])), ["203.0.113.1", "192.0.2.1"]);
        let close = sorted(&[("2001:db8:2::1", "2001:db8:1::2"), ("2001:db8:1::1", "2001:db8:1::2")]);
        assert_eq!(close, ["2001:db8:1::1", "2001:db8:2::1"], "RFC 6724 §6 rule 9");
    }
}
