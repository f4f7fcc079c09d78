//! What a capture keeps.

/// What a capture keeps. Unless said: all bytes of all packets, with comments; 16 MiB may wait for the writer.
#[derive(Clone, Debug)]
pub struct Options {
    pub(super) snaplen: u32,
    pub(super) comments: bool,
    pub(super) queue: usize,
    pub(super) limit: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { snaplen: 0, comments: true, queue: 16 << 20, limit: u64::MAX }
    }
}

impl Options {
    /// How many bytes of each packet are kept; 0: all.
    pub fn snaplen(mut self, bytes: u32) -> Self {
        self.snaplen = bytes;
        self
    }

    /// Whether comments say what became of packets (on unless switched off). With them the host looks at each packet that comes for itself:
    /// segments that arrive together are not joined while such a capture runs.
    pub fn comments(mut self, on: bool) -> Self {
        self.comments = on;
        self
    }

    /// How many bytes of packets may wait for the writer; of what comes on top only the number is kept.
    pub fn queue(mut self, bytes: usize) -> Self {
        self.queue = bytes;
        self
    }

    /// How large the file may become in bytes; packets after that are counted as missing.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }
}
