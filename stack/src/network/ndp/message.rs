//! The five messages of neighbour discovery as they lie in ICMPv6 (RFC 4861 §4), read and written.
//!
//! [`Message::read`] takes a message from its ICMPv6 type on and gives it only if its form is valid; what depends on how it
//! came (hop limit, source address) is judged by [`valid_on_arrival`].

use alloc::vec::Vec;

use super::option::{self, Options, PrefixInformation};
use crate::base::Addr;
use crate::link::Mac;

/// ICMPv6 type of a router solicitation.
pub const ROUTER_SOLICITATION: u8 = 133;
/// ICMPv6 type of a router advertisement.
pub const ROUTER_ADVERTISEMENT: u8 = 134;
/// ICMPv6 type of a neighbour solicitation.
pub const NEIGHBOUR_SOLICITATION: u8 = 135;
/// ICMPv6 type of a neighbour advertisement.
pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
/// ICMPv6 type of a redirect.
pub const REDIRECT: u8 = 137;

/// A message of neighbour discovery, without type, code and checksum.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// RFC 4861 §4.1
    RouterSolicitation {
        /// The sender's link address.
        source_mac: Option<Mac>,
    },
    /// RFC 4861 §4.2
    RouterAdvertisement(RouterAdvertisement),
    /// RFC 4861 §4.3
    NeighbourSolicitation {
        /// Whose link address is wanted.
        target: Addr,
        /// The sender's link address.
        source_mac: Option<Mac>,
        /// What tells our own solicitation from another's (RFC 7527 §4.1).
        nonce: Option<[u8; 6]>,
    },
    /// RFC 4861 §4.4
    NeighbourAdvertisement(NeighbourAdvertisement),
    /// RFC 4861 §4.5
    Redirect {
        /// The better first hop; the destination itself if it is a neighbour.
        target: Addr,
        /// Which destination it is about.
        destination: Addr,
        /// The target's link address.
        target_mac: Option<Mac>,
        /// The packet that gave rise to it, as far as it is there.
        quoted: Vec<u8>,
    },
}

/// RFC 4861 §4.4
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NeighbourAdvertisement {
    /// The sender is a router.
    pub router: bool,
    /// It answers a solicitation.
    pub solicited: bool,
    /// It replaces a link address known before.
    pub overrides: bool,
    /// Whose link address it tells.
    pub target: Addr,
    /// The link address.
    pub target_mac: Option<Mac>,
}

/// How a default router ranks (RFC 4191 §2.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Preference {
    /// Only if there is no other.
    Low,
    /// The default.
    #[default]
    Medium,
    /// Before all others.
    High,
}

impl Preference {
    /// From the two bits of the wire; the reserved value counts as medium (RFC 4191 §2.2).
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            1 => Self::High,
            3 => Self::Low,
            _ => Self::Medium,
        }
    }

    /// The two bits of the wire.
    pub const fn bits(self) -> u8 {
        match self {
            Self::High => 1,
            Self::Medium => 0,
            Self::Low => 3,
        }
    }
}

/// RFC 4861 §4.2, RFC 4191 §2.2
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RouterAdvertisement {
    /// Hop limit for packets of this link's hosts; 0: not said.
    pub hop_limit: u8,
    /// Addresses are to be had by DHCPv6.
    pub managed: bool,
    /// Other configuration is to be had by DHCPv6.
    pub other: bool,
    /// How the router ranks as a default router.
    pub preference: Preference,
    /// Seconds it is a default router; 0: it is none.
    pub lifetime: u16,
    /// `ReachableTime` in milliseconds; 0: not said.
    pub reachable_ms: u32,
    /// `RetransTimer` in milliseconds; 0: not said.
    pub retrans_ms: u32,
    /// The router's link address.
    pub source_mac: Option<Mac>,
    /// The link's MTU.
    pub mtu: Option<u32>,
    /// Prefixes in the order of the message.
    pub prefixes: Vec<PrefixInformation>,
}

