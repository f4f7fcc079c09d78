//! `NETLINK_ROUTE`: a socket that answers what a host's interfaces, addresses, routes and neighbours are.
//!
//! The program's descriptor is one end of an `AF_UNIX` pair that keeps the boundaries of messages (`SOCK_SEQPACKET`); ours is the other. What
//! is sent and received with an address is trapped and carried out here; what is not (`send`, `recv`, `read`) is native, and answered when it
//! arrives.
//!
//! Everything a program sends is hostile until proven otherwise: [`request`] believes no length, what is answered at a time and what waits to
//! be read are bounded, and nothing a program asks changes the host.
//!
//! | file | what |
//! |---|---|
//! | `request`, `reply`, `numbers` | messages as bytes |
//! | `answer` | which question gets which answer |
//! | `links`, `addresses`, `routes`, `neighbours` | the answers |
//!
//! Changes are not announced: who joins a multicast group hears nothing.

mod addresses;
mod answer;
mod links;
mod neighbours;
pub(in super::super) mod numbers;
mod reply;
mod request;
mod routes;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd, OwnedFd};

use loggia_lab::world::{HostId, World};
use loggia_stack::base::{Key, Slab};
use loggia_stack::socket::Control;
use loggia_stack::transport::unix::Credentials;

use super::super::Supervisor;
use super::super::answer::Subject;
use super::super::call::Call;
use super::super::fault::{Answer, DONE, Fault, Outcome};
use super::super::message::Header;
use super::super::writing::Writing;
use crate::sys::epoll::mask;
use crate::sys::{notify, socket};

/// Answers that wait to be read, at most, in bytes; Linux drops what its socket's buffer has no room for.
const MOST_WAITING: usize = 1 << 20;
/// Bytes of `struct sockaddr_nl`.
const ADDRESS: usize = 12;
/// Who the kernel is to those who want credentials (`SO_PASSCRED`); some programs believe nobody else.
const KERNEL: Credentials = Credentials { pid: 0, uid: 0, gid: 0 };

/// A socket of a program.
#[derive(Debug)]
pub(in super::super) struct Netlink {
    host: HostId,
    cookie: u64,
    /// `SOCK_RAW` or `SOCK_DGRAM`.
    kind: i32,
    end: OwnedFd,
    /// Its own address: given when it is bound or asks.
    port: u32,
    /// Who made it.
    process: u32,
    groups: u32,
    /// Options that change answers.
    strict: bool,
    brief: bool,
    /// Answers that did not fit the program's queue.
    waiting: VecDeque<Vec<u8>>,
}

/// All of them.
#[derive(Debug, Default)]
pub(in super::super) struct Netlinks {
    sockets: Slab<Netlink>,
    by_cookie: HashMap<u64, Key>,
}

impl Netlinks {
    pub(in super::super) fn by_cookie(&self, cookie: u64) -> Option<Key> {
        self.by_cookie.get(&cookie).copied()
    }

    fn is_taken(&self, host: HostId, port: u32) -> bool {
        self.sockets.iter().any(|(_, netlink)| (netlink.host, netlink.port) == (host, port))
    }

    /// A port nobody else has: the process's number, as on Linux, or a large one.
    fn free_port(&self, host: HostId, process: u32) -> u32 {
        let others = (0..).map(|step| 0xffff_f000_u32.wrapping_sub(step));
        let mut candidates = std::iter::once(process).filter(|port| *port != 0).chain(others);
        candidates.find(|port| !self.is_taken(host, *port)).unwrap_or(process)
    }
}

