//! Room on a disk that is set aside while there is some, so that a run that fills the disk still says so.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a file system needs besides the bytes themselves.
const SLACK: u64 = 16 << 10;
/// Zeros are written so many at a time.
const CHUNK: usize = 8 << 10;

/// A file that has no name any more and holds nothing but zeros; what it is cut by is free for others. Copies share it. A file system that
/// compresses keeps less free than that; none is the worse for it.
#[derive(Clone, Debug)]
pub(super) struct Reserve {
    file: Arc<Mutex<Option<File>>>,
}

impl Reserve {
    /// Sets `len` bytes aside in a folder. An error if there are not so many.
    pub(super) fn take(root: &Path, len: u64) -> io::Result<Self> {
        let path = root.join(".reserve");
        let mut file = File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        fs::remove_file(&path)?;
        for at in (0..len).step_by(CHUNK) {
            file.write_all(&[0; CHUNK][..(len - at).min(CHUNK as u64) as usize])?;
        }
        Ok(Self { file: Arc::new(Mutex::new(Some(file))) })
    }

    /// Makes room for `len` bytes; false if nothing is left of it.
    pub(super) fn give(&self, len: u64) -> bool {
        let file = self.lock();
        let Some(file) = &*file else { return false };
        let left = file.metadata().map_or(0, |data| data.len());
        left > 0 && file.set_len(left.saturating_sub(len + SLACK)).is_ok()
    }

    /// All of it is free.
    pub(super) fn release(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_what_it_has_and_leaves_no_name() {
        let root = std::env::temp_dir().join(format!("loggia-reserve-{}", std::process::id()));
        fs::create_dir_all(&root).expect("a folder");
        let reserve = Reserve::take(&root, 100_000).expect("room");
        assert_eq!(fs::read_dir(&root).expect("the folder").count(), 0);
        let left = || reserve.lock().as_ref().map(|file| file.metadata().expect("its length").len());
        assert!(reserve.give(50_000));
        assert_eq!(left(), Some(100_000 - 50_000 - SLACK));
        assert!(reserve.give(50_000), "it gives the rest");
        assert!(!reserve.give(1));
        reserve.release();
        assert_eq!(left(), None);
        fs::remove_dir(&root).expect("the folder is empty");
    }
}
