//! `RTM_GETROUTE`: the routes, and the one to a destination.

use loggia_stack::base::{Addr, Cidr, Version};
use loggia_stack::engine::Stack;
use loggia_stack::network::routes::{Entry, Origin, Via};

use super::super::interface::{self, Interface};
use super::numbers::*;
use super::reply::{Body, Reply};
use super::request::Request;

/// Bytes of `struct rtmsg`.
const RTMSG: usize = 12;

/// A route as it is told.
struct Told {
    dst: Cidr,
    table: u8,
    protocol: u8,
    scope: u8,
    kind: u8,
    gateway: Option<Addr>,
    source: Option<Addr>,
    link: Option<u16>,
    metric: u32,
    /// It was looked up (`RTM_F_CLONED`).
    looked_up: bool,
}

/// All routes of the family that is asked for: first those of the table that people set, then what is local to the host.
pub(super) fn list(reply: &mut Reply, request: &Request<'_>, stack: &Stack, interfaces: &[Interface]) {
    let wanted = request.family();
    let of_family = |addr: Addr| !interface::is_internet(wanted) || interface::family(addr) == wanted;
    let routes = stack.routes().into_iter().map(|entry| route(&entry, interfaces));
    for told in routes.chain(local(interfaces)).filter(|told| of_family(told.dst.addr)) {
        reply.message(request, libc::RTM_NEWROUTE, libc::NLM_F_MULTI, |body| describe(body, &told));
    }
}

/// The destination a question names. `EINVAL`
pub(super) fn destination(request: &Request<'_>) -> Result<Addr, i32> {
    let dst = request.attribute(RTMSG, libc::RTA_DST).and_then(address).unwrap_or_else(|| any(request.family()));
    let other = interface::is_internet(request.family()) && interface::family(dst) != request.family();
    if other || request.body.len() < RTMSG { Err(libc::EINVAL) } else { Ok(dst) }
}

/// The route to a destination (`ip route get`), and from which address it would be sent to. `EINVAL`, `ENETUNREACH`, `EHOSTUNREACH`,
/// `EACCES`
pub(super) fn one(
    reply: &mut Reply,
    request: &Request<'_>,
    stack: &Stack,
    interfaces: &[Interface],
    dst: Addr,
    source: Option<Addr>,
) -> Result<(), i32> {
    let found = match local(interfaces).find(|told| told.kind == libc::RTN_LOCAL && told.dst.addr == dst) {
        Some(told) => told,
        None => {
            let entry = stack.routes().into_iter().find(|entry| entry.dst.addr.is_v4() == dst.is_v4() && entry.dst.contains(dst));
            let entry = entry.ok_or(libc::ENETUNREACH)?;
            match entry.via {
                Via::Blackhole => return Err(libc::EINVAL),
                Via::Unreachable => return Err(libc::EHOSTUNREACH),
                Via::Prohibit => return Err(libc::EACCES),
                Via::OnLink | Via::Gateway(_) => route(&entry, interfaces),
            }
        }
    };
    let told = Told {
        dst: Cidr::host(dst),
        source: source.or(found.source),
        protocol: libc::RTPROT_UNSPEC,
        scope: libc::RT_SCOPE_UNIVERSE,
        metric: 0,
        looked_up: true,
        ..found
    };
    reply.message(request, libc::RTM_NEWROUTE, 0, |body| describe(body, &told));
    Ok(())
}

fn any(family: u8) -> Addr {
    Addr::any(if i32::from(family) == libc::AF_INET6 { Version::V6 } else { Version::V4 })
}

fn address(bytes: &[u8]) -> Option<Addr> {
    match bytes.len() {
        4 => Some(Addr::from_v4(*bytes.first_chunk()?)),
        16 => Some(Addr::from_v6(*bytes.first_chunk()?)),
        _ => None,
    }
}

