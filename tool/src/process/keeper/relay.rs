//! From a program's pipe to its log.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::{AsRawFd, RawFd};

/// What is kept of the end of a log that has reached its limit, bytes.
const TAIL: usize = 64 * 1024;
/// One read.
const CHUNK: usize = 64 * 1024;
/// Reads in a row before others have their turn.
const TURN: usize = 16;

/// One stream: whatever happens to the log, the pipe is emptied, so that the program never waits for a reader.
#[derive(Debug)]
pub(super) struct Relay {
    pipe: Option<File>,
    log: File,
    room: u64,
    left_out: u64,
    tail: VecDeque<u8>,
    errno: Option<i32>,
}

impl Relay {
    pub(super) fn new(pipe: File, log: File, limit: u64) -> Self {
        Self { pipe: Some(pipe), log, room: limit, left_out: 0, tail: VecDeque::new(), errno: None }
    }

    /// What to poll, until every writer has closed.
    pub(super) fn fd(&self) -> Option<RawFd> {
        self.pipe.as_ref().map(AsRawFd::as_raw_fd)
    }

    /// Moves what has come, within bounds. Says the errno with which the log failed, once.
    pub(super) fn turn(&mut self) -> Option<i32> {
        let mut chunk = vec![0; CHUNK];
        let before = self.errno;
        for _ in 0..TURN {
            let Some(pipe) = &mut self.pipe else { break };
            match pipe.read(&mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(len) => self.take(&chunk[..len]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.errno.filter(|_| before.is_none())
    }

    fn take(&mut self, bytes: &[u8]) {
        let fits = if self.errno.is_some() { 0 } else { self.room.min(bytes.len() as u64) as usize };
        let (kept, rest) = bytes.split_at(fits);
        let written = self.write(kept);
        self.room -= written as u64;
        self.leave_out(&kept[written..]);
        self.leave_out(rest);
    }

    /// Says how much of it was written: less only if the log failed, which is remembered.
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.log.write(&bytes[written..]) {
                Ok(len) => written += len,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.errno = Some(error.raw_os_error().unwrap_or(libc::EIO));
                    break;
                }
            }
        }
        written
    }

    fn leave_out(&mut self, bytes: &[u8]) {
        self.left_out += bytes.len() as u64;
        let news = &bytes[bytes.len().saturating_sub(TAIL)..];
        let excess = (self.tail.len() + news.len()).saturating_sub(TAIL);
        self.tail.drain(..excess);
        self.tail.extend(news);
    }

    /// Completes the log. Says how many bytes are missing in it.
    pub(super) fn finish(&mut self) -> u64 {
        let missing = self.left_out - self.tail.len() as u64;
        if missing > 0 {
            self.write(format!("\n[loggia: {missing} bytes left out]\n").as_bytes());
        }
        let tail = std::mem::take(&mut self.tail);
        let written = self.write(tail.as_slices().0) + self.write(tail.as_slices().1);
        missing + (tail.len() - written) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::descriptor;
    use std::io::{Seek as _, SeekFrom};

    fn text(mut file: File) -> String {
        let mut text = String::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    }

    fn relayed(limit: u64, output: &[u8]) -> (u64, String) {
        let (pipe, writer) = descriptor::pipe().unwrap();
        let log = descriptor::memory_file().unwrap();
        let mut relay = Relay::new(pipe, log.try_clone().unwrap(), limit);
        let mut writer = File::from(writer);
        for chunk in output.chunks(4096) {
            writer.write_all(chunk).unwrap();
            assert_eq!(relay.turn(), None);
        }
        drop(writer);
        relay.turn();
        let missing = relay.finish();
        assert_eq!(relay.fd(), None);
        (missing, text(log))
    }

    #[test]
    fn a_log_within_its_limit_is_whole() {
        assert_eq!(relayed(100, b"one\ntwo\n"), (0, "one\ntwo\n".into()));
    }

    #[test]
    fn little_more_than_the_limit_is_still_whole() {
        assert_eq!(relayed(3, b"one\ntwo\n"), (0, "one\ntwo\n".into()));
    }

    #[test]
    fn of_a_flood_the_beginning_and_the_end_remain() {
        let mut output = b"first ".to_vec();
        output.resize(300_000, b'.');
        output.extend(b"last");
        let (missing, log) = relayed(10, &output);
        assert_eq!(missing, 300_004 - 10 - TAIL as u64);
        assert!(log.starts_with(&format!("first ....\n[loggia: {missing} bytes left out]\n...")));
        assert!(log.ends_with("...last"));
        assert!(log.len() < 10 + TAIL + 64);
    }

    #[test]
    fn a_log_that_cannot_be_written_is_told_once_and_the_pipe_is_emptied() {
        let (pipe, writer) = descriptor::pipe().unwrap();
        let mut relay = Relay::new(pipe, File::options().write(true).open("/dev/full").unwrap(), 1000);
        let mut writer = File::from(writer);
        writer.write_all(b"one").unwrap();
        assert_eq!(relay.turn(), Some(libc::ENOSPC));
        writer.write_all(&vec![0; 60_000]).unwrap();
        assert_eq!(relay.turn(), None);
        drop(writer);
        assert_eq!((relay.turn(), relay.finish()), (None, 60_003));
    }
}
