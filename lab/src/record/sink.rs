//! A file of the record: written in whole blocks, until it cannot be.

use super::folder::Output;

/// Bytes that are gathered before they are written.
const GATHER: usize = 64 << 10;

/// The most that a file gathers before it is written, and so what has to be set aside for its end: a block more than that.
pub(super) const LAST_BYTES: u64 = 2 * GATHER as u64;

/// A file that takes blocks. When it cannot grow any more it remembers why, and takes nothing more; what is in it ends with a whole block.
pub struct Sink {
    name: String,
    output: Option<Box<dyn Output>>,
    limit: u64,
    gathered: Vec<u8>,
    /// Where in the file the gathered blocks are.
    blocks: Vec<Blocks>,
    written: u64,
    failure: Option<String>,
    /// It holds as much as it may.
    full: bool,
}

/// Blocks behind each other in the file.
#[derive(Clone, Copy)]
struct Blocks {
    begin: u64,
    end: u64,
    /// Bytes of each but the last, which may have fewer.
    size: u64,
}

impl Blocks {
    /// Where the last of them ends that is wholly before `reached`; none if no one is.
    fn whole(&self, reached: u64) -> Option<u64> {
        let blocks = reached.checked_sub(self.begin)? / self.size.max(1);
        Some(if reached >= self.end { self.end } else { self.begin + blocks * self.size })
    }
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, written, failure, .. } = self;
        f.debug_struct("Sink").field("name", name).field("written", written).field("failure", failure).finish_non_exhaustive()
    }
}

impl Sink {
    /// A file that holds at most `limit` bytes.
    pub fn new(name: &str, output: Box<dyn Output>, limit: u64) -> Self {
        Self {
            name: name.into(),
            output: Some(output),
            limit,
            gathered: Vec::new(),
            blocks: Vec::new(),
            written: 0,
            failure: None,
            full: false,
        }
    }

    /// A file that could not be made.
    pub fn failed(name: &str, why: &std::io::Error) -> Self {
        Self {
            name: name.into(),
            output: None,
            limit: 0,
            gathered: Vec::new(),
            blocks: Vec::new(),
            written: 0,
            failure: Some(format!("{name}: {why}")),
            full: false,
        }
    }

    /// Why it takes nothing any more.
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// True if it reached its limit. That is no failure: it was asked for.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Its name, and how much it may hold.
    pub fn limit(&self) -> (&str, u64) {
        (&self.name, self.limit)
    }

    /// True if it takes blocks.
    pub fn is_open(&self) -> bool {
        self.output.is_some()
    }

    /// Bytes put into it so far.
    pub fn len(&self) -> u64 {
        self.written + self.gathered.len() as u64
    }

    /// True if nothing was put into it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a block.
    pub fn put(&mut self, block: &[u8]) {
        self.put_with(|into| into.extend_from_slice(block));
    }

    /// Appends a block that is written to where it is gathered.
    pub fn put_with(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        if self.output.is_none() {
            return;
        }
        let before = self.gathered.len();
        append(&mut self.gathered);
        if self.len() > self.limit {
            self.gathered.truncate(before);
            self.finish();
            return;
        }
        let (begin, end) = (self.written + before as u64, self.len());
        self.blocks.push(Blocks { begin, end, size: end - begin });
        if self.gathered.len() >= GATHER {
            self.flush();
        }
    }

    /// Appends blocks that are written behind each other to where they are gathered. `append` says how many bytes each takes but the last,
    /// which may take fewer.
    pub fn put_run_with(&mut self, append: impl FnOnce(&mut Vec<u8>) -> usize) {
        if self.output.is_none() {
            return;
        }
        let (before, begin) = (self.len(), self.gathered.len());
        let size = append(&mut self.gathered);
        let len = self.gathered.len() - begin;
        if len > GATHER || self.len() > self.limit {
            let blocks = self.gathered.split_off(begin);
            return blocks.chunks(size).for_each(|block| self.put(block));
        }
        self.blocks.push(Blocks { begin: before, end: self.len(), size: size as u64 });
        if self.gathered.len() >= GATHER {
            self.flush();
        }
    }

