//! Calls that wait on a socket.
//!
//! A call that has to wait is kept, and carried out anew when its socket has news: whatever it needs it asks again, nothing is half done.
//! A signal may take the caller away unseen; its call is then found invalid, or the thread has called again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use loggia_lab::world::World;
use loggia_stack::base::{Instant, Key};

use super::Supervisor;
use super::call::Call;
use super::fault::{Answer, Fault, Outcome};
use super::table::Wait;
use crate::sys::notify::Notification;

/// Where a thread waits, and with which call.
#[derive(Debug)]
struct Place {
    key: Key,
    call: Call,
}

/// Deadlines that may be kept although nobody waits for them any more, beside as many as there are waits.
const STALE: usize = 1024;

/// Who waits where, and until when.
#[derive(Debug, Default)]
pub(super) struct Waits {
    places: BTreeMap<i32, Place>,
    deadlines: BinaryHeap<Reverse<(Instant, Key)>>,
}

impl Waits {
    pub(super) fn next_deadline(&self) -> Instant {
        self.deadlines.peek().map_or(Instant::NEVER, |Reverse((at, _))| *at)
    }

    pub(super) fn is_anybody_there(&self) -> bool {
        !self.places.is_empty()
    }

    /// Some threads that wait, at most `most`: those behind `last`, and round again.
    pub(super) fn threads_behind(&self, last: i32, most: usize) -> Vec<i32> {
        let behind = self.places.range((Excluded(last), Unbounded));
        behind.chain(self.places.range(..=last)).map(|(thread, _)| *thread).take(most).collect()
    }

    /// True if a thread still waits for its answer.
    pub(super) fn is_there(&self, thread: i32) -> bool {
        self.places.get(&thread).is_some_and(|place| place.call.is_valid())
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
        let is_new = deadline.is_none();
        let deadline = deadline.unwrap_or_else(|| timeout.map_or(Instant::NEVER, |timeout| world.now() + timeout));
        if world.now() >= deadline {
            return call.so_far().ok_or(Fault(late));
        }
        let Some(entry) = self.table.get_mut(key) else { return Err(Fault(libc::EBADF)) };
        entry.waits.push_back(Wait { call: call.clone(), deadline });
        self.waits.places.insert(call.thread(), Place { key, call: call.clone() });
        // That of a call which has waited before is known.
        if is_new && deadline.is_set() {
            self.waits.deadlines.push(Reverse((deadline, key)));
        }
        Ok(Answer::Waits)
    }

    /// A thread calls: whatever it waited for before, it does not any more. Says how many bytes an abandoned call had carried if it is that
    /// one that comes again after a signal: these are not carried twice.
    pub(super) fn forget_waits_of(&mut self, note: &Notification) -> usize {
        let place = self.waits.places.remove(&note.thread);
        let Some(entry) = place.and_then(|place| self.table.get_mut(place.key)) else { return 0 };
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
        let place = self.waits.places.remove(&thread);
        let Some(entry) = place.and_then(|place| self.table.get_mut(place.key)) else { return Vec::new() };
        let (taken, left) =
            std::mem::take(&mut entry.waits).into_iter().partition::<Vec<_>, _>(|wait| wait.call.thread() == thread);
        entry.waits = left.into();
        taken.into_iter().map(|wait| wait.call).collect()
    }

    /// A socket has news: whoever waits there tries again.
    pub(super) fn wake(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get_mut(key).filter(|entry| !entry.waits.is_empty()) else { return };
        let mut nothing_to_accept = false;
        for wait in std::mem::take(&mut entry.waits) {
            let accepts = matches!(wait.call.note.number, libc::SYS_accept | libc::SYS_accept4);
            // Where one waits on, those behind would too: thousands may wait for one connection.
            if nothing_to_accept
                && accepts
                && world.now() < wait.deadline
                && let Some(entry) = self.table.get_mut(key)
            {
                entry.waits.push_back(wait);
                continue;
            }
            self.waits.places.remove(&wait.call.thread());
            if wait.call.is_valid() {
                let outcome = if accepts {
                    self.accept_at(world, &wait.call, key, None, Some(wait.deadline))
                } else {
                    self.carry_out(world, &wait.call, Some(wait.deadline))
                };
                nothing_to_accept |= accepts && outcome == Ok(Answer::Waits);
                self.reply(world, &wait.call, outcome);
            }
        }
    }

    /// Ends the calls that have waited long enough.
    pub(super) fn expire(&mut self, world: &mut World) {
        self.forget_stale_deadlines();
        while let Some(Reverse((at, key))) = self.waits.deadlines.peek().copied() {
            if at > world.now() {
                break;
            }
            self.waits.deadlines.pop();
            self.wake(world, key);
        }
    }

    /// Calls that did not wait until their deadline leave it behind.
    fn forget_stale_deadlines(&mut self) {
        let Self { waits: Waits { places, deadlines }, table, .. } = self;
        if deadlines.len() > STALE + 2 * places.len() {
            let waits = table.iter().flat_map(|(key, entry)| entry.waits.iter().map(move |wait| (wait.deadline, key)));
            *deadlines = waits.filter(|(deadline, _)| deadline.is_set()).map(Reverse).collect();
        }
    }
}
