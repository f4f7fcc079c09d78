//! Where a record is written. The one place of this crate that knows the file system.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::reserve::Reserve;

/// A file that grows.
pub trait Output: Write + Send {
    /// Cuts it to its first `len` bytes, as far as it can be: after a write that failed half way.
    fn cut(&mut self, len: u64) {
        let _ = len;
    }

    /// After a write for which the disk had no room: makes room for `len` last bytes, if any was set aside.
    fn make_room(&mut self, len: u64) -> bool {
        let _ = len;
        false
    }
}

/// Where files are made.
pub trait Folder: Send {
    /// A new file, empty; `path` is relative, with `/` between its parts, which are made.
    fn create(&mut self, path: &str) -> io::Result<Box<dyn Output>>;

    /// Sets room aside: for the last bytes of each growing file, and for what is written when it is [released](Folder::release).
    fn set_aside(&mut self, len: u64) -> io::Result<()> {
        let _ = len;
        Ok(())
    }

    /// No file grows any more: what was set aside is for those that are written now.
    fn release(&mut self) {}
}

/// A file on disk.
struct DiskFile {
    file: File,
    reserve: Option<Reserve>,
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Output for DiskFile {
    fn cut(&mut self, len: u64) {
        // What cannot be cut off remains as it is; readers of these files stop at an incomplete end.
        let _ = self.file.set_len(len);
    }

    fn make_room(&mut self, len: u64) -> bool {
        self.reserve.as_ref().is_some_and(|reserve| reserve.give(len))
    }
}

/// A folder on disk.
#[derive(Clone, Debug)]
pub struct Disk {
    root: PathBuf,
    reserve: Option<Reserve>,
}

impl Disk {
    /// Makes `root` and the folders above it. An error if it exists and holds anything: no run overwrites another.
    pub fn new(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        if fs::read_dir(root)?.next().is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the folder is not empty"));
        }
        Ok(Self::existing(root))
    }

    /// A folder that may hold other things already.
    pub fn existing(root: &Path) -> Self {
        Self { root: root.into(), reserve: None }
    }
}

impl Folder for Disk {
    fn create(&mut self, path: &str) -> io::Result<Box<dyn Output>> {
        let path = self.root.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        Ok(Box::new(DiskFile { file: File::create(path)?, reserve: self.reserve.clone() }))
    }

    fn set_aside(&mut self, len: u64) -> io::Result<()> {
        self.reserve = Some(Reserve::take(&self.root, len)?);
        Ok(())
    }

    fn release(&mut self) {
        if let Some(reserve) = self.reserve.take() {
            reserve.release();
        }
    }
}

/// Reads a file of a record.
pub(super) fn read(root: &Path, path: &str) -> io::Result<String> {
    fs::read_to_string(root.join(path))
}

/// A folder in memory: for tests, and for views of a run that leaves nothing behind. Copies share the files.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    /// Bytes a file holds before it is full.
    limit: Option<usize>,
}

impl Memory {
    /// One whose files hold `limit` bytes each: a disk that fills.
    pub fn with_limit(limit: usize) -> Self {
        Self { files: Arc::default(), limit: Some(limit) }
    }

    /// The files' names.
    pub fn names(&self) -> Vec<String> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// What a file holds.
    pub fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

struct MemoryFile {
    folder: Memory,
    name: String,
}

impl MemoryFile {
    fn with<R>(&self, change: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let mut files = self.folder.files.lock().unwrap_or_else(PoisonError::into_inner);
        change(files.entry(self.name.clone()).or_default())
    }
}

impl Write for MemoryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let limit = self.folder.limit.unwrap_or(usize::MAX);
        self.with(|file| match bytes.len().min(limit.saturating_sub(file.len())) {
            0 if !bytes.is_empty() => Err(io::ErrorKind::StorageFull.into()),
            count => {
                file.extend_from_slice(&bytes[..count]);
                Ok(count)
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Output for MemoryFile {
    fn cut(&mut self, len: u64) {
        self.with(|file| file.truncate(len as usize));
    }
}

impl Folder for Memory {
    fn create(&mut self, path: &str) -> io::Result<Box<dyn Output>> {
        let file = MemoryFile { folder: self.clone(), name: path.into() };
        file.with(Vec::clear);
        Ok(Box::new(file))
    }
}
