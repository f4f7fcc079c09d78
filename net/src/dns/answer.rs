//! What an answer says.

use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::question::Question;
use super::{MAX_ADDRESSES, MAX_CHAIN};

/// RFC 8767 §4: longest that an answer is believed. A day is what most resolvers take.
const MAX_TTL: u32 = 24 * 60 * 60;
/// RFC 2308 §5: longest that a negative answer is believed.
const MAX_NEGATIVE_TTL: u32 = 3 * 60 * 60;

/// What an answer says of the question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// This is it. For so long it may be kept.
    Found { data: Vec<RData>, name: Name, ttl: Duration },
    /// The name is an alias of one of which nothing is said.
    Alias { name: Name, ttl: Duration },
    /// There is no such name.
    NoName { ttl: Duration },
    /// The name has nothing of that type.
    NoData { ttl: Duration },
    /// The server cannot, or will not.
    Failed(ResponseCode),
    /// The aliases go in a circle, or are too many.
    Chain,
}

/// Reads an answer to `question`.
pub(super) fn read(message: &Message, question: &Question) -> Says {
    let code = message.metadata.response_code;
    if !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Says::Failed(code);
    }
    let Some((name, mut ttl)) = follow(&message.answers, question.name()) else { return Says::Chain };
    let wanted = records(&message.answers, &name, question.record_type());
    let mut data = Vec::new();
    for record in wanted.take(MAX_ADDRESSES) {
        ttl = ttl.min(record.ttl);
        if !data.contains(&record.data) {
            data.push(record.data.clone());
        }
    }
    let denied = negative_ttl(&message.authorities);
    if !data.is_empty() {
        Says::Found { data, name, ttl: kept(ttl, MAX_TTL) }
    } else if code == ResponseCode::NXDomain {
        // RFC 2308 §2.1: it is about the last of the aliases.
        Says::NoName { ttl: kept(denied.unwrap_or(0), MAX_NEGATIVE_TTL) }
    } else if name != *question.name() && denied.is_none() {
        Says::Alias { name, ttl: kept(ttl, MAX_TTL) }
    } else {
        Says::NoData { ttl: kept(denied.unwrap_or(0), MAX_NEGATIVE_TTL) }
    }
}

/// The last name of the chain of aliases that begins with `name`, and how long the chain holds. None if it is too long.
fn follow(answers: &[Record], name: &Name) -> Option<(Name, u32)> {
    let (mut name, mut ttl) = (name.clone(), u32::MAX);
    for _ in 0..=MAX_CHAIN {
        let Some(alias) = records(answers, &name, RecordType::CNAME).next() else { return Some((name, ttl)) };
        let RData::CNAME(target) = &alias.data else { return Some((name, ttl)) };
        ttl = ttl.min(alias.ttl);
        name = target.0.clone();
    }
    None
}

fn records<'a>(records: &'a [Record], name: &Name, ty: RecordType) -> impl Iterator<Item = &'a Record> {
    let is_wanted = move |record: &&Record| record.record_type() == ty && record.dns_class == DNSClass::IN;
    records.iter().filter(is_wanted).filter(move |record| record.name == *name)
}

/// RFC 2308 §5: how long a negative answer holds, as the zone's SOA says; without one it is not kept.
fn negative_ttl(authorities: &[Record]) -> Option<u32> {
    authorities.iter().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(record.ttl.min(soa.minimum)),
        _ => None,
    })
}

