//! `RTM_GETADDR`: the addresses.

use loggia_stack::base::Instant;
use loggia_stack::network::addresses::Assigned;

use super::super::interface::{self, Interface};
use super::numbers::*;
use super::reply::{Body, Reply};
use super::request::{Request, u32_at};

/// Bytes of `struct ifaddrmsg`.
const IFADDRMSG: usize = 8;
/// A lifetime without end.
const FOREVER: u32 = u32::MAX;

/// All addresses of the family that is asked for, IPv4 first. With `strict` those of one interface, if one is named.
pub(super) fn list(reply: &mut Reply, request: &Request<'_>, interfaces: &[Interface], strict: bool, now: Instant) {
    let index = if strict && request.body.len() >= IFADDRMSG { u32_at(request.body, 4).unwrap_or(0) } else { 0 };
    let wanted = request.family();
    let families = [libc::AF_INET as u8, libc::AF_INET6 as u8].into_iter();
    for family in families.filter(|family| !interface::is_internet(wanted) || *family == wanted) {
        for interface in interfaces.iter().filter(|interface| index == 0 || u32::from(interface.index) == index) {
            for assigned in interface.addresses.iter().filter(|assigned| interface::family(assigned.cidr.addr) == family) {
                reply.message(request, libc::RTM_NEWADDR, libc::NLM_F_MULTI, |body| describe(body, interface, assigned, now));
            }
        }
    }
}

fn describe(body: &mut Body, interface: &Interface, assigned: &Assigned, now: Instant) {
    let (addr, prefix) = (assigned.cidr.addr, assigned.cidr.prefix);
    let flags = interface::address_flags(assigned);
    body.put(&[interface::family(addr), prefix, flags as u8, interface::scope(addr)]);
    body.put(&u32::from(interface.index).to_ne_bytes());
    let octets = interface::octets(addr);
    body.attribute(IFA_ADDRESS, &octets);
    if addr.is_v4() {
        body.attribute(IFA_LOCAL, &octets);
        if let Some(broadcast) = interface.broadcast(assigned) {
            body.attribute(IFA_BROADCAST, &broadcast.v4_octets());
        }
        body.text(IFA_LABEL, &interface.name);
    }
    body.number(IFA_FLAGS, flags);
    let lifetimes = [left(assigned.preferred_until, now), left(assigned.valid_until, now), 0, 0];
    body.attribute(IFA_CACHEINFO, &lifetimes.map(u32::to_ne_bytes).concat());
}

/// Seconds that are left.
fn left(until: Instant, now: Instant) -> u32 {
    if until.is_set() { u32::try_from(until.since(now).as_secs()).unwrap_or(FOREVER) } else { FOREVER }
}
