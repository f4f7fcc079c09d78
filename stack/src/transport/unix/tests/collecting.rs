use alloc::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::base::Entropy;

/// A socket layer in little: who has how many references to what.
struct Layer {
    host: Host,
    sockets: BTreeMap<SocketId, (Key, usize)>,
}

impl Layer {
    fn new() -> Self {
        Self { host: Host::new(), sockets: BTreeMap::new() }
    }

    fn adopt(&mut self, key: Key) -> SocketId {
        let owner = self.host.unix.sockets[key].owner.expect("an owned socket");
        self.sockets.insert(owner, (key, 1));
        owner
    }

    fn pair(&mut self, kind: UnixKind) -> [SocketId; 2] {
        let (a, b) = self.host.pair(kind);
        [self.adopt(a), self.adopt(b)]
    }

    fn key(&self, socket: SocketId) -> Key {
        self.sockets[&socket].0
    }

    /// Sends a right to `what` by `via`.
    fn pass(&mut self, via: SocketId, what: SocketId) -> Result<usize, Errno> {
        self.sockets.get_mut(&what).expect("it lives").1 += 1;
        let sent = self.host.pass(self.key(via), b"right", &[Right::Socket(what)]);
        self.settle();
        sent
    }

    /// A handle goes.
    fn close(&mut self, socket: SocketId) {
        self.release(socket);
        self.settle();
    }

    fn release(&mut self, socket: SocketId) {
        let (key, references) = self.sockets.get_mut(&socket).expect("it lives");
        *references -= 1;
        let (key, references) = (*key, *references);
        if references == 0 {
            self.sockets.remove(&socket);
            self.host.close(key);
        } else if self.host.unix.is_in_flight(socket) {
            let sockets = &self.sockets;
            self.host.unix.collect(&mut self.host.base, |socket| sockets.get(&socket).copied());
        }
    }

    fn settle(&mut self) {
        while let Some(right) = self.host.unix.dropped_right() {
            if let Right::Socket(socket) = right {
                self.release(socket);
            }
        }
    }

    fn lives(&self, socket: SocketId) -> bool {
        self.sockets.contains_key(&socket)
    }
}

#[test]
fn a_socket_in_its_own_queue_is_freed_with_its_last_handle() {
    let mut layer = Layer::new();
    let [a, b] = layer.pair(Stream);
    layer.pass(a, b).expect("room");
    layer.close(b);
    assert!(!layer.lives(b));
    layer.close(a);
    layer.host.assert_clean();
}

#[test]
fn two_sockets_in_each_others_queues_are_freed() {
    for kind in [Stream, Datagram, SeqPacket] {
        let mut layer = Layer::new();
        let [a, b] = layer.pair(kind);
        layer.pass(a, a).expect("room");
        layer.pass(b, b).expect("room");
        layer.close(a);
        assert!(layer.lives(a), "b can still receive it");
        layer.close(b);
        assert!(layer.sockets.is_empty());
        layer.host.assert_clean();
    }
}

#[test]
fn a_cycle_that_somebody_can_reach_stays() {
    let mut layer = Layer::new();
    let [door, outside] = layer.pair(Stream);
    let [a, b] = layer.pair(Stream);
    layer.pass(a, a).expect("room");
    layer.pass(b, b).expect("room");
    layer.pass(door, a).expect("room");
    layer.close(a);
    layer.close(b);
    assert!(layer.lives(a) && layer.lives(b), "through the door a comes out, and from a b");
    let (_, received) = layer.host.receive(layer.key(outside), 9, MsgFlags::NONE).expect("a right");
    assert_eq!(received.rights, [Right::Socket(a)]);
    assert!(layer.lives(a));
    layer.close(a);
    assert!(!layer.lives(a) && !layer.lives(b));
    layer.close(door);
    layer.close(outside);
    layer.host.assert_clean();
}

