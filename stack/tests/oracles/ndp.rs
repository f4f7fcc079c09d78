//! Neighbour discovery: what we write smoltcp reads the same, and the reverse.

use loggia_stack::base::{Addr, Cidr};
use loggia_stack::link::Mac;
use loggia_stack::network::ndp::{Message, NeighbourAdvertisement, Preference, PrefixInformation, RouterAdvertisement};
use proptest::prelude::*;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::Duration;
use smoltcp::wire::{
    EthernetAddress, Icmpv6Packet, Icmpv6Repr, Ipv6Address, NdiscNeighborFlags, NdiscPrefixInfoFlags, NdiscPrefixInformation,
    NdiscRepr, NdiscRouterFlags, RawHardwareAddress,
};

const NOBODY: Ipv6Address = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

fn without_checksums() -> ChecksumCapabilities {
    ChecksumCapabilities::ignored()
}

fn their_addr(addr: Addr) -> Ipv6Address {
    Ipv6Address::from(addr.octets())
}

fn their_mac(mac: Mac) -> RawHardwareAddress {
    EthernetAddress(mac.0).into()
}

/// What smoltcp calls the same message.
fn translated(message: &Message) -> NdiscRepr<'_> {
    match message {
        Message::RouterSolicitation { source_mac } => NdiscRepr::RouterSolicit { lladdr: source_mac.map(their_mac) },
        Message::RouterAdvertisement(advertisement) => translated_advertisement(advertisement),
        Message::NeighbourSolicitation { target, source_mac, .. } => {
            NdiscRepr::NeighborSolicit { target_addr: their_addr(*target), lladdr: source_mac.map(their_mac) }
        }
        Message::NeighbourAdvertisement(told) => {
            let mut flags = NdiscNeighborFlags::empty();
            flags.set(NdiscNeighborFlags::ROUTER, told.router);
            flags.set(NdiscNeighborFlags::SOLICITED, told.solicited);
            flags.set(NdiscNeighborFlags::OVERRIDE, told.overrides);
            NdiscRepr::NeighborAdvert { flags, target_addr: their_addr(told.target), lladdr: told.target_mac.map(their_mac) }
        }
        Message::Redirect { target, destination, target_mac, .. } => NdiscRepr::Redirect {
            target_addr: their_addr(*target),
            dest_addr: their_addr(*destination),
            lladdr: target_mac.map(their_mac),
            redirected_hdr: None,
        },
    }
}

fn translated_advertisement(advertisement: &RouterAdvertisement) -> NdiscRepr<'static> {
    let mut flags = NdiscRouterFlags::empty();
    flags.set(NdiscRouterFlags::MANAGED, advertisement.managed);
    flags.set(NdiscRouterFlags::OTHER, advertisement.other);
    let prefix = |prefix: &PrefixInformation| {
        let mut flags = NdiscPrefixInfoFlags::empty();
        flags.set(NdiscPrefixInfoFlags::ON_LINK, prefix.on_link);
        flags.set(NdiscPrefixInfoFlags::ADDRCONF, prefix.autonomous);
        NdiscPrefixInformation {
            prefix_len: prefix.prefix.prefix,
            flags,
            valid_lifetime: Duration::from_secs(prefix.valid.into()),
            preferred_lifetime: Duration::from_secs(prefix.preferred.into()),
            prefix: their_addr(prefix.prefix.addr),
        }
    };
    NdiscRepr::RouterAdvert {
        hop_limit: advertisement.hop_limit,
        flags,
        router_lifetime: Duration::from_secs(advertisement.lifetime.into()),
        reachable_time: Duration::from_millis(advertisement.reachable_ms.into()),
        retrans_time: Duration::from_millis(advertisement.retrans_ms.into()),
        lladdr: advertisement.source_mac.map(their_mac),
        mtu: advertisement.mtu,
        prefix_info: advertisement.prefixes.first().map(prefix),
    }
}

fn addr() -> impl Strategy<Value = Addr> {
    any::<[u8; 16]>().prop_map(|mut octets| {
        octets[0] = 0xfe;
        octets[1] = 0x80;
        Addr::from_v6(octets)
    })
}

fn mac() -> impl Strategy<Value = Option<Mac>> {
    proptest::option::of(any::<[u8; 6]>().prop_map(Mac))
}

fn prefix() -> impl Strategy<Value = PrefixInformation> {
    (addr(), 0..=128u8, any::<(bool, bool, u32, u32)>()).prop_map(|(addr, len, (on_link, autonomous, valid, preferred))| {
        let prefix = Cidr::new(Cidr::new(addr, len).network(), len);
        PrefixInformation { prefix, on_link, autonomous, valid, preferred }
    })
}

fn advertisement() -> impl Strategy<Value = Message> {
    let numbers = any::<(u8, bool, bool, u16, u32, u32, Option<u32>)>();
    (numbers, mac(), proptest::option::of(prefix())).prop_map(|(numbers, source_mac, prefix)| {
        let (hop_limit, managed, other, lifetime, reachable_ms, retrans_ms, mtu) = numbers;
        Message::RouterAdvertisement(RouterAdvertisement {
            hop_limit,
            managed,
            other,
            preference: Preference::Medium,
            lifetime,
            reachable_ms,
            retrans_ms,
            source_mac,
            mtu,
            prefixes: prefix.into_iter().collect(),
        })
    })
}

fn message() -> impl Strategy<Value = Message> {
    let told = (addr(), mac(), any::<(bool, bool, bool)>()).prop_map(|(target, target_mac, (router, solicited, overrides))| {
        Message::NeighbourAdvertisement(NeighbourAdvertisement { router, solicited, overrides, target, target_mac })
    });
    prop_oneof![
        mac().prop_map(|source_mac| Message::RouterSolicitation { source_mac }),
        advertisement(),
        (addr(), mac()).prop_map(|(target, source_mac)| Message::NeighbourSolicitation { target, source_mac, nonce: None }),
        told,
        (addr(), addr(), mac()).prop_map(|(target, destination, target_mac)| {
            Message::Redirect { target, destination, target_mac, quoted: Vec::new() }
        }),
    ]
}

proptest! {
    /// RFC 4861 §4: every message we write smoltcp reads with the same meaning.
    #[test]
    fn smoltcp_reads_what_we_write(message in message()) {
        let bytes = message.write();
        let packet = Icmpv6Packet::new_checked(&bytes[..]).expect("ICMPv6");
        let read = Icmpv6Repr::parse(&NOBODY, &NOBODY, &packet, &without_checksums()).expect("a message it knows");
        prop_assert_eq!(read, Icmpv6Repr::Ndisc(translated(&message)));
    }

    /// RFC 4861 §4: and every message it writes we read with the same meaning.
    #[test]
    fn we_read_what_smoltcp_writes(message in message()) {
        let repr = Icmpv6Repr::Ndisc(translated(&message));
        let mut bytes = vec![0; repr.buffer_len()];
        repr.emit(&NOBODY, &NOBODY, &mut Icmpv6Packet::new_unchecked(&mut bytes[..]), &without_checksums());
        prop_assert_eq!(Message::read(&bytes), Some(message));
    }
}
