//! Random calls against a model: a stream is a list of bytes, the others a list of messages.

use alloc::collections::VecDeque;

use super::*;
use crate::base::Entropy;

/// Two ends and what is between them, as it should be.
struct Model {
    host: Host,
    ends: [Key; 2],
    kind: UnixKind,
    /// What waits at each end.
    waiting: [VecDeque<Vec<u8>>; 2],
    sent: u8,
    seed: u64,
}

impl Model {
    fn new(kind: UnixKind, seed: u64) -> Self {
        let mut host = Host::new();
        let (a, b) = host.pair(kind);
        Self { host, ends: [a, b], kind, waiting: [VecDeque::new(), VecDeque::new()], sent: 0, seed }
    }

    fn send(&mut self, from: usize, len: usize) {
        let at = (self.kind, "seed", self.seed);
        let data: Vec<u8> = (0..len).map(|n| self.sent.wrapping_add(n as u8)).collect();
        self.sent = self.sent.wrapping_add(len as u8).wrapping_add(1);
        match self.host.send(self.ends[from], &data) {
            Ok(count) if self.kind == Stream => self.waiting[1 - from].push_back(data[..count].to_vec()),
            Ok(count) => {
                assert_eq!(count, len, "{at:?}: a message goes whole");
                self.waiting[1 - from].push_back(data);
            }
            Err(errno) => assert_eq!((errno, self.host.unix.output_queue(self.ends[from]) >= 212_992), (EAGAIN, true), "{at:?}"),
        }
    }

    fn receive(&mut self, at: usize, len: usize, flags: MsgFlags) {
        let expected = if self.kind == Stream { self.stream_read(at, len) } else { self.message_read(at, len) };
        let received = self.host.receive(self.ends[at], len, flags).map(|(bytes, _)| bytes);
        assert_eq!(received, expected.clone().ok_or(EAGAIN), "{:?} seed {}", self.kind, self.seed);
        if flags == MsgFlags::NONE
            && let Some(bytes) = expected
        {
            self.take(at, bytes.len());
        }
    }

    fn stream_read(&self, at: usize, len: usize) -> Option<Vec<u8>> {
        let bytes: Vec<u8> = self.waiting[at].iter().flatten().copied().take(len).collect();
        let any = self.waiting[at].iter().any(|part| !part.is_empty());
        any.then_some(bytes)
    }

    fn message_read(&self, at: usize, len: usize) -> Option<Vec<u8>> {
        self.waiting[at].front().map(|message| message[..len.min(message.len())].to_vec())
    }

    fn take(&mut self, at: usize, mut count: usize) {
        let waiting = &mut self.waiting[at];
        if self.kind != Stream {
            waiting.pop_front();
            return;
        }
        while count > 0
            && let Some(first) = waiting.front_mut()
        {
            let part = count.min(first.len());
            first.drain(..part);
            count -= part;
            if first.is_empty() {
                waiting.pop_front();
            }
        }
    }

    fn check(&self) {
        let (a, b) = (self.ends[0], self.ends[1]);
        let charged = self.host.unix.output_queue(a) + self.host.unix.output_queue(b);
        assert_eq!(self.host.base.budget.used(), charged, "{:?} seed {}", self.kind, self.seed);
        for (at, waiting) in self.waiting.iter().enumerate() {
            let readable = waiting.iter().any(|part| self.kind != Stream || !part.is_empty());
            assert_eq!(self.host.ready(self.ends[at]).contains(Ready::IN), readable, "{:?} seed {}", self.kind, self.seed);
        }
    }
}

fn length(random: &mut Entropy) -> usize {
    let bits = random.below(18);
    random.below(1 << bits) as usize
}

#[test]
fn two_ends_behave_like_two_lists() {
    for kind in [Stream, Datagram, SeqPacket] {
        for seed in 0..40 {
            let mut random = Entropy::new(Seed::from(seed));
            let mut model = Model::new(kind, seed);
            for _ in 0..300 {
                let end = random.below(2) as usize;
                let len = length(&mut random);
                match random.below(4) {
                    0 | 1 => model.send(end, len),
                    2 => model.receive(end, len, MsgFlags::NONE),
                    _ => model.receive(end, len, MsgFlags::PEEK),
                }
                model.check();
            }
            model.host.close_all();
        }
    }
}

/// Every call in any order on any socket: answers, no panic, and sums that agree.
#[test]
fn any_order_of_calls_is_answered() {
    for seed in 0..150 {
        let mut random = Entropy::new(Seed::from(seed));
        let mut host = Host::with(UnixConfig { max_in_flight: 20, ..UnixConfig::default() }, 600_000);
        let mut open = Vec::new();
        for _ in 0..300 {
            let before = readiness(&host, &open);
            host.notified();
            any_call(&mut host, &mut open, &mut random);
            check_notices(&mut host, before, seed);
            check_sums(&host, seed);
        }
        for path in [&b"p0"[..], b"p1", b"p2"] {
            let _ = host.unix.unlink(&mut host.base, path);
        }
        open.into_iter().for_each(|id| host.close(id));
        while host.unix.dropped_right().is_some() {}
        host.close_all();
    }
}