impl Supervisor {
    /// `socket(AF_NETLINK, .., NETLINK_ROUTE)`.
    pub(in super::super) fn create_netlink(&mut self, call: &Call) -> Outcome {
        let ty = call.int(1);
        let kind = ty & 0xf;
        if !matches!(kind, libc::SOCK_RAW | libc::SOCK_DGRAM) {
            return Err(Fault(libc::ESOCKTNOSUPPORT));
        }
        let (program, end) = socket::pair(libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC | ty & libc::SOCK_NONBLOCK)?;
        let cookie = socket::cookie(program.as_fd())?;
        let netlink = Netlink {
            host: call.host(),
            cookie,
            kind,
            end,
            port: 0,
            process: super::super::threads::process_of(call.thread()).unwrap_or(0).unsigned_abs(),
            groups: 0,
            strict: false,
            brief: false,
            waiting: VecDeque::new(),
        };
        let key = self.netlinks.sockets.insert(netlink);
        self.netlinks.by_cookie.insert(cookie, key);
        let watched = self.watch_netlink(key, mask::IN, true);
        let how = notify::Install { replace: None, close_on_exec: ty & libc::SOCK_CLOEXEC != 0, answer: true };
        match watched.and_then(|()| call.install(program.as_fd(), how)) {
            Ok(_) => Ok(Answer::Given),
            Err(error) => {
                self.forget_netlink(key);
                Err(error.into())
            }
        }
    }

    /// Carries a call on such a socket out.
    pub(in super::super) fn netlink_call(&mut self, world: &mut World, call: &Call, subject: &Subject) -> Outcome {
        // What was sent natively before goes first.
        self.netlink_questions(world, subject.key);
        match call.note.number {
            libc::SYS_bind => self.bind_netlink(call, subject.key),
            libc::SYS_connect => netlink_address(call, call.word(1), call.int(2)).and(DONE),
            libc::SYS_getsockname => {
                let Netlink { port, groups, .. } = *self.netlink(subject.key)?;
                call.write_address(call.word(1), call.word(2), &name(port, groups))?;
                DONE
            }
            libc::SYS_getpeername => {
                call.write_address(call.word(1), call.word(2), &name(0, 0))?;
                DONE
            }
            libc::SYS_setsockopt => self.set_netlink_option(call, subject.key),
            libc::SYS_getsockopt => self.netlink_option(call, subject.key),
            libc::SYS_sendto => {
                let mut header = Header::single(call.word(1), call.word(2));
                (header.name, header.name_len) = (call.word(4), call.int(5));
                self.ask_netlink(world, call, subject.key, &header)
            }
            libc::SYS_sendmsg => {
                let header = Header::read(call, call.word(1))?;
                self.ask_netlink(world, call, subject.key, &header)
            }
            libc::SYS_recvfrom => self.netlink_says_from(call, subject),
            libc::SYS_recvmsg => self.netlink_says_message(call, subject),
            libc::SYS_listen | libc::SYS_accept | libc::SYS_accept4 | libc::SYS_shutdown => Err(Fault(libc::EOPNOTSUPP)),
            _ => Ok(Answer::Native),
        }
    }

    /// Something happened at our end.
    pub(in super::super) fn netlink_end(&mut self, world: &mut World, key: Key, events: u32) {
        if events & mask::IN != 0 {
            self.netlink_questions(world, key);
        }
        if events & mask::OUT != 0 {
            self.netlink_deliver(key);
        }
        if events & (mask::HUP | mask::ERR) != 0 {
            self.forget_netlink(key);
        }
    }

    fn forget_netlink(&mut self, key: Key) {
        if let Some(netlink) = self.netlinks.sockets.remove(key) {
            self.netlinks.by_cookie.remove(&netlink.cookie);
        }
    }

    fn watch_netlink(&mut self, key: Key, events: u32, new: bool) -> std::io::Result<()> {
        let Some(netlink) = self.netlinks.sockets.get(key) else { return Ok(()) };
        let number = super::super::NETLINK | key.to_bits();
        if new {
            self.epoll.add(netlink.end.as_fd(), events, number)
        } else {
            self.epoll.change(netlink.end.as_fd(), events, number)
        }
    }

    fn netlink(&mut self, key: Key) -> Result<&mut Netlink, Fault> {
        self.netlinks.sockets.get_mut(key).ok_or(Fault(libc::EBADF))
    }

