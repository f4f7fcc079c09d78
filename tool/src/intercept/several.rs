//! `sendmmsg`, `recvmmsg`: several datagrams in a call. Those that come together are read, and told of, together.

use loggia_lab::world::World;
use loggia_stack::base::Instant;

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::content;
use super::fault::{Answer, Fault, Outcome};
use super::message::{Header, MMSGHDR, MOST_PIECES};
use super::receive::{Received, check_timeout};
use super::table::Source;
use super::writing::Writing;

/// Bytes that are gathered before the caller is told of them.
const MOST_TOLD: usize = 256 << 10;

/// What became of the first messages of some.
struct Part {
    done: usize,
    /// What they consist of.
    pieces: usize,
    /// Why the next one failed.
    fault: Option<Fault>,
}

impl Part {
    fn new(headers: &[Header], done: usize, fault: Option<Fault>) -> Self {
        Self { done, pieces: headers[..done].iter().map(|header| header.pieces.len()).sum(), fault }
    }
}

/// Goes through the messages of a call, some at a time: how many are done, and why the next one failed. `some` gets the address of the next and how
/// many there may be.
fn through(call: &Call, mut some: impl FnMut(u64, usize) -> Result<Part, Fault>) -> (usize, Option<Fault>) {
    let count = (call.word(2) as u32 as usize).min(MOST_PIECES);
    let (mut done, mut pieces) = (0, 0);
    // After so many others want their turn: the caller asks for the rest himself.
    while done < count && pieces < MOST_PIECES {
        match some(call.word(1).wrapping_add((done * MMSGHDR) as u64), count - done) {
            Ok(Part { done: more, pieces: with, fault }) => {
                (done, pieces) = (done + more, pieces + with);
                if fault.is_some() {
                    return (done, fault);
                }
            }
            Err(fault) => return (done, Some(fault)),
        }
    }
    (done, None)
}

impl Supervisor {
    pub(super) fn send_messages(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        deadline: Option<Instant>,
    ) -> Outcome {
        if !self.phase(subject.key)?.is_datagram() {
            return Ok(Answer::Native);
        }
        match through(call, |address, most| self.send_some(world, call, subject, address, most)) {
            (0, Some(fault)) => self.sent_or_wait(world, call, subject, deadline, call.int(3), Err(fault)),
            (done, _) => Ok(Answer::Value(done as i64)),
        }
    }

    fn send_some(&mut self, world: &mut World, call: &Call, subject: &Subject, address: u64, most: usize) -> Result<Part, Fault> {
        let headers = content::headers(call, address, most)?;
        let mut room = self.message_room();
        let sent = self.send_those(world, call, subject, &headers.all, &mut room);
        self.put_message_room(room);
        let part = sent?;
        let fault = if part.done == headers.all.len() { part.fault.or(headers.fault) } else { part.fault };
        Ok(Part { fault, ..part })
    }

    /// Sends as many of these as are read at once.
    fn send_those(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        headers: &[Header],
        room: &mut [u8],
    ) -> Result<Part, Fault> {
        let contents = content::contents(call, headers, room)?;
        let (mut told, mut fault) = (Writing::default(), contents.fault);
        for (header, content) in headers.iter().zip(&contents.all) {
            match self.send_content(world, subject, content, call.int(3)) {
                Ok(len) => header.told_len(&mut told, len),
                Err(wrong) => {
                    fault = Some(wrong);
                    break;
                }
            }
        }
        let written = told.write_some(call)?;
        if written < told.len() {
            fault = Some(Fault(libc::EFAULT));
        }
        Ok(Part::new(headers, written / size_of::<u32>(), fault))
    }

    pub(super) fn receive_messages(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        deadline: Option<Instant>,
    ) -> Outcome {
        if !self.phase(subject.key)?.is_datagram() {
            return Ok(Answer::Native);
        }
        check_timeout(call, call.word(4))?;
        let (done, fault) = through(call, |address, most| self.receive_some(world, call, subject, address, most));
        self.refill(world, subject.key);
        match fault {
            Some(fault) if done == 0 => self.received_or_wait(world, call, subject, deadline, call.int(3), Err(fault)),
            Some(Fault(error)) if error != libc::EAGAIN => {
                // What is wrong with one behind the first is for the next call, as on Linux.
                self.raise(subject.key, error);
                Ok(Answer::Value(done as i64))
            }
            // A call without MSG_WAITFORONE would go on to wait; what there is serves as well.
            _ => Ok(Answer::Value(done as i64)),
        }
    }

    fn receive_some(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        address: u64,
        most: usize,
    ) -> Result<Part, Fault> {
        let headers = content::headers(call, address, most)?;
        let mut told = Told::default();
        let mut failed = None;
        for header in &headers.all {
            // Nobody waits for a second.
            let flags = call.int(3) | if told.ends.is_empty() { 0 } else { libc::MSG_DONTWAIT };
            failed = self.receive_next(world, call, subject, header, flags, &mut told).err();
            if failed.is_some() || told.writing.len() > MOST_TOLD {
                break;
            }
        }
        let written = told.writing.write_some(call);
        let done = told.ends.iter().take_while(|end| written.as_ref().is_ok_and(|written| *end <= written)).count();
        // Of the first that could not be told of the caller hears that it failed; those behind it are still to be received.
        let heard = (done + usize::from(written.is_ok())).min(told.taken.len());
        self.put_back(subject, told.taken.split_off(heard));
        let fault = match written? {
            written if written < told.writing.len() => Some(Fault(libc::EFAULT)),
            _ if done == headers.all.len() => headers.fault,
            _ => failed,
        };
        Ok(Part::new(&headers.all, done, fault))
    }

    /// Receives a message and gathers what is to be told of it.
    fn receive_next(
        &mut self,
        world: &mut World,
        call: &Call,
        subject: &Subject,
        header: &Header,
        flags: i32,
        told: &mut Told,
    ) -> Result<(), Fault> {
        let received = if flags & libc::MSG_ERRQUEUE != 0 {
            self.receive_one(world, call, subject, header, flags, &mut told.writing)?
        } else {
            let mut room = self.message_room();
            let taken = self.take_datagram(world, subject, flags, &mut room).map(|source| (room[..source.len].to_vec(), source));
            self.put_message_room(room);
            let (data, source) = taken?;
            let (copied, received) = Received::of(source.clone(), header.room(), flags);
            header.scatter(&mut told.writing, 0, &data[..copied]);
            if flags & libc::MSG_PEEK == 0 {
                told.taken.push((data, source));
            }
            received
        };
        header.told(&mut told.writing, &received.from, &self.wall.tell(received.control), received.flags);
        header.told_len(&mut told.writing, received.len);
        told.ends.push(told.writing.len());
        Ok(())
    }
}

/// What was received, until the caller has been told of it.
#[derive(Default)]
struct Told {
    writing: Writing,
    /// Where in it each message ends.
    ends: Vec<usize>,
    /// The datagrams, if they were taken.
    taken: Vec<(Vec<u8>, Source)>,
}
