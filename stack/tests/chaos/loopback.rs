//! A host that talks to itself: what it sends goes straight into the loopback's queue and is looked at once when it comes out, or, where somebody wants to
//! look at packets, goes up layer by layer. Nobody can tell the two apart.

use std::time::Duration;

use loggia_stack::base::event::class;
use loggia_stack::base::{LinkId, MsgFlags, SockAddr, SocketId};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::{SOCK_DGRAM, SOCK_STREAM, sol_socket as so};

use crate::forged::pair::Pair;
use crate::forged::site::Site;
use crate::sim::host::address;
use crate::sim::{Random, seeds};

const LOOPBACK: LinkId = LinkId(1);

/// Both hosts, each with a listener, a socket of datagrams, and connections between them.
struct Alone {
    pair: Pair,
    random: Random,
    site: Site,
    listener: SocketId,
    /// Each sends to the next one, in pairs.
    sockets: Vec<SocketId>,
}

impl Alone {
    fn new(seed: u64) -> Self {
        let (mut random, site) = (Random::new(seed, 13), Site::of(seed));
        let mut pair = Pair::new(seed, &site, &mut random);
        let listener = pair.both("socket", |stack| stack.socket(site.family, SOCK_STREAM, 0).expect("a socket"));
        pair.both("bind", |stack| stack.bind(listener, &name(&site, 80)).expect("bind"));
        pair.both("listen", |stack| stack.listen(listener, 3).expect("listen"));
        Self { pair, random, site, listener, sockets: Vec::new() }
    }

    fn connects(&mut self) {
        let (site, listener) = (self.site, self.listener);
        let Ok(client) = self.pair.both("socket", |stack| stack.socket(site.family, SOCK_STREAM, 0)) else { return };
        _ = self.pair.both("connect", |stack| stack.connect(client, &name(&site, 80)));
        if let Ok((server, _)) = self.pair.both("accept", |stack| stack.accept(listener)) {
            self.sockets.extend([client, server]);
        }
    }

    fn opens_datagrams(&mut self) {
        let site = self.site;
        let port = self.random.between(1000, 1003) as u16;
        let [one, other] = [(); 2].map(|()| self.pair.both("socket", |stack| stack.socket(site.family, SOCK_DGRAM, 0)));
        let (Ok(one), Ok(other)) = (one, other) else { return };
        _ = self.pair.both("bind", |stack| stack.bind(other, &name(&site, port)));
        _ = self.pair.both("connect", |stack| stack.connect(one, &name(&site, port)));
        self.sockets.extend([one, other]);
    }

    fn acts(&mut self) {
        let what = self.random.below(20);
        let text = format!("act {what}");
        match what {
            0 => self.connects(),
            1 if self.sockets.len() < 12 => self.opens_datagrams(),
            2..=9 if !self.sockets.is_empty() => {
                let socket = self.random.one_of(&self.sockets);
                let len = self.random.one_of(&[1, 64, 64, 1448, 5000, 70_000]);
                _ = self.pair.both(&text, |stack| stack.send(socket, &vec![7; len], MsgFlags::NONE));
            }
            10..=14 if !self.sockets.is_empty() => {
                let socket = self.random.one_of(&self.sockets);
                let len = self.random.one_of(&[1, 64, 3000, 100_000]);
                _ = self.pair.both(&text, |stack| {
                    let mut into = vec![0; len];
                    (stack.recv(socket, &mut into, MsgFlags::NONE), into.iter().map(|byte| u64::from(*byte)).sum::<u64>())
                });
            }
            15 if self.sockets.len() > 4 => {
                let socket = self.sockets.swap_remove(self.random.below(self.sockets.len() as u64) as usize);
                _ = self.pair.both(&text, |stack| stack.close(socket));
            }
            16 if !self.sockets.is_empty() => {
                let (socket, value) = (self.random.one_of(&self.sockets), self.random.one_of(&[1, 3000, 50_000]));
                let option = self.random.one_of(&[so::SO_RCVBUF, so::SO_SNDBUF]);
                self.pair.set(socket, so::LEVEL, option, value);
            }
            _ => self.changes(what),
        }
        self.pair.observe(&text);
    }

    /// Time passes, or something changes that packets depend on.
    fn changes(&mut self, what: u64) {
        let (random, text) = (&mut self.random, format!("change {what}"));
        match random.below(10) {
            0 => {
                let mtu = random.one_of(&[1500, 65_536, 65_536]);
                _ = self.pair.both(&text, |stack| stack.set_mtu(LOOPBACK, mtu));
            }
            1 if random.chance(0.2) => _ = self.pair.both(&text, |stack| stack.set_up(LOOPBACK, false)),
            2 | 3 => _ = self.pair.both(&text, |stack| stack.set_up(LOOPBACK, true)),
            4 => self.pair.both(&text, |stack| stack.configure_network(|_| ())),
            5 => {
                let heard = random.one_of(&[class::ALL, class::ALL & !class::CALLS, 0, class::FRAMES, class::SEGMENTS]);
                self.pair.both(&text, |stack| stack.listen_events(heard));
            }
            _ => {
                self.pair.now += Duration::from_millis(random.one_of(&[1, 40, 300, 3000]));
                let now = self.pair.now;
                self.pair.both(&text, |stack| stack.advance(now));
            }
        }
    }
}

/// Ours: what goes there comes by loopback.
fn name(site: &Site, port: u16) -> Address {
    address(SockAddr::new(site.us, port))
}

#[test]
fn nobody_can_tell_what_came_by_loopback() {
    let (mut came, seeds) = ([0; 2], seeds(0..100));
    let many = seeds.end - seeds.start >= 100;
    for seed in seeds {
        let mut alone = Alone::new(seed);
        for _ in 0..200 {
            alone.acts();
        }
        let counters = alone.pair.stacks[0].counters();
        came[0] += counters.tcp.in_segs;
        came[1] += counters.udp.in_datagrams;
    }
    // One that is replayed may have had little.
    assert!(!many || came.iter().all(|came| *came > 300), "segments and datagrams: {came:?}");
}
