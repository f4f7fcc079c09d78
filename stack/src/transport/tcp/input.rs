//! From a packet to the connection it is for.

use alloc::vec::Vec;
use core::hint::cold_path;

use super::Tcp;
use super::arrives::{self, Arrival};
use super::flows::{Flow, Tuple};
use super::header::Header;
use super::output::{reset, transmit};
use crate::base::{Direction, Discard, Key};
use crate::network::{Network, Packet};

impl Tcp {
    /// A packet for TCP (RFC 9293 MUST-41, MUST-42: a connection goes before a listener): header and checksum, then its connection, its half-open one, its TIME-WAIT record, a listener, or a RST.
    pub fn receive(&mut self, net: &mut Network, packet: &mut Packet) {
        let base = &mut net.links.base;
        base.counters.tcp.in_segs += 1;
        // Read in its place, and not moved.
        let parsed = Header::parse(packet);
        let Some((header, header_len)) = &parsed else {
            base.counters.tcp.in_errs += 1;
            return base.discard(Some(packet.link), Discard::TcpMalformed, packet.len);
        };
        // RFC 9293 MUST-3: the checksum is checked.
        if !packet.checksum_ok() {
            base.counters.tcp.in_csum_errors += 1;
            base.counters.tcp.in_errs += 1;
            return base.discard(Some(packet.link), Discard::TcpChecksum, packet.len);
        }
        let header_len = *header_len;
        let tuple = Tuple { local: packet.dst, remote: packet.src, local_port: header.dst_port, remote_port: header.src_port };
        let flow = self.flows.of_segment(&tuple, &self.records);
        if !matches!(flow, Some(Flow::Connection(_))) {
            transmit::report_stateless(&mut net.links.base, Direction::In, header, packet.len - header_len);
        }
        match flow {
            Some(Flow::Connection(id)) => self.segment_for_connection(net, id, &mut Arrival::of(header, packet, header_len)),
            Some(Flow::HalfOpen(key)) => self.segment_for_half_open(net, key, packet, header, header_len),
            Some(Flow::TimeWait(key)) => self.segment_for_time_wait(net, key, packet, header, header_len),
            None => self.segment_without_connection(net, packet, header, header_len),
        }
    }

    #[inline(never)]
    pub(super) fn segment_for_connection(&mut self, net: &mut Network, id: Key, arrival: &mut Arrival<'_>) {
        self.arrives(net, id, arrival);
    }

    #[inline(always)] // Of most segments their reader knows much.
    pub(super) fn arrives(&mut self, net: &mut Network, id: Key, arrival: &mut Arrival<'_>) {
        let Some((tcb, mut cx)) = self.with(net, id) else { return };
        arrives::segment(tcb, &mut cx, arrival);
        if tcb.is_over() {
            cold_path();
            self.settle(net, id);
        }
    }

    /// CLOSED (RFC 9293 §3.10.7.1) or LISTEN.
    #[inline(never)]
    pub(super) fn segment_without_connection(&mut self, net: &mut Network, packet: &Packet, header: &Header, header_len: usize) {
        match self.listener_for(packet, header) {
            Some(listener) => self.segment_for_listener(net, listener, packet, header, header_len),
            None => {
                net.links.base.discard(Some(packet.link), Discard::TcpNoPort, packet.len);
                reset::reply(net, packet, header, packet.len - header_len);
            }
        }
    }

    /// The listener that a packet is for; among several that share the port (`SO_REUSEPORT`) the flow's hash chooses, so that
    /// all segments of a flow find the same one.
    pub(super) fn listener_for(&self, packet: &Packet, header: &Header) -> Option<Key> {
        if let Some(only) = self.ports.only(packet.dst, header.dst_port, packet.link.0) {
            return Some(only);
        }
        self.listener_among(packet, header)
    }

    #[inline(never)]
    fn listener_among(&self, packet: &Packet, header: &Header) -> Option<Key> {
        let mut best = Vec::new();
        self.ports.best(packet.dst, header.dst_port, packet.link.0, &mut best);
        if best.len() <= 1 {
            return best.first().copied();
        }
        let hash = self.isn.between(packet.dst, packet.src) ^ u32::from(header.src_port).wrapping_mul(0x9e37_79b9);
        Some(best[hash as usize % best.len()])
    }
}
