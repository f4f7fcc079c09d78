//! Who is at the [helm](crate::host::helm), and what is done there.

use std::sync::TryLockError;
use std::sync::atomic::Ordering;
use std::time;

use loggia_stack::base::Instant;
use loggia_stack::engine::Stack;

use super::{After, LOOK, Next, PAUSE, Phase, Running, StandBy, State, Who};
use crate::blocking;
use crate::driver::{Stand, Waiters};
use crate::host::helm::{At, NAP, Watch};
use crate::host::lookout::Lookout;
use crate::host::port::Port;

/// The helm.
impl Running {
    /// What the thread does that is not at the helm.
    pub(in crate::host) fn stand_by(&self) -> StandBy {
        let roused = self.roused.swap(false, Ordering::AcqRel);
        let mut state = match self.state.try_lock() {
            // Whoever has it is there, and would have to wake us again. But it may always be another, and none of them at the helm: once only.
            Err(TryLockError::WouldBlock) if !roused => {
                self.roused.store(true, Ordering::Release);
                return StandBy::NapsAgain;
            }
            Err(TryLockError::WouldBlock) => self.lock(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Ok(state) => state,
        };
        let at = state.helm.at();
        if at == At::Nobody && self.handed_over.load(Ordering::Acquire) {
            state.give_to_thread();
        }
        let (now, due) = (self.now(), state.waiters.next_deadline());
        match state.helm.watch(now, due) {
            Watch::Takes => StandBy::Takes(state.lookout.take().unwrap_or_default()),
            Watch::Naps(until) => {
                if at == At::Nobody {
                    state.armed = until;
                }
                StandBy::Naps(until.since(now))
            }
            Watch::Sleeps => StandBy::Sleeps,
        }
    }

    /// Waits until this thread's waker is woken or the deadline is there, at the helm if nobody else waits.
    pub(in crate::host) fn park(&self, stand: Stand, deadline: Option<time::Instant>) {
        if !self.callers_wait.load(Ordering::Relaxed) {
            return blocking::park(deadline);
        }
        let waker = blocking::waker();
        let mut state = self.lock();
        let alone = state.waiters.stands_alone(stand);
        let mut after = After::default();
        match state.helm.at() {
            At::Nobody if alone => {
                let (now, until) = (self.now(), self.moment(deadline));
                state.helm.take(waker, stand.count, now);
                let mut helm = state.lookout.take();
                let next = state.next_of_caller(now, until, &mut helm, &mut after);
                drop(state);
                self.conclude(after);
                return self.steer(helm, next, until);
            }
            // What it waited for came with its own call: it is about to look again.
            At::Nobody if state.waiters.count() == 0 => {}
            At::Nobody => state.call(&mut after),
            At::Thread if alone => state.helm.wish(waker.clone(), stand.count),
            At::Thread | At::Caller => {}
        }
        drop(state);
        self.conclude(after);
        blocking::park(deadline);
        if alone {
            self.lock().helm.give_up(&waker);
        }
    }

    /// The same moment by the host's clock; never if there is none.
    pub(super) fn moment(&self, deadline: Option<time::Instant>) -> Instant {
        deadline.map_or(Instant::NEVER, |at| Instant::from_nanos(at.saturating_duration_since(self.epoch).as_nanos() as u64))
    }

    /// A caller is at the helm until it leaves.
    pub(super) fn steer(&self, helm: Option<Lookout>, mut next: Next, until: Instant) {
        let mut steering = Steering { running: self, helm };
        let _here = self.steering.begin();
        while let Some(lookout) = &mut steering.helm {
            match next {
                Next::Sleep { until, full } => lookout.wait(self, until, &full),
                Next::Again => lookout.refresh(self),
                Next::Left | Next::End => return,
            }
            next = self.turn(&mut steering.helm, Who::Caller(until));
        }
    }

    /// A caller who has taken the helm for it looks what has come, without waiting, and does its work before anything is sent because of that: else
    /// the acknowledgement of all that was sent would set free the last little of it, as a packet of its own, a moment before more is written.
    pub(super) fn look(&self, lookout: Lookout, work: &mut dyn FnMut(&mut Stack, &mut Waiters)) {
        let mut steering = Steering { running: self, helm: Some(lookout) };
        let _here = self.steering.begin();
        steering.helm.iter_mut().for_each(Lookout::look);
        let mut state = self.lock();
        let now = self.now();
        state.stack.set_clock(now);
        state.stack.hold_output(true);
        let gone = state.receive(&mut steering.helm);
        state.stack.hold_output(false);
        let own = state.waits_after(work);
        state.stack.release_output();
        state.stack.advance(now);
        state.busy = true;
        state.armed = Instant::EPOCH;
        // One is awake: nobody need ring.
        let mut after = After { ring: false, ..state.settle() };
        after.rouse |= state.leave(now, &mut steering.helm, own).rouse;
        drop(state);
        drop(gone);
        self.conclude(after);
    }
}

/// A caller is at the helm. If it panics there, the device that it was receiving from is lost, and the thread goes on with the others, and with
/// what waited for the caller's work.
struct Steering<'a> {
    running: &'a Running,
    /// None once it has left.
    helm: Option<Lookout>,
}

impl Drop for Steering<'_> {
    fn drop(&mut self) {
        let Some(lookout) = self.helm.take() else { return };
        let mut state = self.running.lock();
        state.stack.release_output();
        let gone = lookout.receiving.map(|link| state.lose(link));
        let after = state.give_to_thread();
        drop(state);
        drop((gone, lookout));
        self.running.conclude(after);
    }
}

