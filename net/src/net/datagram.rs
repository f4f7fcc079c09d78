//! Datagrams as values, for those who send and receive many.

use std::net::SocketAddr;

use bytes::Bytes;
use loggia_stack::base::{Errno, MsgFlags, SocketId};
use loggia_stack::engine::Stack;
use loggia_stack::socket::Address;

use crate::socket::{address, sock_addr};

/// A datagram with the address it goes to or comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Datagram {
    /// What it carries.
    pub data: Bytes,
    /// The other end. None of one that goes to the connected end.
    pub peer: Option<SocketAddr>,
}

impl Datagram {
    /// For this address.
    pub fn to(peer: SocketAddr, data: impl Into<Bytes>) -> Self {
        Self { data: data.into(), peer: Some(peer) }
    }

    /// For the connected end.
    pub fn connected(data: impl Into<Bytes>) -> Self {
        Self { data: data.into(), peer: None }
    }
}

/// Sends as many as can be sent now, in order; says how many. An error only if the first cannot.
pub(crate) fn send_many(stack: &mut Stack, id: SocketId, datagrams: &[Datagram]) -> Result<usize, Errno> {
    let mut sent = 0;
    for datagram in datagrams {
        let to: Option<Address> = datagram.peer.map(address);
        match stack.send_bytes_to(id, datagram.data.clone(), to.as_ref(), MsgFlags::NOSIGNAL) {
            Ok(_) => sent += 1,
            Err(errno) if sent == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(sent)
}

/// Takes those that are there, `most` at most; says how many. An error only if there is none.
pub(crate) fn recv_many(stack: &mut Stack, id: SocketId, into: &mut Vec<Datagram>, most: usize) -> Result<usize, Errno> {
    let mut taken = 0;
    while taken < most {
        match stack.recv_bytes_from(id, usize::MAX) {
            Ok((data, from)) => into.push(Datagram { data, peer: sock_addr(&from).ok() }),
            Err(errno) if taken == 0 => return Err(errno),
            Err(_) => break,
        }
        taken += 1;
    }
    Ok(taken)
}
