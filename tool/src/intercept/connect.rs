//! `connect`.
//!
//! A blocking one leaves the program's end as it is until the stack is connected: a refusal then leaves a socket that can be used again.
//! A non-blocking one always says `EINPROGRESS`, as Linux does. Until it is decided the program's end is connected to ours and full of
//! junk, so that it cannot be written to; then reading the junk, or closing our end with the junk unread, tells the program's `poll` of
//! success, by one edge, or of failure.

use std::os::fd::{AsFd, OwnedFd};

use loggia_lab::world::World;
use loggia_stack::Errno;
use loggia_stack::base::{Instant, Key, Ready, TcpState};
use loggia_stack::socket::Address;

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::fault::{DONE, Fault, Outcome};
use super::meeting;
use super::stream::WATCHED;
use super::table::{Entry, Phase};
use crate::sys::epoll::mask;
use crate::sys::socket;

/// Most sockets whose `connect` is looked at before an `accept` is answered.
const MOST_OPENING: usize = 64;

impl Supervisor {
    pub(super) fn connect(&mut self, world: &mut World, call: &Call, subject: &Subject, deadline: Option<Instant>) -> Outcome {
        let bytes = call.read_address(call.word(1), call.int(2))?;
        let address = Address::from_bytes(&bytes)?;
        let (host, _) = self.socket_of(subject)?;
        self.touched(host);
        if self.phase(subject.key)? == Phase::Datagram {
            return self.connect_datagram(world, subject, &address);
        }
        self.connect_stream(world, call, subject, &address, deadline)
    }

    fn connect_stream(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        address: &Address,
        deadline: Option<Instant>,
    ) -> Outcome {
        let (host, id) = self.socket_of(subject)?;
        let phase = self.phase(subject.key)?;
        match world.stack(host).connect(id, address) {
            Ok(()) if *address == Address::Unspecified => self.dissolved(call, subject, phase),
            Ok(()) => self.connected(world, subject, phase),
            Err(error @ (Errno::EINPROGRESS | Errno::EALREADY)) if subject.is_nonblocking() => {
                if phase == Phase::Fresh {
                    self.begin(subject)?;
                    self.is_opening(world, subject.key);
                }
                Err(error.into())
            }
            // Over links without delay it is decided at once: nobody needs to wait.
            Err(Errno::EINPROGRESS) if deadline.is_none() && self.is_decided(world, subject.key) => {
                self.connect_stream(world, call, subject, address, Some(Instant::NEVER))
            }
            Err(Errno::EINPROGRESS | Errno::EALREADY) => {
                let timeout = self.table.get(subject.key).and_then(|entry| entry.send_timeout);
                self.is_opening(world, subject.key);
                self.park(world, subject.key, call, deadline, timeout, libc::EINPROGRESS)
            }
            Err(error) => {
                if matches!(phase, Phase::Connecting { .. } | Phase::Broken) && error != Errno::EISCONN {
                    self.renew(call, subject)?;
                }
                Err(error.into())
            }
        }
    }

    /// Lets what a `connect` sends take its way as far as it comes in no time; says whether that decided it.
    fn is_decided(&mut self, world: &mut World, key: Key) -> bool {
        self.settle(world);
        world.advance(world.now());
        let state = self.table.get(key).and_then(|entry| world.stack(entry.host).tcp_state(entry.id));
        !matches!(state, Some(TcpState::SynSent | TcpState::SynReceived))
    }

    pub(super) fn phase(&self, key: Key) -> Result<Phase, Fault> {
        self.table.get(key).map(|entry| entry.phase).ok_or(Fault(libc::EBADF))
    }

    /// The stack says that the connection stands.
    fn connected(&mut self, world: &mut World, subject: &Subject, phase: Phase) -> Outcome {
        match phase {
            Phase::Fresh => {
                let end = self.attach(subject)?;
                let entry = self.table.get_mut(subject.key).ok_or(Fault(libc::EBADF))?;
                // This also tells whoever has watched the program's end since before that it can be written to.
                meeting::set_buffers(subject.program.as_fd(), end.as_fd(), entry);
                entry.end = Some(end);
                entry.phase = Phase::Connected;
                self.watch(subject.key, WATCHED)?;
                self.stream_in(world, subject.key);
            }
            Phase::Connecting { .. } => self.connecting(world, subject.key, Ready::OUT),
            _ => {}
        }
        DONE
    }