impl State {
    /// What the thread does next.
    pub(super) fn next(&mut self, now: Instant, helm: &mut Option<Lookout>) -> Next {
        let phase = self.phase;
        match phase {
            Phase::Over { .. } => return Next::End,
            Phase::Ending(until) if now >= until || self.is_clean() || self.is_cut_off() => return Next::End,
            _ if !self.is_current(helm.as_ref()) => return Next::Again,
            Phase::Alive if self.stands_back(now) => {
                self.helm.stand_back(now);
                self.armed = self.helm.nap_end();
                self.lookout = helm.take();
                return Next::Left;
            }
            Phase::Alive | Phase::Ending(_) => {}
        }
        self.sleep(now, Instant::NEVER)
    }

    /// What a caller does next, who is there until it is called, and until then at most.
    pub(super) fn next_of_caller(&mut self, now: Instant, until: Instant, helm: &mut Option<Lookout>, after: &mut After) -> Next {
        if self.phase == Phase::Alive && !self.helm.is_called() && now < until {
            if !self.is_current(helm.as_ref()) {
                return Next::Again;
            }
            return self.sleep(now, until);
        }
        after.rouse |= self.leave(now, helm, 0).rouse;
        Next::Left
    }

    pub(super) fn is_current(&self, helm: Option<&Lookout>) -> bool {
        helm.is_some_and(|lookout| lookout.generation == self.generation)
    }

    /// The caller leaves the helm: to nobody, if it can wait. For `own` sockets it waits itself, and will come back for them.
    pub(super) fn leave(&mut self, now: Instant, helm: &mut Option<Lookout>, own: usize) -> After {
        let cannot_wait =
            self.phase != Phase::Alive || self.others_wait(own) || !self.is_current(helm.as_ref()) || self.wants_watch();
        // Where it is over nobody takes it any more.
        if !matches!(self.phase, Phase::Over { .. }) {
            self.lookout = helm.take();
        }
        let rouse = self.helm.leave(now);
        self.armed = self.helm.nap_end();
        if cannot_wait || self.waiters.next_deadline() < self.armed {
            return self.give_to_thread();
        }
        After { rouse, ..After::default() }
    }

    /// The thread takes the helm, and looks at once.
    pub(super) fn give_to_thread(&mut self) -> After {
        self.helm.give_to_thread();
        self.armed = Instant::EPOCH;
        After { rouse: true, ..After::default() }
    }

    /// True if so much has been sent that it is time to look what has come. Begins to count anew.
    pub(super) fn is_much_sent(&mut self) -> bool {
        let much = self.unlooked >= LOOK;
        if much {
            self.unlooked = 0;
        }
        much
    }

    /// A caller takes the helm to look, if nobody has it.
    pub(super) fn begin_look(&mut self, now: Instant) -> Option<Lookout> {
        match self.helm.at() {
            At::Nobody => {
                self.helm.look(now);
                self.armed = Instant::EPOCH;
                self.lookout.take()
            }
            At::Thread => {
                self.helm.much_sent();
                None
            }
            At::Caller => None,
        }
    }

    /// True if the thread leaves the helm to callers, for which nobody has to wait.
    pub(super) fn stands_back(&mut self, now: Instant) -> bool {
        // Asked first: it counts.
        self.helm.is_wanted() && !self.others_wait(0) && !self.wants_watch() && self.waiters.next_deadline() >= now + NAP
    }

    /// True if others wait for sockets than the caller who is at the helm or was called, and than one who waits for `own` of them.
    pub(super) fn others_wait(&self, own: usize) -> bool {
        self.waiters.count() > self.helm.of_the_same() + own
    }

    /// Does a caller's work; for how many sockets it waits then, who will come back for them.
    fn waits_after(&mut self, work: &mut dyn FnMut(&mut Stack, &mut Waiters)) -> usize {
        let Self { stack, waiters, .. } = self;
        let before = waiters.count();
        work(stack, waiters);
        if waiters.take_came() { 0 } else { waiters.count().saturating_sub(before) }
    }

    /// True if somebody must wait for a device to have room.
    pub(super) fn wants_watch(&self) -> bool {
        self.ports.iter().any(Port::wants_watch)
    }

    /// Whoever is at the helm sleeps, until then at most.
    pub(super) fn sleep(&mut self, now: Instant, until: Instant) -> Next {
        let busy = std::mem::take(&mut self.busy);
        self.armed = if busy { self.due().min(now + PAUSE) } else { self.due() }.min(until);
        self.ports.iter_mut().for_each(|port| port.watched = port.wants_watch());
        let full = self.ports.iter().filter(|port| port.watched).map(|port| (port.link, port.device.full_queue())).collect();
        Next::Sleep { until: self.armed, full }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use loggia_stack::Seed;

    use super::*;
    use crate::host::running::Options;

    /// Callers who never wait may hold the lock whenever the thread looks.
    #[test]
    fn a_lock_that_is_taken_keeps_the_thread_away_once() {
        let options = Options {
            config: loggia_stack::engine::Config::default(),
            seed: Seed::from(1),
            names: Vec::new(),
            resolver: None,
            linger: Duration::ZERO,
        };
        let running = Running::new(options).expect("a bell");
        let taken = running.lock();
        assert!(matches!(running.stand_by(), StandBy::NapsAgain), "others are there");
        thread::scope(|scope| {
            let (tell, told) = mpsc::channel();
            let running = &running;
            scope.spawn(move || tell.send(matches!(running.stand_by(), StandBy::Takes(_))));
            assert!(told.recv_timeout(Duration::from_millis(20)).is_err(), "it waits for the lock");
            drop(taken);
            assert_eq!(told.recv(), Ok(true));
        });
    }
}