/// RFC 2181 §8: a TTL with the highest bit set is none.
fn kept(ttl: u32, most: u32) -> Duration {
    Duration::from_secs(if ttl > i32::MAX as u32 { 0 } else { ttl.min(most) }.into())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_proto::op::{MessageType, OpCode};
    use hickory_proto::rr::rdata::{A, CNAME, SOA};

    use super::*;
    use crate::dns::names::full;

    fn name(text: &str) -> Name {
        full(text).expect("a name")
    }

    fn address(owner: &str, ttl: u32, last: u8) -> Record {
        Record::from_rdata(name(owner), ttl, RData::A(A(Ipv4Addr::new(192, 0, 2, last))))
    }

    fn alias(owner: &str, ttl: u32, target: &str) -> Record {
        Record::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(target))))
    }

    fn soa(ttl: u32, minimum: u32) -> Record {
        let soa = SOA::new(name("ns.example"), name("admin.example"), 1, 2, 3, 4, minimum);
        Record::from_rdata(name("example"), ttl, RData::SOA(soa))
    }

    fn says(code: ResponseCode, answers: Vec<Record>, authorities: Vec<Record>) -> Says {
        let mut message = Message::new(1, MessageType::Response, OpCode::Query);
        message.metadata.response_code = code;
        message.answers = answers;
        message.authorities = authorities;
        read(&message, &Question::new(1, name("www.example"), RecordType::A))
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn aliases_are_followed_in_any_order_and_the_shortest_life_counts() {
        let answers = vec![
            address("c.example", 60, 2),
            alias("b.example", 20, "C.example"),
            address("c.example", 90, 1),
            alias("www.example", 300, "b.example"),
            address("other.example", 1, 9),
            address("c.example", 70, 1),
        ];
        let Says::Found { data, name: last, ttl } = says(ResponseCode::NoError, answers, Vec::new()) else { panic!("found") };
        let addresses = [2, 1].map(|last| RData::A(A(Ipv4Addr::new(192, 0, 2, last))));
        assert_eq!((data, last, ttl), (addresses.to_vec(), name("c.example"), seconds(20)), "the order is the server's");
    }

    #[test]
    fn a_circle_of_aliases_ends() {
        let circle = vec![alias("www.example", 1, "b.example"), alias("b.example", 1, "www.example")];
        assert_eq!(says(ResponseCode::NoError, circle, Vec::new()), Says::Chain);
        let mut long: Vec<Record> =
            (0..MAX_CHAIN).map(|step| alias(&format!("{step}.example"), 9, &format!("{}.example", step + 1))).collect();
        long.push(alias("www.example", 9, "0.example"));
        assert_eq!(says(ResponseCode::NoError, long, Vec::new()), Says::Chain);
    }

    #[test]
    fn what_is_not_there_is_kept_as_long_as_the_zone_says() {
        let no_name = |ttl, authorities| {
            assert_eq!(says(ResponseCode::NXDomain, Vec::new(), authorities), Says::NoName { ttl: seconds(ttl) });
        };
        no_name(60, vec![soa(60, 900)]);
        no_name(30, vec![soa(60, 30)]);
        no_name(3 * 60 * 60, vec![soa(u32::MAX >> 1, u32::MAX >> 1)]);
        no_name(0, Vec::new());
        assert_eq!(says(ResponseCode::NoError, Vec::new(), vec![soa(5, 9)]), Says::NoData { ttl: seconds(5) }, "RFC 2308 §2.2");
        assert_eq!(says(ResponseCode::NoError, Vec::new(), Vec::new()), Says::NoData { ttl: seconds(0) });
        let dangling = vec![alias("www.example", 7, "elsewhere.test")];
        let elsewhere = Says::Alias { name: name("elsewhere.test"), ttl: seconds(7) };
        assert_eq!(says(ResponseCode::NoError, dangling.clone(), Vec::new()), elsewhere);
        assert_eq!(says(ResponseCode::NoError, dangling, vec![soa(5, 9)]), Says::NoData { ttl: seconds(5) });
    }

    #[test]
    fn nothing_is_believed_for_too_long_and_not_everything_is_kept() {
        let ttl = |ttl| match says(ResponseCode::NoError, vec![address("www.example", ttl, 1)], Vec::new()) {
            Says::Found { ttl, .. } => ttl.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!([ttl(5), ttl(1 << 30), ttl(1 << 31)], [5, 24 * 60 * 60, 0], "RFC 2181 §8");
        let many = (0..=255).map(|last| address("www.example", 1, last)).collect();
        let Says::Found { data, .. } = says(ResponseCode::NoError, many, Vec::new()) else { panic!("found") };
        assert_eq!(data.len(), MAX_ADDRESSES);
        assert_eq!(says(ResponseCode::ServFail, Vec::new(), Vec::new()), Says::Failed(ResponseCode::ServFail));
    }
}