const NAMES: [&[u8]; 7] = [b"p0", b"p1", b"p2", b"\0a0", b"\0a1", b"\0", b""];

fn any_call(host: &mut Host, open: &mut Vec<Key>, random: &mut Entropy) {
    if open.len() < 2 || random.below(10) == 0 {
        let kind = [Stream, Datagram, SeqPacket][random.below(3) as usize];
        if random.below(2) == 0 {
            let (a, b) = host.pair(kind);
            open.extend([a, b]);
        } else {
            open.push(host.open(kind));
        }
        return;
    }
    let at = random.below(open.len() as u32) as usize;
    let id = open[at];
    let name = NAMES[random.below(7) as usize];
    let flags = [MsgFlags::NONE, MsgFlags::PEEK, MsgFlags::OOB, MsgFlags::PEEK | MsgFlags::OOB][random.below(4) as usize];
    match random.below(16) {
        0 => drop(host.bind(id, name)),
        1 => drop(host.unix.listen(&mut host.base, id, random.below(3))),
        2 | 3 => drop(host.connect(id, name)),
        4 => open.extend(host.accept(id)),
        5 => drop(host.unix.disconnect(&mut host.base, id)),
        6 => host.shutdown(id, [UnixShutdown::Read, UnixShutdown::Write, UnixShutdown::Both][random.below(3) as usize]),
        7 => {
            host.close(id);
            open.swap_remove(at);
        }
        8 => any_option(host, id, random),
        9 => drop(host.send_to(id, &alloc::vec![1; length(random)], name)),
        10 | 11 => {
            let rights = (0..random.below(3)).map(|n| Right::Foreign(n.into())).collect();
            let control = UnixControl { rights, credentials: None };
            let _ = host.send_with(id, &alloc::vec![2; length(random)], flags, control);
        }
        12 => drop(host.unix.unlink(&mut host.base, name)),
        _ => {
            let mut room = alloc::vec![0; length(random)];
            let target = random.below(5000) as usize;
            let _ = host.unix.receive(&mut host.base, id, &mut [&mut room], flags, target);
        }
    }
}

fn any_option(host: &mut Host, id: Key, random: &mut Entropy) {
    let flag = random.below(2) == 0;
    let value = random.below(10_000);
    let options = host.unix.options_mut(id);
    match random.below(5) {
        0 => options.pass_credentials = flag,
        1 => options.oob_inline = flag,
        2 => options.peek_offset = value as i32 - 100,
        3 => options.send_buffer = value,
        _ => options.pass_rights = flag,
    }
    host.unix.options_changed(&mut host.base, id);
}

fn readiness(host: &Host, open: &[Key]) -> Vec<(Key, Ready)> {
    open.iter().map(|&id| (id, host.ready(id))).collect()
}

/// Whoever became ready for something was told.
fn check_notices(host: &mut Host, before: Vec<(Key, Ready)>, seed: u64) {
    let told = host.notified();
    for (id, old) in before {
        let Some(owner) = host.unix.sockets.get(id).and_then(|socket| socket.owner) else { continue };
        let now = host.ready(id);
        assert!(old.contains(now) || told.contains(&owner.index()), "seed {seed}: {id:?} went from {old:?} to {now:?} unheard");
    }
}

fn check_sums(host: &Host, seed: u64) {
    let sockets: Vec<_> = host.unix.sockets.iter().collect();
    let mut rights = 0;
    for (key, socket) in &sockets {
        let messages = || sockets.iter().flat_map(|(_, other)| &other.queue).filter(|message| message.sender == *key);
        let charged: usize = messages().map(|message| message.charge as usize).sum();
        assert_eq!(socket.sent, charged, "seed {seed}: charges of {key:?}");
        let peers = sockets.iter().filter(|(_, other)| other.peer == Some(*key)).count();
        assert_eq!(socket.refs as usize, messages().count() + peers, "seed {seed}: references to {key:?}");
        assert!(!socket.dead || socket.refs > 0, "seed {seed}: {key:?} should be gone");
        assert_eq!(socket.queue.iter().filter(|message| message.urgent).count(), usize::from(socket.urgent), "seed {seed}");
        rights += socket.queue.iter().map(|message| message.rights.len()).sum::<usize>();
        let waits = host.unix.waiting.iter().filter(|(_, waiter)| waiter == key).count();
        assert_eq!(waits, usize::from(socket.waits_for.is_some()), "seed {seed}");
        host.unix.readiness(*key);
        host.unix.stream(*key);
    }
    assert!(rights <= 20 + 2, "seed {seed}: the limit of rights in flight");
}
