//! Unmodified programs on the sockets of a lab: the supervisor behind their seccomp filter.
//!
//! The program's descriptor is a real `AF_UNIX` socket whose other end is ours. Control calls on internet sockets are trapped and answered
//! from the host's [`Stack`](loggia_stack::Stack); data flows natively between the program and our end, and we carry it on.
//!
//! ```text
//!   program            kernel                          supervisor               stack of its host
//!   connect(3, ..) ──▶ seccomp notification ─────────▶ turn ──▶ connect.rs ───▶ connect
//!   write(3, ..)  ───▶ AF_UNIX: program's end ─ ours ▶ turn ──▶ stream.rs ────▶ send
//!   read(3, ..)   ◀─── AF_UNIX: program's end ─ ours ◀ ready ◀─ stream.rs ◀──── recv
//! ```
//!
//! What the program's end is, in each state of a stream (so that `poll`, `recv`, `send` say natively what they would of TCP):
//!
//! | [`Phase`] | program's end | ours |
//! |---|---|---|
//! | `Fresh` | unconnected: `poll` says OUT and HUP, as TCP does | none |
//! | `Listening` | connected to ours, its send buffer full of junk: never OUT | sends a byte for each connection that waits |
//! | `Connecting` | connected to ours, send buffer full of junk | has the junk unread; reading it makes the one edge OUT |
//! | `Connected` | connected to ours | carries the data |
//! | `Broken` | its peer is closed with something unread: ERR, HUP, `ECONNRESET` | none |
//!
//! Which socket a call is about is found by the kernel's cookie of a copy of the descriptor, which survives `dup`, `fork`, `exec` and
//! passing; the copy is dropped at once, so that the program's last close is seen.
//!
//! | file | what |
//! |---|---|
//! | [`filter`] | which calls are trapped |
//! | `call`, `message` | a trapped call, its memory; `struct msghdr` |
//! | `content`, `writing` | what messages carry, read in one look; what a caller is told, written in one go |
//! | `arrived` | what is to be done |
//! | `threads`, `table`, `meeting` | descriptors of other threads; the sockets; where both ends meet |
//! | `answer` | which call is which, replies, restarted calls |
//! | `spare` | sockets made in advance |
//! | `create`, `name`, `connect`, `listen`, `options`, `shutdown`, `send`, `receive`, `several` | the calls |
//! | `renew` | a second `connect` after a failed one |
//! | `stream`, `broken`, `urgent`, `peek`, `datagram` | the data, and its end by an error |
//! | `precise` | data calls carried out on the stack, in precise mode |
//! | `host` | interfaces, routes, the host's name |
//! | `wait`, `interrupt` | calls that wait, and their deadlines; signals to those who wait |
//! | `close` | sockets that no program holds any more |
//! | `wall` | moments by the machine's clock |
//! | `share` | how many sockets a host may have |
//! | `name_server` | questions to servers outside the lab |

mod answer;
mod arrived;
mod broken;
mod call;
mod close;
mod connect;
mod content;
mod create;
mod datagram;
mod fault;
pub mod filter;
mod host;
mod interrupt;
mod listen;
mod meeting;
mod message;
mod name;
mod name_server;
mod options;
mod peek;
mod precise;
mod receive;
mod renew;
mod send;
mod several;
mod share;
mod shutdown;
mod spare;
mod stream;
mod table;
mod threads;
mod urgent;
mod wait;
mod wall;
mod writing;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use bytes::BytesMut;
use loggia_lab::world::{HostId, World};
use loggia_stack::base::{Instant, Key, Ready, SocketId};
use loggia_stack::socket::Address;

use crate::sys::epoll::{Epoll, Events, mask};
use crate::sys::{notify, process, socket};
use answer::Answered;
use arrived::Arrived;
use call::Tree;
use datagram::Charges;
use host::netlink::Netlinks;
use interrupt::Interrupts;
use meeting::Meeting;
use name_server::Questions;
use peek::Peeked;
use share::Shares;
use spare::Spares;
use table::{Phase, Table};
use threads::Threads;
use wait::Waits;
use wall::Wall;