#[test]
fn closing_the_door_frees_the_cycle_behind_it() {
    let mut layer = Layer::new();
    let [door, outside] = layer.pair(Stream);
    let [a, b] = layer.pair(Stream);
    layer.pass(a, a).expect("room");
    layer.pass(b, b).expect("room");
    layer.pass(door, a).expect("room");
    for socket in [a, b, door, outside] {
        layer.close(socket);
    }
    assert!(layer.sockets.is_empty());
    layer.host.assert_clean();
}

#[test]
fn what_waits_at_a_listener_in_flight_belongs_to_the_cycle() {
    let mut layer = Layer::new();
    let listener = layer.host.listener(Stream, b"\0l", 1);
    let client = layer.host.open(Stream);
    layer.host.connect(client, b"\0l").expect("it listens");
    let (listener, client) = (layer.adopt(listener), layer.adopt(client));
    layer.pass(client, listener).expect("room");
    layer.close(client);
    assert!(layer.lives(listener));
    layer.close(listener);
    assert!(layer.sockets.is_empty());
    layer.host.assert_clean();
}

#[test]
fn a_long_chain_is_walked_without_recursion() {
    let mut layer = Layer::new();
    let pairs: Vec<_> = (0..500).map(|_| layer.pair(Stream)).collect();
    for (n, &[into, _]) in pairs.iter().enumerate() {
        let [_, next] = pairs[(n + 1) % pairs.len()];
        layer.pass(into, next).expect("room");
    }
    for &[into, out] in &pairs {
        layer.close(into);
        layer.close(out);
    }
    assert!(layer.sockets.is_empty());
    layer.host.assert_clean();
}

#[test]
fn sockets_of_other_families_end_the_walk() {
    let mut layer = Layer::new();
    let [a, b] = layer.pair(Stream);
    let tcp = layer.host.owner();
    layer.host.pass(layer.key(a), b"x", &[Right::Socket(tcp)]).expect("room");
    layer.host.unix.collect(&mut layer.host.base, |_| None);
    assert_eq!(layer.host.dropped(), []);
    layer.host.close(layer.key(b));
    assert_eq!(layer.host.dropped(), [Right::Socket(tcp)]);
}

/// Random graphs: nothing that a handle leads to is freed, and all is freed in the end.
#[test]
fn random_graphs_lose_nothing_and_leave_nothing() {
    for seed in 0..60 {
        let mut random = Entropy::new(Seed::from(seed));
        let mut layer = Layer::new();
        let mut handles: Vec<SocketId> = (0..6).flat_map(|_| layer.pair(Stream)).collect();
        while !handles.is_empty() {
            let mut pick = || random.below(handles.len() as u32) as usize;
            let (via, what) = (handles[pick()], handles[pick()]);
            if pick() % 3 == 0 {
                let gone = handles.swap_remove(pick());
                layer.close(gone);
            } else {
                let _ = layer.pass(via, what);
            }
            assert!(handles.iter().all(|&socket| layer.lives(socket)), "seed {seed}");
            let reachable = reachable(&layer, &handles);
            assert!(layer.sockets.keys().all(|socket| reachable.contains(socket)), "seed {seed}: garbage was left");
            assert!(reachable.iter().all(|&socket| layer.lives(socket)), "seed {seed}: a reachable one was freed");
        }
        layer.host.assert_clean();
    }
}

/// What the handles lead to, by the naive walk.
fn reachable(layer: &Layer, handles: &[SocketId]) -> BTreeSet<SocketId> {
    let mut seen = BTreeSet::new();
    let mut todo = handles.to_vec();
    while let Some(socket) = todo.pop() {
        if seen.insert(socket) {
            let queue = &layer.host.unix.sockets[layer.key(socket)].queue;
            todo.extend(queue.iter().flat_map(|message| message.rights.iter()).map(|right| match right {
                Right::Socket(socket) => *socket,
                Right::Foreign(_) => panic!("only sockets are sent here"),
            }));
        }
    }
    seen
}
