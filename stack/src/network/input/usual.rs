//! The usual packet: a whole datagram of IPv4 without options, for TCP or UDP, between two addresses whose packets were found to be ours before.
//! What `v4`, `martian` and `deliver` come to for it, in one go; for all others they are asked.

use crate::base::checksum::checksum;
use crate::base::{LinkId, Version};
use crate::link::{LinkCast, Received};
use crate::network::ipv4::{HEADER_LEN, Header};
use crate::network::{Network, protocol};

/// The first byte of a header of version 4 without options: it has five words.
const PLAIN: u8 = 0x45;
/// More fragments follow, or some go before.
const FRAGMENT: u16 = 0x3fff;

impl Network {
    /// The header of a packet from a link, if it is one of these; then it is to be delivered.
    #[inline(always)]
    pub(super) fn usual_header(&mut self, received: &Received) -> Option<Header> {
        let header = header_of(received)?;
        if !self.known.is_ours(header.src, header.dst, received.link, self.routes.generation()) {
            return None;
        }
        self.count_delivered(received.frame.len() - received.network);
        Some(header)
    }

    #[inline]
    fn count_delivered(&mut self, len: usize) {
        let ip = &mut self.links.base.counters.ip;
        ip.in_receives += 1;
        ip.in_octets += len as u64;
        ip.in_delivers += 1;
    }

    /// Counts a frame of `len` bytes by `link`, whose packet begins at `network` and has the header of one that was delivered, while
    /// [nothing waits](Network::is_idle) and since when nothing [has changed](Network::generation). `more` comes together with it. False: the link takes none.
    #[inline]
    pub fn counts_in(&mut self, link: LinkId, len: usize, network: usize, more: bool) -> bool {
        self.more = more;
        let taken = self.links.counts_in(link, len);
        if taken {
            self.count_delivered(len - network);
        }
        taken
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
    let is_whole = u16::from_be_bytes([fixed[6], fixed[7]]) & FRAGMENT == 0;
    if fixed[0] != PLAIN || !is_whole || !matches!(fixed[9], protocol::TCP | protocol::UDP) || checksum(&fixed) != 0 {
        return None;
    }
    Header::parse(&fixed, received.frame.len().saturating_sub(received.network)).ok()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::base::{Addr, Entropy, Frame, Seed};
    use crate::network::input::{From, v4};
    use crate::network::tests::world::{ETH0, Host};
    use crate::network::{Cast, Up};

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
