//! The sockets of the programs: what the supervisor keeps of each, and how it is found.

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::time::Duration;

use bytes::Bytes;
use loggia_lab::world::HostId;
use loggia_stack::base::{Instant, Key, Slab, SocketId};
use loggia_stack::socket::{Address, Control};

use super::call::Call;
use crate::sys::socket;

/// How far a socket is, as its program sees it. See the table in the module's head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// A stream that is neither connected nor listening; perhaps a blocking `connect` waits.
    Fresh,
    /// A non-blocking `connect` is under way: the program's end is connected to ours and full of so many bytes of junk.
    Connecting { junk: usize },
    /// It takes connections: the program's end is full of junk and has one byte to read for each that waits.
    Listening,
    /// Data flows.
    Connected,
    /// A non-blocking `connect` failed, or the connection was reset: our end is closed.
    Broken,
    /// A datagram socket.
    Datagram,
}

impl Phase {
    pub(super) fn is_datagram(self) -> bool {
        self == Self::Datagram
    }
}

/// A call that waits on a socket.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) call: Call,
    pub(super) deadline: Instant,
}

/// A connection that could not be handed to the program: it goes to the next that asks.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) key: Key,
    pub(super) program: OwnedFd,
    pub(super) peer: Address,
}

/// What is known of a datagram that lies in the program's queue.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// What the kernel counts for it against our end.
    pub(super) charge: usize,
    pub(super) len: usize,
    pub(super) from: Address,
    pub(super) control: Vec<Control>,
}

/// A socket of a program.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) host: HostId,
    /// As the stack names it.
    pub(super) id: SocketId,
    /// As the kernel names the program's end.
    pub(super) cookie: u64,
    /// As `/proc` names the program's end.
    pub(super) inode: u64,
    pub(super) family: i32,
    pub(super) phase: Phase,
    /// Our end.
    pub(super) end: Option<OwnedFd>,
    /// Who used it last, and under which number.
    pub(super) user: (i32, RawFd),
    pub(super) waits: VecDeque<Wait>,
    /// There may be something to read at our end.
    pub(super) readable: bool,
    /// The program's end was closed or shut: our end is to be read to its end.
    pub(super) ending: bool,
    /// A hang-up was seen at our end.
    pub(super) hung_up: bool,
    /// The program closed its end with something unread.
    pub(super) left_unread: bool,
    /// An urgent byte may be among what there is to read.
    pub(super) urgent: bool,
    /// We wait for room at our end.
    pub(super) blocked: bool,
    /// Bytes that lie at our end although they were handed on.
    pub(super) peeked: usize,
    /// What the program sent last was a small message.
    pub(super) sends_little: bool,
    /// Read at our end, not taken by the stack.
    pub(super) outgoing: Bytes,
    /// Taken from the stack, not taken by our end.
    pub(super) incoming: VecDeque<Bytes>,
    /// An error that comes behind what was received and the program has not been given yet.
    pub(super) failing: Option<i32>,
    /// The program reads no more: what comes is thrown away.
    pub(super) deaf: bool,
    /// The program was told the end of the stream.
    pub(super) told_end: bool,
    /// The program shut down writing; both.
    pub(super) shut_write: bool,
    pub(super) shut_both: bool,
    /// `SO_ERROR`, where it is not the stack's any more: the program's end was made to tell of it.
    pub(super) error: Option<i32>,
    /// The same where the program's end could not be made to: the next trapped call tells of it.
    pub(super) untold: Option<i32>,
    /// In precise mode: bytes that the program can see but not read, and junk that keeps it from writing.
    pub(super) markers: usize,
    pub(super) junk: usize,
    /// Bytes a listener's program can read.
    pub(super) tokens: usize,
    pub(super) held: VecDeque<Held>,
    /// What lies in a datagram program's queue.
    pub(super) sources: VecDeque<Source>,
    /// A datagram that did not fit there.
    pub(super) overflow: VecDeque<(Vec<u8>, Source)>,
    /// A datagram of the program that the stack has not taken.
    pub(super) unsent: Option<Bytes>,
    /// The program's end of a datagram socket is connected to ours, and has this name.
    pub(super) joined: bool,
    pub(super) program_name: Vec<u8>,
    /// A name server outside the lab that a datagram socket is connected to.
    pub(super) name_server: Option<Address>,
    /// Bytes that may stand before the stack's send buffer, and behind its receive buffer.
    pub(super) send_room: usize,
    pub(super) receive_room: usize,
    pub(super) receive_timeout: Option<Duration>,
    pub(super) send_timeout: Option<Duration>,
}

