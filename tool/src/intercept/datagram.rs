//! Datagrams, over an `AF_UNIX` datagram pair.
//!
//! The program's end is connected to ours only if the program has connected it, so that a `send` without an address fails as it should.
//! Native reads take datagrams off its queue unseen. So a record of each is kept beside the queue, and before a trapped receive call the
//! records of what is gone are dropped: the kernel counts what lies there against our end, each datagram by its length.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use bytes::Bytes;
use loggia_lab::world::World;
use loggia_stack::Errno;
use loggia_stack::base::{Key, MsgFlags, Ready};
use loggia_stack::socket::{Address, Control};

use super::Supervisor;
use super::answer::Subject;
use super::fault::{DONE, Fault, Outcome};
use super::name_server::is_foreign_name_server;
use super::table::{Entry, Source};
use crate::sys::epoll::{Epoll, mask};
use crate::sys::socket;

/// `SO_SNDBUF` of our end as it is set; the kernel doubles it.
const BUFFER: i32 = 208 << 10;
/// `SO_SNDBUF` of the program's end by family, so that the largest datagram is what UDP takes (65,507 and 65,527 bytes), to a byte: the
/// kernel doubles it and takes 32 off.
const LARGEST_V4: i32 = 32_770;
const LARGEST_V6: i32 = 32_780;

/// Datagrams that are carried to the stack at once: more than the program's send buffer holds.
const AT_ONCE: usize = 256;
/// After so many datagrams the records of those that were read are dropped, though nobody asks: a program may never make a trapped call.
const SOURCES: usize = 256;

/// Both ends of a datagram socket: the program's, with `flags` (`SOCK_NONBLOCK`), and ours.
pub(super) fn ends(family: i32, flags: i32) -> io::Result<(OwnedFd, OwnedFd)> {
    let (program, end) = socket::pair(libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | flags)?;
    socket::disconnect(program.as_fd())?;
    clear_error(&end);
    let largest = if family == libc::AF_INET { LARGEST_V4 } else { LARGEST_V6 };
    socket::set_option(program.as_fd(), libc::SOL_SOCKET, libc::SO_SNDBUF, &largest.to_ne_bytes())?;
    socket::set_option(end.as_fd(), libc::SOL_SOCKET, libc::SO_SNDBUF, &BUFFER.to_ne_bytes())?;
    Ok((program, end))
}

/// What became of what waits for a program.
enum Delivered {
    /// It is in the program's queue.
    All,
    /// There is no more room.
    Full,
    /// The program has closed its end.
    Closed,
}

/// Tells of what comes at our end, and of room if we wait for it; of what is there already, too.
fn watch(epoll: &Epoll, key: Key, entry: &Entry) {
    let room = if entry.blocked { mask::OUT } else { 0 };
    if let Some(end) = &entry.end {
        let _ = epoll.change(end.as_fd(), mask::IN | mask::EDGE | room, key.to_bits());
    }
}

/// Drops the records of what the program has read, whose last datagrams the kernel counts against our end.
fn forget_read(end: &OwnedFd, sources: &mut VecDeque<Source>) {
    let Ok(unread) = socket::unread_by_peer(end.as_fd()) else { return };
    let mut kept: usize = sources.iter().map(|source| source.charge).sum();
    while kept > unread
        && let Some(source) = sources.pop_front()
    {
        kept -= source.charge;
    }
}

fn clear_error(end: &OwnedFd) {
    let _ = socket::option(end.as_fd(), libc::SOL_SOCKET, libc::SO_ERROR);
}

/// What the kernel counts for a datagram of each length, learned on a pair of our own.
#[derive(Debug)]
pub(super) struct Charges {
    pair: (OwnedFd, OwnedFd),
    known: HashMap<usize, usize>,
}

