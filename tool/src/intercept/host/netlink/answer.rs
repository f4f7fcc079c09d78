//! Which question gets which answer.

use loggia_lab::world::{HostId, World};
use loggia_stack::base::{Addr, SockAddr};
use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::{AF_INET, AF_INET6, SOCK_DGRAM};

use super::super::interface;
use super::numbers::{NLMSG_MIN_TYPE, RTM_MAX};
use super::reply::Reply;
use super::request::{Request, requests};
use super::{addresses, links, neighbours, routes};

/// Bytes of answers to one datagram, after which further questions in it are not read.
const MOST: usize = 256 << 10;

/// A port; nothing is sent there.
const DISCARD: u16 = 9;

/// How a socket wants to be answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) port: u32,
    pub(super) strict: bool,
    pub(super) brief: bool,
}

/// The datagrams that answer one.
pub(super) fn answer(world: &mut World, host: HostId, manner: Manner, question: &[u8]) -> Vec<Vec<u8>> {
    let mut reply = Reply::to(manner.port);
    for request in requests(question) {
        if i32::from(request.flags) & libc::NLM_F_REQUEST == 0 || request.kind < NLMSG_MIN_TYPE {
            acknowledge(&mut reply, &request, Ok(()), manner);
            continue;
        }
        let listed = kind(&request) == Kind::Get && request.is_dump();
        let outcome =
            if listed { list(&mut reply, &request, world, host, manner) } else { one(&mut reply, &request, world, host) };
        if listed && outcome.is_ok() {
            reply.done(&request);
        } else {
            acknowledge(&mut reply, &request, outcome, manner);
        }
        if reply.len() > MOST {
            break;
        }
    }
    reply.datagrams()
}

/// An error is always told, success to those who want to know.
fn acknowledge(reply: &mut Reply, request: &Request<'_>, outcome: Result<(), i32>, manner: Manner) {
    match outcome {
        Err(number) => reply.error(request, number, manner.brief),
        Ok(()) if i32::from(request.flags) & libc::NLM_F_ACK != 0 => reply.error(request, 0, manner.brief),
        Ok(()) => {}
    }
}

/// What the last two bits of a question's type say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Get,
    Change,
}

fn kind(request: &Request<'_>) -> Kind {
    if request.kind & 3 == 2 { Kind::Get } else { Kind::Change }
}

/// All there is of something. `EOPNOTSUPP`
fn list(reply: &mut Reply, request: &Request<'_>, world: &World, host: HostId, manner: Manner) -> Result<(), i32> {
    let stack = world.hosts()[host.0].stack();
    let interfaces = interface::all(stack);
    match request.kind {
        libc::RTM_GETLINK => links::list(reply, request, &interfaces),
        libc::RTM_GETADDR => addresses::list(reply, request, &interfaces, manner.strict, world.now()),
        libc::RTM_GETROUTE => routes::list(reply, request, stack, &interfaces),
        libc::RTM_GETNEIGH => neighbours::list(reply, request, stack.neighbours()),
        _ => return Err(libc::EOPNOTSUPP),
    }
    Ok(())
}

/// One thing, or a change. `EPERM`, `EOPNOTSUPP`, and those of `links` and `routes`
fn one(reply: &mut Reply, request: &Request<'_>, world: &mut World, host: HostId) -> Result<(), i32> {
    if request.kind > RTM_MAX {
        return Err(libc::EOPNOTSUPP);
    }
    // As Linux: what does not even name a family is not looked at.
    if request.body.is_empty() {
        return Ok(());
    }
    if kind(request) == Kind::Change {
        return Err(libc::EPERM);
    }
    let interfaces = interface::all(world.hosts()[host.0].stack());
    match request.kind {
        libc::RTM_GETLINK => links::one(reply, request, &interfaces),
        libc::RTM_GETROUTE => {
            let dst = routes::destination(request)?;
            let source = source_for(world.stack(host), dst);
            routes::one(reply, request, world.stack(host), &interfaces, dst, source)
        }
        _ => Err(libc::EOPNOTSUPP),
    }
}

/// The address from which a destination would be sent to, as a socket that connects to it would have it.
fn source_for(stack: &mut Stack, dst: Addr) -> Option<Addr> {
    let family = if dst.is_v4() { AF_INET } else { AF_INET6 };
    let socket = stack.socket(family, SOCK_DGRAM, 0).ok()?;
    let named = stack.connect(socket, &SockAddr::new(dst, DISCARD).into()).and_then(|()| stack.getsockname(socket));
    // It is there: it was made a moment ago.
    let _ = stack.close(socket);
    named.ok()?.sock_addr().map(|name| name.addr)
}
