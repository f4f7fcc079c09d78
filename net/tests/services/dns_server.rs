//! A DNS server that answers what it is told to.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, PTR, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use loggia::Host;
use loggia::tokio::net::{TcpListener, UdpSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::World;

/// What was asked, by what way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asked {
    pub(crate) name: String,
    pub(crate) ty: RecordType,
    pub(crate) tcp: bool,
    pub(crate) edns: bool,
    pub(crate) id: u16,
    pub(crate) from: SocketAddr,
}

/// Answers a query; none is silence.
pub(crate) type Script = Arc<dyn Fn(&Message, &Asked) -> Option<Message> + Send + Sync>;

/// What a server was asked so far.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Asked>>>);

impl Log {
    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut self.0.lock().expect("log"))
    }

    pub(crate) fn names(&self) -> Vec<(String, RecordType)> {
        self.take().into_iter().map(|asked| (asked.name, asked.ty)).collect()
    }

    fn note(&self, query: &Message, tcp: bool, from: SocketAddr) -> Asked {
        let [question] = query.queries.as_slice() else { panic!("one question") };
        let asked = Asked {
            name: question.name().to_ascii(),
            ty: question.query_type(),
            tcp,
            edns: query.edns.is_some(),
            id: query.metadata.id,
            from,
        };
        self.0.lock().expect("log").push(asked.clone());
        asked
    }
}

/// Serves at port 53 of a host, by both ways, for ever.
pub(crate) fn serve(
    world: &World,
    host: &Host,
    script: impl Fn(&Message, &Asked) -> Option<Message> + Send + Sync + 'static,
) -> Log {
    let (log, script): (Log, Script) = (Log::default(), Arc::new(script));
    world.spawn(by_udp(host.clone(), script.clone(), log.clone()));
    world.spawn(by_tcp(world.clone(), host.clone(), script, log.clone()));
    log
}

async fn by_udp(host: Host, script: Script, log: Log) {
    let socket = UdpSocket::bind_on(&host, "[::]:53").await.expect("bind");
    let mut room = [0; 2000];
    loop {
        // Who has gone away answers with ICMP.
        let Ok((len, from)) = socket.recv_from(&mut room).await else { continue };
        let query = Message::from_vec(&room[..len]).expect("a query");
        let asked = log.note(&query, false, from);
        if let Some(answer) = script(&query, &asked) {
            let _ = socket.send_to(&answer.to_vec().expect("bytes"), from).await;
        }
    }
}

async fn by_tcp(world: World, host: Host, script: Script, log: Log) {
    let listener = TcpListener::bind_on(&host, "[::]:53").await.expect("bind");
    loop {
        let (mut stream, from) = listener.accept().await.expect("accept");
        let (script, log) = (script.clone(), log.clone());
        world.spawn(async move {
            let Ok(len) = stream.read_u16().await else { return };
            let mut query = vec![0; len.into()];
            stream.read_exact(&mut query).await.expect("a query");
            let query = Message::from_vec(&query).expect("a query");
            let asked = log.note(&query, true, from);
            if let Some(answer) = script(&query, &asked) {
                let bytes = answer.to_vec().expect("bytes");
                stream.write_u16(bytes.len() as u16).await.expect("write");
                stream.write_all(&bytes).await.expect("write");
            }
        });
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::from_ascii(text).expect("a name")
}

/// An empty answer to a query.
pub(crate) fn reply(query: &Message, code: ResponseCode) -> Message {
    let mut answer = Message::new(query.metadata.id, MessageType::Response, query.metadata.op_code);
    answer.metadata.response_code = code;
    answer.queries.clone_from(&query.queries);
    answer
}

pub(crate) fn record(owner: &str, ttl: u32, data: RData) -> Record {
    Record::from_rdata(name(owner), ttl, data)
}

pub(crate) fn address(text: &str) -> RData {
    match text.parse().expect("an address") {
        IpAddr::V4(v4) => RData::A(A(v4)),
        IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
    }
}

pub(crate) fn alias(to: &str) -> RData {
    RData::CNAME(CNAME(name(to)))
}

pub(crate) fn pointer(to: &str) -> RData {
    RData::PTR(PTR(name(to)))
}

/// Says that a zone's negative answers hold for so many seconds.
pub(crate) fn soa(seconds: u32) -> Record {
    let soa = SOA::new(name("ns.example."), name("admin.example."), 1, 2, 3, 4, seconds);
    record("example.", 3600, RData::SOA(soa))
}

/// Answers from a zone: what it has of the name and type, aliases of the name, or that there is no such name.
pub(crate) fn zone(records: Vec<Record>) -> impl Fn(&Message, &Asked) -> Option<Message> + Send + Sync {
    move |query, asked| {
        let owned: Vec<_> = records.iter().filter(|record| record.name == name(&asked.name)).cloned().collect();
        let code = if owned.is_empty() { ResponseCode::NXDomain } else { ResponseCode::NoError };
        let mut answer = reply(query, code);
        let fits = |record: &Record| record.record_type() == asked.ty || record.record_type() == RecordType::CNAME;
        answer.answers = owned.into_iter().filter(fits).collect();
        if answer.answers.is_empty() {
            answer.authorities.push(soa(60));
        }
        Some(answer)
    }
}