    /// Connects the program's end to one of ours.
    pub(super) fn attach(&mut self, subject: &Subject) -> Result<OwnedFd, Fault> {
        let end = self.meeting.attach(subject.program.as_fd())?;
        let timeout = self.table.get(subject.key).and_then(|entry| entry.send_timeout).unwrap_or_default();
        let timeout = libc::timeval { tv_sec: timeout.as_secs() as _, tv_usec: timeout.subsec_micros().into() };
        meeting::set_send_timeout(subject.program.as_fd(), timeout)?;
        Ok(end)
    }

    /// A connect is under way and its caller does not wait for it.
    pub(super) fn begin(&mut self, subject: &Subject) -> Result<(), Fault> {
        let end = self.attach(subject)?;
        let junk = meeting::fill_at_once(subject.program.as_fd())?;
        let entry = self.table.get_mut(subject.key).ok_or(Fault(libc::EBADF))?;
        entry.end = Some(end);
        entry.phase = Phase::Connecting { junk };
        self.watch(subject.key, mask::EDGE)
    }

    /// Remembers that a `connect` is under way, and forgets those that are not any more.
    fn is_opening(&mut self, world: &mut World, key: Key) {
        if self.opening.contains(&key) {
            return;
        }
        if self.opening.len() >= MOST_OPENING {
            let Self { opening, table, .. } = self;
            opening.retain(|key| {
                let state = table.get(*key).and_then(|entry| world.stack(entry.host).tcp_state(entry.id));
                matches!(state, Some(TcpState::SynSent | TcpState::SynReceived))
            });
        }
        // Of very many the order of answers is not kept.
        if self.opening.len() < MOST_OPENING {
            self.opening.push(key);
        }
    }

    /// Answers whose `connect` is decided, in front of whoever accepts: a program that does both sees its own end connected first.
    pub(super) fn answer_connected(&mut self, world: &mut World) {
        for key in std::mem::take(&mut self.opening) {
            let Some(entry) = self.table.get(key) else { continue };
            let state = world.stack(entry.host).tcp_state(entry.id);
            if matches!(state, Some(TcpState::SynSent | TcpState::SynReceived)) {
                self.opening.push(key);
            } else {
                self.connecting(world, key, Ready::OUT);
                self.wake(world, key);
            }
        }
    }

    /// The stack has news of a non-blocking connect.
    pub(super) fn connecting(&mut self, world: &mut World, key: Key, ready: Ready) {
        let Some(Entry { host, id, phase: Phase::Connecting { junk }, .. }) = self.table.get(key) else { return };
        let (host, id, junk) = (*host, *id, *junk);
        match world.stack(host).tcp_state(id) {
            Some(TcpState::SynSent | TcpState::SynReceived) => {}
            Some(TcpState::Closed) | None => self.connect_failed(world, key),
            Some(_) => {
                self.connect_succeeded(key, junk);
                self.stream_ready(world, key, ready);
            }
        }
    }

    fn connect_failed(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get_mut(key) else { return };
        entry.phase = Phase::Broken;
        // With the junk unread: the kernel tells the program of an error and a hang-up.
        entry.end = None;
        self.look_later(world);
    }

    fn connect_succeeded(&mut self, key: Key, junk: usize) {
        let program = self.program_end(key);
        let precise = self.options.precise;
        let Self { table, scratch, epoll, .. } = self;
        let Some(entry) = table.get_mut(key) else { return };
        entry.phase = Phase::Connected;
        let Some(end) = &entry.end else { return };
        // Before the junk is gone, so that this makes no edge. Should the descriptor have moved away, it keeps its small buffer.
        if let Some(program) = program.filter(|_| !precise) {
            meeting::set_buffers(program.as_fd(), end.as_fd(), entry);
        }
        let mut left = junk;
        while left > 0 {
            let room = left.min(scratch.len());
            match socket::receive(end.as_fd(), &mut scratch[..room], 0) {
                Ok(0) | Err(_) => break,
                Ok(len) => left -= len,
            }
        }
        let _ = epoll.change(end.as_fd(), WATCHED, key.to_bits());
    }

    /// `connect` to no address: the connection is gone, the socket is fresh.
    fn dissolved(&mut self, call: &Call, subject: &Subject, phase: Phase) -> Outcome {
        if phase != Phase::Fresh {
            self.renew(call, subject)?;
        }
        DONE
    }
}
