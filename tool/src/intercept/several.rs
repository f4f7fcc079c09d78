//! `sendmmsg`, `recvmmsg`: several datagrams in a call. Those that come together are read, and told of, together.

use loggia_lab::world::World;
use loggia_stack::base::Instant;

use super::Supervisor;
use super::answer::Subject;
use super::call::Call;
use super::content;
use super::fault::{Answer, Fault, Outcome};
use super::message::{Header, MMSGHDR, MOST_PIECES};
use super::receive::check_timeout;
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
        let (mut told, mut ends, mut fault) = (Writing::default(), Vec::new(), None);
        for header in &headers.all {
            match self.receive_one(world, call, subject, header, call.int(3), &mut told) {
                Ok(received) => {
                    header.told(&mut told, &received.from, &received.control, received.flags);
                    header.told_len(&mut told, received.len);
                    ends.push(told.len());
                }
                Err(wrong) => {
                    fault = Some(wrong);
                    break;
                }
            }
            if told.len() > MOST_TOLD {
                break;
            }
        }
        if ends.len() == headers.all.len() {
            fault = headers.fault;
        }
        let written = told.write_some(call)?;
        if written < told.len() {
            fault = Some(Fault(libc::EFAULT));
        }
        let done = ends.iter().take_while(|end| **end <= written).count();
        Ok(Part::new(&headers.all, done, fault))
    }
}
