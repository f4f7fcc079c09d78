//! Signals to callers that wait.
//!
//! Once the supervisor has taken a notification, its caller waits unkillably for everything but SIGKILL
//! (`SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV`, Linux 5.19): no reply is lost, no memory is written that the caller has left behind, no call
//! is made twice. The price is that a signal does not end a wait by itself. So those who wait for long are looked at now and then, and whoever
//! has a signal to take is sent back to take it, with the error by which the kernel itself starts a call again or makes it `EINTR`, as the
//! signal's handler asks.

use std::collections::HashSet;
use std::time::Duration;

use loggia_lab::world::World;
use loggia_stack::base::Instant;

use super::Supervisor;
use super::answer::Holder;
use super::call::Call;
use super::fault::Fault;
use super::table::Phase;
use super::threads::{self, status};

/// How often those who wait are looked at: how late a signal may come to them.
const LOOK: Duration = Duration::from_millis(20);
/// How many of them are looked at then; of more each has its turn.
const MOST: usize = 128;
/// `ERESTARTSYS` of the kernel: never seen by a program that has a signal to take.
const RESTART: i32 = 512;

/// When those who wait are looked at, and who may have a signal.
#[derive(Debug)]
pub(super) struct Interrupts {
    look_at: Instant,
    /// Who was looked at last.
    last: i32,
    /// A signal to the process was there at the last look, which another thread may have been about to take.
    suspected: HashSet<i32>,
    /// Callers cannot leave with a signal.
    pub(super) killable: bool,
}

impl Default for Interrupts {
    fn default() -> Self {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self { look_at: Instant::EPOCH, last: 0, suspected: HashSet::new(), killable: is_at_least(&release, (5, 19)) }
    }
}

/// True if a kernel's release (`6.18.44-something`) is at least this.
fn is_at_least(release: &str, wanted: (u32, u32)) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= wanted
}

impl Supervisor {
    /// When those who wait want to be looked at.
    pub(super) fn next_interrupt(&self) -> Instant {
        if self.interrupts.killable && self.waits.is_anybody_there() { self.interrupts.look_at } else { Instant::NEVER }
    }

    /// Sends those back who have a signal to take, and forgets those who were killed.
    pub(super) fn interrupt(&mut self, world: &World) {
        if world.now() < self.next_interrupt() {
            return;
        }
        self.interrupts.look_at = world.now() + LOOK;
        let suspected = std::mem::take(&mut self.interrupts.suspected);
        for thread in self.waits.threads_behind(self.interrupts.last, MOST) {
            self.interrupts.last = thread;
            if !self.waits.is_there(thread) {
                self.take_waits_of(thread);
                continue;
            }
            match signals(thread) {
                Signals::None => {}
                Signals::Process if !suspected.contains(&thread) => {
                    self.interrupts.suspected.insert(thread);
                }
                // Had another thread been given it, the kernel's own error would get through to the program.
                Signals::Process => self.send_back(world, thread, libc::EINTR),
                Signals::Thread => self.send_back(world, thread, RESTART),
            }
        }
    }

    fn send_back(&mut self, world: &World, thread: i32, error: i32) {
        for call in self.take_waits_of(thread) {
            self.leave_behind(&call);
            self.reply(world, &call, call.so_far().ok_or(Fault(error)));
        }
    }
}

impl Supervisor {
    /// A blocking connect that a signal ends goes on without its caller, who may wait for it with `poll` (POSIX).
    fn leave_behind(&mut self, call: &Call) {
        if call.note.number == libc::SYS_connect
            && let Ok(Holder::Socket(subject)) = self.subject(call)
            && self.phase(subject.key) == Ok(Phase::Fresh)
        {
            // Without descriptors it is as before: the next call finds out.
            let _ = self.begin(&subject);
        }
    }
}

/// Signals that a thread has to take.
enum Signals {
    /// None.
    None,
    /// One that is surely its own.
    Thread,
    /// One to its process, which another thread may take.
    Process,
}

fn signals(thread: i32) -> Signals {
    let Ok(status) = status(&thread.to_string()) else { return Signals::None };
    let takes = !mask(&status, "SigBlk:");
    if mask(&status, "SigPnd:") & takes != 0 {
        return Signals::Thread;
    }
    let shared = mask(&status, "ShdPnd:") & takes;
    let process = field(&status, "Tgid:");
    if shared == 0 || process == field(&status, "Pid:") {
        return if shared == 0 { Signals::None } else { Signals::Thread };
    }
    // The kernel gives a process's signal to its first thread, if that one takes it: then it is not for this one.
    let first = threads::status(process).map_or(0, |first| !mask(&first, "SigBlk:"));
    if shared & !first == 0 { Signals::None } else { Signals::Process }
}

fn field<'a>(status: &'a str, name: &str) -> &'a str {
    status.lines().find_map(|line| line.strip_prefix(name)).map_or("", str::trim)
}

fn mask(status: &str, name: &str) -> u64 {
    u64::from_str_radix(field(status, name), 16).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_compared_by_number() {
        assert!(is_at_least("6.18.44-fc", (5, 19)));
        assert!(is_at_least("5.19.0", (5, 19)));
        assert!(!is_at_least("5.4.0-200", (5, 19)));
        assert!(!is_at_least("", (5, 19)));
    }
}
