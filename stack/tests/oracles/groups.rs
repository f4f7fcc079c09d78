//! IGMP and MLD: what we write smoltcp reads the same, and its queries we read.

use loggia_stack::base::{Addr, Version};
use loggia_stack::network::groups::message::{
    self, Dialect, IGMP_LEAVE, IGMP_V1_REPORT, IGMP_V2_REPORT, Query, Record, RecordKind, reports,
};
use proptest::prelude::*;
use smoltcp::phy::ChecksumCapabilities;
use smoltcp::wire::{
    Icmpv6Packet, Icmpv6Repr, IgmpPacket, IgmpRepr, IgmpVersion, Ipv4Address, Ipv6Address, MldAddressRecord, MldRepr,
};

const NOBODY: Ipv6Address = Ipv6Address::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

fn group_v4() -> impl Strategy<Value = Addr> {
    any::<[u8; 3]>().prop_map(|[b, c, d]| Addr::v4(239, b, c, d))
}

fn group_v6() -> impl Strategy<Value = Addr> {
    any::<[u8; 16]>().prop_map(|mut octets| {
        octets[0] = 0xff;
        Addr::from_v6(octets)
    })
}

fn source_v6() -> impl Strategy<Value = Addr> {
    any::<[u8; 16]>().prop_map(|mut octets| {
        octets[0] = 0x20;
        Addr::from_v6(octets)
    })
}

fn record() -> impl Strategy<Value = Record> {
    let kinds = [
        RecordKind::IsInclude,
        RecordKind::IsExclude,
        RecordKind::ChangeToInclude,
        RecordKind::ChangeToExclude,
        RecordKind::AllowNew,
        RecordKind::BlockOld,
    ];
    let sources = proptest::collection::vec(source_v6(), 0..5);
    (proptest::sample::select(kinds.to_vec()), group_v6(), sources).prop_map(|(kind, group, sources)| Record {
        kind,
        group,
        sources,
    })
}

fn igmp(bytes: &[u8]) -> IgmpRepr {
    let packet = IgmpPacket::new_checked(bytes).expect("IGMP");
    assert!(packet.verify_checksum());
    IgmpRepr::parse(&packet).expect("a message it knows")
}

proptest! {
    /// RFC 2236 §2: smoltcp reads our reports and leaves.
    #[test]
    fn smoltcp_reads_our_igmp(group in group_v4()) {
        let group_addr = Ipv4Address::from(group.v4_octets());
        let written = |kind| igmp(&message::about_group(kind, group));
        let report = |version| IgmpRepr::MembershipReport { group_addr, version };
        prop_assert_eq!(written(IGMP_V1_REPORT), report(IgmpVersion::Version1));
        prop_assert_eq!(written(IGMP_V2_REPORT), report(IgmpVersion::Version2));
        prop_assert_eq!(written(IGMP_LEAVE), IgmpRepr::LeaveGroup { group_addr });
    }

    /// RFC 2236 §2: we read its queries.
    #[test]
    fn we_read_an_igmp_query_of_smoltcp(group in group_v4(), tenths in 1u64..128) {
        let group_addr = Ipv4Address::from(group.v4_octets());
        let max_resp_time = smoltcp::time::Duration::from_millis(tenths * 100);
        let repr = IgmpRepr::MembershipQuery { max_resp_time, group_addr, version: IgmpVersion::Version2 };
        let mut bytes = vec![0; repr.buffer_len()];
        repr.emit(&mut IgmpPacket::new_unchecked(&mut bytes[..]));
        let query = Query::read_igmp(&bytes).expect("a query");
        prop_assert_eq!((query.dialect, query.group), (Dialect::Older, group));
        prop_assert_eq!(query.max_response.as_millis(), u128::from(tenths) * 100);
    }

    /// RFC 9777 §5.2: smoltcp reads every record of our reports.
    #[test]
    fn smoltcp_reads_our_mld(records in proptest::collection::vec(record(), 1..6)) {
        let bytes = reports(Version::V6, &records, 1400).remove(0);
        let packet = Icmpv6Packet::new_checked(&bytes[..]).expect("ICMPv6");
        let repr = Icmpv6Repr::parse(&NOBODY, &NOBODY, &packet, &ChecksumCapabilities::ignored()).expect("a message it knows");
        let Icmpv6Repr::Mld(MldRepr::Report { nr_mcast_addr_rcrds, data }) = repr else { panic!("{repr:?}") };
        prop_assert_eq!(usize::from(nr_mcast_addr_rcrds), records.len());
        let mut rest = data;
        for record in &records {
            let theirs = MldAddressRecord::new_checked(rest).expect("a record");
            prop_assert_eq!(u8::from(theirs.record_type()), record.kind as u8);
            prop_assert_eq!(theirs.mcast_addr(), Ipv6Address::from(record.group.octets()));
            prop_assert_eq!(usize::from(theirs.num_srcs()), record.sources.len());
            let sources: Vec<u8> = record.sources.iter().flat_map(|src| src.octets()).collect();
            prop_assert_eq!(&theirs.payload()[..sources.len()], &sources[..]);
            rest = &rest[20 + sources.len()..];
        }
        prop_assert!(rest.is_empty());
    }

    /// RFC 9777 §5.1: we read its queries.
    #[test]
    fn we_read_an_mld_query_of_smoltcp(group in group_v6(), millis in 0u16..32768, robustness in 0u8..8) {
        let mcast_addr = Ipv6Address::from(group.octets());
        let repr = Icmpv6Repr::Mld(MldRepr::Query {
            max_resp_code: millis,
            mcast_addr,
            s_flag: false,
            qrv: robustness,
            qqic: 125,
            num_srcs: 0,
            data: &[],
        });
        let mut bytes = vec![0; repr.buffer_len()];
        repr.emit(&NOBODY, &NOBODY, &mut Icmpv6Packet::new_unchecked(&mut bytes[..]), &ChecksumCapabilities::ignored());
        let query = Query::read_mld(&bytes).expect("a query");
        prop_assert_eq!((query.dialect, query.group, query.robustness), (Dialect::Current, group, robustness));
        prop_assert_eq!((query.max_response.as_millis(), query.interval.as_secs()), (u128::from(millis), 125));
    }
}
