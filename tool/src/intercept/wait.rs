//! Calls that wait on a socket.
//!
//! A call that has to wait is kept, and carried out anew when its socket has news: whatever it needs it asks again, nothing is half done.
//! A signal may take the caller away unseen; its call is then found invalid, or the thread has called again.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use loggia_lab::world::World;
use loggia_stack::base::{Instant, Key};

use super::Supervisor;
use super::call::Call;
use super::fault::{Answer, Fault, Outcome};
use super::table::Wait;
use crate::sys::notify::Notification;

/// Who waits where, and until when.
#[derive(Debug, Default)]
pub(super) struct Waits {
    places: HashMap<i32, Key>,
    deadlines: BinaryHeap<Reverse<(Instant, Key)>>,
}

impl Waits {
    pub(super) fn next_deadline(&self) -> Instant {
        self.deadlines.peek().map_or(Instant::NEVER, |Reverse((at, _))| *at)
    }

    pub(super) fn is_anybody_there(&self) -> bool {
        !self.places.is_empty()
    }

    /// All threads that wait.
    pub(super) fn threads(&self) -> Vec<i32> {
        self.places.keys().copied().collect()
    }
}

impl Supervisor {
    /// Keeps a call with its socket. With `deadline` it has waited before; else it waits for at most `timeout`.
    /// A call whose time is over fails with `late`.
    pub(super) fn park(
        &mut self,
        world: &World,
        key: Key,
        call: &Call,
        deadline: Option<Instant>,
        timeout: Option<Duration>,
        late: i32,
    ) -> Outcome {
        let deadline = deadline.unwrap_or_else(|| timeout.map_or(Instant::NEVER, |timeout| world.now() + timeout));
        if world.now() >= deadline {
            return call.so_far().ok_or(Fault(late));
        }
        let Some(entry) = self.table.get_mut(key) else { return Err(Fault(libc::EBADF)) };
        entry.waits.push_back(Wait { call: call.clone(), deadline });
        self.waits.places.insert(call.thread(), key);
        if deadline.is_set() {
            self.waits.deadlines.push(Reverse((deadline, key)));
        }
        Ok(Answer::Waits)
    }

    /// A thread calls: whatever it waited for before, it does not any more. Says how many bytes an abandoned call had carried if it is that
    /// one that comes again after a signal: these are not carried twice.
    pub(super) fn forget_waits_of(&mut self, note: &Notification) -> usize {
        let Some(entry) = self.waits.places.remove(&note.thread).and_then(|key| self.table.get_mut(key)) else { return 0 };
        let mut done = 0;
        entry.waits.retain(|wait| {
            let before = &wait.call.note;
            if before.thread == note.thread && before.is_same_call(note) {
                done = wait.call.done;
            }
            before.thread != note.thread
        });
        done
    }

    /// The calls of a thread that waits, which does not wait any more.
    pub(super) fn take_waits_of(&mut self, thread: i32) -> Vec<Call> {
        let Some(entry) = self.waits.places.remove(&thread).and_then(|key| self.table.get_mut(key)) else { return Vec::new() };
        let (taken, left) =
            std::mem::take(&mut entry.waits).into_iter().partition::<Vec<_>, _>(|wait| wait.call.thread() == thread);
        entry.waits = left.into();
        taken.into_iter().map(|wait| wait.call).collect()
    }

    /// A socket has news: whoever waits there tries again.
    pub(super) fn wake(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get_mut(key).filter(|entry| !entry.waits.is_empty()) else { return };
        for wait in std::mem::take(&mut entry.waits) {
            self.waits.places.remove(&wait.call.thread());
            if wait.call.is_valid() {
                let outcome = self.carry_out(world, &wait.call, Some(wait.deadline));
                self.reply(world, &wait.call, outcome);
            }
        }
    }

    /// Ends the calls that have waited long enough.
    pub(super) fn expire(&mut self, world: &mut World) {
        while let Some(Reverse((at, key))) = self.waits.deadlines.peek().copied() {
            if at > world.now() {
                break;
            }
            self.waits.deadlines.pop();
            self.wake(world, key);
        }
    }
}