/// Answers a DNS query of a host, bytes for bytes; none: no answer.
pub type NameServer = Box<dyn FnMut(HostId, &[u8]) -> Option<Vec<u8>>>;

/// What a supervisor is made of.
pub struct Options {
    /// The data calls are trapped too (see [`filter::program`]).
    pub precise: bool,
    /// Who answers queries to name servers that are no host of the lab.
    pub names: NameServer,
    /// Who is asked, over the network of the lab, what `names` does not answer.
    pub resolver: Option<Address>,
    /// Descriptors this process may have: some are left for other things, the rest is shared among the hosts.
    pub descriptors: u64,
    /// What the machine's clock showed at the world's epoch.
    pub epoch: std::time::SystemTime,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("precise", &self.precise).finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        let descriptors = process::open_files().unwrap_or(1024);
        Self { precise: false, names: Box::new(|_, _| None), resolver: None, descriptors, epoch: std::time::SystemTime::now() }
    }
}

/// A socket of a program, for a listing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Whose it is.
    pub host: HostId,
    /// As the stack names it.
    pub socket: SocketId,
    /// The process or thread that used it last.
    pub pid: i32,
    /// The descriptor's number there.
    pub fd: i32,
    /// The name of that program.
    pub program: String,
}

/// Something a program asked for that cannot be carried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// On which host.
    pub host: HostId,
    /// The program, and what it wanted.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Most things done in one [`Supervisor::turn`], so that the world's time goes on under load.
const TURN: usize = 256;
/// After so long no more are looked for, whatever they cost.
const LONGEST_TURN: std::time::Duration = std::time::Duration::from_millis(2);

/// Most refusals that are told: whoever is refused once may try in a thousand processes.
const MOST_REFUSALS: usize = 64;

/// Bytes that a call or a step carries at most.
const SCRATCH: usize = 256 << 10;

/// The number of a tree's listener in the epoll set; other numbers are keys of sockets.
const TREE: u64 = 1 << 63;
/// With this bit it is the key of a netlink socket. No generation of a key comes so far.
const NETLINK: u64 = 1 << 62;
/// With both bits it is a descriptor of somebody else's.
const OTHER: u64 = TREE | NETLINK;

/// The sockets of all programs of a run.
#[derive(Debug)]
pub struct Supervisor {
    options: Options,
    epoll: Epoll,
    events: Events,
    arrived: VecDeque<Arrived>,
    /// Calls of programs until now.
    calls: u64,
    /// Large pieces of data that programs wrote.
    large: u64,
    /// Numbers of descriptors of others that are readable.
    others: Vec<u64>,
    /// When it was last looked for what has arrived.
    looked: std::time::Instant,
    trees: Vec<Option<Rc<Tree>>>,
    table: Table,
    netlinks: Netlinks,
    threads: Threads,
    meeting: Meeting,
    wall: Wall,
    waits: Waits,
    interrupts: Interrupts,
    answered: HashMap<i32, Answered>,
    questions: Questions,
    charges: Charges,
    scratch: Vec<u8>,
    /// The bytes of the call at hand.
    message: Vec<u8>,
    /// What was read at our end of a stream, not yet handed on.
    buffer: BytesMut,
    peeked: Peeked,
    refusals: Vec<Refusal>,
    look_at: Instant,
    dirty: Vec<HostId>,
    shares: Shares,
    /// Hosts that wanted more than their share.
    short: Vec<HostId>,
    spares: Spares,
    /// Sockets whose `connect` is under way.
    opening: Vec<Key>,
}

