//! The messages of IGMP (RFC 9776 §4, RFC 2236 §2) and MLD (RFC 9777 §5, RFC 2710 §3), read and written. Both have the same
//! parts in another order; [`Query`] and [`Record`] are both families'.

use alloc::vec::Vec;

use crate::base::{Addr, Duration, Version, checksum::checksum};

/// IGMP: a query of any version.
pub const IGMP_QUERY: u8 = 0x11;
/// IGMP: a report of version 1.
pub const IGMP_V1_REPORT: u8 = 0x12;
/// IGMP: a report of version 2.
pub const IGMP_V2_REPORT: u8 = 0x16;
/// IGMP: leaving a group, version 2.
pub const IGMP_LEAVE: u8 = 0x17;
/// IGMP: a report of version 3.
pub const IGMP_V3_REPORT: u8 = 0x22;
/// MLD (ICMPv6): a query of any version.
pub const MLD_QUERY: u8 = 130;
/// MLD (ICMPv6): a report of version 1.
pub const MLD_V1_REPORT: u8 = 131;
/// MLD (ICMPv6): leaving a group, version 1.
pub const MLD_DONE: u8 = 132;
/// MLD (ICMPv6): a report of version 2.
pub const MLD_V2_REPORT: u8 = 143;

/// At most so many sources of a query are remembered; a query with more counts as one for the whole group.
pub const MAX_QUERIED: usize = 64;

/// How a host speaks of groups: as the oldest querier on the link does (RFC 9776 §7.2.1, RFC 9777 §8.2.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Dialect {
    /// IGMPv1: reports, no leaves.
    Oldest,
    /// IGMPv2, MLDv1: reports and leaves of whole groups.
    Older,
    /// IGMPv3, MLDv2: reports with sources.
    Current,
}

/// A query.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Query {
    /// Which version asks.
    pub dialect: Dialect,
    /// Within which time to answer.
    pub max_response: Duration,
    /// About which group; unspecified: about all.
    pub group: Addr,
    /// The querier's robustness variable; 0: not said.
    pub robustness: u8,
    /// The querier's interval; zero: not said.
    pub interval: Duration,
    /// About which sources; none: about the whole group.
    pub sources: Vec<Addr>,
}

/// What a group record says (RFC 9776 §4.2.12).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum RecordKind {
    /// `MODE_IS_INCLUDE`
    IsInclude = 1,
    /// `MODE_IS_EXCLUDE`
    IsExclude = 2,
    /// `CHANGE_TO_INCLUDE_MODE`
    ChangeToInclude = 3,
    /// `CHANGE_TO_EXCLUDE_MODE`
    ChangeToExclude = 4,
    /// `ALLOW_NEW_SOURCES`
    AllowNew = 5,
    /// `BLOCK_OLD_SOURCES`
    BlockOld = 6,
}

/// A group record of a report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// What it says.
    pub kind: RecordKind,
    /// Of which group.
    pub group: Addr,
    /// Of which sources.
    pub sources: Vec<Addr>,
}

/// A code of RFC 9776 §4.1.1, §4.1.7: a number below 128, or a mantissa of four bits and an exponent.
fn decode8(code: u8) -> u32 {
    if code < 128 { u32::from(code) } else { (u32::from(code & 0x0f) | 0x10) << ((code >> 4 & 7) + 3) }
}

/// A code of RFC 9777 §5.1.3: a number below 32768, or a mantissa of twelve bits and an exponent.
fn decode16(code: u16) -> u32 {
    if code < 32768 { u32::from(code) } else { (u32::from(code & 0x0fff) | 0x1000) << ((code >> 12 & 7) + 3) }
}

impl Query {
    /// Reads an IGMP query from its type on, its checksum verified. None if it is malformed.
    pub fn read_igmp(bytes: &[u8]) -> Option<Self> {
        let (&[_, code, _, _, a, b, c, d], rest) = bytes.split_first_chunk::<8>()?;
        let group = Addr::v4(a, b, c, d);
        let tenths = |tenths: u32| Duration::from_millis(u64::from(tenths) * 100);
        // RFC 9776 §7.1: eight bytes are version 1 or 2, twelve or more are version 3.
        let (dialect, max_response, tail) = match (rest.is_empty(), code) {
            (true, 0) => (Dialect::Oldest, tenths(100), Tail::default()),
            (true, _) => (Dialect::Older, tenths(u32::from(code)), Tail::default()),
            (false, _) => (Dialect::Current, tenths(decode8(code)), Tail::read(rest, Version::V4)?),
        };
        Self::checked(dialect, max_response, group, tail)
    }

