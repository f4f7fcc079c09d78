//! A host that answers for others: by certain links it takes TCP and UDP for any address, and sends from any address. For gateways that
//! carry connections on by other means (Linux: `ip route add local 0.0.0.0/0 dev …` with `IP_TRANSPARENT`).
//!
//! Routes are not changed by it: what such a host sends to a foreign address goes out, not round. ICMP for others is not answered.

use alloc::vec::Vec;

use super::icmp::offending::Offending;
use super::icmp::types::Problem;
use super::{Cast, LOOPBACK, Network, RouteQuery, ipv4, ipv6, protocol};
use crate::base::{Addr, Errno, Frame, LinkId};

/// The links by which packets for others are taken.
#[derive(Debug, Default)]
pub(crate) struct Transparent(Vec<LinkId>);

/// Why a destination cannot be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unreachable {
    /// No route leads there.
    Network,
    /// The host does not answer.
    Host,
    /// It must not be reached.
    Prohibited,
}

impl Network {
    /// Packets that come by `link` for any single host are for this one, or no longer. `ENODEV`, `EINVAL` (loopback).
    pub fn set_transparent(&mut self, link: LinkId, on: bool) -> Result<(), Errno> {
        if self.links.config(link).is_none() {
            return Err(Errno::ENODEV);
        }
        if link == LOOPBACK {
            return Err(Errno::EINVAL);
        }
        self.transparent.0.retain(|other| *other != link);
        if on {
            self.transparent.0.push(link);
        }
        self.routes.changed();
        Ok(())
    }

    pub(super) fn transparent_link_removed(&mut self, link: LinkId) {
        self.transparent.0.retain(|other| *other != link);
    }

    /// True if a packet by `link` to `dst`, which is not ours, is taken all the same. Nobody answers for a neighbour on the link itself.
    pub(super) fn takes_for_others(&self, link: LinkId, dst: Addr) -> bool {
        self.transparent.0.contains(&link) && !dst.is_multicast() && !dst.is_unspecified() && !dst.is_link_local()
    }

    /// Tells `src` that nobody takes what it sent to `dst`, by ICMP "port unreachable". `datagram` is what is quoted: its UDP header,
    /// and what it carried if that is still there; receivers need no more than the header (RFC 1122 §3.2.2).
    pub(crate) fn refuse_datagram(&mut self, mut datagram: Frame, src: Addr, dst: Addr) -> Result<(), Errno> {
        let link = self.route(&RouteQuery { dst: src, src: Addr::any(src.version()), link: None })?.link;
        let len = datagram.len() as u16;
        if src.is_v4() {
            let header = ipv4::Header {
                header_len: ipv4::HEADER_LEN as u8,
                traffic_class: 0,
                total_len: ipv4::HEADER_LEN as u16 + len,
                ident: 0,
                dont_fragment: true,
                more_fragments: false,
                offset: 0,
                ttl: 1,
                protocol: protocol::UDP,
                src,
                dst,
            };
            header.emit(&[], datagram.push(ipv4::HEADER_LEN));
        } else {
            let header = ipv6::Header {
                traffic_class: 0,
                flow_label: 0,
                payload_len: len,
                next_header: protocol::UDP,
                hop_limit: 1,
                src,
                dst,
            };
            header.emit(datagram.push(ipv6::HEADER_LEN));
        }
        let about = Offending { link, frame: &datagram, network: 0, cast: Cast::Unicast };
        self.icmp_error(&about, Problem::PortUnreachable);
        Ok(())
    }

    /// True if packets may be sent from `src`: an address of ours, or any if this host answers for others.
    pub fn may_send_from(&self, src: Addr) -> bool {
        let others = !self.transparent.0.is_empty() && !src.is_multicast() && !self.is_broadcast(src);
        self.is_local(src) || others
    }
}