    /// [`Sink::put_run_with`] of blocks that are there.
    pub fn put_run(&mut self, blocks: &[u8], size: usize) {
        self.put_run_with(|into| {
            into.extend_from_slice(blocks);
            size
        });
    }

    /// It takes nothing more: it is full.
    pub fn finish(&mut self) {
        self.flush();
        self.close();
        self.full = true;
    }

    /// True if a block of `len` bytes would be too much.
    pub fn would_overflow(&self, len: usize) -> bool {
        self.len() + len as u64 > self.limit
    }

    /// Writes what was gathered.
    pub fn flush(&mut self) {
        let Some(output) = &mut self.output else { return };
        let mut done = 0;
        let mut no_room = None;
        while done < self.gathered.len() {
            match output.write(&self.gathered[done..]) {
                Ok(0) => return self.broke(done, &std::io::ErrorKind::WriteZero.into()),
                Ok(count) => done += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if no_room.is_none() && is_full(&error) && output.make_room((self.gathered.len() - done) as u64) => {
                    no_room = Some(error);
                }
                Err(error) => return self.broke(done, &error),
            }
        }
        self.written += done as u64;
        self.gathered.clear();
        self.blocks.clear();
        if let Some(error) = output.flush().err().or(no_room) {
            self.stop(format!("{}: {error}", self.name));
        }
    }

    /// After `done` of the gathered bytes nothing more was taken: the file is cut after the last whole block.
    fn broke(&mut self, done: usize, error: &std::io::Error) {
        let reached = self.written + done as u64;
        let whole = self.blocks.iter().map_while(|blocks| blocks.whole(reached)).last().unwrap_or(self.written);
        if let Some(output) = &mut self.output {
            output.cut(whole);
        }
        self.written = whole;
        self.stop(format!("{}: {error}", self.name));
    }

    fn stop(&mut self, why: String) {
        self.close();
        self.failure = Some(why);
    }

    fn close(&mut self) {
        self.output = None;
        self.gathered = Vec::new();
        self.blocks = Vec::new();
    }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::super::folder::{Folder, Memory};
    use super::*;

    #[test]
    fn a_full_disk_leaves_whole_blocks() {
        for limit in [0, 5, 10, 25, 99] {
            let mut folder = Memory::with_limit(limit);
            let mut sink = Sink::new("f", folder.create("f").expect("a file"), u64::MAX);
            for _ in 0..3 {
                (0..4).for_each(|_| sink.put(b"0123456789"));
                sink.flush();
            }
            let kept = folder.file("f").expect("the file").len();
            assert_eq!(kept, limit / 10 * 10);
            assert_eq!(sink.len(), kept as u64);
            let failure = sink.failure().expect("it is full");
            assert!(failure.starts_with("f: ") && !sink.is_open(), "{failure}");
        }
    }

    #[test]
    fn a_run_of_blocks_is_as_its_blocks_one_by_one() {
        let run: Vec<u8> = (0..105).collect();
        for (room, limit) in [(u64::MAX, u64::MAX), (u64::MAX, 48), (48, u64::MAX), (110, u64::MAX)] {
            let made = |put: &dyn Fn(&mut Sink)| {
                let mut folder = Memory::with_limit(room.min(1 << 20) as usize);
                let mut sink = Sink::new("f", folder.create("f").expect("a file"), limit);
                sink.put(b"first");
                put(&mut sink);
                sink.put(b"last");
                sink.flush();
                (folder.file("f").expect("the file"), sink.is_full(), sink.failure().map(str::to_owned), sink.len())
            };
            let (together, single) =
                (made(&|sink| sink.put_run(&run, 10)), made(&|sink| run.chunks(10).for_each(|one| sink.put(one))));
            assert_eq!(together, single, "room {room}, limit {limit}");
        }
    }

    #[test]
    fn a_limit_stops_it_without_a_failure() {
        let mut folder = Memory::default();
        let mut sink = Sink::new("events.jsonl", folder.create("events.jsonl").expect("a file"), 25);
        (0..4).for_each(|_| sink.put(b"0123456789"));
        assert_eq!(folder.file("events.jsonl").expect("the file").len(), 20);
        assert!(sink.is_full() && !sink.is_open());
        assert_eq!(sink.failure(), None, "that was asked for");
    }
}
