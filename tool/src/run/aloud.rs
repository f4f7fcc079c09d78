//! What built-in programs write in virtual time, shown while the run goes on: each line with its moment and its program.

use std::io::{self, Write};

use loggia::Host;
use loggia_stack::base::Instant;

use super::allowance::Allowance;
use crate::process::printable;
use crate::progress::Progress;

/// A longer line comes in pieces.
const LINE: usize = 16 * 1024;

/// A stream that is shown and goes on to where it goes.
pub struct Aloud {
    to: Box<dyn Write + Send>,
    line: Vec<u8>,
    host: Host,
    program: String,
    progress: Progress,
    allowance: Allowance,
}

impl Aloud {
    /// Shows what is written to `to`; `program` is its name, as wide as those of all.
    pub fn new(to: Box<dyn Write + Send>, host: Host, program: String, progress: Progress) -> Self {
        Self { to, line: Vec::new(), host, program, progress, allowance: Allowance::default() }
    }

    fn say(&mut self) {
        let at = self.host.now().since(Instant::EPOCH).as_secs_f64();
        let text = printable(&std::mem::take(&mut self.line));
        if let Some(text) = self.allowance.of(&text) {
            self.progress.above(|| println!("{at:>9.3} s {} | {text}", self.program));
        }
    }
}

impl Write for Aloud {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.line.len() >= LINE {
                self.say();
            }
        }
        self.to.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Drop for Aloud {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.say();
        }
    }
}
