//! Hosts on one Ethernet in virtual time: what takes minutes there takes milliseconds here, and the same seed gives the same.
//!
//! One thread polls all tasks; when all of them wait, time goes to the next moment at which something happens.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loggia::Host;
use loggia::driver::{Driver, Waiters};
use loggia::lookup::Resolve;
use loggia::time::Instant;
use loggia_stack::base::{Addr, Frame, LinkId, Seed};
use loggia_stack::engine::{Config, Stack};
use loggia_stack::link::{LinkConfig, Mac, Medium, Offloads};
use loggia_stack::network::autoconf::LinkSettings;
use loggia_stack::socket::Permission;

/// One way over the wire.
pub(crate) const DELAY: Duration = Duration::from_millis(1);

type Lost = Box<dyn FnMut(usize, &[u8]) -> bool + Send>;

/// A story that takes more is one without an end.
const MOST_STEPS: usize = 100_000;

struct Node {
    stack: Stack,
    waiters: Waiters,
    link: LinkId,
    resolver: Option<Arc<dyn Resolve>>,
}

#[derive(Default)]
struct State {
    now: Instant,
    nodes: Vec<Node>,
    /// What is on the wire, by when it arrives: for whom.
    wire: BTreeMap<(Instant, u64), (usize, Frame)>,
    number: u64,
    /// Whether a frame that this host sends is lost.
    lost: Option<Lost>,
}

/// All hosts and the wire.
#[derive(Clone, Default)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    tasks: Arc<Mutex<Vec<Task>>>,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    woken: Arc<Woken>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

impl State {
    /// Puts what a host has to send onto the wire and wakes those whom it concerns.
    fn settle(&mut self, at: usize) {
        let link = self.nodes[at].link;
        while let Some(frame) = self.nodes[at].stack.transmit(link) {
            if self.lost.as_mut().is_some_and(|lost| lost(at, &frame.to_vec())) {
                continue;
            }
            for to in (0..self.nodes.len()).filter(|to| *to != at) {
                self.number += 1;
                self.wire.insert((self.now + DELAY, self.number), (to, frame.clone()));
            }
        }
        let Node { stack, waiters, .. } = &mut self.nodes[at];
        while let Some((socket, ready)) = stack.next_ready() {
            waiters.ready(socket, ready);
        }
        waiters.advance(self.now);
    }

    fn next_moment(&self) -> Instant {
        let of_nodes = self.nodes.iter().map(|node| node.stack.next_deadline().min(node.waiters.next_deadline()));
        let arrival = self.wire.first_key_value().map_or(Instant::NEVER, |((at, _), _)| *at);
        of_nodes.fold(arrival, Ord::min)
    }

    fn go_to(&mut self, moment: Instant) {
        self.now = moment.max(self.now);
        while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (to, frame) = entry.remove();
            self.nodes[to].stack.advance(self.now);
            let link = self.nodes[to].link;
            self.nodes[to].stack.receive(link, frame);
            self.settle(to);
        }
        for at in 0..self.nodes.len() {
            self.nodes[at].stack.advance(self.now);
            self.settle(at);
        }
    }
}

impl World {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panicked with it")
    }

    /// A host with an interface `eth0`.
    pub(crate) fn host(&self, addresses: &[&str]) -> Host {
        let mut state = self.lock();
        let at = state.nodes.len();
        let mut config = Config::default();
        config.socket.net_raw = Permission::Granted;
        config.socket.net_admin = Permission::Granted;
        config.network.ipv6.link_defaults = LinkSettings::MANUAL;
        let mut stack = Stack::new(config, Seed::from(at as u64 + 7), state.now);
        let medium = Medium::Ethernet { mac: Mac([2, 0, 0, 0, 0, at as u8 + 1]), vlan: None };
        let link = LinkConfig { name: "eth0".into(), medium, mtu: 1500, offloads: Offloads::default(), queue_limit: 1 << 20 };
        let link = stack.add_link(link).expect("a link");
        stack.set_up(link, true).expect("it comes up");
        for address in addresses {
            stack.add_address(link, address.parse().expect("a prefix")).expect("an address");
        }
        state.nodes.push(Node { stack, waiters: Waiters::default(), link, resolver: None });
        Host::new(Arc::new(Door { world: self.clone(), at }))
    }

    pub(crate) fn now(&self) -> Instant {
        self.lock().now
    }

    /// What is lost from now on: by the number of the host that sends, in the order in which they were made, and the frame.
    pub(crate) fn lose(&self, lost: impl FnMut(usize, &[u8]) -> bool + Send + 'static) {
        self.lock().lost = Some(Box::new(lost));
    }

    pub(crate) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        self.tasks.lock().expect("tasks").push(Task { future: Box::pin(future), woken });
    }

    /// Runs until `story` ends.
    pub(crate) fn run<T: Send + 'static>(&self, story: impl Future<Output = T> + Send + 'static) -> T {
        let result = Arc::new(Mutex::new(None));
        let slot = result.clone();
        self.spawn(async move {
            let told = story.await;
            *slot.lock().expect("result") = Some(told);
        });
        for _ in 0..MOST_STEPS {
            while self.poll_woken() {}
            if let Some(told) = result.lock().expect("result").take() {
                return told;
            }
            let mut state = self.lock();
            let next = state.next_moment();
            assert!(next.is_set(), "everybody waits, and nothing will ever happen");
            state.go_to(next);
        }
        panic!("it goes on and on: {}", self.now());
    }

    /// Polls the tasks that were woken; false if there were none.
    fn poll_woken(&self) -> bool {
        let mut any = false;
        let mut tasks = std::mem::take(&mut *self.tasks.lock().expect("tasks"));
        tasks.retain_mut(|task| {
            if !task.woken.0.swap(false, Ordering::AcqRel) {
                return true;
            }
            any = true;
            let waker = Waker::from(task.woken.clone());
            task.future.as_mut().poll(&mut Context::from_waker(&waker)) == Poll::Pending
        });
        let mut spawned = self.tasks.lock().expect("tasks");
        tasks.append(&mut spawned);
        *spawned = tasks;
        any
    }
}

struct Door {
    world: World,
    at: usize,
}

impl Driver for Door {
    fn with(&self, work: &mut dyn FnMut(&mut Stack, &mut Waiters)) {
        let mut state = self.world.lock();
        let now = state.now;
        let Node { stack, waiters, .. } = &mut state.nodes[self.at];
        stack.advance(now);
        work(stack, waiters);
        state.settle(self.at);
    }

    fn now(&self) -> Instant {
        self.world.now()
    }

    fn lookup(&self, _: &str) -> Vec<Addr> {
        Vec::new()
    }

    fn resolver(&self) -> Option<Arc<dyn Resolve>> {
        self.world.lock().nodes[self.at].resolver.clone()
    }

    fn set_resolver(&self, resolver: Option<Arc<dyn Resolve>>) -> io::Result<()> {
        self.world.lock().nodes[self.at].resolver = resolver;
        Ok(())
    }
}