impl Entry {
    pub(super) fn new(host: HostId, id: SocketId, cookie: u64, inode: u64, family: i32, phase: Phase) -> Self {
        Self {
            host,
            id,
            cookie,
            inode,
            family,
            phase,
            end: None,
            user: (0, -1),
            waits: VecDeque::new(),
            readable: false,
            ending: false,
            hung_up: false,
            left_unread: false,
            urgent: false,
            blocked: false,
            peeked: 0,
            sends_little: true,
            outgoing: Bytes::new(),
            incoming: VecDeque::new(),
            failing: None,
            deaf: false,
            told_end: false,
            shut_write: false,
            shut_both: false,
            error: None,
            untold: None,
            markers: 0,
            junk: 0,
            tokens: 0,
            held: VecDeque::new(),
            sources: VecDeque::new(),
            overflow: VecDeque::new(),
            unsent: None,
            joined: false,
            program_name: Vec::new(),
            name_server: None,
            send_room: super::stream::CHUNK,
            receive_room: super::stream::CHUNK,
            receive_timeout: None,
            send_timeout: None,
        }
    }

    /// Reads the junk at our end: the program's end can be written to again.
    pub(super) fn drop_junk(&mut self, scratch: &mut [u8]) {
        self.junk = self.discard(self.junk, scratch);
    }

    /// Reads so many bytes at our end that are for nobody; says how many are left there.
    pub(super) fn discard(&self, mut count: usize, scratch: &mut [u8]) -> usize {
        let Some(end) = &self.end else { return count };
        while count > 0 {
            let room = count.min(scratch.len());
            match socket::receive(end.as_fd(), &mut scratch[..room], 0) {
                Ok(0) | Err(_) => return 0,
                Ok(len) => count -= len,
            }
        }
        0
    }

    pub(super) fn is_datagram(&self) -> bool {
        self.phase == Phase::Datagram
    }

    /// True if nothing tells us when the program closes it.
    pub(super) fn closes_unseen(&self) -> bool {
        matches!(self.phase, Phase::Fresh | Phase::Broken | Phase::Datagram) || self.shut_both
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: Slab<Entry>,
    by_cookie: HashMap<u64, Key>,
    by_socket: HashMap<(HostId, SocketId), Key>,
    of_host: HashMap<HostId, usize>,
}

impl Table {
    pub(super) fn insert(&mut self, entry: Entry) -> Key {
        let (cookie, socket) = (entry.cookie, (entry.host, entry.id));
        *self.of_host.entry(entry.host).or_default() += 1;
        let key = self.entries.insert(entry);
        self.by_cookie.insert(cookie, key);
        self.by_socket.insert(socket, key);
        key
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.by_cookie.remove(&entry.cookie);
        self.by_socket.remove(&(entry.host, entry.id));
        if let Some(count) = self.of_host.get_mut(&entry.host) {
            *count -= 1;
        }
        Some(entry)
    }

    /// How many sockets there are.
    pub(super) fn len(&self) -> usize {
        self.by_cookie.len()
    }

    /// How many a host has.
    pub(super) fn count(&self, host: HostId) -> usize {
        self.of_host.get(&host).copied().unwrap_or(0)
    }

    /// The program's end is another socket from now on.
    pub(super) fn replaced(&mut self, key: Key, cookie: u64, inode: u64) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        self.by_cookie.remove(&entry.cookie);
        self.by_cookie.insert(cookie, key);
        (entry.cookie, entry.inode) = (cookie, inode);
    }

    pub(super) fn get(&self, key: Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Entry> {
        self.entries.get_mut(key)
    }

    pub(super) fn by_cookie(&self, cookie: u64) -> Option<Key> {
        self.by_cookie.get(&cookie).copied()
    }

    pub(super) fn by_socket(&self, host: HostId, id: SocketId) -> Option<Key> {
        self.by_socket.get(&(host, id)).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, &Entry)> {
        self.entries.iter()
    }
}
