//! A notification: which call it is, whom it is about, and what is replied.

use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use loggia_lab::world::World;
use loggia_stack::base::{Instant, Key};

use super::Supervisor;
use super::call::{Call, Tree};
use super::fault::{Answer, Fault, Outcome};
use super::host::{host_name, is_about_interfaces};
use super::threads;
use crate::sys::{notify, socket};

/// How soon a call comes again whose reply was lost to a signal.
const RESTART: std::time::Duration = std::time::Duration::from_millis(20);

/// Most threads whose last answer is kept longer than it can come again.
const MOST_ANSWERED: usize = 1024;

/// What a thread was answered last, where a lost reply would change the program's view.
#[derive(Debug)]
pub(super) struct Answered {
    note: notify::Notification,
    reply: notify::Reply,
    at: Instant,
}

/// What a descriptor is to us.
pub(super) enum Holder {
    Socket(Subject),
    Netlink(Subject),
    Other,
}

/// A call on a socket of ours.
pub(super) struct Subject {
    /// Which socket.
    pub(super) key: Key,
    /// A copy of the program's end.
    pub(super) program: OwnedFd,
}

impl Subject {
    /// True if the program has set it not to wait.
    pub(super) fn is_nonblocking(&self) -> bool {
        socket::file_flags(self.program.as_fd()).is_ok_and(|flags| flags & libc::O_NONBLOCK != 0)
    }
}

impl Supervisor {
    /// A call waits for an answer.
    pub(super) fn notified(&mut self, world: &mut World, tree: Rc<Tree>, note: notify::Notification) {
        let done = self.forget_waits_of(&note);
        let call = Call { tree, note, done };
        if let Some(reply) = self.lost_reply(&call, world.now()) {
            let _ = call.reply(reply);
            return;
        }
        let outcome = self.carry_out(world, &call, None);
        self.reply(world, &call, outcome);
    }

    pub(super) fn reply(&mut self, world: &World, call: &Call, outcome: Outcome) {
        let reply = match outcome {
            Ok(Answer::Value(value)) => notify::Reply::Value(value),
            Ok(Answer::Native) => notify::Reply::Continue,
            Ok(Answer::Waits | Answer::Given) => return,
            Err(Fault(number)) => notify::Reply::Error(number),
        };
        if !self.interrupts.killable
            && matches!(call.note.number, libc::SYS_connect | libc::SYS_bind)
            && reply == notify::Reply::Value(0)
        {
            if self.answered.len() >= MOST_ANSWERED {
                self.answered.retain(|_, answered| world.now().since(answered.at) < RESTART);
            }
            self.answered.insert(call.thread(), Answered { note: call.note, reply, at: world.now() });
        }
        // Who has left with a signal comes again, or not.
        let _ = call.reply(reply);
    }

    /// The kernel may take a reply although its caller was leaving with a signal at that moment; the caller then starts the same call
    /// again. To it the first answer is given once more.
    ///
    /// A program may also make the same call twice of its own will; it is taken for that if the program has no handlers of signals that
    /// come unasked, or takes its time.
    fn lost_reply(&mut self, call: &Call, now: Instant) -> Option<notify::Reply> {
        let Answered { note, reply, at } = self.answered.remove(&call.thread())?;
        let same = note.is_same_call(&call.note) && now.since(at) < RESTART;
        (same && catches_signals(call.thread())).then_some(reply)
    }

