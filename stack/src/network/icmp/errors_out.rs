//! Errors we send.

use bytes::Bytes;

use crate::base::{Addr, Discard, Duration, Frame, Rope, Sum, Version};
use crate::network::{Fragmentation, LOOPBACK, Network, Outgoing, Packet, Route, RouteQuery, Unreachable, ipv6, protocol};

use super::limit::{Denied, Rate};
use super::offending::{Facts, Offending};
use super::types::{Problem, v4, v6};

/// Bytes of an ICMP header.
const HEADER_LEN: usize = 8;
/// RFC 1812 §4.3.2.3: as much of the packet as fits into 576 bytes.
const MAX_LEN_V4: usize = 576;

impl Network {
    /// Answers `packet` with an ICMP "port unreachable" (rate-limited, RFC 1122 §3.2.2 and RFC 4443 §2.4 rules).
    pub fn port_unreachable(&mut self, packet: &Packet) {
        self.icmp_error(&Offending::of(packet), Problem::PortUnreachable);
    }

    /// Answers `packet` by saying that its destination cannot be reached.
    pub(crate) fn unreachable(&mut self, packet: &Packet, why: Unreachable) {
        let problem = match why {
            Unreachable::Network => Problem::NoRoute,
            Unreachable::Host => Problem::HostUnreachable,
            Unreachable::Prohibited => Problem::Prohibited,
        };
        self.icmp_error(&Offending::of(packet), problem);
    }

    /// Answers a packet whose protocol nobody handles, raw sockets included (RFC 1122 §3.2.2.1, RFC 8200 §4).
    pub fn protocol_unreachable(&mut self, packet: &Packet) {
        // RFC 8200 §4.7: there is nothing to be handled; Linux discards it without a word too.
        if packet.protocol == protocol::NO_NEXT && !packet.src.is_v4() {
            return;
        }
        self.links.base.counters.ip.in_unknown_protos += 1;
        self.links.base.discard(Some(packet.link), Discard::IpUnknownProtocol, packet.len);
        let pointer = super::next_header_field(packet);
        self.icmp_error(&Offending::of(packet), Problem::ProtocolUnreachable { pointer });
    }

    /// Tells the sender of a packet what is wrong with it, if that is allowed and not too often.
    pub(crate) fn icmp_error(&mut self, about: &Offending<'_>, problem: Problem) {
        let Some(facts) = about.facts() else { return };
        if !facts.answerable(about.cast, problem) || !self.may_be_answered(about, &facts) {
            return;
        }
        let Some(route) = self.route_of_error(about, &facts) else { return };
        let (kind, code, rest) = problem.encode(facts.version);
        if route.link != LOOPBACK && !self.error_allowed(&facts, kind, code) {
            return;
        }
        let quoted = about.quote(facts.len.min(room(facts.version, &route)));
        let traffic_class = match facts.version {
            // Linux: the sender's type of service with the precedence "internetwork control" (RFC 1812 §4.3.2.5).
            Version::V4 => facts.traffic_class & 0x1e | 0xc0,
            Version::V6 => 0,
        };
        self.count_error_out(facts.version, kind, code);
        self.send_icmp(&route, facts.src, Answer { kind: [kind, code], rest, body: quoted, traffic_class, options: None });
    }

    /// Tells the sender of a packet that `hop` is the better router for it (RFC 1812 §5.2.7.2: code 1, for the host).
    pub(crate) fn icmp_redirect(&mut self, about: &Offending<'_>, hop: Addr) {
        let Some(facts) = about.facts() else { return };
        if !facts.answerable(about.cast, Problem::NoRoute) || !self.may_be_answered(about, &facts) {
            return;
        }
        let Some(route) = self.route_of_error(about, &facts) else { return };
        if !self.redirect_allowed(facts.src) {
            return;
        }
        let quoted = about.quote(facts.len.min(room(facts.version, &route)));
        let hop = u32::from_be_bytes(hop.v4_octets());
        self.links.base.counters.icmp.out_redirects += 1;
        let answer = Answer { kind: [v4::REDIRECT, 1], rest: hop, body: quoted, traffic_class: 0xc0, options: None };
        self.send_icmp(&route, facts.src, answer);
    }

    /// Redirects are limited as errors are.
    pub(crate) fn redirect_allowed(&mut self, dst: Addr) -> bool {
        let rate = self.error_rate(dst.version());
        let jitter = self.links.base.entropy.below(3);
        self.icmp.allow(dst, self.links.base.now, rate, jitter).is_ok()
    }

    /// RFC 1122 §3.2.2: the source must name a single host.
    fn may_be_answered(&self, about: &Offending<'_>, facts: &Facts) -> bool {
        let loopback = facts.src.is_loopback() && about.link != LOOPBACK;
        facts.single_source() && !loopback && !self.is_broadcast(facts.src)
    }

