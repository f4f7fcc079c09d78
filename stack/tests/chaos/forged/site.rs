//! Who is where: the addresses of a run, of one family.

use super::*;

/// The addresses of a run.
#[derive(Clone, Copy)]
pub(crate) struct Site {
    /// Ours, on the first link.
    pub(crate) us: Addr,
    pub(crate) also_us: Addr,
    pub(crate) them: Addr,
    /// Ours, on the second link.
    pub(crate) us_elsewhere: Addr,
    /// On the Ethernet.
    pub(crate) us_there: Addr,
    pub(crate) them_there: Addr,
    pub(crate) any: Addr,
    /// From where nothing comes, or not here.
    strange: [Addr; 6],
    /// Bits of each link's network, and of an address.
    pub(crate) prefix: u8,
    pub(crate) all: u8,
    pub(crate) mtus: [u32; 3],
    /// Of most sockets.
    pub(crate) family: i32,
    /// What an Ethernet calls its packets.
    pub(crate) ethertype: u16,
}

const IPV4: Site = Site {
    us: Addr::v4(10, 0, 0, 1),
    also_us: Addr::v4(10, 0, 0, 7),
    them: Addr::v4(10, 0, 0, 2),
    us_elsewhere: Addr::v4(10, 0, 1, 1),
    us_there: Addr::v4(10, 0, 2, 1),
    them_there: Addr::v4(10, 0, 2, 9),
    any: Addr::V4_ANY,
    strange: [
        Addr::v4(10, 0, 0, 255),
        Addr::v4(224, 0, 0, 1),
        Addr::V4_BROADCAST,
        Addr::V4_LOOPBACK,
        Addr::v4(10, 0, 1, 9),
        Addr::v4(192, 0, 2, 1),
    ],
    prefix: 24,
    all: 32,
    mtus: [576, 1500, 1280],
    family: AF_INET,
    ethertype: 0x0800,
};

const IPV6: Site = Site {
    us: v6(0, 1),
    also_us: v6(0, 7),
    them: v6(0, 2),
    us_elsewhere: v6(1, 1),
    us_there: v6(2, 1),
    them_there: v6(2, 9),
    any: Addr::V6_ANY,
    strange: [
        Addr::ALL_NODES,
        // One of IPv4, which no packet of IPv6 may have.
        Addr::v4(10, 0, 0, 1),
        Addr::v4(10, 0, 0, 2),
        Addr::V6_LOOPBACK,
        v6(1, 9),
        v6(99, 1),
    ],
    prefix: 64,
    all: 128,
    mtus: [1280, 1500, 1400],
    family: AF_INET6,
    ethertype: 0x86dd,
};

const fn v6(net: u8, host: u8) -> Addr {
    Addr::from_v6([0xfd, 0, 0, 0, 0, 0, 0, net, 0, 0, 0, 0, 0, 0, 0, host])
}

impl Site {
    /// That of a run.
    pub(crate) fn of(seed: u64) -> Self {
        if seed % 3 == 2 { IPV6 } else { IPV4 }
    }

    /// The peer of one of our addresses.
    pub(crate) fn peer_of(&self, local: Addr) -> Addr {
        if local == self.us_there { self.them_there } else { self.them }
    }

    /// Source and destination of a packet, which may be odd.
    pub(crate) fn ends(&self, random: &mut Random, odd: f64, [src, dst]: [Addr; 2]) -> [Addr; 2] {
        if !random.chance(odd / 2.0) {
            return [src, dst];
        }
        let strange = random.one_of(&self.strange);
        let src = random.one_of(&[src, src, strange, self.us, self.any]);
        let strange = random.one_of(&self.strange);
        [src, random.one_of(&[dst, dst, strange, self.them, self.us_elsewhere, self.also_us])]
    }
}

/// Both ends and the transport header of a packet of TCP; none if it is another.
pub(crate) fn parts(packet: &[u8]) -> Option<([Addr; 2], &[u8])> {
    let v4 = |at: usize| Some(Addr::from_v4(*packet.get(at..)?.first_chunk()?));
    let v6 = |at: usize| Some(Addr::from_v6(*packet.get(at..)?.first_chunk()?));
    let (ends, protocol, header) = match packet.first()? {
        0x45 => ([v4(12)?, v4(16)?], packet[9], 20),
        first if first >> 4 == 6 => ([v6(8)?, v6(24)?], packet[6], 40),
        _ => return None,
    };
    let transport = packet.get(header..).filter(|transport| protocol == 6 && transport.len() >= 20)?;
    Some((ends, transport))
}
