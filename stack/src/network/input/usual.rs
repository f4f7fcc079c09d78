//! The usual packet: a whole datagram without options or extension headers, for TCP or UDP, between two addresses whose packets were found to be ours
//! before. What `v4`, `v6`, `martian` and `deliver` come to for it, in one go; for all others they are asked.

use core::hint::cold_path;

use super::family::{Family, V4, V6};
use crate::base::{Addr, Frame, LinkId, Version};
use crate::link::{LinkCast, Received};
use crate::network::input::{v4, v6};
use crate::network::ipv6::chain::Position;
use crate::network::{Cast, Network, Packet, ipv4, ipv6, protocol};

/// The headers of a packet, where they lie.
#[derive(Debug)]
pub struct Headers<'a, F: Family, const LEN: usize> {
    /// That of the network.
    pub network: &'a F::Header,
    /// The first bytes behind it.
    pub transport: &'a [u8; LEN],
    /// Addresses and ports.
    pub ends: &'a F::Ends,
}

/// The headers of the packet of `protocol` that begins at `network` in a frame, if it is one of these, whole and with nothing behind it, and they lie
/// together and those of the transport are of one that `is_wanted`. Nothing is known of its addresses yet.
#[inline(always)]
pub fn headers<F: Family, const LEN: usize>(
    frame: &Frame,
    network: usize,
    protocol: u8,
    is_wanted: impl FnOnce(&[u8; LEN]) -> bool,
) -> Option<Headers<'_, F, LEN>> {
    let (len, all) = (frame.len() - network, frame.together(network, F::LEN + LEN)?);
    let (network, transport) = (F::header(all)?, all.last_chunk()?);
    let ends = F::ends(all)?;
    // What is most often in vain first.
    if F::protocol(network) == protocol && is_wanted(transport) && F::is_plain(network, len) && frame.segment_size == 0 {
        return Some(Headers { network, transport, ends });
    }
    cold_path();
    None
}

impl Network {
    /// The packet for a transport that was received, if it is one of these of IPv4. It is made by who hands it on and not moved any more.
    #[inline(always)]
    pub fn usual(&mut self, received: Received) -> Result<Packet, Received> {
        match self.usual_header(&received) {
            Some(header) => Ok(v4::packet(received, &header, Cast::Unicast)),
            None => Err(received),
        }
    }

    /// The same of IPv6.
    pub(super) fn usual_v6(&mut self, received: Received) -> Result<Packet, Received> {
        let header = header_v6_of(&received).filter(|header| self.is_delivered(&received, header.src, header.dst));
        match header {
            Some(header) => {
                let upper = Position::first(received.network, header.next_header);
                Ok(v6::packet(received, &header, Cast::Unicast, upper))
            }
            None => Err(received),
        }
    }

    /// The header of a packet of IPv4 from a link, if it is one of these; then it is to be delivered.
    #[inline(always)]
    fn usual_header(&mut self, received: &Received) -> Option<ipv4::Header> {
        let header = header_of(received)?;
        self.is_delivered(received, header.src, header.dst).then_some(header)
    }

    /// True if it is for us by its addresses; then it counts as delivered.
    #[inline(always)]
    fn is_delivered(&mut self, received: &Received, src: Addr, dst: Addr) -> bool {
        let is_ours = self.known.is_ours(src, dst, received.link, self.routes.generation());
        if is_ours {
            self.count_delivered(1, received.frame.len() - received.network);
        }
        is_ours
    }

    /// Counts packets of `len` bytes each.
    #[inline]
    fn count_delivered(&mut self, count: usize, len: usize) {
        let ip = &mut self.links.base.counters.ip;
        ip.in_receives += count as u64;
        ip.in_octets += (count * len) as u64;
        ip.in_delivers += count as u64;
    }

    /// True if a packet with these addresses, of whose kind [`headers`] found it to be, is to be delivered if it comes now, by this link and there in its
    /// frame. Whoever takes it [counts it in](Network::counts_in).
    #[inline]
    pub fn knows(&self, link: LinkId, network: usize, src: Addr, dst: Addr) -> bool {
        self.links.has_packets_at(link, network) && self.known.is_ours(src, dst, link, self.routes.generation())
    }

    /// Counts a frame of `len` bytes by `link`, whose packet begins at `network` and has the header of one that was delivered, while
    /// [nothing waits](Network::is_idle) and since when nothing [has changed](Network::generation). `more` comes together with it. False: the link takes none.
    #[inline(always)] // Once for each transport.
    pub fn counts_in(&mut self, link: LinkId, len: usize, network: usize, more: bool) -> bool {
        self.more = more;
        let taken = self.links.counts_in(link, len);
        if taken {
            self.count_delivered(1, len - network);
        }
        taken
    }

