//! Standard output and error of a program.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

struct Streams {
    out: Box<dyn Write + Send>,
    error: Box<dyn Write + Send>,
}

/// Standard output and error. Who cannot write there goes on: nobody could be told.
#[derive(Clone)]
pub struct Output(Arc<Mutex<Streams>>);

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Output")
    }
}

impl Output {
    /// Writes there.
    pub fn new(out: Box<dyn Write + Send>, error: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(Streams { out, error })))
    }

    fn with(&self, work: impl FnOnce(&mut Streams) -> std::io::Result<()>) {
        let _ = work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// A line of standard output.
    pub fn line(&self, text: &str) {
        self.bytes(format!("{text}\n").as_bytes());
    }

    /// Bytes of standard output.
    pub fn bytes(&self, bytes: &[u8]) {
        self.with(|streams| {
            streams.out.write_all(bytes)?;
            streams.out.flush()
        });
    }

    /// A line of standard error.
    pub fn error(&self, text: &str) {
        self.with(|streams| {
            streams.error.write_all(format!("{text}\n").as_bytes())?;
            streams.error.flush()
        });
    }
}
