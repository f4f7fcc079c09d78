//! What a receive call tells beside the bytes of a datagram, or of the packet that brought an error: what the socket has asked for.

use alloc::vec::Vec;

use super::control::Control;
use super::layer::Sockets;
use super::record::{Record, Timestamps};
use super::semantics::Family;
use crate::base::{Addr, Errno, Instant, SockAddr, Version};
use crate::network::{Network, RouteQuery};
use crate::transport::datagram::{Datagram, RecvOptions};

/// What a datagram socket wants to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    recv: RecvOptions,
    timestamps: Timestamps,
    /// `SO_TIMESTAMPING`: when it arrived.
    stamped: bool,
    family: Family,
}

impl Sockets {
    pub(super) fn wanted(&self, record: &Record) -> Result<Wanted, Errno> {
        let recv = self.datagram_options(record.kind).ok_or(Errno::EBADF)?.recv;
        let stamped = self.wants_arrival_stamp(record);
        Ok(Wanted { recv, timestamps: record.timestamps, stamped, family: record.family })
    }
}

impl Wanted {
    /// That of a datagram, in Linux's order.
    pub(super) fn of(&self, net: &mut Network, datagram: &Datagram, segment_size: u16) -> Vec<Control> {
        let mut items = Vec::new();
        items.extend(timestamp(self.timestamps, datagram.at));
        items.extend(self.stamped.then_some(Control::Timestamping(datagram.at)));
        if segment_size != 0 {
            items.push(Control::SegmentSize(segment_size));
        }
        if self.family == Family::Inet6 && self.recv.pktinfo6 {
            items.push(Control::PktInfo6 { link: datagram.link.0.into(), addr: datagram.to });
        }
        match datagram.to.version() {
            Version::V6 => v6_control(self.recv, datagram, &mut items),
            Version::V4 => v4_control(self.recv, net, datagram, &mut items),
        }
        items
    }
}

fn timestamp(wanted: Timestamps, at: Instant) -> Option<Control> {
    match wanted {
        Timestamps::Off => None,
        Timestamps::Micros => Some(Control::TimestampMicros(at)),
        Timestamps::Nanos => Some(Control::TimestampNanos(at)),
    }
}

fn v6_control(recv: RecvOptions, datagram: &Datagram, items: &mut Vec<Control>) {
    if recv.hop_limit {
        items.push(Control::HopLimit(datagram.hop_limit.into()));
    }
    if recv.tclass {
        items.push(Control::TrafficClass(datagram.tos.into()));
    }
    if recv.flow_info && datagram.flow_label != 0 {
        items.push(Control::FlowInfo(u32::from(datagram.tos) << 20 | datagram.flow_label));
    }
    if recv.old_pktinfo6 {
        items.push(Control::OldPktInfo6 { link: datagram.link.0.into(), addr: datagram.to });
    }
    if recv.old_hop_limit {
        items.push(Control::OldHopLimit(datagram.hop_limit.into()));
    }
    if recv.orig_dst6 {
        items.push(Control::OriginalDestination6(SockAddr::new(datagram.to, datagram.to_port)));
    }
}

fn v4_control(recv: RecvOptions, net: &mut Network, datagram: &Datagram, items: &mut Vec<Control>) {
    if recv.pktinfo {
        let local = specific_destination(net, datagram);
        items.push(Control::PktInfo { link: datagram.link.0.into(), local, destination: datagram.to });
    }
    if recv.ttl {
        items.push(Control::Ttl(datagram.hop_limit.into()));
    }
    if recv.tos {
        items.push(Control::Tos(datagram.tos));
    }
    if (recv.options || recv.retopts)
        && let Some(options) = &datagram.options
    {
        items.push(Control::IpOptions(options.clone()));
    }
    if recv.orig_dst {
        items.push(Control::OriginalDestination(SockAddr::new(datagram.to, datagram.to_port)));
    }
}

/// The address of ours a datagram came to (RFC 1122 §3.2.1.3): for a group or a broadcast the one we would answer from.
fn specific_destination(net: &mut Network, datagram: &Datagram) -> Addr {
    if net.is_local(datagram.to) {
        return datagram.to;
    }
    let query = RouteQuery { dst: datagram.from.addr, src: Addr::V4_ANY, link: Some(datagram.link) };
    net.route(&query).map_or(Addr::V4_ANY, |route| route.src)
}