    /// Reads an MLD query from its ICMPv6 type on. None if it is malformed.
    pub fn read_mld(bytes: &[u8]) -> Option<Self> {
        let (&[_, code, _, _, high, low, _, _], rest) = bytes.split_first_chunk::<8>()?;
        let (group, rest) = rest.split_first_chunk::<16>()?;
        let group = Addr::from_v6(*group);
        let delay = u16::from_be_bytes([high, low]);
        let millis = |millis: u32| Duration::from_millis(u64::from(millis));
        // RFC 9777 §8.1: 24 bytes are version 1, 28 or more are version 2.
        let (dialect, max_response, tail) = if rest.is_empty() {
            (Dialect::Older, millis(u32::from(delay)), Tail::default())
        } else {
            (Dialect::Current, millis(decode16(delay)), Tail::read(rest, Version::V6)?)
        };
        if code == 0 { Self::checked(dialect, max_response, group, tail) } else { None }
    }

    /// A query is about a group or about all, and about sources only of a group.
    fn checked(dialect: Dialect, max_response: Duration, group: Addr, tail: Tail) -> Option<Self> {
        let Tail { robustness, interval, sources } = tail;
        let sensible = group.is_multicast() || group.is_unspecified() && sources.is_empty();
        sensible.then_some(Self { dialect, max_response, group, robustness, interval, sources })
    }
}

/// The end of a query, where both families are the same.
#[derive(Default)]
struct Tail {
    robustness: u8,
    interval: Duration,
    sources: Vec<Addr>,
}

impl Tail {
    fn read(bytes: &[u8], version: Version) -> Option<Self> {
        let (&[flags, interval, high, low], rest) = bytes.split_first_chunk::<4>()?;
        let count = usize::from(u16::from_be_bytes([high, low]));
        let size = addr_len(version);
        let list = rest.get(..count * size)?;
        // More than can be remembered: answer for the whole group (RFC 9776 §5.2 rule 5 would come to the same later).
        let sources = if count > MAX_QUERIED { Vec::new() } else { list.chunks_exact(size).filter_map(read_addr).collect() };
        let interval = Duration::from_secs(u64::from(decode8(interval)));
        Some(Self { robustness: flags & 7, interval, sources })
    }
}

const fn addr_len(version: Version) -> usize {
    match version {
        Version::V4 => 4,
        Version::V6 => 16,
    }
}

fn read_addr(bytes: &[u8]) -> Option<Addr> {
    match bytes.len() {
        4 => Some(Addr::from_v4(bytes.try_into().ok()?)),
        _ => Some(Addr::from_v6(bytes.try_into().ok()?)),
    }
}

fn put_addr(out: &mut Vec<u8>, addr: Addr) {
    if addr.is_v4() { out.extend_from_slice(&addr.v4_octets()) } else { out.extend_from_slice(&addr.octets()) }
}

/// A message of an older dialect about one group. IGMP's has its checksum; that of ICMPv6 stays zero.
pub fn about_group(kind: u8, group: Addr) -> Vec<u8> {
    let mut out = alloc::vec![kind, 0, 0, 0];
    if !group.is_v4() {
        out.extend_from_slice(&[0; 4]);
    }
    put_addr(&mut out, group);
    finish(out, group.version())
}

/// Reports of the current dialect with these records, none larger than `room` bytes (RFC 9776 §4.2.16): records are spread over
/// as many reports as it takes, long lists are cut; of an exclude list that is too long the rest is left out.
/// IGMP's have their checksum; those of ICMPv6 stay zero.
pub fn reports(version: Version, records: &[Record], room: usize) -> Vec<Vec<u8>> {
    let most = room.saturating_sub(HEADER + record_len(version, 0)) / addr_len(version);
    let mut all = Vec::new();
    let mut open = Vec::new();
    let mut count = 0u16;
    for (kind, group, sources) in records.iter().flat_map(|record| pieces(record, most)) {
        if count > 0 && HEADER + open.len() + record_len(version, sources.len()) > room {
            all.push(close(version, core::mem::take(&mut open), core::mem::take(&mut count)));
        }
        open.extend_from_slice(&[kind as u8, 0]);
        open.extend_from_slice(&(sources.len() as u16).to_be_bytes());
        put_addr(&mut open, group);
        sources.iter().for_each(|&src| put_addr(&mut open, src));
        count += 1;
    }
    if count > 0 {
        all.push(close(version, open, count));
    }
    all
}

/// Bytes of a report before its records.
const HEADER: usize = 8;

const fn record_len(version: Version, sources: usize) -> usize {
    4 + addr_len(version) * (1 + sources)
}

/// A record cut so that no part lists more than `most` sources.
fn pieces(record: &Record, most: usize) -> Vec<(RecordKind, Addr, &[Addr])> {
    let whole_list = matches!(record.kind, RecordKind::IsExclude | RecordKind::ChangeToExclude);
    let most = most.max(1);
    if whole_list || record.sources.len() <= most {
        let kept = record.sources.len().min(most);
        return alloc::vec![(record.kind, record.group, &record.sources[..kept])];
    }
    record.sources.chunks(most).map(|part| (record.kind, record.group, part)).collect()
}

