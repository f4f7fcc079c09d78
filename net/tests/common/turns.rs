//! A host whose time stands still, and where another has a turn after a call has given the lock back: what two threads do in an order that is
//! chosen.

use std::sync::{Arc, Mutex};
use std::task::Waker;

use loggia::{Driver, Host, Waiters};
use loggia_stack::base::{Addr, Instant};
use loggia_stack::engine::{Config, Stack};

/// Has a turn; says whether it wants another after the next call.
type Turn = Box<dyn FnMut() -> bool + Send>;

pub(crate) struct Turns {
    state: Mutex<(Stack, Waiters)>,
    turn: Mutex<Option<Turn>>,
}

impl Turns {
    pub(crate) fn new() -> (Arc<Self>, Host) {
        let stack = Stack::new(Config::default(), 7.into(), Instant::EPOCH);
        let turns = Arc::new(Self { state: Mutex::new((stack, Waiters::default())), turn: Mutex::default() });
        (turns.clone(), Host::new(turns))
    }

    /// What happens after the next call, and as long as it wants after each.
    pub(crate) fn in_between(&self, turn: impl FnMut() -> bool + Send + 'static) {
        // What it had may go only without the lock: it may own sockets.
        let before = self.turn.lock().expect("no panic").replace(Box::new(turn));
        drop(before);
    }
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
        woken.into_iter().for_each(Waker::wake);
        // Its own calls find none.
        let turn = self.turn.lock().expect("no panic").take();
        if let Some(mut turn) = turn
            && turn()
        {
            *self.turn.lock().expect("no panic") = Some(turn);
        }
    }

    fn now(&self) -> Instant {
        Instant::EPOCH
    }

    fn lookup(&self, _: &str) -> Vec<Addr> {
        Vec::new()
    }
}