impl Supervisor {
    /// Without programs yet.
    pub fn new(options: Options) -> io::Result<Self> {
        let shares = Shares::of(options.descriptors);
        let wall = Wall::new(options.epoch);
        Ok(Self {
            options,
            shares,
            short: Vec::new(),
            spares: Spares::default(),
            epoll: Epoll::new()?,
            events: Events::with_room(256),
            arrived: VecDeque::new(),
            calls: 0,
            large: 0,
            others: Vec::new(),
            looked: std::time::Instant::now(),
            trees: Vec::new(),
            table: Table::default(),
            netlinks: Netlinks::default(),
            threads: Threads::default(),
            meeting: Meeting::new()?,
            wall,
            waits: Waits::default(),
            interrupts: Interrupts::default(),
            answered: HashMap::new(),
            questions: Questions::default(),
            charges: Charges::new()?,
            scratch: vec![0; SCRATCH],
            message: Vec::new(),
            buffer: BytesMut::new(),
            peeked: Peeked::default(),
            refusals: Vec::new(),
            look_at: Instant::NEVER,
            dirty: Vec::new(),
            opening: Vec::new(),
        })
    }

    /// How many calls of programs there were until now, and large pieces of data that one wrote: what goes on in quick succession where
    /// programs wait for each other.
    pub fn stir(&self) -> u64 {
        self.calls + self.large
    }

    /// Watches a descriptor of somebody else's too: one wait for all costs half of one in another.
    pub fn watch_other(&mut self, fd: BorrowedFd<'_>, number: u32) -> io::Result<()> {
        self.epoll.add(fd, mask::IN, OTHER | u64::from(number))
    }

    /// The numbers of those that were readable since it was last asked.
    pub fn take_others(&mut self) -> Vec<u32> {
        self.others.drain(..).map(|number| (number & !OTHER) as u32).collect()
    }

    /// Waits until there is something to do, here or with a descriptor of somebody else's, at most `timeout`; says whether there is.
    pub fn wait(&mut self, timeout: Option<std::time::Duration>) -> io::Result<bool> {
        if !self.has_work() {
            if timeout != Some(std::time::Duration::ZERO) {
                self.take_all_peeked();
            }
            self.fetch_within(timeout)?;
        }
        Ok(self.has_work())
    }

    fn has_work(&self) -> bool {
        !self.arrived.is_empty() || !self.others.is_empty()
    }

    /// Nobody wants anything at the moment: what will be needed may be made ready.
    pub fn prepare(&mut self) {
        self.spares.prepare();
    }

    /// Takes charge of a tree of programs of a host, by the listener of its filter.
    pub fn adopt(&mut self, host: HostId, listener: OwnedFd) -> io::Result<()> {
        // Before Linux 6.6 replies take twice as long, that is all.
        let _ = notify::set_sync_wake_up(listener.as_fd());
        let place = self.trees.len();
        self.epoll.add(listener.as_fd(), mask::IN, TREE | place as u64)?;
        self.trees.push(Some(Rc::new(Tree { host, listener, place })));
        Ok(())
    }

    /// Answers calls that wait and carries data, as much as there is, within bounds.
    pub fn turn(&mut self, world: &mut World) {
        let began = std::time::Instant::now();
        self.take_old_peeked(began);
        for _ in 0..TURN {
            self.fetch_now_and_then();
            if !self.work_one_off(world) || began.elapsed() > LONGEST_TURN {
                break;
            }
        }
        while self.work_one_off(world) {}
        self.settle(world);
    }

    fn tree_gone(&mut self, world: &mut World, tree: &Tree) {
        let _ = self.epoll.remove(tree.listener.as_fd());
        self.trees[tree.place] = None;
        self.look(world);
    }

    /// Something happened at our end of a socket.
    fn end_ready(&mut self, world: &mut World, key: Key, mask: u32) {
        match self.table.get(key).map(|entry| entry.phase) {
            Some(Phase::Datagram) => self.datagram_end(world, key, mask),
            Some(Phase::Connected) => self.stream_end(world, key, mask),
            Some(_) => self.idle_end(world, key, mask),
            None => {}
        }
    }

