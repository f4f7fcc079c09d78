//! `RTM_GETLINK`: the interfaces.

use loggia_stack::link::{LinkStats, Medium};

use super::super::interface::Interface;
use super::super::ioctl::QUEUE_LENGTH;
use super::numbers::*;
use super::reply::{Body, Reply};
use super::request::{Request, u32_at};

/// Bytes of `struct ifinfomsg`.
const IFINFOMSG: usize = 16;

/// All interfaces. A bridge's ports are asked for by a family of their own; there are none.
pub(super) fn list(reply: &mut Reply, request: &Request<'_>, interfaces: &[Interface]) {
    for interface in interfaces.iter().filter(|_| request.family() != AF_BRIDGE) {
        reply.message(request, libc::RTM_NEWLINK, libc::NLM_F_MULTI, |body| describe(body, interface));
    }
}

/// One interface, by its number or name. `EINVAL`, `ENODEV`
pub(super) fn one(reply: &mut Reply, request: &Request<'_>, interfaces: &[Interface]) -> Result<(), i32> {
    let index = u32_at(request.body, 4).ok_or(libc::EINVAL)?;
    let name = request.attribute(IFINFOMSG, IFLA_IFNAME).or_else(|| request.attribute(IFINFOMSG, IFLA_ALT_IFNAME));
    let name = name.map(|name| name.split(|byte| *byte == 0).next().unwrap_or(name));
    if index == 0 && name.is_none() {
        return Err(libc::EINVAL);
    }
    let is_it = |interface: &&Interface| match index {
        0 => name == Some(interface.name.as_bytes()),
        index => u32::from(interface.index) == index,
    };
    let found = interfaces.iter().find(is_it).ok_or(libc::ENODEV)?;
    reply.message(request, libc::RTM_NEWLINK, 0, |body| describe(body, found));
    Ok(())
}

fn describe(body: &mut Body, interface: &Interface) {
    body.put(&[libc::AF_UNSPEC as u8, 0]);
    body.put(&interface.hardware().to_ne_bytes());
    body.put(&i32::from(interface.index).to_ne_bytes());
    body.put(&interface.flags().to_ne_bytes());
    body.put(&0u32.to_ne_bytes());
    body.text(IFLA_IFNAME, &interface.name);
    body.number(IFLA_TXQLEN, QUEUE_LENGTH);
    body.attribute(IFLA_OPERSTATE, &[operational(interface)]);
    body.attribute(IFLA_LINKMODE, &[0]);
    body.number(IFLA_MTU, interface.mtu);
    body.number(IFLA_GROUP, 0);
    body.text(IFLA_QDISC, "noqueue");
    if let Some((mac, broadcast)) = interface.link_addresses() {
        body.attribute(IFLA_ADDRESS, &mac.0);
        body.attribute(IFLA_BROADCAST, &broadcast.0);
    }
    let counts = counts(&interface.stats);
    body.attribute(IFLA_STATS64, &counts.map(u64::to_ne_bytes).concat());
    body.attribute(IFLA_STATS, &counts.map(|count| (count as u32).to_ne_bytes()).concat());
}

fn operational(interface: &Interface) -> u8 {
    match (interface.medium, interface.up) {
        (_, false) => OPERSTATE_DOWN,
        (Medium::Loopback | Medium::Ip, true) => OPERSTATE_UNKNOWN,
        (Medium::Ethernet { .. }, true) => OPERSTATE_UP,
    }
}

/// `struct rtnl_link_stats64`, as far as something is counted.
fn counts(stats: &LinkStats) -> [u64; 24] {
    let LinkStats { rx_packets, rx_bytes, rx_dropped, tx_packets, tx_bytes, tx_dropped } = *stats;
    let mut counts = [0; 24];
    counts[..8].copy_from_slice(&[rx_packets, tx_packets, rx_bytes, tx_bytes, 0, 0, rx_dropped, tx_dropped]);
    counts
}
