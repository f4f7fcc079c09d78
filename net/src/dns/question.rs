//! What is asked, and which messages answer it.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};

/// The largest answer by UDP: what no path cuts into fragments (RFC 6891 §6.2.5 leaves it to us; so does most of the world).
pub(super) const PAYLOAD: u16 = 1232;

/// A question as it is asked once.
#[derive(Clone, Debug)]
pub(super) struct Question {
    id: u16,
    query: Query,
}

impl Question {
    /// With an id that nobody can guess (RFC 5452 §9.2).
    pub(super) fn new(id: u16, name: Name, ty: RecordType) -> Self {
        let mut query = Query::query(name, ty);
        query.set_query_class(DNSClass::IN);
        Self { id, query }
    }

    pub(super) fn name(&self) -> &Name {
        self.query.name()
    }

    pub(super) fn record_type(&self) -> RecordType {
        self.query.query_type()
    }

    /// The message. Without EDNS for servers that do not know it.
    pub(super) fn to_bytes(&self, edns: bool) -> Vec<u8> {
        let mut message = Message::new(self.id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(self.query.clone());
        if edns {
            let mut edns = Edns::new();
            edns.set_max_payload(PAYLOAD);
            message.set_edns(edns);
        }
        message.to_vec().expect("a name that was accepted fits into a message")
    }

    /// The message, if it answers this question (RFC 5452 §9.1): the id and the question must be the same.
    pub(super) fn read(&self, bytes: &[u8]) -> Option<Message> {
        let message = Message::from_vec(bytes).ok()?;
        let metadata = &message.metadata;
        let is_answer =
            metadata.id == self.id && metadata.message_type == MessageType::Response && metadata.op_code == OpCode::Query;
        (is_answer && self.is_in(&message)).then_some(message)
    }

    fn is_in(&self, message: &Message) -> bool {
        match message.queries.as_slice() {
            [query] => *query == self.query,
            // A server that could not read the question cannot repeat it.
            [] => matches!(message.metadata.response_code, ResponseCode::FormErr | ResponseCode::NotImp),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::names::full;

    fn question() -> Question {
        Question::new(4711, full("www.example").expect("a name"), RecordType::A)
    }

    fn answer(change: impl FnOnce(&mut Message)) -> Vec<u8> {
        let mut message = Message::from_vec(&question().to_bytes(true)).expect("a message").into_response();
        message.metadata.message_type = MessageType::Response;
        change(&mut message);
        message.to_vec().expect("bytes")
    }

    #[test]
    fn only_the_same_id_and_question_are_an_answer() {
        let question = question();
        assert!(question.read(&answer(|_| {})).is_some(), "RFC 5452 §9.1");
        let is_refused = |what: &str, change: fn(&mut Message)| assert!(question.read(&answer(change)).is_none(), "{what}");
        is_refused("another id", |message| message.metadata.id = 4712);
        is_refused("a question", |message| message.metadata.message_type = MessageType::Query);
        is_refused("another kind of call", |message| message.metadata.op_code = OpCode::Notify);
        is_refused("no question in it", |message| message.queries.clear());
        is_refused("two questions", |message| message.queries.push(message.queries[0].clone()));
        is_refused("another type", |message| {
            message.queries[0].set_query_type(RecordType::AAAA);
        });
        is_refused("another name", |message| {
            message.queries[0].set_name(full("ww.example").expect("a name"));
        });
        is_refused("another class", |message| {
            message.queries[0].set_query_class(DNSClass::CH);
        });
        assert!(question.read(b"nonsense").is_none());
        let other_case = answer(|message| {
            message.queries[0].set_name(full("WWW.Example").expect("a name"));
        });
        assert!(question.read(&other_case).is_some(), "RFC 4343: case does not count");
        let unreadable = answer(|message| {
            message.queries.clear();
            message.metadata.response_code = ResponseCode::FormErr;
        });
        assert!(question.read(&unreadable).is_some());
    }
}