impl Charges {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { pair: ends(libc::AF_INET, libc::SOCK_NONBLOCK)?, known: HashMap::new() })
    }

    fn of(&mut self, data: &[u8]) -> usize {
        let Self { pair: (program, end), known } = self;
        *known.entry(data.len()).or_insert_with(|| {
            if socket::send(end.as_fd(), data, 0).is_err() {
                return 0;
            }
            let charge = socket::unread_by_peer(end.as_fd()).unwrap_or(0);
            let _ = socket::receive(program.as_fd(), &mut [], 0);
            charge
        })
    }
}

impl Supervisor {
    /// Something happened at our end.
    pub(super) fn datagram_end(&mut self, world: &mut World, key: Key, events: u32) {
        let Self { table, epoll, .. } = self;
        let Some(entry) = table.get_mut(key) else { return };
        entry.readable |= events & mask::IN != 0;
        if events & mask::OUT != 0 && std::mem::take(&mut entry.blocked) {
            watch(epoll, key, entry);
            self.datagram_in(world, key);
        }
        self.datagram_out(world, key);
        self.wake(world, key);
    }

    /// The stack has news.
    pub(super) fn datagram_ready(&mut self, world: &mut World, key: Key, ready: Ready) {
        if ready.contains(Ready::ERR) {
            self.datagram_error(world, key);
        }
        if ready.contains(Ready::IN) {
            // Whoever waits in a call has them without the way through the program's queue.
            self.wake(world, key);
            self.datagram_in(world, key);
        }
        if ready.contains(Ready::OUT) {
            self.datagram_out(world, key);
        }
    }

    /// Carries what the program has sent natively to the stack: all that is there now, but a program that goes on sending is not waited for.
    pub(super) fn datagram_out(&mut self, world: &mut World, key: Key) {
        for _ in 0..AT_ONCE {
            let Self { table, scratch, .. } = self;
            let Some(entry) = table.get_mut(key) else { return };
            let unsent = match entry.unsent.take() {
                Some(unsent) => unsent,
                None if !entry.readable => return,
                None => match entry.end.as_ref().map(|end| socket::receive(end.as_fd(), scratch, 0)) {
                    Some(Ok(len)) => Bytes::copy_from_slice(&scratch[..len]),
                    _ => {
                        entry.readable = false;
                        return;
                    }
                },
            };
            match self.send_datagram(world, key, &unsent, None, &[], MsgFlags::NONE) {
                Err(Errno::EAGAIN) => {
                    if let Some(entry) = self.table.get_mut(key) {
                        entry.unsent = Some(unsent);
                    }
                    return;
                }
                // An error from the network meets a send that has succeeded already: the next call is told.
                Err(error @ (Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH)) => self.raise(key, error.number()),
                Ok(_) | Err(_) => {}
            }
        }
        if let Some(entry) = self.table.get_mut(key) {
            // Whatever is still there makes a new edge.
            watch(&self.epoll, key, entry);
        }
    }

    /// What the program has sent is not lost with its end.
    pub(super) fn flush_datagrams(&mut self, world: &mut World, key: Key) {
        if let Some(entry) = self.table.get_mut(key).filter(|entry| entry.is_datagram()) {
            entry.readable = true;
            self.datagram_out(world, key);
        }
    }

    /// Carries what came for the program to its queue.
    pub(super) fn datagram_in(&mut self, world: &mut World, key: Key) {
        loop {
            match self.deliver(key) {
                Delivered::All => {}
                Delivered::Full => return,
                Delivered::Closed => return self.refuse_datagrams(world, key),
            }
            let Self { table, scratch, .. } = self;
            let Some(entry) = table.get_mut(key) else { return };
            let (host, id) = (entry.host, entry.id);
            // With this flag a socket that was shut down gives no empty datagrams.
            match world.stack(host).recvmsg(id, &mut [scratch], usize::MAX, MsgFlags::DONTWAIT) {
                Ok(got) => {
                    let data = scratch[..got.len].to_vec();
                    let source = Source { charge: 0, len: got.len, from: got.from, control: got.control };
                    entry.overflow.push_back((data, source));
                }
                Err(Errno::EAGAIN) => return,
                Err(error) => self.raise(key, error.number()),
            }
        }
    }

