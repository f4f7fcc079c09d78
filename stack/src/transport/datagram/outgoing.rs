//! Where and how a datagram goes: the decision that all datagram protocols share.

use bytes::Bytes;

use super::{Endpoint, SendControl};
use crate::base::{Addr, Errno, MsgFlags, SockAddr};
use crate::link::Hop;
use crate::network::{Cast, Fragmentation, Network, Outgoing, Route, RouteQuery};
use crate::transport::inet::{link_id, needs_scope, scope_link};

/// A datagram's way, decided.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// How it gets there.
    pub route: Route,
    /// What its IP header says.
    pub outgoing: Outgoing,
}

impl Endpoint {
    /// Decides how a datagram of `protocol` gets to `to`. The errors of [`Network::route`]; `EACCES` (broadcast without
    /// permission), `EAFNOSUPPORT`, `ENETUNREACH` (also: not on a link of ours, with `MSG_DONTROUTE`), `EINVAL` (another link
    /// than the bound one).
    pub fn prepare(
        &self,
        net: &mut Network,
        protocol: u8,
        to: SockAddr,
        control: &SendControl,
        flags: MsgFlags,
    ) -> Result<Prepared, Errno> {
        let dst = self.inet.destination(net, to.addr);
        self.inet.check_family(dst)?;
        let query = self.query(net, SockAddr { addr: dst, ..to }, control)?;
        let route = net.route(&query)?;
        if route.cast == Cast::Broadcast && !self.options.broadcast {
            return Err(Errno::EACCES);
        }
        let direct = flags.contains(MsgFlags::DONTROUTE) || self.options.dont_route;
        if direct && matches!(route.hop, Hop::Neighbour(hop) if hop != dst) {
            return Err(Errno::ENETUNREACH);
        }
        Ok(Prepared { route, outgoing: self.outgoing(dst, protocol, route.cast, control) })
    }

    fn query(&self, net: &Network, to: SockAddr, control: &SendControl) -> Result<RouteQuery, Errno> {
        let dst = to.addr;
        let bound = self.inet.route_query(net, dst);
        let multicast = dst.is_multicast();
        let scope = if needs_scope(dst) { scope_link(to)? } else { 0 };
        // Linux refuses another link than the bound one for IPv6, and lets ancillary data win for IPv4.
        let bound_link = self.inet.link;
        if !dst.is_v4() && bound_link != 0 && [control.link, scope].iter().any(|&link| link != 0 && link != bound_link) {
            return Err(Errno::EINVAL);
        }
        let by_option = if multicast { self.options.multicast_link } else { 0 };
        let link = [control.link, scope, bound_link, by_option].into_iter().find(|&link| link != 0).unwrap_or(0);
        let by_option = Some(self.options.multicast_src).filter(|_| multicast);
        let fits = |src: &Addr| !src.is_unspecified() && src.version() == dst.version();
        let src = [control.src, Some(bound.src), by_option].into_iter().flatten().find(fits);
        Ok(RouteQuery { dst, src: src.unwrap_or(bound.src), link: link_id(link) })
    }

    fn outgoing(&self, dst: Addr, protocol: u8, cast: Cast, control: &SendControl) -> Outgoing {
        let multicast = cast == Cast::Multicast;
        let hop_limit = if multicast { self.options.multicast_hop_limit } else { self.inet.hop_limit };
        let hop_limit = control.hop_limit.unwrap_or(hop_limit);
        let whole = self.options.dont_fragment && !dst.is_v4();
        Outgoing {
            dst,
            protocol,
            hop_limit,
            traffic_class: control.tos.unwrap_or_else(|| self.inet.traffic_class(dst)),
            flow_label: if dst.is_v4() { 0 } else { self.options.flow_label },
            fragmentation: if whole { Fragmentation::Never } else { self.inet.fragmentation },
            options: if dst.is_v4() { self.options.ip_options.clone() } else { None },
            header_included: false,
            no_loopback: multicast && !self.options.multicast_loop,
            host_only: multicast && hop_limit == 0,
        }
    }
}

impl Prepared {
    /// Bytes of IP header.
    pub fn header_len(&self) -> usize {
        let options = self.outgoing.options.as_ref().map_or(0, Bytes::len);
        options + if self.outgoing.dst.is_v4() { 20 } else { 40 }
    }

    /// The largest IP packet (reassembled, if it may be cut) that can go this way: what the header's length field says, or
    /// the MTU of the path (of the link, for a probe) where it must not be cut.
    pub fn packet_limit(&self, net: &Network) -> usize {
        match self.outgoing.fragmentation {
            Fragmentation::Never | Fragmentation::Probe => self.fragment_limit(net),
            Fragmentation::Local | Fragmentation::Anybody => self.largest_packet(),
        }
    }

    /// The largest packet that goes this way whole: the MTU of the path, or of the link, for a probe.
    pub fn fragment_limit(&self, net: &Network) -> usize {
        let mtu = match self.outgoing.fragmentation {
            Fragmentation::Probe => net.links.config(self.route.link).map_or(0, |link| link.mtu as usize),
            Fragmentation::Never | Fragmentation::Local | Fragmentation::Anybody => self.route.mtu as usize,
        };
        mtu.min(self.largest_packet())
    }

    /// The largest packet the length field of the IP header can tell.
    pub fn largest_packet(&self) -> usize {
        if self.outgoing.dst.is_v4() { 65_535 } else { 65_535 + 40 }
    }

    /// `MSG_CONFIRM`: the caller knows that the neighbour is alive.
    pub fn confirm(&self, net: &mut Network, flags: MsgFlags) {
        if let Hop::Neighbour(hop) = self.route.hop
            && flags.contains(MsgFlags::CONFIRM)
        {
            net.links.neighbour_confirmed(self.route.link, hop);
        }
    }
}
