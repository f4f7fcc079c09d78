//! The usual packet: a whole datagram of IPv4 without options, for TCP or UDP, between two addresses whose packets were found to be ours before.
//! What `v4`, `martian` and `deliver` come to for it, in one go; for all others they are asked.

use crate::base::{Addr, Frame, LinkId, Sum, Version};
use crate::link::{LinkCast, Received};
use crate::network::input::v4;
use crate::network::ipv4::{HEADER_LEN, Header};
use crate::network::{Cast, Network, Packet, protocol};

/// The first byte of a header of version 4 without options: it has five words.
const PLAIN: u8 = 0x45;
/// More fragments follow, or some go before.
const FRAGMENT: u16 = 0x3fff;

/// The first `LEN` bytes of the packet of `protocol` in a frame without a link header, if it is one of these, whole and with nothing behind it, and they
/// lie together and are those of one that `is_wanted`. Nothing is known of its addresses yet.
#[inline(always)]
pub fn headers<const LEN: usize>(frame: &Frame, protocol: u8, is_wanted: impl FnOnce(&[u8; LEN]) -> bool) -> Option<&[u8; LEN]> {
    let headers = frame.together(0, LEN)?.first_chunk()?;
    let network = headers.first_chunk()?;
    // What is most often in vain first.
    let is_one = network[9] == protocol && is_wanted(headers) && is_whole(network);
    let is_all = usize::from(u16::from_be_bytes([network[2], network[3]])) == frame.len() && frame.segment_size == 0;
    (is_one && is_all && network[0] == PLAIN && is_right(network)).then_some(headers)
}

/// The packet in such a frame.
pub fn packet(link: LinkId, frame: Frame) -> Option<Packet> {
    let header = Header::parse(frame.together(0, HEADER_LEN)?.first_chunk()?, frame.len()).ok()?;
    let received = Received { link, version: Version::V4, frame, network: 0, cast: LinkCast::Unicast };
    Some(v4::packet(received, &header, Cast::Unicast))
}

/// No fragment.
#[inline(always)]
fn is_whole(header: &[u8; HEADER_LEN]) -> bool {
    u16::from_be_bytes([header[6], header[7]]) & FRAGMENT == 0
}

/// The checksum is right. RFC 1071 §2 (B): the order of bytes does not matter for that.
#[inline(always)]
fn is_right(header: &[u8; HEADER_LEN]) -> bool {
    let mut sum = Sum::new();
    header.as_chunks().0.iter().for_each(|word| sum.add_word(u32::from_ne_bytes(*word)));
    sum.finish() == 0
}

impl Network {
    /// The header of a packet from a link, if it is one of these; then it is to be delivered.
    #[inline(always)]
    pub(super) fn usual_header(&mut self, received: &Received) -> Option<Header> {
        let header = header_of(received)?;
        if !self.known.is_ours(header.src, header.dst, received.link, self.routes.generation()) {
            return None;
        }
        self.count_delivered(1, received.frame.len() - received.network);
        Some(header)
    }

    /// Counts packets of `len` bytes each.
    #[inline]
    fn count_delivered(&mut self, count: usize, len: usize) {
        let ip = &mut self.links.base.counters.ip;
        ip.in_receives += count as u64;
        ip.in_octets += (count * len) as u64;
        ip.in_delivers += count as u64;
    }

    /// True if a packet with these addresses, of whose kind [`headers`] found it to be, is to be delivered if it comes by `link` now: that is a link of
    /// packets. Whoever takes it [counts it in](Network::counts_in).
    #[inline]
    pub fn knows(&self, link: LinkId, src: Addr, dst: Addr) -> bool {
        self.links.takes_packets(link) && self.known.is_ours(src, dst, link, self.routes.generation())
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

/// The header, if it is right and a usual one.
#[inline(always)]
fn header_of(received: &Received) -> Option<Header> {
    if received.cast != LinkCast::Unicast || received.version != Version::V4 {
        return None;
    }
    let fixed: [u8; HEADER_LEN] = received.frame.read(received.network)?;
    if fixed[0] != PLAIN || !is_whole(&fixed) || !matches!(fixed[9], protocol::TCP | protocol::UDP) || !is_right(&fixed) {
        return None;
    }
    Header::parse(&fixed, received.frame.len().saturating_sub(received.network)).ok()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::base::{Entropy, Seed};
    use crate::network::Up;
    use crate::network::input::From;
    use crate::network::tests::world::{ETH0, Host};

    const US: Addr = Addr::v4(10, 0, 0, 1);
    const THEM: Addr = Addr::v4(10, 0, 0, 2);

    /// A packet with a right header of which a few bits are changed, and whose checksum mostly follows.
    fn packet(entropy: &mut Entropy) -> [u8; 40] {
        let mut bytes = [0; 40];
        bytes[..10].copy_from_slice(&[0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, [17, 6, 1][entropy.below(3) as usize]]);
        bytes[12..16].copy_from_slice(&THEM.v4_octets());
        bytes[16..20].copy_from_slice(&US.v4_octets());
        for _ in 0..entropy.below(3) {
            bytes[entropy.below(20) as usize] ^= 1 << entropy.below(8);
        }
        if entropy.below(8) > 0 {
            crate::network::ipv4::complete_checksum(&mut bytes[..20]);
        }
        bytes
    }

    /// Whatever goes the quick way would have gone the other with the same result.
    #[test]
    fn the_usual_way_comes_to_what_the_other_comes_to() {
        let mut entropy = Entropy::new(Seed::from(5));
        let mut quick = 0;
        let mut hosts = [Host::new(), Host::new()];
        for _ in 0..20_000 {
            let bytes = packet(&mut entropy);
            let cast = if entropy.below(10) == 0 { LinkCast::Broadcast } else { LinkCast::Unicast };
            let received = || Received { link: ETH0, version: Version::V4, frame: Frame::from(&bytes[..]), network: 0, cast };
            let [first, second] = &mut hosts;
            if let Some(header) = first.net.usual_header(&received()) {
                let packet = v4::packet(received(), &header, Cast::Unicast);
                quick += 1;
                let Some(Up::Packet(other)) = second.net.arrived(received(), From::Link) else {
                    panic!("it is refused: {bytes:x?}")
                };
                assert_eq!(format!("{packet:?}"), format!("{other:?}"));
                assert_eq!(format!("{:?}", first.net.links.base.counters.ip), format!("{:?}", second.net.links.base.counters.ip));
            } else {
                first.net.arrived(received(), From::Link);
                second.net.arrived(received(), From::Link);
            }
        }
        assert!(quick > 3_000, "{quick} of 20,000");
    }
}
