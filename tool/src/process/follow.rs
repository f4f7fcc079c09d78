//! A log as it grows, line by line.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// One read.
const CHUNK: usize = 64 * 1024;
/// A longer line comes in pieces.
const LINE: usize = 16 * 1024;

/// Reads a log that another process writes. There is nothing to poll: ask again every 50 ms or so, and once more at the end.
#[derive(Debug)]
pub struct Follower {
    file: File,
    partial: Vec<u8>,
}

impl Follower {
    /// Follows from the beginning.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self { file: File::open(path)?, partial: Vec::new() })
    }

    /// The lines that are complete now, without their ends, 64 KiB of them at most: repeat until there is none. Bytes that are not UTF-8
    /// are replaced, and so are control characters but tabs, which must not reach a terminal from here.
    pub fn turn(&mut self) -> io::Result<Vec<String>> {
        // Mostly there is nothing, and there may be hundreds of logs.
        let mut first = [0; 512];
        let len = self.file.read(&mut first)?;
        let mut chunk = first[..len].to_vec();
        if len == first.len() {
            self.file.by_ref().take((CHUNK - len) as u64).read_to_end(&mut chunk)?;
        }
        let mut lines = Vec::new();
        for piece in chunk.split_inclusive(|&byte| byte == b'\n') {
            self.partial.extend(piece);
            if piece.ends_with(b"\n") || self.partial.len() >= LINE {
                lines.push(self.take());
            }
        }
        Ok(lines)
    }

    /// The last line, if it has no end.
    pub fn rest(&mut self) -> Option<String> {
        (!self.partial.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        printable(&std::mem::take(&mut self.partial))
    }
}

/// A line without its end. Bytes that are not UTF-8 are replaced, and so are control characters but tabs, which must not reach a terminal
/// from here.
pub fn printable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(line)).into_owned();
    let text = text.strip_suffix('\r').unwrap_or(&text);
    text.chars().map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::descriptor::memory_file;
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;

    #[test]
    fn lines_come_when_they_are_complete() {
        let mut log = memory_file().unwrap();
        let mut follower = Follower::open(format!("/proc/self/fd/{}", log.as_raw_fd())).unwrap();
        assert!(follower.turn().unwrap().is_empty());
        log.write_all(b"one\ntw").unwrap();
        assert_eq!(follower.turn().unwrap(), ["one"]);
        log.write_all(b"o\r\n\x1b[2J\n").unwrap();
        assert_eq!(follower.turn().unwrap(), ["two", "\u{fffd}[2J"]);
        log.write_all(b"end").unwrap();
        assert!(follower.turn().unwrap().is_empty());
        assert_eq!(follower.rest().as_deref(), Some("end"));
        assert_eq!(follower.rest(), None);
    }

    #[test]
    fn a_line_without_end_comes_in_pieces() {
        let mut log = memory_file().unwrap();
        let mut follower = Follower::open(format!("/proc/self/fd/{}", log.as_raw_fd())).unwrap();
        log.write_all(&vec![b'x'; CHUNK + 5]).unwrap();
        assert_eq!(follower.turn().unwrap().concat().len(), CHUNK);
        assert_eq!(follower.turn().unwrap(), Vec::<String>::new());
        assert_eq!(follower.rest().as_deref(), Some("xxxxx"));
    }
}