    fn bind_netlink(&mut self, call: &Call, key: Key) -> Outcome {
        let (port, groups) = netlink_address(call, call.word(1), call.int(2))?;
        let host = self.netlink(key)?.host;
        let bound = self.netlink(key)?.port;
        match (bound, port) {
            (0, 0) => self.name_netlink(key),
            (0, port) if self.netlinks.is_taken(host, port) => return Err(Fault(libc::EADDRINUSE)),
            (0, port) => self.netlink(key)?.port = port,
            (bound, port) if bound != port && port != 0 => return Err(Fault(libc::EINVAL)),
            _ => {}
        }
        self.netlink(key)?.groups = groups;
        DONE
    }

    /// Gives it an address if it has none.
    fn name_netlink(&mut self, key: Key) {
        let Some(Netlink { host, port: 0, process, .. }) = self.netlinks.sockets.get(key) else { return };
        let port = self.netlinks.free_port(*host, *process);
        if let Some(netlink) = self.netlinks.sockets.get_mut(key) {
            netlink.port = port;
        }
    }

    fn set_netlink_option(&mut self, call: &Call, key: Key) -> Outcome {
        if call.int(1) != numbers::SOL_NETLINK {
            return Ok(Answer::Native);
        }
        let on = call.read_int(call.word(3))? != 0;
        match call.int(2) {
            numbers::NETLINK_GET_STRICT_CHK => self.netlink(key)?.strict = on,
            numbers::NETLINK_CAP_ACK => self.netlink(key)?.brief = on,
            1..=12 => {}
            _ => return Err(Fault(libc::ENOPROTOOPT)),
        }
        DONE
    }

    fn netlink_option(&mut self, call: &Call, key: Key) -> Outcome {
        let netlink = self.netlink(key)?;
        let value = match (call.int(1), call.int(2)) {
            (libc::SOL_SOCKET, libc::SO_TYPE) => netlink.kind,
            (libc::SOL_SOCKET, libc::SO_DOMAIN) => libc::AF_NETLINK,
            (libc::SOL_SOCKET, libc::SO_PROTOCOL) => libc::NETLINK_ROUTE,
            (numbers::SOL_NETLINK, numbers::NETLINK_GET_STRICT_CHK) => netlink.strict.into(),
            (numbers::SOL_NETLINK, numbers::NETLINK_CAP_ACK) => netlink.brief.into(),
            (numbers::SOL_NETLINK, _) => return Err(Fault(libc::ENOPROTOOPT)),
            _ => return Ok(Answer::Native),
        };
        if call.read_int(call.word(4))? < 4 {
            return Err(Fault(libc::EINVAL));
        }
        call.write(call.word(3), &value.to_ne_bytes())?;
        call.write(call.word(4), &4i32.to_ne_bytes())?;
        DONE
    }

    /// `sendto`, `sendmsg`: only the kernel is there to be asked.
    fn ask_netlink(&mut self, world: &mut World, call: &Call, key: Key, header: &Header) -> Outcome {
        if header.name != 0 {
            match netlink_address(call, header.name, header.name_len)? {
                (0, 0) => {}
                (_, 0) => return Err(Fault(libc::ECONNREFUSED)),
                _ => return Err(Fault(libc::EPERM)),
            }
        }
        let mut data = self.message_room();
        let outcome = match header.gather(call, 0, &mut data) {
            Ok(len) if header.room() > len => Err(Fault(libc::EMSGSIZE)),
            Ok(0) => Err(Fault(libc::ENODATA)),
            Ok(len) => {
                self.answer_netlink(world, key, &data[..len]);
                Ok(Answer::Value(len as i64))
            }
            Err(fault) => Err(fault),
        };
        self.put_message_room(data);
        outcome
    }

    /// Answers what was sent natively.
    fn netlink_questions(&mut self, world: &mut World, key: Key) {
        let mut data = self.message_room();
        while let Some(netlink) = self.netlinks.sockets.get(key) {
            match socket::receive(netlink.end.as_fd(), &mut data, 0) {
                Ok(0) | Err(_) => break,
                Ok(len) => self.answer_netlink(world, key, &data[..len]),
            }
        }
        self.put_message_room(data);
    }

