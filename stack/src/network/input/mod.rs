//! What arrives: from the link layer up to a transport, a router's duty, or a named discard.
//!
//! [`Network::poll`] drains the link layer. An IP packet goes through the checks of its family (`v4`, `v6`), is judged by its
//! addresses (`martian`), and is then forwarded, put together from fragments, or delivered (`deliver`).

mod deliver;
pub mod family;
pub(super) mod known;
mod martian;
pub mod usual;
mod v4;
mod v6;

use crate::base::{Discard, Frame, LinkId, Version};
use crate::link::{self, Hop, Received};

use super::icmp::offending::Offending;
use super::icmp::types::Problem;
use super::{Cast, Network, Up};

/// Where a packet came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum From {
    /// The link.
    Link,
    /// Ourselves: a copy of a multicast or broadcast we sent.
    Us,
}

/// A packet whose header was read.
#[derive(Clone, Copy, Debug)]
struct Arrived<'a> {
    received: &'a Received,
    /// What kind of address it was sent to; the wider of link and header.
    cast: Cast,
}

impl<'a> Arrived<'a> {
    const fn about(&self) -> Offending<'a> {
        Offending { link: self.received.link, frame: &self.received.frame, network: self.received.network, cast: self.cast }
    }
}

impl Network {
    /// A frame from a link.
    pub fn receive(&mut self, link: LinkId, frame: Frame) {
        self.links.receive(link, frame);
    }

    /// As [`Network::receive`], but where nothing waits the packet is given back, for [`Network::usual`] and [`Network::unusual`]; `more` comes
    /// together with the frame.
    #[inline(always)]
    pub fn receive_next(&mut self, link: LinkId, frame: Frame, more: bool) -> Option<Received> {
        self.more = more;
        if self.is_idle() {
            return self.links.receive_next(link, frame, more);
        }
        self.links.receive(link, frame);
        None
    }

    /// What a packet comes to that [`Network::usual`] has given back: one of the same kind of IPv6, or any other.
    #[inline(never)]
    pub fn unusual(&mut self, received: Received) -> Option<Up> {
        match self.usual_v6(received) {
            Ok(packet) => Some(Up::Packet(packet)),
            Err(received) => self.arrived(received, From::Link),
        }
    }

    /// True if [`Network::poll`] has nothing to do.
    #[inline]
    pub fn is_idle(&self) -> bool {
        // Asked after each call: one question in the place of five.
        self.up.is_empty() & self.looped.is_empty() & self.links.is_idle()
    }

    /// True if what is looked at now is the last of what came together.
    #[inline]
    pub fn is_last(&self) -> bool {
        !self.more && self.is_idle()
    }

    /// The next thing a transport must know. Drains the link layer too; call it until it gives none after every input.
    pub fn poll(&mut self) -> Option<Up> {
        loop {
            if let Some(up) = self.up.pop_front() {
                return Some(up);
            }
            let up = match self.looped.pop_front() {
                Some(received) => self.arrived(received, From::Us),
                None => match self.links.poll()? {
                    link::Up::Received(received) => self.came_in(received),
                    other => {
                        self.told_by_link(other);
                        None
                    }
                },
            };
            if up.is_some() {
                return up;
            }
        }
    }

    /// The next frame of loopback, if [`Network::poll`] has nothing to give before it. Whoever takes it [counts it in](Network::counts_in).
    #[inline]
    pub fn next_looped(&mut self) -> Option<Received> {
        if self.up.is_empty() && self.looped.is_empty() { self.links.next_looped() } else { None }
    }

    /// What such a frame comes to that nobody took.
    pub fn looped(&mut self, received: Received) -> Option<Up> {
        if self.links.counts_looped(&received) { self.came_in(received) } else { None }
    }

    /// What the link layer says beside packets.
    fn told_by_link(&mut self, up: link::Up) {
        match up {
            link::Up::Received(_) => {}
            link::Up::Solicit { link, target, unicast } => self.send_solicitation(link, target, unicast),
            link::Up::Unreachable { link, frame, network } => self.gave_up(link, frame, network),
            link::Up::Conflict { link, addr, mac } => self.autoconf_conflict(link, addr, mac),
            link::Up::ProbeDone { link, addr } => self.autoconf_probe_done(link, addr),
        }
    }

    #[inline(always)]
    fn came_in(&mut self, received: Received) -> Option<Up> {
        match self.usual(received) {
            Ok(packet) => Some(Up::Packet(packet)),
            Err(received) => self.unusual(received),
        }
    }

    #[inline(never)]
    fn arrived(&mut self, received: Received, from: From) -> Option<Up> {
        let ip = &mut self.links.base.counters.ip;
        ip.in_receives += 1;
        ip.in_octets += received.frame.len().saturating_sub(received.network) as u64;
        match received.version {
            Version::V4 => self.arrived_v4(received, from),
            Version::V6 => self.arrived_v6(received, from),
        }
    }

    /// A header that cannot be.
    fn bad_header(&mut self, received: &Received, reason: Discard) {
        self.links.base.counters.ip.in_hdr_errors += 1;
        self.drop_received(received, reason);
    }

    /// An address that cannot be.
    fn bad_address(&mut self, received: &Received, reason: Discard) {
        self.links.base.counters.ip.in_addr_errors += 1;
        self.drop_received(received, reason);
    }

    fn drop_received(&mut self, received: &Received, reason: Discard) {
        let len = received.frame.len().saturating_sub(received.network);
        self.links.base.discard(Some(received.link), reason, len);
    }

    /// The link layer found no neighbour for a packet: its sender hears of it, be it a socket here or a host we forward for.
    fn gave_up(&mut self, link: LinkId, frame: Frame, network: usize) {
        let version = match frame.read::<1>(network) {
            Some([first]) if first >> 4 == 4 => Version::V4,
            _ => Version::V6,
        };
        let received = Received { link, version, frame, network, cast: link::LinkCast::Unicast };
        let Some((src, dst)) = addresses_of(&received) else { return };
        if let Ok(Hop::Neighbour(hop)) = self.next_hop(dst, src, Some(link)).map(|next| next.hop) {
            self.hop_failed(link, hop);
        }
        if self.is_local(src) {
            self.local_failure(&received);
        } else {
            let about = Offending { link, frame: &received.frame, network, cast: Cast::Unicast };
            self.icmp_error(&about, Problem::HostUnreachable);
        }
    }
}

fn addresses_of(received: &Received) -> Option<(crate::base::Addr, crate::base::Addr)> {
    use super::{ipv4, ipv6};
    match received.version {
        Version::V4 => {
            let header = ipv4::Header::parse(&received.frame.read(received.network)?, usize::MAX).ok()?;
            Some((header.src, header.dst))
        }
        Version::V6 => {
            let header = ipv6::Header::parse(&received.frame.read(received.network)?, usize::MAX).ok()?;
            Some((header.src, header.dst))
        }
    }
}