    /// Takes note of what the stack says of a socket. False if it is none of ours.
    pub fn ready(&mut self, world: &mut World, host: HostId, socket: SocketId, ready: Ready) -> bool {
        self.fetch_now_and_then();
        let ours = self.tell(world, host, socket, ready);
        while self.work_one_off(world) {}
        self.settle(world);
        ours
    }

    fn tell(&mut self, world: &mut World, host: HostId, socket: SocketId, ready: Ready) -> bool {
        let Some(key) = self.table.by_socket(host, socket) else { return self.answer_from_afar(world, host, socket) };
        match self.table.get(key).map(|entry| entry.phase) {
            Some(Phase::Listening) => {
                // Those who wait in `accept` first: only what they leave is shown to those who poll.
                self.wake(world, key);
                self.count_tokens(world, key);
                return true;
            }
            Some(Phase::Connecting { .. }) => self.connecting(world, key, ready),
            Some(Phase::Connected) => self.stream_ready(world, key, ready),
            Some(Phase::Datagram) => self.datagram_ready(world, key, ready),
            Some(Phase::Fresh | Phase::Broken) | None => {}
        }
        self.wake(world, key);
        true
    }

    /// When [`Supervisor::advance`] wants to be called.
    pub fn next_deadline(&self) -> Instant {
        self.waits.next_deadline().min(self.look_at).min(self.next_interrupt())
    }

    /// The world's time has gone on: calls that have waited long enough end.
    pub fn advance(&mut self, world: &mut World) {
        self.expire(world);
        self.interrupt(world);
        if world.now() >= self.look_at {
            self.look(world);
        }
        self.settle(world);
    }

    /// Processes have ended: sockets nobody holds any more are closed.
    pub fn gone(&mut self, world: &mut World) {
        self.look(world);
        self.settle(world);
    }

    /// The sockets of programs, of those that are wanted.
    pub fn sockets(&self, mut wanted: impl FnMut(HostId, SocketId) -> bool) -> Vec<Row> {
        let mut rows = Vec::new();
        for (_, entry) in self.table.iter().filter(|(_, entry)| wanted(entry.host, entry.id)) {
            let (pid, fd) = entry.user;
            rows.push(Row { host: entry.host, socket: entry.id, pid, fd, program: threads::name(pid) });
        }
        rows
    }

    /// What could not be carried so far.
    pub fn refused(&self) -> &[Refusal] {
        &self.refusals
    }

    fn refuse(&mut self, host: HostId, what: String, remedy: &str) {
        let refusal = Refusal { host, what, remedy: remedy.into() };
        if self.refusals.len() < MOST_REFUSALS && !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }

    /// Notes that calls were made on a host's stack: what they caused is let go at the end of the turn.
    fn touched(&mut self, host: HostId) {
        if !self.dirty.contains(&host) {
            self.dirty.push(host);
        }
    }

    /// Room for the bytes of a call; give it back with [`Supervisor::put_message_room`]. A call that wakes another needs a second one.
    fn message_room(&mut self) -> Vec<u8> {
        let room = std::mem::take(&mut self.message);
        if room.is_empty() { vec![0; SCRATCH] } else { room }
    }

    fn put_message_room(&mut self, room: Vec<u8>) {
        self.message = room;
    }

    fn settle(&mut self, world: &mut World) {
        while let Some(host) = self.dirty.pop() {
            world.settle(host);
        }
    }

    /// A copy of the program's end of a socket, if whoever used it last still has it there.
    fn program_end(&mut self, key: Key) -> Option<OwnedFd> {
        let entry = self.table.get(key)?;
        let (cookie, inode, (thread, number)) = (entry.cookie, entry.inode, entry.user);
        let copy = self.threads.copy(thread, number).ok();
        let copy = copy.filter(|copy| socket::cookie(copy.as_fd()).is_ok_and(|found| found == cookie));
        copy.or_else(|| close::search(inode, cookie))
    }
}
