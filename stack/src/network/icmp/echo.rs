//! Questions we answer: echo (RFC 1122 §3.2.2.6, RFC 4443 §4.2) and timestamp (RFC 1122 §3.2.2.8).

use bytes::Bytes;

use crate::base::{Addr, Rope, Version};
use crate::network::ipv4::{self, options};
use crate::network::{Cast, Network, Packet, Route, RouteQuery};

use super::errors_out::Answer;
use super::types::{v4, v6};

impl Network {
    /// Answers an echo request with its own bytes.
    pub(super) fn echo_requested(&mut self, packet: &Packet, rest: u32) {
        self.links.base.counters.icmp.in_echos += 1;
        if !self.answers_echo(packet) {
            return;
        }
        let Some(route) = self.route_of_answer(packet) else { return };
        let kind = if packet.src.is_v4() { v4::ECHO_REPLY } else { v6::ECHO_REPLY };
        self.links.base.counters.icmp.out_echo_reps += 1;
        let options = self.recorded(packet, &route);
        let (kind, traffic_class) = ([kind, 0], packet.traffic_class);
        self.send_icmp(&route, packet.src, Answer { kind, rest, body: packet.payload(8), traffic_class, options });
    }

    /// Answers a timestamp request. We do not know the time of day: RFC 792 has the high bit set for any other time.
    pub(super) fn timestamp_requested(&mut self, packet: &Packet, rest: u32) {
        if packet.cast != Cast::Unicast && self.config.ipv4.icmp_echo_ignore_broadcasts {
            return;
        }
        let mut scratch = [0; 4];
        let Some(originate) = packet.view(8, 4, &mut scratch) else { return };
        let now = self.time_of_day().to_be_bytes();
        let body: alloc::vec::Vec<u8> = [originate, &now, &now].concat();
        let Some(route) = self.route_of_answer(packet) else { return };
        let options = self.recorded(packet, &route);
        let (kind, traffic_class) = ([v4::TIMESTAMP_REPLY, 0], packet.traffic_class);
        self.send_icmp(&route, packet.src, Answer { kind, rest, body: Rope::from(body), traffic_class, options });
    }

    /// Record route and timestamp options go back with this host entered into them (RFC 1122 §3.2.2.6, §3.2.2.8).
    fn recorded(&self, packet: &Packet, route: &Route) -> Option<Bytes> {
        let len = (packet.transport - packet.network).checked_sub(ipv4::HEADER_LEN).filter(|&len| len > 0)?;
        if !packet.src.is_v4() {
            return None;
        }
        let mut options = packet.frame.rope(packet.network + ipv4::HEADER_LEN, len).to_vec();
        let found = options::parse(&options).ok()?;
        options::record(&mut options, &found, route.src, self.time_of_day(), |addr| self.is_local(addr));
        Some(options::only_records(&options, &found)).filter(|options| !options.is_empty()).map(Bytes::from)
    }

    /// Milliseconds, marked as not being those since midnight.
    pub(crate) fn time_of_day(&self) -> u32 {
        self.links.base.now.millis() as u32 | 0x8000_0000
    }

    fn answers_echo(&self, packet: &Packet) -> bool {
        let to_many = packet.cast != Cast::Unicast;
        if !to_many && !self.is_local(packet.dst) {
            // For somebody for whom we answer: whether he is there we do not know.
            return false;
        }
        if packet.src.is_v4() {
            let config = &self.config.ipv4;
            !(config.icmp_echo_ignore_all || to_many && config.icmp_echo_ignore_broadcasts)
        } else {
            let config = &self.config.ipv6;
            !(config.icmp_echo_ignore_all || to_many && config.icmp_echo_ignore_multicast)
        }
    }

    /// The way back, from the address that was asked unless many were.
    fn route_of_answer(&mut self, packet: &Packet) -> Option<Route> {
        let version = packet.src.version();
        let src = if self.is_local(packet.dst) { packet.dst } else { Addr::any(version) };
        let link = (version == Version::V6 && packet.src.is_link_local()).then_some(packet.link);
        let unicast = !packet.src.is_unspecified() && !packet.src.is_multicast() && !self.is_broadcast(packet.src);
        if !unicast {
            return None;
        }
        self.route(&RouteQuery { dst: packet.src, src, link }).ok()
    }
}