    /// Counts as many frames as [`Network::counts_in`] would count, by a link that takes them, where nobody wants to hear of each.
    pub fn counts_in_many(&mut self, link: LinkId, count: usize, len: usize, network: usize, more: bool) {
        self.more = more;
        self.links.counts_in_many(link, count, len);
        self.count_delivered(count, len - network);
    }

    /// Rises whenever a packet like one that came before may have to go another way.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.routes.generation()
    }
}

/// The header of IPv4, if it is right and a usual one.
#[inline(always)]
fn header_of(received: &Received) -> Option<ipv4::Header> {
    if received.cast != LinkCast::Unicast || received.version != Version::V4 {
        return None;
    }
    let fixed = received.frame.read(received.network)?;
    if !is_for_transport::<V4>(&fixed) || !V4::is_plain_within(&fixed) {
        return None;
    }
    ipv4::Header::parse(&fixed, received.frame.len().saturating_sub(received.network)).ok()
}

/// The same of IPv6.
fn header_v6_of(received: &Received) -> Option<ipv6::Header> {
    if received.cast != LinkCast::Unicast || received.version != Version::V6 {
        return None;
    }
    let fixed = received.frame.read(received.network)?;
    if !is_for_transport::<V6>(&fixed) {
        return None;
    }
    v6::read_header(received).ok()
}

#[inline(always)]
fn is_for_transport<F: Family>(header: &F::Header) -> bool {
    matches!(F::protocol(header), protocol::TCP | protocol::UDP)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;

    use super::*;
    use crate::base::{Entropy, Seed};
    use crate::network::Up;
    use crate::network::input::From;
    use crate::network::tests::world::{ETH0, Host, addr};

    /// A packet with a right header of which a few bits are changed, and whose checksum mostly follows.
    fn packet(entropy: &mut Entropy, version: Version) -> Vec<u8> {
        let protocol = [17, 6, 1][entropy.below(3) as usize];
        let ends: &[&[u8]] = match version {
            Version::V4 => &[&[10, 0, 0, 2], &[10, 0, 0, 1]],
            Version::V6 => &[&addr("fd00::2").octets(), &addr("fd00::1").octets()],
        };
        let front: &[u8] = match version {
            Version::V4 => &[0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, protocol, 0, 0],
            Version::V6 => &[0x60, 0, 0, 0, 0, 20, protocol, 64],
        };
        let mut bytes = [front, &ends.concat(), &[0; 20]].concat();
        let header = bytes.len() - 20;
        for _ in 0..entropy.below(3) {
            bytes[entropy.below(header as u32) as usize] ^= 1 << entropy.below(8);
        }
        if version == Version::V6 && entropy.below(10) == 0 {
            // IPv4's, mapped, of one end or both: those of both are known of IPv4.
            for (at, last) in [(8, 2), (24, 1)].into_iter().take(1 + entropy.below(2) as usize) {
                bytes[at..at + 16].copy_from_slice(&Addr::v4(10, 0, 0, last).octets());
            }
        }
        if version == Version::V4 && entropy.below(8) > 0 {
            ipv4::complete_checksum(&mut bytes[..20]);
        }
        bytes
    }

    /// Whatever goes the quick way would have gone the other with the same result.
    #[test]
    fn the_usual_way_comes_to_what_the_other_comes_to() {
        let mut entropy = Entropy::new(Seed::from(5));
        let mut quick = [0, 0];
        let mut hosts = [Host::new(), Host::new()];
        for _ in 0..40_000 {
            let version = [Version::V4, Version::V6][entropy.below(2) as usize];
            let bytes = packet(&mut entropy, version);
            let cast = if entropy.below(10) == 0 { LinkCast::Broadcast } else { LinkCast::Unicast };
            let received = || Received { link: ETH0, version, frame: Frame::from(&bytes[..]), network: 0, cast };
            let [first, second] = &mut hosts;
            let packet = match version {
                Version::V4 => first.net.usual(received()),
                Version::V6 => first.net.usual_v6(received()),
            };
            match packet {
                Ok(packet) => {
                    quick[usize::from(version == Version::V6)] += 1;
                    let Some(Up::Packet(other)) = second.net.arrived(received(), From::Link) else {
                        panic!("it is refused: {bytes:x?}")
                    };
                    assert_eq!(format!("{packet:?}"), format!("{other:?}"));
                    let counted = hosts.each_ref().map(|host| format!("{:?}", host.net.links.base.counters.ip));
                    assert_eq!(counted[0], counted[1]);
                }
                Err(other) => {
                    first.net.arrived(other, From::Link);
                    second.net.arrived(received(), From::Link);
                }
            }
        }
        assert!(quick.iter().all(|count| *count > 3_000), "{quick:?} of 40,000");
    }
}
