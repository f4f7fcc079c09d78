//! One question to one server.

use std::io;
use std::net::SocketAddr;

use hickory_proto::op::Message;
use loggia_stack::base::{Instant, MsgFlags};
use loggia_stack::socket::numbers::SOCK_DGRAM;

use super::question::Question;
use crate::connecting;
use crate::host::Host;
use crate::socket::{READ, Socket, WRITE, address, family, send};
use crate::time::timeout_at;

/// After so many datagrams that are no answers somebody seems to be guessing: the question goes by TCP, where that is hard
/// (RFC 5452 §9.1 leaves the number open).
const MAX_STRANGERS: usize = 32;

/// How a question is put to a server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) tcp: bool,
    pub(super) edns: bool,
    /// An answer is waited for until then.
    pub(super) deadline: Instant,
}

/// Asks, and gives the message that answers. [`TimedOut`](io::ErrorKind::TimedOut), or what the sockets say.
pub(super) async fn ask(host: &Host, server: SocketAddr, question: &Question, manner: Manner) -> io::Result<Message> {
    let bytes = question.to_bytes(manner.edns);
    timeout_at(host, manner.deadline, async move {
        if !manner.tcp
            && let Some(message) = by_udp(host, server, question, &bytes).await?
        {
            return Ok(message);
        }
        by_tcp(host, server, question, &bytes).await
    })
    .await?
}

/// Asks by a datagram from a port of its own (RFC 5452 §9.2). The socket takes nothing but what comes from the server's address and port.
/// None if the answer is to be had by TCP.
async fn by_udp(host: &Host, server: SocketAddr, question: &Question, bytes: &[u8]) -> io::Result<Option<Message>> {
    let socket = Socket::new(host, family(&server), SOCK_DGRAM)?;
    socket.call(|stack, id| stack.connect(id, &address(server)))?;
    socket.until(WRITE, |stack, id| send(stack, id, &[bytes], None)).await?;
    let mut room = vec![0; usize::from(u16::MAX)];
    for _ in 0..MAX_STRANGERS {
        let len = socket.until(READ, |stack, id| stack.recv(id, &mut room, MsgFlags::NONE)).await?;
        if let Some(message) = question.read(&room[..len]) {
            return Ok((!message.metadata.truncation).then_some(message));
        }
    }
    Ok(None)
}

/// Asks by a connection (RFC 7766), where each message has its length in front (RFC 1035 §4.2.2).
async fn by_tcp(host: &Host, server: SocketAddr, question: &Question, bytes: &[u8]) -> io::Result<Message> {
    let socket = connecting::connect(host.clone(), server).await?;
    let length = (bytes.len() as u16).to_be_bytes();
    let whole = [&length, bytes].concat();
    let mut sent = 0;
    while sent < whole.len() {
        sent += socket.until(WRITE, |stack, id| send(stack, id, &[&whole[sent..]], None)).await?;
    }
    let mut length = [0; 2];
    read_exact(&socket, &mut length).await?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    read_exact(&socket, &mut answer).await?;
    question.read(&answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

async fn read_exact(socket: &Socket, into: &mut [u8]) -> io::Result<()> {
    let mut done = 0;
    while done < into.len() {
        match socket.until(READ, |stack, id| stack.recv(id, &mut into[done..], MsgFlags::NONE)).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            len => done += len,
        }
    }
    Ok(())
}