    /// Something was read of a program's queue: there is room for more, if it is one of datagrams.
    pub(super) fn refill(&mut self, world: &mut World, key: Key) {
        if self.table.get(key).is_some_and(Entry::is_datagram) {
            self.datagram_in(world, key);
        }
    }

    /// True if nothing is known to lie in the program's queue.
    pub(super) fn has_read_all(&self, key: Key) -> bool {
        self.table.get(key).is_some_and(|entry| entry.sources.is_empty())
    }

    /// Takes what waits behind the program's queue, which is empty, if there is something.
    pub(super) fn take_behind(&mut self, world: &mut World, key: Key, into: &mut [u8]) -> Result<Option<Source>, Fault> {
        let Some(entry) = self.table.get_mut(key) else { return Ok(None) };
        if let Some((data, source)) = entry.overflow.pop_front() {
            into[..data.len()].copy_from_slice(&data);
            return Ok(Some(source));
        }
        let (host, id) = (entry.host, entry.id);
        match world.stack(host).recvmsg(id, &mut [into], usize::MAX, MsgFlags::DONTWAIT) {
            Ok(got) => Ok(Some(Source { charge: 0, len: got.len, from: got.from, control: got.control })),
            Err(Errno::EAGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts datagrams that were taken, and that nobody got, before those that wait. What lies in the program's queue is taken out of it for that.
    pub(super) fn put_back(&mut self, subject: &Subject, mut taken: Vec<(Vec<u8>, Source)>) {
        if taken.is_empty() {
            return;
        }
        self.forget_read_sources(subject.key);
        let mut room = self.message_room();
        while let Ok(len) = socket::receive(subject.program.as_fd(), &mut room, 0) {
            let (from, control) = self.source_of(subject.key, len, false);
            taken.push((room[..len].to_vec(), Source { charge: 0, len, from, control }));
        }
        self.put_message_room(room);
        if let Some(entry) = self.table.get_mut(subject.key) {
            taken.into_iter().rev().for_each(|one| entry.overflow.push_front(one));
        }
    }

    /// The program has closed its end, which nothing told us before somebody sent to it: to whoever did it is as if nobody were there.
    fn refuse_datagrams(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get_mut(key) else { return };
        let (host, id) = (entry.host, entry.id);
        for (data, source) in std::mem::take(&mut entry.overflow) {
            let stack = world.stack(host);
            // What cannot be refused (it came to a group, say) is lost, as it would be without a socket.
            let _ = stack.connect(id, &source.from).and_then(|()| stack.refuse(id, &data));
        }
        self.forget(world, key);
    }

    /// Puts what waits for the program into its queue.
    fn deliver(&mut self, key: Key) -> Delivered {
        let Self { table, epoll, charges, .. } = self;
        let Some(entry) = table.get_mut(key) else { return Delivered::Full };
        while let Entry { end: Some(end), overflow, sources, .. } = &mut *entry
            && let Some((data, mut source)) = overflow.pop_front()
        {
            match socket::send(end.as_fd(), &data, 0) {
                Ok(_) => {
                    source.charge = charges.of(&data);
                    sources.push_back(source);
                    if sources.len() % SOURCES == 0 {
                        forget_read(end, sources);
                    }
                }
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => {
                    overflow.push_front((data, source));
                    entry.blocked = true;
                    watch(epoll, key, entry);
                    return Delivered::Full;
                }
                Err(error) if error.raw_os_error() == Some(libc::ECONNREFUSED) => {
                    overflow.push_front((data, source));
                    return Delivered::Closed;
                }
                // It reads no more (EPIPE).
                Err(_) => {}
            }
        }
        Delivered::All
    }

    /// Drops the records of datagrams that native reads have taken.
    pub(super) fn forget_read_sources(&mut self, key: Key) {
        let Some(Entry { end: Some(end), sources, .. }) = self.table.get_mut(key) else { return };
        forget_read(end, sources);
    }

    /// Who sent the datagram of `len` bytes that was just read or looked at.
    pub(super) fn source_of(&mut self, key: Key, len: usize, peeked: bool) -> (Address, Vec<Control>) {
        let Some(entry) = self.table.get_mut(key) else { return (Address::Unspecified, Vec::new()) };
        // Another thread may have read in between.
        while entry.sources.front().is_some_and(|source| source.len != len) {
            entry.sources.pop_front();
        }
        let source = if peeked {
            entry.sources.front().map(|source| (source.from.clone(), source.control.clone()))
        } else {
            entry.sources.pop_front().map(|source| (source.from, source.control))
        };
        source.unwrap_or_default()
    }

    /// `connect` of a datagram socket.
    pub(super) fn connect_datagram(&mut self, world: &mut World, subject: &Subject, address: &Address) -> Outcome {
        self.flush_datagrams(world, subject.key);
        let (host, id) = self.socket_of(subject)?;
        let server = is_foreign_name_server(world, host, address);
        match world.stack(host).connect(id, address) {
            Err(_) if server => {}
            other => other?,
        }
        let entry = self.table.get_mut(subject.key).ok_or(Fault(libc::EBADF))?;
        entry.name_server = server.then(|| address.clone());
        let wanted = *address != Address::Unspecified;
        if wanted && !entry.joined {
            join(entry, &subject.program)?;
        } else if !wanted && entry.joined {
            // The kernel drops what lay in the program's queue.
            socket::disconnect(subject.program.as_fd())?;
            if let Some(end) = &entry.end {
                clear_error(end);
            }
            entry.sources.clear();
        }
        entry.joined = wanted;
        DONE
    }

    fn datagram_error(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get(key) else { return };
        let mut value = [0; 4];
        let got = world.stack(entry.host).getsockopt(entry.id, libc::SOL_SOCKET, libc::SO_ERROR, &mut value);
        if got.is_ok() && value != [0; 4] {
            self.datagram_out(world, key);
            self.raise(key, i32::from_ne_bytes(value));
        }
    }

    /// The program's next call is to be told of an error.
    pub(super) fn raise(&mut self, key: Key, error: i32) {
        let told = self.raise_natively(key);
        let Some(entry) = self.table.get_mut(key) else { return };
        (entry.error, entry.untold) = if told { (Some(error), None) } else { (None, Some(error)) };
    }

    /// When our end turns away with something unread, the kernel raises an error on the program's, once, and it stays usable. Says if it did.
    fn raise_natively(&mut self, key: Key) -> bool {
        let Some(program) = self.program_end(key) else { return false };
        self.forget_read_sources(key);
        let Some(entry) = self.table.get_mut(key) else { return false };
        if entry.joined {
            turn_away(entry, &program);
            return true;
        }
        // A socket that is not connected has errors only if it asked for them (IP_RECVERR), or caused them. Turning back drops what lies in its
        // queue, so that it is told only while nothing does.
        let may_turn = entry.sources.is_empty() && join(entry, &program).is_ok();
        if may_turn {
            turn_away(entry, &program);
            let _ = socket::disconnect(program.as_fd());
            if let Some(end) = &entry.end {
                clear_error(end);
            }
        }
        may_turn
    }
}

/// Connects the program's end to ours.
fn join(entry: &mut Entry, program: &OwnedFd) -> io::Result<()> {
    let Some(end) = &entry.end else { return Ok(()) };
    // Named by the kernel; a second time they have their names.
    let _ = socket::bind_abstract(end.as_fd(), &[]);
    let _ = socket::bind_abstract(program.as_fd(), &[]);
    entry.program_name = socket::abstract_name_of(program.as_fd())?;
    socket::connect_abstract(program.as_fd(), &socket::abstract_name_of(end.as_fd())?)
}

/// Our end turns away from the program's with something unread and back again, which raises an error there.
fn turn_away(entry: &Entry, program: &OwnedFd) {
    let Some(end) = &entry.end else { return };
    let _ = socket::send(program.as_fd(), &[0], 0);
    if socket::disconnect(end.as_fd()).is_ok() {
        // It fails only if the program's end is closed.
        let _ = socket::connect_abstract(end.as_fd(), &entry.program_name);
    }
}
