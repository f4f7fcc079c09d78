//! Names inside a lab: a DNS answer for every question, whatever server the program asked.
//!
//! A lab without an uplink is a world of its own, so that the answer is final: a name it does not have does not exist (NXDOMAIN), and a name it has but not of
//! that type has no data (RFC 2308 §2.2). Search lists do no harm: `server.example.com` does not exist, and resolvers go on to `server`.

use std::net::IpAddr;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::PTR;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use loggia_stack::base::Addr;

/// Seconds an answer may be kept: the lab lives no longer than its run.
const TTL: u32 = 60;
/// What a query without EDNS takes (RFC 1035 §4.2.1).
const PLAIN: usize = 512;

/// The names that a host knows.
pub trait Names {
    /// The addresses of a name, which has no dot at its end.
    fn forward(&self, name: &str) -> Option<Vec<Addr>>;

    /// The name of an address.
    fn reverse(&self, addr: Addr) -> Option<String>;
}

/// The addresses of a name; `localhost` and what ends with it is this host (RFC 6761 §6.3).
pub fn lookup(names: &dyn Names, name: &str) -> Option<Vec<Addr>> {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return Some(vec![Addr::V4_LOOPBACK, Addr::V6_LOOPBACK]);
    }
    names.forward(&name)
}

/// True if the answer to a DNS query is known here. With an uplink others may know the rest, but not of networks of the lab's own.
pub fn is_known(names: &dyn Names, query: &[u8]) -> bool {
    let Ok(query) = Message::from_vec(query) else { return true };
    let [question] = query.queries.as_slice() else { return true };
    match question.name().parse_arpa_name() {
        Ok(net) => names.reverse(net.addr().into()).is_some(),
        Err(_) => lookup(names, &question.name().to_ascii()).is_some(),
    }
}

/// The answer to a DNS query, as bytes; none to what is no query at all.
pub fn answer(names: &dyn Names, query: &[u8]) -> Option<Vec<u8>> {
    let query = Message::from_vec(query).ok()?;
    if query.metadata.message_type != MessageType::Query {
        return None;
    }
    let mut answer = Message::response(query.metadata.id, query.metadata.op_code);
    answer.metadata.recursion_desired = query.metadata.recursion_desired;
    answer.metadata.recursion_available = true;
    answer.queries.clone_from(&query.queries);
    let mut room = PLAIN;
    if let Some(asked) = &query.edns {
        room = usize::from(asked.max_payload()).max(PLAIN);
        let mut edns = Edns::new();
        edns.set_max_payload(1232);
        answer.edns = Some(edns);
    }
    match query.queries.as_slice() {
        _ if query.metadata.op_code != OpCode::Query => answer.metadata.response_code = ResponseCode::NotImp,
        [question] => resolve(names, question, &mut answer),
        _ => answer.metadata.response_code = ResponseCode::FormErr,
    }
    let bytes = answer.to_vec().ok()?;
    if bytes.len() <= room { Some(bytes) } else { answer.truncate().to_vec().ok() }
}

fn resolve(names: &dyn Names, question: &Query, answer: &mut Message) {
    let name = question.name();
    if let Ok(net) = name.parse_arpa_name() {
        match names.reverse(net.addr().into()) {
            Some(host) if matches!(question.query_type(), RecordType::PTR | RecordType::ANY) => {
                if let Ok(host) = Name::from_ascii(format!("{host}.")) {
                    answer.add_answer(Record::from_rdata(name.clone(), TTL, RData::PTR(PTR(host))));
                }
            }
            Some(_) => {}
            None => answer.metadata.response_code = ResponseCode::NXDomain,
        }
        return;
    }
    let Some(addresses) = lookup(names, &name.to_ascii()) else {
        answer.metadata.response_code = ResponseCode::NXDomain;
        return;
    };
    for addr in addresses {
        let wanted = match question.query_type() {
            RecordType::A => addr.is_v4(),
            RecordType::AAAA => !addr.is_v4(),
            RecordType::ANY => true,
            _ => false,
        };
        if wanted {
            answer.add_answer(Record::from_rdata(name.clone(), TTL, RData::from(IpAddr::from(addr))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lab;

    impl Names for Lab {
        fn forward(&self, name: &str) -> Option<Vec<Addr>> {
            (name == "server").then(|| ["10.0.1.1", "fd00:1::1"].map(|text| text.parse().expect("an address")).to_vec())
        }

        fn reverse(&self, addr: Addr) -> Option<String> {
            (addr == Addr::v4(10, 0, 1, 1)).then(|| "server".into())
        }
    }

    fn ask(name: &str, kind: RecordType) -> (ResponseCode, Vec<String>) {
        let mut query = Message::query();
        query.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
        let bytes = answer(&Lab, &query.to_vec().expect("a message")).expect("an answer");
        let answer = Message::from_vec(&bytes).expect("a message");
        assert_eq!(answer.metadata.id, query.metadata.id);
        let data = answer.answers.iter().map(|record| record.data.to_string()).collect();
        (answer.metadata.response_code, data)
    }

    #[test]
    fn a_name_of_the_lab_has_its_addresses_of_each_family() {
        assert_eq!(ask("server.", RecordType::A), (ResponseCode::NoError, vec!["10.0.1.1".into()]));
        assert_eq!(ask("SERVER.", RecordType::AAAA), (ResponseCode::NoError, vec!["fd00:1::1".into()]));
        assert_eq!(ask("server.", RecordType::MX), (ResponseCode::NoError, vec![]));
        assert_eq!(ask("localhost.", RecordType::A), (ResponseCode::NoError, vec!["127.0.0.1".into()]));
    }

    #[test]
    fn what_the_lab_does_not_have_does_not_exist() {
        assert_eq!(ask("server.example.com.", RecordType::A), (ResponseCode::NXDomain, vec![]));
        assert_eq!(ask("9.9.9.9.in-addr.arpa.", RecordType::PTR), (ResponseCode::NXDomain, vec![]));
    }

    #[test]
    fn an_address_has_its_name() {
        assert_eq!(ask("1.1.0.10.in-addr.arpa.", RecordType::PTR), (ResponseCode::NoError, vec!["server.".into()]));
    }

    #[test]
    fn what_others_may_know_is_told_apart() {
        let known = |name: &str, kind| {
            let mut query = Message::query();
            query.add_query(Query::query(Name::from_ascii(name).expect("a name"), kind));
            is_known(&Lab, &query.to_vec().expect("a message"))
        };
        assert!(
            known("server.", RecordType::A)
                && known("server.", RecordType::MX)
                && known("1.1.0.10.in-addr.arpa.", RecordType::PTR)
        );
        assert!(!known("example.com.", RecordType::A) && !known("9.9.9.9.in-addr.arpa.", RecordType::PTR));
        assert!(is_known(&Lab, b"GET / HTTP/1.1"), "nobody else is bothered with it");
    }

    #[test]
    fn what_is_no_query_gets_no_answer() {
        assert_eq!(answer(&Lab, b"GET / HTTP/1.1"), None);
        assert_eq!(answer(&Lab, &[]), None);
    }
}