fn close(version: Version, records: Vec<u8>, count: u16) -> Vec<u8> {
    let kind = match version {
        Version::V4 => IGMP_V3_REPORT,
        Version::V6 => MLD_V2_REPORT,
    };
    let mut out = alloc::vec![kind, 0, 0, 0, 0, 0];
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(&records);
    finish(out, version)
}

fn finish(mut out: Vec<u8>, version: Version) -> Vec<u8> {
    if version == Version::V4 {
        let sum = checksum(&out);
        out[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbers_or_floats() {
        // RFC 9776 §4.1.1, RFC 9777 §5.1.3
        assert_eq!([0, 127, 128, 0xff].map(decode8), [0, 127, 128, 31744]);
        assert_eq!([0, 32767, 32768, 0xffff].map(decode16), [0, 32767, 32768, 8387584]);
    }

    #[test]
    fn the_length_tells_the_version_of_an_igmp_query() {
        // RFC 9776 §7.1
        let read = |bytes: &[u8]| Query::read_igmp(bytes).map(|query| (query.dialect, query.max_response.as_millis()));
        assert_eq!(read(&[0x11, 0, 0, 0, 0, 0, 0, 0]), Some((Dialect::Oldest, 10_000)));
        assert_eq!(read(&[0x11, 20, 0, 0, 0, 0, 0, 0]), Some((Dialect::Older, 2_000)));
        assert_eq!(read(&[0x11, 20, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0]), Some((Dialect::Current, 2_000)));
        assert_eq!(read(&[0x11, 20, 0, 0, 0, 0, 0, 0, 2, 125]), None, "nine to eleven bytes are nothing");
        assert_eq!(read(&[0x11, 20, 0, 0, 0, 0, 0, 0, 2, 125, 0, 1]), None, "a source that is not there");
        assert_eq!(read(&[0x11, 20, 0, 0, 10, 0, 0, 1]), None, "a group that is none");
    }

    #[test]
    fn an_mld_query_with_sources() {
        // RFC 9777 §5.1
        let group: Addr = "ff3e::1".parse().unwrap();
        let src: Addr = "2001:db8::1".parse().unwrap();
        let mut bytes = alloc::vec![130, 0, 0, 0, 0x03, 0xe8, 0, 0];
        bytes.extend_from_slice(&group.octets());
        bytes.extend_from_slice(&[0x02, 125, 0, 1]);
        bytes.extend_from_slice(&src.octets());
        let query = Query::read_mld(&bytes).unwrap();
        assert_eq!((query.dialect, query.group, query.sources.as_slice()), (Dialect::Current, group, &[src][..]));
        assert_eq!((query.max_response.as_millis(), query.robustness, query.interval.as_secs()), (1000, 2, 125));
        assert_eq!(Query::read_mld(&bytes[..24]).unwrap().dialect, Dialect::Older);
        assert_eq!(Query::read_mld(&bytes[..23]), None);
    }

    #[test]
    fn a_query_of_too_many_sources_is_one_for_the_group() {
        let mut bytes = alloc::vec![0x11, 20, 0, 0, 239, 1, 1, 1, 2, 125, 0, 65];
        bytes.extend((0..65).flat_map(|last| [192, 0, 2, last]));
        assert!(Query::read_igmp(&bytes).unwrap().sources.is_empty());
    }

    fn record(kind: RecordKind, sources: u8) -> Record {
        let sources = (0..sources).map(|last| Addr::v4(192, 0, 2, last)).collect();
        Record { kind, group: Addr::v4(239, 1, 1, 1), sources }
    }

    #[test]
    fn a_report_of_version_3() {
        // RFC 9776 §4.2
        let report = reports(Version::V4, &[record(RecordKind::ChangeToExclude, 1)], 1400).remove(0);
        assert_eq!(checksum(&report), 0);
        assert_eq!((&report[..2], &report[4..]), (&[0x22, 0][..], &[0, 0, 0, 1, 4, 0, 0, 1, 239, 1, 1, 1, 192, 0, 2, 0][..]));
    }

    #[test]
    fn records_are_spread_over_reports_that_fit() {
        // RFC 9776 §4.2.16
        let lens =
            |records: &[Record], room| -> Vec<usize> { reports(Version::V4, records, room).iter().map(Vec::len).collect() };
        let empty = || record(RecordKind::IsExclude, 0);
        assert_eq!(lens(&[empty(), empty(), empty()], 24), [24, 16]);
        assert_eq!(lens(&[record(RecordKind::AllowNew, 5)], 24), [24, 24, 20], "a list is cut");
        assert_eq!(lens(&[record(RecordKind::IsExclude, 5)], 24), [24], "of an exclude list the rest is left out");
        assert_eq!(lens(&[record(RecordKind::AllowNew, 2)], 0), [20, 20], "never without progress");
    }
}