/// At most so many prefixes of one advertisement are read; the rest is ignored.
pub const MAX_PREFIXES: usize = 32;

impl Message {
    /// Its ICMPv6 type.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::RouterSolicitation { .. } => ROUTER_SOLICITATION,
            Self::RouterAdvertisement(_) => ROUTER_ADVERTISEMENT,
            Self::NeighbourSolicitation { .. } => NEIGHBOUR_SOLICITATION,
            Self::NeighbourAdvertisement(_) => NEIGHBOUR_ADVERTISEMENT,
            Self::Redirect { .. } => REDIRECT,
        }
    }

    /// Reads a message from its type on. None if it is no message of neighbour discovery or malformed: code not zero, too
    /// short, an option of length zero, a target that is a group (RFC 4861 §6.1, 7.1, 8.1).
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (&[kind, 0, _, _], body) = bytes.split_first_chunk::<4>()? else { return None };
        match kind {
            ROUTER_SOLICITATION => read_router_solicitation(body),
            ROUTER_ADVERTISEMENT => read_router_advertisement(body).map(Self::RouterAdvertisement),
            NEIGHBOUR_SOLICITATION => read_neighbour_solicitation(body),
            NEIGHBOUR_ADVERTISEMENT => read_neighbour_advertisement(body).map(Self::NeighbourAdvertisement),
            REDIRECT => read_redirect(body),
            _ => None,
        }
    }

    /// The message from its type on, checksum zero.
    pub fn write(&self) -> Vec<u8> {
        let mut out = alloc::vec![self.kind(), 0, 0, 0];
        match self {
            Self::RouterSolicitation { source_mac } => {
                out.extend_from_slice(&[0; 4]);
                option::put_mac(&mut out, option::SOURCE_MAC, *source_mac);
            }
            Self::RouterAdvertisement(advertisement) => advertisement.write(&mut out),
            Self::NeighbourSolicitation { target, source_mac, nonce } => {
                out.extend_from_slice(&[0; 4]);
                out.extend_from_slice(&target.octets());
                option::put_mac(&mut out, option::SOURCE_MAC, *source_mac);
                option::put_nonce(&mut out, *nonce);
            }
            Self::NeighbourAdvertisement(advertisement) => advertisement.write(&mut out),
            Self::Redirect { target, destination, target_mac, quoted } => {
                out.extend_from_slice(&[0; 4]);
                out.extend_from_slice(&target.octets());
                out.extend_from_slice(&destination.octets());
                option::put_mac(&mut out, option::TARGET_MAC, *target_mac);
                option::put_quoted(&mut out, quoted);
            }
        }
        out
    }
}

/// A message must not have crossed a router, and solicitations from nobody must not ask for more than the RFC allows.
/// `dst` is where it was sent to (RFC 4861 §6.1.1, 6.1.2, 7.1.1, 7.1.2, 8.1).
pub fn valid_on_arrival(message: &Message, hop_limit: u8, src: Addr, dst: Addr) -> bool {
    let from_nobody = src.is_unspecified();
    hop_limit == 255
        && match message {
            Message::RouterSolicitation { source_mac } => !from_nobody || source_mac.is_none(),
            Message::RouterAdvertisement(_) | Message::Redirect { .. } => src.is_link_local(),
            Message::NeighbourSolicitation { target, source_mac, .. } => {
                !from_nobody || source_mac.is_none() && dst == target.solicited_node()
            }
            Message::NeighbourAdvertisement(advertisement) => !(dst.is_multicast() && advertisement.solicited),
        }
}

impl RouterAdvertisement {
    fn write(&self, out: &mut Vec<u8>) {
        let flags = u8::from(self.managed) << 7 | u8::from(self.other) << 6 | self.preference.bits() << 3;
        out.extend_from_slice(&[self.hop_limit, flags]);
        out.extend_from_slice(&self.lifetime.to_be_bytes());
        out.extend_from_slice(&self.reachable_ms.to_be_bytes());
        out.extend_from_slice(&self.retrans_ms.to_be_bytes());
        option::put_mac(out, option::SOURCE_MAC, self.source_mac);
        option::put_mtu(out, self.mtu);
        self.prefixes.iter().for_each(|prefix| prefix.write(out));
    }
}