/// A route of the table.
fn route(entry: &Entry, interfaces: &[Interface]) -> Told {
    let (kind, gateway) = match entry.via {
        Via::OnLink => (libc::RTN_UNICAST, None),
        Via::Gateway(gateway) => (libc::RTN_UNICAST, Some(gateway)),
        Via::Blackhole => (libc::RTN_BLACKHOLE, None),
        Via::Unreachable => (libc::RTN_UNREACHABLE, None),
        Via::Prohibit => (libc::RTN_PROHIBIT, None),
    };
    let (v4, on_link) = (entry.dst.addr.is_v4(), entry.via == Via::OnLink);
    let interface = interfaces.iter().find(|interface| interface.link() == entry.link);
    // What leads to the host itself stands in its own table, as on Linux.
    let loopback = v4 && entry.origin == Origin::Connected && entry.dst.addr.is_loopback();
    let source = interface.and_then(|interface| {
        let own = interface.addresses.iter().map(|assigned| assigned.cidr);
        own.filter(|own| v4 && on_link && own.network() == entry.dst.network() && own.prefix == entry.dst.prefix)
            .map(|own| own.addr)
            .next()
    });
    Told {
        dst: entry.dst,
        table: if loopback { libc::RT_TABLE_LOCAL } else { libc::RT_TABLE_MAIN },
        protocol: match entry.origin {
            Origin::Connected => libc::RTPROT_KERNEL,
            Origin::Static => libc::RTPROT_STATIC,
            Origin::Advertised => RTPROT_RA,
        },
        scope: match (loopback, v4 && on_link) {
            (true, _) => libc::RT_SCOPE_HOST,
            (false, true) => libc::RT_SCOPE_LINK,
            (false, false) => libc::RT_SCOPE_UNIVERSE,
        },
        kind: if loopback { libc::RTN_LOCAL } else { kind },
        gateway,
        source,
        link: Some(entry.link.0).filter(|_| kind == libc::RTN_UNICAST),
        metric: match (v4, entry.metric, entry.origin) {
            (false, 0, Origin::Connected) => 256,
            (false, 0, _) => 1024,
            (_, metric, _) => metric,
        },
        looked_up: false,
    }
}

/// What is local to the host: its addresses, and those of all on their networks.
fn local(interfaces: &[Interface]) -> impl Iterator<Item = Told> {
    interfaces.iter().flat_map(|interface| {
        let told = |addr, kind, scope, source| Told {
            dst: Cidr::host(addr),
            table: libc::RT_TABLE_LOCAL,
            protocol: libc::RTPROT_KERNEL,
            scope,
            kind,
            gateway: None,
            source,
            link: Some(interface.index),
            metric: 0,
            looked_up: false,
        };
        interface.addresses.iter().filter(|assigned| assigned.state.usable()).flat_map(move |assigned| {
            let addr = assigned.cidr.addr;
            let (scope, source) = if addr.is_v4() { (libc::RT_SCOPE_HOST, Some(addr)) } else { (libc::RT_SCOPE_UNIVERSE, None) };
            let own = told(addr, libc::RTN_LOCAL, scope, source);
            let broadcast = interface.broadcast(assigned);
            let all = broadcast.map(|broadcast| told(broadcast, libc::RTN_BROADCAST, libc::RT_SCOPE_LINK, Some(addr)));
            std::iter::once(own).chain(all)
        })
    })
}

fn describe(body: &mut Body, told: &Told) {
    let Told { dst, table, protocol, scope, kind, gateway, source, link, metric, looked_up } = told;
    body.put(&[interface::family(dst.addr), dst.prefix, 0, 0, *table, *protocol, *scope, *kind]);
    body.put(&(if *looked_up { libc::RTM_F_CLONED } else { 0 }).to_ne_bytes());
    body.number(libc::RTA_TABLE, u32::from(*table));
    if dst.prefix > 0 {
        body.attribute(libc::RTA_DST, &interface::octets(dst.addr));
    }
    if *metric != 0 {
        body.number(libc::RTA_PRIORITY, *metric);
    }
    if let Some(source) = source {
        body.attribute(libc::RTA_PREFSRC, &interface::octets(*source));
    }
    if let Some(gateway) = gateway {
        body.attribute(libc::RTA_GATEWAY, &interface::octets(*gateway));
    }
    if let Some(link) = link {
        body.number(libc::RTA_OIF, u32::from(*link));
    }
}