    /// The way back, from the address the packet was sent to if that is ours (RFC 1122 §3.2.2, RFC 4443 §2.2).
    fn route_of_error(&mut self, about: &Offending<'_>, facts: &Facts) -> Option<Route> {
        let any = Addr::any(facts.version);
        let src = if self.is_local(facts.dst) {
            facts.dst
        } else if self.config.ipv4.icmp_errors_use_inbound_ifaddr && facts.version == Version::V4 {
            self.addresses.select_source(facts.src, about.link, facts.src).unwrap_or(any)
        } else {
            any
        };
        let link = (facts.src.is_link_local() && !facts.src.is_v4()).then_some(about.link);
        self.route(&RouteQuery { dst: facts.src, src, link }).ok()
    }

    fn error_allowed(&mut self, facts: &Facts, kind: u8, code: u8) -> bool {
        let limited = match facts.version {
            // Path MTU discovery is not slowed down.
            Version::V4 if kind == v4::DEST_UNREACHABLE && code == v4::FRAGMENTATION_NEEDED => false,
            Version::V4 => self.config.ipv4.icmp_ratemask >> (kind & 31) & 1 != 0,
            Version::V6 => kind != v6::PACKET_TOO_BIG,
        };
        if !limited {
            return true;
        }
        let rate = self.error_rate(facts.version);
        let jitter = self.links.base.entropy.below(3);
        let allowed = self.icmp.allow(facts.src, self.links.base.now, rate, jitter);
        match allowed {
            Ok(()) => return true,
            Err(Denied::Global) => self.links.base.counters.icmp.out_rate_limit_global += 1,
            Err(Denied::Destination) => self.links.base.counters.icmp.out_rate_limit_host += 1,
        }
        self.links.base.discard(None, Discard::IcmpRateLimited, facts.len);
        false
    }

    fn error_rate(&self, version: Version) -> Rate {
        let interval_ms = match version {
            Version::V4 => self.config.ipv4.icmp_ratelimit_ms,
            Version::V6 => self.config.ipv6.icmp_ratelimit_ms,
        };
        Rate {
            interval: Duration::from_millis(interval_ms.into()),
            per_second: self.config.ipv4.icmp_msgs_per_sec,
            burst: self.config.ipv4.icmp_msgs_burst,
        }
    }

    fn count_error_out(&mut self, version: Version, kind: u8, code: u8) {
        let icmp = &mut self.links.base.counters.icmp;
        match (version, kind) {
            (Version::V4, v4::DEST_UNREACHABLE) => {
                icmp.out_dest_unreachs += 1;
                icmp.out_pkt_too_bigs += u64::from(code == v4::FRAGMENTATION_NEEDED);
            }
            (Version::V6, v6::DEST_UNREACHABLE) => icmp.out_dest_unreachs += 1,
            (Version::V6, v6::PACKET_TOO_BIG) => icmp.out_pkt_too_bigs += 1,
            (Version::V4, v4::TIME_EXCEEDED) | (Version::V6, v6::TIME_EXCEEDED) => icmp.out_time_excds += 1,
            _ => icmp.out_parm_probs += 1,
        }
    }

    /// Sends an ICMP message of the family of `dst`.
    pub(super) fn send_icmp(&mut self, route: &Route, dst: Addr, answer: Answer) {
        let Answer { kind, rest, body, traffic_class, options } = answer;
        let frame = message(route.src, dst, kind, rest, body);
        let protocol = if dst.is_v4() { protocol::ICMP } else { protocol::ICMPV6 };
        let fragmentation = Fragmentation::Anybody;
        let outgoing = Outgoing { dst, protocol, traffic_class, fragmentation, options, ..Outgoing::default() };
        self.links.base.counters.icmp.out_msgs += 1;
        if self.send(route, &outgoing, frame).is_err() {
            self.links.base.counters.icmp.out_errors += 1;
        }
    }
}

/// A message to be sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// Type and code.
    pub(super) kind: [u8; 2],
    /// The four bytes after the checksum.
    pub(super) rest: u32,
    /// What follows.
    pub(super) body: Rope,
    /// TOS or traffic class.
    pub(super) traffic_class: u8,
    /// IPv4 options.
    pub(super) options: Option<Bytes>,
}

/// Bytes of the offending packet that an error quotes: up to 576 bytes in all for IPv4, up to 1280 for IPv6 (RFC 4443 §3.1).
fn room(version: Version, route: &Route) -> usize {
    match version {
        Version::V4 => MAX_LEN_V4.min(route.mtu as usize).saturating_sub(crate::network::ipv4::HEADER_LEN + HEADER_LEN),
        Version::V6 => ipv6::MIN_MTU as usize - ipv6::HEADER_LEN - HEADER_LEN,
    }
}

/// An ICMP message with its checksum.
fn message(src: Addr, dst: Addr, kind: [u8; 2], rest: u32, body: Rope) -> Frame {
    let mut header = [0; HEADER_LEN];
    header[..2].copy_from_slice(&kind);
    header[4..].copy_from_slice(&rest.to_be_bytes());
    let mut sum = if dst.is_v4() { Sum::new() } else { Sum::pseudo(src, dst, protocol::ICMPV6, HEADER_LEN + body.len()) };
    sum.add(&header);
    sum.add_rope(&body);
    header[2..4].copy_from_slice(&sum.finish().to_be_bytes());
    let mut frame = Frame::new(body);
    frame.push(HEADER_LEN).copy_from_slice(&header);
    frame.l4_len = HEADER_LEN as u8;
    frame
}