impl NeighbourAdvertisement {
    fn write(&self, out: &mut Vec<u8>) {
        let flags = u8::from(self.router) << 7 | u8::from(self.solicited) << 6 | u8::from(self.overrides) << 5;
        out.extend_from_slice(&[flags, 0, 0, 0]);
        out.extend_from_slice(&self.target.octets());
        option::put_mac(out, option::TARGET_MAC, self.target_mac);
    }
}

/// An address that can stand in a target field: not a group. IPv4-mapped bytes would be read as IPv4 and are refused.
fn read_target(body: &[u8]) -> Option<(Addr, &[u8])> {
    let (octets, rest) = body.split_first_chunk::<16>()?;
    let target = Addr::from_v6(*octets);
    (!target.is_multicast() && !target.is_v4()).then_some((target, rest))
}

fn read_router_solicitation(body: &[u8]) -> Option<Message> {
    let (_, rest) = body.split_first_chunk::<4>()?;
    let options = Options::check(rest)?;
    Some(Message::RouterSolicitation { source_mac: options.mac(option::SOURCE_MAC) })
}

fn read_router_advertisement(body: &[u8]) -> Option<RouterAdvertisement> {
    let (&[hop_limit, flags, life_high, life_low, a, b, c, d, e, f, g, h], rest) = body.split_first_chunk::<12>()?;
    let options = Options::check(rest)?;
    let lifetime = u16::from_be_bytes([life_high, life_low]);
    Some(RouterAdvertisement {
        hop_limit,
        managed: flags & 0x80 != 0,
        other: flags & 0x40 != 0,
        // RFC 4191 §2.2: without a lifetime the preference says nothing.
        preference: if lifetime == 0 { Preference::Medium } else { Preference::from_bits(flags >> 3) },
        lifetime,
        reachable_ms: u32::from_be_bytes([a, b, c, d]),
        retrans_ms: u32::from_be_bytes([e, f, g, h]),
        source_mac: options.mac(option::SOURCE_MAC),
        mtu: options.mtu(),
        prefixes: options.prefixes().take(MAX_PREFIXES).collect(),
    })
}

fn read_neighbour_solicitation(body: &[u8]) -> Option<Message> {
    let (_, rest) = body.split_first_chunk::<4>()?;
    let (target, rest) = read_target(rest)?;
    let options = Options::check(rest)?;
    Some(Message::NeighbourSolicitation { target, source_mac: options.mac(option::SOURCE_MAC), nonce: options.nonce() })
}

fn read_neighbour_advertisement(body: &[u8]) -> Option<NeighbourAdvertisement> {
    let (&[flags, _, _, _], rest) = body.split_first_chunk::<4>()?;
    let (target, rest) = read_target(rest)?;
    let options = Options::check(rest)?;
    Some(NeighbourAdvertisement {
        router: flags & 0x80 != 0,
        solicited: flags & 0x40 != 0,
        overrides: flags & 0x20 != 0,
        target,
        target_mac: options.mac(option::TARGET_MAC),
    })
}

fn read_redirect(body: &[u8]) -> Option<Message> {
    let (_, rest) = body.split_first_chunk::<4>()?;
    let (target, rest) = read_target(rest)?;
    let (destination, rest) = read_target(rest)?;
    let options = Options::check(rest)?;
    // RFC 4861 §8.1: the target is a router's link-local address or the destination itself.
    let sensible = target.is_link_local() || target == destination;
    let redirect = || Message::Redirect {
        target,
        destination,
        target_mac: options.mac(option::TARGET_MAC),
        quoted: options.quoted().to_vec(),
    };
    sensible.then(redirect)
}
