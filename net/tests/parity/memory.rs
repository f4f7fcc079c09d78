//! Two hosts in memory: what one sends the other has, in no time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time;

use loggia::{Driver, Host, Waiters};
use loggia_stack::base::{Addr, Cidr, Instant, LinkId, Seed};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Medium, Offloads};

struct Pair {
    stacks: [(Stack, Waiters); 2],
    link: LinkId,
    epoch: time::Instant,
}

struct One {
    pair: Arc<Mutex<Pair>>,
    which: usize,
}

/// 10.0.0.1 and 10.0.0.2.
pub(crate) fn hosts() -> [Host; 2] {
    let mut link = LinkId(0);
    let stacks = [1, 2].map(|last| {
        let mut stack = Stack::new(Config::default(), Seed::from(last), Instant::EPOCH);
        let offloads = Offloads { checksum: true, segmentation: 0, coalesce: false };
        let config = LinkConfig { name: "tun0".into(), medium: Medium::Ip, mtu: 1500, offloads, queue_limit: 16 << 20 };
        link = stack.add_link(config).expect("a link");
        stack.set_up(link, true).expect("up");
        stack.add_address(link, Cidr::new(Addr::v4(10, 0, 0, last as u8), 24)).expect("an address");
        (stack, Waiters::default())
    });
    let default = Cidr::new(Addr::V4_ANY, 0);
    let mut pair = Pair { stacks, link, epoch: time::Instant::now() };
    pair.stacks.iter_mut().for_each(|(stack, _)| stack.add_route(default, None, link, 0).expect("a route"));
    let pair = Arc::new(Mutex::new(pair));
    ticking(&pair);
    [0, 1].map(|which| Host::new(Arc::new(One { pair: pair.clone(), which })))
}

/// Lets the stacks' time pass while they are there.
fn ticking(pair: &Arc<Mutex<Pair>>) {
    let pair = Arc::downgrade(pair);
    std::thread::spawn(move || {
        while let Some(pair) = pair.upgrade() {
            lock(&pair).settle();
            drop(pair);
            std::thread::sleep(time::Duration::from_millis(1));
        }
    });
}

fn lock(pair: &Mutex<Pair>) -> std::sync::MutexGuard<'_, Pair> {
    pair.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pair {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.epoch.elapsed().as_nanos() as u64)
    }

    fn settle(&mut self) {
        let now = self.now();
        let mut busy = true;
        while busy {
            busy = false;
            for from in 0..2 {
                self.stacks[from].0.advance(now);
                while let Some(frame) = self.stacks[from].0.transmit(self.link) {
                    busy = true;
                    self.stacks[1 - from].0.receive(self.link, frame);
                }
            }
        }
        for (stack, waiters) in &mut self.stacks {
            while let Some((socket, ready)) = stack.next_ready() {
                waiters.ready(socket, ready);
            }
            waiters.advance(now);
        }
    }
}

impl Driver for One {
    fn with(&self, work: &mut dyn FnMut(&mut Stack, &mut Waiters)) {
        let mut pair = lock(&self.pair);
        let now = pair.now();
        let (stack, waiters) = &mut pair.stacks[self.which];
        stack.advance(now);
        work(stack, waiters);
        pair.settle();
    }

    fn now(&self) -> Instant {
        lock(&self.pair).now()
    }

    fn lookup(&self, _: &str) -> Vec<Addr> {
        Vec::new()
    }
}
