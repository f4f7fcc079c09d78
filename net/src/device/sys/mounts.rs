//! What a thread sees of the file system.

use std::io;

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Gives the calling thread mounts of its own, those that all have until it makes others. `EPERM` without `CAP_SYS_ADMIN`.
pub(in super::super) fn unshare_mounts() -> io::Result<()> {
    // SAFETY: descriptors stay shared; what is not any more are mounts and the working directory, which no memory depends on.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS) }.map_err(Into::into)
}