    /// Carries a call out as far as it goes. `deadline` is set for one that has waited before.
    pub(super) fn carry_out(&mut self, world: &mut World, call: &Call, deadline: Option<Instant>) -> Outcome {
        match call.note.number {
            libc::SYS_socket if call.int(0) == libc::AF_NETLINK => return self.create_netlink(call),
            libc::SYS_socket => return self.create(world, call),
            libc::SYS_uname => return host_name(world, call),
            libc::SYS_ioctl if is_about_interfaces(call.int(1) as u32) => return self.ask_interface(world, call),
            _ => {}
        }
        let subject = match self.subject(call)? {
            Holder::Socket(subject) => subject,
            Holder::Netlink(subject) => return self.netlink_call(world, call, &subject),
            Holder::Other => return Ok(Answer::Native),
        };
        match call.note.number {
            libc::SYS_bind => self.bind(world, call, &subject),
            libc::SYS_connect => self.connect(world, call, &subject, deadline),
            libc::SYS_listen => self.listen(world, call, &subject),
            libc::SYS_accept | libc::SYS_accept4 => self.accept(world, call, &subject, deadline),
            libc::SYS_getsockname => self.socket_name(world, call, &subject),
            libc::SYS_getpeername => self.peer_name(world, call, &subject),
            libc::SYS_setsockopt => self.set_option(world, call, &subject),
            libc::SYS_getsockopt => self.get_option(world, call, &subject),
            libc::SYS_shutdown => self.shutdown(world, call, &subject),
            libc::SYS_sendto => self.send_to(world, call, &subject, deadline),
            libc::SYS_sendmsg => self.send_message(world, call, &subject, deadline),
            libc::SYS_sendmmsg => self.send_messages(world, call, &subject, deadline),
            libc::SYS_recvfrom => self.receive_from(world, call, &subject, deadline),
            libc::SYS_recvmsg => self.receive_message(world, call, &subject, deadline),
            libc::SYS_recvmmsg => self.receive_messages(world, call, &subject, deadline),
            libc::SYS_read | libc::SYS_readv => self.read_call(world, call, &subject, deadline),
            libc::SYS_ioctl => self.ask_queue(world, call, &subject),
            libc::SYS_splice => self.splice(world, call, &subject, deadline),
            libc::SYS_write | libc::SYS_writev => self.write_call(world, call, &subject, deadline),
            _ => Ok(Answer::Native),
        }
    }

    /// What a call is about.
    pub(super) fn subject(&mut self, call: &Call) -> Result<Holder, Fault> {
        let program = match self.threads.copy(call.thread(), call.descriptor()) {
            Ok(copy) => copy,
            Err(error) => return self.no_copy(call, &error),
        };
        // What is no socket is told so by the kernel.
        let Ok(cookie) = socket::cookie(program.as_fd()) else { return Ok(Holder::Other) };
        let Some(key) = self.table.by_cookie(cookie) else {
            let netlink = self.netlinks.by_cookie(cookie);
            return Ok(netlink.map_or(Holder::Other, |key| Holder::Netlink(Subject { key, program })));
        };
        if let Some(entry) = self.table.get_mut(key) {
            entry.user = (call.thread(), call.descriptor());
        }
        Ok(Holder::Socket(Subject { key, program }))
    }

    fn no_copy(&mut self, call: &Call, error: &std::io::Error) -> Result<Holder, Fault> {
        match error.raw_os_error() {
            Some(libc::EPERM) => {}
            // Of ours, not of the program's.
            Some(libc::EMFILE | libc::ENFILE) => return Err(Fault(libc::ENFILE)),
            Some(libc::ENOMEM) => return Err(Fault(libc::ENOMEM)),
            // A number that names nothing, or a caller that is gone: the kernel knows better.
            _ => return Ok(Holder::Other),
        }
        let thread = call.thread();
        let name = threads::name(thread);
        self.refuse(
            call.host(),
            format!("{name} (process {thread}) forbids to be inspected"),
            "run it without set-user-id and without PR_SET_DUMPABLE; in a container add --cap-add SYS_PTRACE",
        );
        Err(Fault(libc::EPERM))
    }
}

/// True if a process handles signals other than the terminal's interrupt.
fn catches_signals(thread: i32) -> bool {
    let Ok(status) = threads::status(&thread.to_string()) else { return false };
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    caught & !(1 << (libc::SIGINT - 1)) != 0
}
