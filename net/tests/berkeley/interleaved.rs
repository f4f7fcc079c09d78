//! What two threads do to one set, in an order that is chosen: a driver that lets another have a turn after a call has given the lock back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use loggia::berkeley::Berkeley;
use loggia::berkeley::numbers::*;
use loggia::{Driver, Host, Waiters};
use loggia_stack::base::{Addr, Instant};
use loggia_stack::engine::{Config, Stack};

type Turn = Box<dyn FnOnce() + Send>;

/// A host whose time stands still.
struct Turns {
    state: Mutex<(Stack, Waiters)>,
    /// What happens after the next call.
    next: Mutex<Option<Turn>>,
}

impl Driver for Turns {
    fn with(&self, work: &mut dyn FnMut(&mut Stack, &mut Waiters)) {
        let mut woken = Vec::new();
        {
            let mut state = self.state.lock().expect("no panic");
            let (stack, waiters) = &mut *state;
            work(stack, waiters);
            while let Some((socket, ready)) = stack.next_ready() {
                waiters.release(socket, ready, |waker| woken.push(waker));
            }
        }
        woken.into_iter().for_each(std::task::Waker::wake);
        let turn = self.next.lock().expect("no panic").take();
        if let Some(turn) = turn {
            turn();
        }
    }

    fn now(&self) -> Instant {
        Instant::EPOCH
    }

    fn lookup(&self, _: &str) -> Vec<Addr> {
        Vec::new()
    }
}

const NOW: Option<Duration> = Some(Duration::ZERO);

/// A set with an interest that is told once, in a socket where something is.
fn one_shot() -> (Arc<Turns>, Berkeley, [i32; 3]) {
    let stack = Stack::new(Config::default(), 7.into(), Instant::EPOCH);
    let turns = Arc::new(Turns { state: Mutex::new((stack, Waiters::default())), next: Mutex::default() });
    let b = Berkeley::on(&Host::new(turns.clone()));
    let (here, there) = b.socketpair(AF_UNIX, SOCK_STREAM).expect("a pair");
    let set = b.epoll_create().expect("a set");
    b.epoll_ctl(set, EPOLL_CTL_ADD, here, EPOLLIN | EPOLLONESHOT, 1).expect("an interest");
    b.send(there, b"x", 0).expect("send");
    (turns, b, [set, here, there])
}

fn in_between(turns: &Turns, turn: impl FnOnce() + Send + 'static) {
    *turns.next.lock().expect("no panic") = Some(Box::new(turn));
}

#[test]
fn a_wish_that_comes_while_somebody_looks_is_not_lost() {
    let (turns, b, [set, here, _]) = one_shot();
    let other = b.clone();
    in_between(&turns, move || other.epoll_ctl(set, EPOLL_CTL_MOD, here, EPOLLIN | EPOLLONESHOT, 2).expect("another wish"));
    let told: Vec<u64> = b.epoll_wait(set, 8, NOW).expect("wait").iter().map(|event| event.data).collect();
    assert_eq!(told, [2], "the one that is valid when it is told");
}

#[test]
fn what_is_told_once_is_told_to_one() {
    let (turns, b, [set, _, there]) = one_shot();
    let other = b.clone();
    let (tell, told) = std::sync::mpsc::channel();
    in_between(&turns, move || {
        other.send(there, b"y", 0).expect("send");
        tell.send(other.epoll_wait(set, 8, NOW).expect("wait").len()).expect("somebody listens");
    });
    let first = b.epoll_wait(set, 8, NOW).expect("wait").len();
    assert_eq!(first + told.recv().expect("it has had its turn"), 1);
}
