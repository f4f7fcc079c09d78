//! Small messages are handed on before they are taken.
//!
//! Whoever has sent a request sleeps until its answer comes. Taking the request off our end makes room at the program's end, and the kernel
//! wakes whoever sleeps there, though that one waits for something else: a wake-up and two changes of thread for nothing. So a small message
//! is looked at (`MSG_PEEK`) and handed on, and taken once an answer has woken the program anyhow. Where no answer comes it is taken a moment
//! later, for some do wait for room.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use loggia_stack::base::Key;

use super::Supervisor;
use super::table::Entry;
use crate::sys::socket;

/// Most bytes of a message that is left lying.
pub(super) const MOST_BYTES: usize = 512;
/// Most messages that lie at any time: of more than so many programs hardly one waits for us.
const MOST: usize = 4;
/// How long one lies while others are busy.
const MOMENT: Duration = Duration::from_micros(100);

/// The sockets at whose ends something lies that was handed on.
#[derive(Debug, Default)]
pub(super) struct Peeked {
    keys: Vec<Key>,
    /// Since when the first does.
    since: Option<Instant>,
}

impl Peeked {
    /// True if another message may be left lying.
    pub(super) fn has_room(&self) -> bool {
        self.keys.len() < MOST
    }

    pub(super) fn add(&mut self, key: Key) {
        if !self.keys.contains(&key) {
            self.keys.push(key);
        }
        self.since.get_or_insert_with(Instant::now);
    }

    fn is_due(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now.duration_since(since) >= MOMENT)
    }
}

impl Entry {
    /// Looks at a small message, which stays at our end; says whether there is one. An error is told once by the kernel, also to who only looks.
    pub(super) fn peek(&mut self, buffer: &mut BytesMut) -> io::Result<bool> {
        let Some(end) = &self.end else { return Ok(false) };
        match socket::receive_more(end.as_fd(), buffer, MOST_BYTES + 1, libc::MSG_PEEK) {
            Ok(len @ 1..=MOST_BYTES) => self.peeked = len,
            Ok(_) => buffer.clear(),
            Err(error) => return Err(error),
        }
        Ok(self.peeked > 0)
    }

    /// Takes what was handed on.
    pub(super) fn take_peeked(&mut self, scratch: &mut [u8]) {
        self.peeked = self.discard(self.peeked, scratch);
    }
}

impl Supervisor {
    /// The program was woken: what lies there can be taken.
    pub(super) fn take_peeked_of(&mut self, key: Key) {
        let Self { table, scratch, peeked, .. } = self;
        let Some(entry) = table.get_mut(key).filter(|entry| entry.peeked > 0) else { return };
        entry.take_peeked(scratch);
        peeked.keys.retain(|other| *other != key);
        if peeked.keys.is_empty() {
            peeked.since = None;
        }
    }

    /// Takes what has lain long enough.
    pub(super) fn take_old_peeked(&mut self, now: Instant) {
        if self.peeked.is_due(now) {
            self.take_all_peeked();
        }
    }

    pub(super) fn take_all_peeked(&mut self) {
        let Self { table, scratch, peeked, .. } = self;
        for key in peeked.keys.drain(..) {
            if let Some(entry) = table.get_mut(key) {
                entry.take_peeked(scratch);
            }
        }
        peeked.since = None;
    }
}
