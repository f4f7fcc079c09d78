//! Messages into a queue and out of it, with all that depends on it: memory, rights in flight, references to the sender, and who is
//! told that there is something to read or room to write.

use alloc::vec::Vec;

use bytes::Bytes;

use super::message::Message;
use super::{Credentials, Right, Unix, UnixKind};
use crate::base::{Base, Direction, Errno, Key, SockAddr, SocketId, What};

/// A message before it is in a queue.
pub(super) struct Parcel {
    pub(super) data: Bytes,
    pub(super) charge: usize,
    pub(super) rights: Vec<Right>,
    pub(super) credentials: Option<Credentials>,
    pub(super) urgent: bool,
}

impl Unix {
    /// What every send call asks before it makes a message (Linux's `sock_alloc_send_pskb`): the pending error; `EPIPE` if
    /// sending is shut down; `EAGAIN` if the send buffer is full. `ENOBUFS` if the stack's budget is.
    pub(super) fn may_charge(&mut self, base: &Base, sender: Key, charge: usize) -> Result<(), Errno> {
        let socket = &mut self.sockets[sender];
        socket.check_error()?;
        if socket.shut.send() {
            Err(Errno::EPIPE)
        } else if socket.sent >= socket.options.send_buffer as usize {
            Err(Errno::EAGAIN)
        } else if !base.budget.allows(charge) {
            Err(Errno::ENOBUFS)
        } else {
            Ok(())
        }
    }

    /// Puts a message into the queue of `to` and charges its sender.
    pub(super) fn deliver(&mut self, base: &mut Base, from: Key, to: Key, parcel: Parcel) {
        let Parcel { data, charge, rights, credentials, urgent } = parcel;
        base.budget.charge(charge);
        let credentials = credentials.or_else(|| self.implied_credentials(from, to));
        let sender = &mut self.sockets[from];
        sender.sent += charge;
        sender.refs += 1;
        sender.written = sender.written.wrapping_add(data.len() as u64);
        let sender_id = sender.owner;
        let rights = self.rights.depart(rights);
        let len = data.len();
        let receiver = &mut self.sockets[to];
        let offset = receiver.delivered;
        receiver.delivered = offset.wrapping_add(len as u64);
        let message = Message { offset, data, sender: from, credentials, rights, charge: charge as u32, urgent, peeked: false };
        receiver.queue.push_back(message);
        let (receiver_id, message) = (receiver.owner, receiver.kind != UnixKind::Stream);
        base.emit(What::Handed { from: sender_id, to: receiver_id, offset, len: len as u32, message });
        if message {
            emit_datagram(base, sender_id, Direction::Out, len);
            emit_datagram(base, receiver_id, Direction::In, len);
        }
        self.notify(base, to);
    }

    /// The sender's credentials go along if either end asked for them, or nobody could ask yet because the connection was not
    /// accepted.
    fn implied_credentials(&self, from: Key, to: Key) -> Option<Credentials> {
        let (sender, receiver) = (&self.sockets[from], &self.sockets[to]);
        let wanted = sender.options.pass_credentials || receiver.options.pass_credentials || receiver.owner.is_none();
        wanted.then_some(sender.credentials)
    }

    /// Gives up a message: it was read, or nobody can read it any more.
    pub(super) fn discharge(&mut self, base: &mut Base, message: Message) {
        let Message { sender, rights, charge, .. } = message;
        base.budget.release(charge as usize);
        if !rights.is_empty() {
            self.rights.lose(rights);
        }
        let socket = &mut self.sockets[sender];
        socket.sent -= charge as usize;
        if socket.is_writable() {
            self.notify(base, sender);
        }
        self.release(sender);
    }

    /// Takes the message at `index` out of the queue of `id`; gives an empty queue's memory back.
    pub(super) fn remove_message(&mut self, base: &mut Base, id: Key, index: usize) {
        let socket = &mut self.sockets[id];
        let Some(message) = socket.queue.remove(index) else { return };
        if message.urgent {
            socket.urgent = false;
        }
        if socket.queue.is_empty() {
            socket.queue = alloc::collections::VecDeque::new();
        }
        self.discharge(base, message);
    }

    /// Throws the whole queue of `id` away.
    pub(super) fn purge(&mut self, base: &mut Base, id: Key) {
        let socket = &mut self.sockets[id];
        let was_full = socket.is_full();
        socket.urgent = false;
        let queue = core::mem::take(&mut socket.queue);
        for message in queue {
            self.discharge(base, message);
        }
        self.wake_senders(base, id, was_full);
    }

    /// Another peer or message names this socket.
    pub(super) fn retain(&mut self, id: Key) {
        self.sockets[id].refs += 1;
    }

    /// One less names it; when none is left of a closed socket, its record goes.
    pub(super) fn release(&mut self, id: Key) {
        let socket = &mut self.sockets[id];
        socket.refs -= 1;
        if socket.dead && socket.refs == 0 {
            self.sockets.remove(id);
        }
    }

    /// Says that the readiness of `id` may have changed.
    pub(super) fn notify(&self, base: &mut Base, id: Key) {
        if let Some(owner) = self.sockets[id].owner {
            base.notify.push(owner);
        }
    }

    /// There may be room at `target` again: tells those who wait for it, and if its queue `was_full` and is not any more, also those
    /// who are connected to it, because their writability hangs on it.
    pub(super) fn wake_senders(&mut self, base: &mut Base, target: Key, was_full: bool) {
        while let Some(waiter) = first_of(&self.waiting, target) {
            self.waiting.remove(&(target, waiter));
            self.sockets[waiter].waits_for = None;
            self.notify(base, waiter);
        }
        if was_full && !self.sockets[target].is_full() {
            for &(_, sender) in self.associated.range((target, Key::from_bits(0))..).take_while(|(at, _)| *at == target) {
                self.notify(base, sender);
            }
        }
    }

    /// `id` found `target` full and wants to know when that changes.
    pub(super) fn wait_for(&mut self, id: Key, target: Key) {
        self.stop_waiting(id);
        self.sockets[id].waits_for = Some(target);
        self.waiting.insert((target, id));
    }

    pub(super) fn stop_waiting(&mut self, id: Key) {
        if let Some(target) = self.sockets[id].waits_for.take() {
            self.waiting.remove(&(target, id));
        }
    }
}

fn first_of(pairs: &alloc::collections::BTreeSet<(Key, Key)>, target: Key) -> Option<Key> {
    pairs.range((target, Key::from_bits(0))..).next().filter(|(at, _)| *at == target).map(|&(_, waiter)| waiter)
}

fn emit_datagram(base: &mut Base, socket: Option<SocketId>, direction: Direction, len: usize) {
    base.emit(What::Datagram { socket, direction, peer: SockAddr::default(), len: len as u32 });
}
