//! Questions to name servers that are no host of the lab: whatever server a program was told to ask, the lab answers. What the lab does not
//! know is asked further, of a name server that the program's host reaches, if there is one; the answer seems to come from whom the program
//! asked.

use std::collections::HashMap;
use std::time::Duration;

use loggia_lab::world::{HostId, World};
use loggia_stack::Errno;
use loggia_stack::base::{Instant, Key, MsgFlags, SocketId};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SOCK_DGRAM};

use super::Supervisor;
use super::table::Source;

/// The port of name servers.
const PORT: u16 = 53;
/// How long an answer from further on is waited for; resolvers give up earlier.
const PATIENCE: Duration = Duration::from_secs(15);
/// Questions of a host that wait for answers from further on, at most.
const MOST: usize = 256;
/// Answers that wait for a program which does not read, at most.
const MOST_UNREAD: usize = 16;

/// Who asked, and whom he believes to have asked.
#[derive(Debug)]
struct Question {
    key: Key,
    server: Address,
    until: Instant,
}

/// Questions under way, each on a socket of its own.
#[derive(Debug, Default)]
pub(super) struct Questions(HashMap<(HostId, SocketId), Question>);

impl Supervisor {
    /// Answers what a program sends to a foreign name server; false if it is for somebody else.
    pub(super) fn ask_name_server(&mut self, world: &mut World, key: Key, query: &[u8], to: Option<&Address>) -> bool {
        let Some(entry) = self.table.get(key) else { return false };
        let host = entry.host;
        let server = match to {
            Some(to) if is_foreign_name_server(world, host, to) => to.clone(),
            Some(_) => return false,
            None => match &entry.name_server {
                Some(server) => server.clone(),
                None => return false,
            },
        };
        match (self.options.names)(host, query) {
            Some(answer) => self.name_server_says(world, key, server, answer),
            // Who cannot ask further gets no answer, as from a server that cannot be reached.
            None => drop(self.ask_further(world, host, query, key, server)),
        }
        true
    }

    fn name_server_says(&mut self, world: &mut World, key: Key, server: Address, answer: Vec<u8>) {
        // Who does not read loses answers, as by a full receive buffer.
        let Some(entry) = self.table.get_mut(key).filter(|entry| entry.overflow.len() < MOST_UNREAD) else { return };
        let source = Source { charge: 0, len: answer.len(), from: server, control: Vec::new() };
        entry.overflow.push_back((answer, source));
        self.datagram_in(world, key);
        self.wake(world, key);
    }

    fn ask_further(&mut self, world: &mut World, host: HostId, query: &[u8], key: Key, server: Address) -> Result<(), Errno> {
        let Some(resolver) = self.options.resolver.clone() else { return Ok(()) };
        self.give_up_questions(world, host);
        let until = world.now() + PATIENCE;
        let stack = world.stack(host);
        let family = if matches!(resolver, Address::Inet(_)) { AF_INET } else { AF_INET6 };
        let socket = stack.socket(family, SOCK_DGRAM, 0)?;
        let asked = stack.connect(socket, &resolver).and_then(|()| stack.send(socket, query, MsgFlags::NONE));
        if asked.is_ok() {
            self.questions.0.insert((host, socket), Question { key, server, until });
        } else {
            let _ = stack.close(socket);
        }
        self.touched(host);
        asked.map(drop)
    }

    /// The stack has news of a socket on which a question was asked. False if it is none.
    pub(super) fn answer_from_afar(&mut self, world: &mut World, host: HostId, socket: SocketId) -> bool {
        let Some(question) = self.questions.0.remove(&(host, socket)) else { return false };
        let stack = world.stack(host);
        let answer = stack.recv_bytes(socket, usize::MAX);
        if answer == Err(Errno::EAGAIN) {
            self.questions.0.insert((host, socket), question);
            return true;
        }
        let _ = stack.close(socket);
        self.touched(host);
        if let Ok(answer) = answer {
            self.name_server_says(world, question.key, question.server, answer.to_vec());
        }
        true
    }

    /// Those that were not answered in time, and the oldest of a host that asks too much.
    fn give_up_questions(&mut self, world: &mut World, asking: HostId) {
        let now = world.now();
        let mut over: Vec<_> = self.questions.0.extract_if(|_, question| question.until <= now).map(|(at, _)| at).collect();
        let own = self.questions.0.iter().filter(|((host, _), _)| *host == asking);
        if own.clone().count() >= MOST
            && let Some(oldest) = own.min_by_key(|(_, question)| question.until).map(|(at, _)| *at)
        {
            self.questions.0.remove(&oldest);
            over.push(oldest);
        }
        for (host, socket) in over {
            let _ = world.stack(host).close(socket);
            self.touched(host);
        }
    }
}

/// True if this is the address of a name server that is no host of the lab, or nobody's on this host.
pub(super) fn is_foreign_name_server(world: &mut World, host: HostId, address: &Address) -> bool {
    let Some(to) = address.sock_addr().filter(|to| to.port == PORT && !to.addr.is_multicast()) else { return false };
    if to.addr.is_loopback() || to.addr.is_unspecified() {
        let rows = world.stack(host).socket_rows();
        return !rows.iter().any(|row| row.netid == "udp" && row.local.ends_with(":53"));
    }
    !world.hosts().iter().any(|host| host.stack().addresses().any(|(_, cidr)| cidr.addr == to.addr))
}
