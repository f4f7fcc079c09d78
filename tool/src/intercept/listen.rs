//! `listen`, `accept`.
//!
//! A listener's program has one byte to read for each connection that waits, and never room to write. A connection leaves the stack's queue
//! when a program asks for it; if it has gone away before it could be given, the connection is held for the next that asks.

use std::os::fd::{AsFd, OwnedFd};

use loggia_lab::world::World;
use loggia_stack::Errno;
use loggia_stack::base::{Instant, Key, SocketId};
use loggia_stack::socket::Address;

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::fault::{Answer, DONE, Fault, Outcome};
use super::meeting;
use super::stream::WATCHED;
use super::table::{Entry, Held, Phase};
use crate::sys::epoll::mask;
use crate::sys::{notify, socket};

/// Most bytes a listener's program finds: as many as surely fit. More connections are told of as these are taken.
const MOST_TOKENS: usize = 128;

impl Supervisor {
    pub(super) fn listen(&mut self, world: &mut World, call: &Call, subject: &Subject) -> Outcome {
        let (host, id) = self.socket_of(subject)?;
        self.touched(host);
        match world.stack(host).listen(id, call.int(1)) {
            Err(Errno::EADDRINUSE) if self.look(world) => world.stack(host).listen(id, call.int(1))?,
            other => other?,
        }
        if self.phase(subject.key)? == Phase::Fresh {
            let end = self.attach(subject)?;
            meeting::fill(subject.program.as_fd())?;
            meeting::let_reads_fail(subject.program.as_fd())?;
            if let Some(entry) = self.table.get_mut(subject.key) {
                (entry.end, entry.phase) = (Some(end), Phase::Listening);
            }
            self.watch(subject.key, mask::EDGE)?;
        }
        DONE
    }

    pub(super) fn accept(&mut self, world: &mut World, call: &Call, subject: &Subject, deadline: Option<Instant>) -> Outcome {
        self.accept_at(world, call, subject.key, Some(subject), deadline)
    }

    /// `accept` of the listener `key`. Without a `subject` the call has waited already: it is about the file it began with, whatever its
    /// descriptor has become since.
    pub(super) fn accept_at(
        &mut self,
        world: &mut World,
        call: &Call,
        key: Key,
        subject: Option<&Subject>,
        deadline: Option<Instant>,
    ) -> Outcome {
        let flags = if call.note.number == libc::SYS_accept4 { call.int(3) } else { 0 };
        if flags & !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC) != 0 {
            return Err(Fault(libc::EINVAL));
        }
        let (host, id) = self.table.get(key).map(|entry| (entry.host, entry.id)).ok_or(Fault(libc::EBADF))?;
        self.may_have_another(host)?;
        let held = self.table.get_mut(key).and_then(|entry| entry.held.pop_front());
        let connection = match held {
            Some(held) => held,
            None => match world.stack(host).accept(id) {
                Ok((child, peer)) => self.take(world, call, key, child, peer, flags)?,
                Err(Errno::EAGAIN) if !subject.is_some_and(Subject::is_nonblocking) => {
                    let timeout = self.table.get(key).and_then(|entry| entry.receive_timeout);
                    return self.park(world, key, call, deadline, timeout, libc::EAGAIN);
                }
                Err(error) => return Err(error.into()),
            },
        };
        self.touched(host);
        self.answer_connected(world);
        // Before the answer: a program that polls right after it must not find what it has just accepted.
        self.take_token(key, subject);
        let given = hand_over(call, &connection, flags & libc::SOCK_CLOEXEC != 0);
        match &given {
            Ok(number) => {
                if let Some(entry) = self.table.get_mut(connection.key) {
                    entry.user = (call.thread(), *number);
                }
            }
            // It is counted again below.
            Err(_) => {
                if let Some(entry) = self.table.get_mut(key) {
                    entry.held.push_front(connection);
                }
            }
        }
        self.count_tokens(world, key);
        given.map(|_| Answer::Given)
    }

    /// Takes charge of a connection of the stack's, with what has come for it already.
    fn take(
        &mut self,
        world: &mut World,
        call: &Call,
        listener: Key,
        id: SocketId,
        peer: Address,
        flags: i32,
    ) -> Result<Held, Fault> {
        let made = self.make_connection(call, listener, id, flags);
        let (key, program) = made.inspect_err(|_| {
            let _ = world.stack(call.host()).close(id);
        })?;
        // Over links without delay some of its data is here by now: who finds it there need not be woken for it.
        self.settle(world);
        world.advance(world.now());
        self.stream_in(world, key);
        Ok(Held { key, program, peer })
    }

    fn make_connection(&mut self, call: &Call, listener: Key, id: SocketId, flags: i32) -> Result<(Key, OwnedFd), Fault> {
        let (program, end) = self.spares.connected(flags)?;
        let listener = self.table.get(listener).ok_or(Fault(libc::EBADF))?;
        let mut entry = Entry::new(call.host(), id, 0, 0, listener.family, Phase::Connected);
        (entry.receive_timeout, entry.send_timeout) = (listener.receive_timeout, listener.send_timeout);
        (entry.receive_room, entry.send_room) = (listener.receive_room, listener.send_room);
        meeting::lower_buffers(program.fd.as_fd(), end.as_fd(), &entry);
        entry.end = Some(end);
        super::options::set_native_timeouts(&program.fd, &entry);
        let key = self.keep(call, entry, &program);
        self.watch(key, WATCHED).inspect_err(|_| drop(self.table.remove(key)))?;
        Ok((key, program.fd))
    }

    fn take_token(&mut self, key: Key, subject: Option<&Subject>) {
        if self.table.get(key).is_none_or(|entry| entry.tokens == 0) {
            return;
        }
        let copy = if subject.is_none() { self.program_end(key) } else { None };
        let Some(program) = subject.map(|subject| &subject.program).or(copy.as_ref()) else { return };
        let taken = socket::receive(program.as_fd(), &mut [0], 0);
        if let (Ok(1), Some(entry)) = (taken, self.table.get_mut(key)) {
            entry.tokens = entry.tokens.saturating_sub(1);
        }
    }

    /// Makes the program find a byte for each connection that waits.
    pub(super) fn count_tokens(&mut self, world: &mut World, key: Key) {
        let Some(entry) = self.table.get_mut(key) else { return };
        let waiting = world.stack(entry.host).tcp_info(entry.id).map_or(0, |info| info.unacked as usize);
        let wanted = (waiting + entry.held.len()).min(MOST_TOKENS);
        let Some(end) = &entry.end else { return };
        if entry.tokens < wanted
            && let Ok(sent) = socket::send(end.as_fd(), &[0; MOST_TOKENS][..wanted - entry.tokens], 0)
        {
            entry.tokens += sent;
        }
    }

    /// Something happened at our end of a socket that carries no data: it was closed.
    pub(super) fn idle_end(&mut self, world: &mut World, key: Key, events: u32) {
        let shut = self.table.get(key).is_some_and(|entry| entry.shut_both);
        if events & mask::HUP != 0 && !shut {
            self.forget(world, key);
        }
    }
}

/// Puts a connection into its program's table of descriptors, which answers the call.
fn hand_over(call: &Call, connection: &Held, close_on_exec: bool) -> Result<i32, Fault> {
    if call.word(1) != 0 {
        call.write_address(call.word(1), call.word(2), &connection.peer.to_bytes())?;
    }
    let how = notify::Install { replace: None, close_on_exec, answer: true };
    Ok(call.install(connection.program.as_fd(), how)?)
}