    fn answer_netlink(&mut self, world: &mut World, key: Key, question: &[u8]) {
        self.name_netlink(key);
        let Some(netlink) = self.netlinks.sockets.get_mut(key) else { return };
        let waiting: usize = netlink.waiting.iter().map(Vec::len).sum();
        if waiting > MOST_WAITING {
            return;
        }
        let manner = answer::Manner { port: netlink.port, strict: netlink.strict, brief: netlink.brief };
        netlink.waiting.extend(answer::answer(world, netlink.host, manner, question));
        self.netlink_deliver(key);
    }

    /// Puts answers into the program's queue, as far as there is room.
    fn netlink_deliver(&mut self, key: Key) {
        let Some(netlink) = self.netlinks.sockets.get_mut(key) else { return };
        while let Some(answer) = netlink.waiting.pop_front() {
            match socket::send(netlink.end.as_fd(), &answer, 0) {
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {
                    netlink.waiting.push_front(answer);
                    break;
                }
                // The program has closed its end; that is noticed elsewhere.
                Ok(_) | Err(_) => {}
            }
        }
        let events = if netlink.waiting.is_empty() { mask::IN } else { mask::IN | mask::OUT };
        // It can only fail for an end that is gone.
        let _ = self.watch_netlink(key, events, false);
    }

    fn netlink_says_from(&mut self, call: &Call, subject: &Subject) -> Outcome {
        let header = Header::single(call.word(1), call.word(2));
        self.netlink_says(call, subject, &header, call.int(3), |told, _, _| {
            if call.word(4) == 0 { Ok(()) } else { call.tell_address(told, call.word(4), call.word(5), &name(0, 0)) }
        })
    }

    fn netlink_says_message(&mut self, call: &Call, subject: &Subject) -> Outcome {
        let header = Header::read(call, call.word(1))?;
        let asked = socket::option(subject.program.as_fd(), libc::SOL_SOCKET, libc::SO_PASSCRED)?;
        let controls = if asked == 0 { &[][..] } else { &[Control::Credentials(KERNEL)] };
        self.netlink_says(call, subject, &header, call.int(2), |told, header, flags| {
            header.told_by(told, &name(0, 0), controls, flags);
            Ok(())
        })
    }

    /// Gives what lies in the program's queue; natively it waits if there is nothing.
    fn netlink_says(
        &mut self,
        call: &Call,
        subject: &Subject,
        header: &Header,
        flags: i32,
        tell: impl FnOnce(&mut Writing, &Header, i32) -> Result<(), Fault>,
    ) -> Outcome {
        let mut data = self.message_room();
        let received = socket::receive(subject.program.as_fd(), &mut data, flags & libc::MSG_PEEK);
        let outcome = match received {
            Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => Ok(Answer::Native),
            Err(error) => Err(error.into()),
            Ok(len) => {
                let copied = len.min(header.room());
                let cut = if copied < len { libc::MSG_TRUNC } else { 0 };
                let told = if flags & libc::MSG_TRUNC != 0 { len } else { copied };
                let mut writing = Writing::default();
                header.scatter(&mut writing, 0, &data[..copied]);
                tell(&mut writing, header, cut).and_then(|()| writing.write(call)).map(|()| Answer::Value(told as i64))
            }
        };
        self.put_message_room(data);
        self.netlink_deliver(subject.key);
        outcome
    }
}

/// `struct sockaddr_nl`.
fn name(port: u32, groups: u32) -> [u8; ADDRESS] {
    let mut bytes = [0; ADDRESS];
    bytes[..2].copy_from_slice(&(libc::AF_NETLINK as u16).to_ne_bytes());
    bytes[4..8].copy_from_slice(&port.to_ne_bytes());
    bytes[8..].copy_from_slice(&groups.to_ne_bytes());
    bytes
}

/// Port and groups of an address. `EINVAL`
fn netlink_address(call: &Call, address: u64, len: i32) -> Result<(u32, u32), Fault> {
    let bytes = call.read_address(address, len)?;
    let field = |offset| request::u32_at(&bytes, offset).ok_or(Fault(libc::EINVAL));
    let family = request::u16_at(&bytes, 0).map(i32::from);
    if family == Some(libc::AF_NETLINK) { Ok((field(4)?, field(8)?)) } else { Err(Fault(libc::EINVAL)) }
}
