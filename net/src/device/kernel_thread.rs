//! A thread of the kernel's own that handles what we send by an interface (threaded NAPI, Linux 5.12).
//!
//! Unless told otherwise the kernel carries a packet up to its socket, and wakes whoever reads there, within the `write` that brings it: on our
//! time. With `IFF_NAPI` a `write` only puts it into a queue, and the thread of an interface that is `threaded` takes it from there, on another
//! processor beside us: several packets at once, of which it joins those of one stream, so that there is less to carry up, to acknowledge and to
//! wake for. With `IFF_NAPI` and without a thread each packet takes more than before: one is not to be had without the other. What is carried in
//! super-segments is too little work for each byte to be worth handing over (docs/performance.md has the figures).

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;

use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
use rustix::thread::{CapabilitySet, capabilities};

use super::sys::unshare_mounts;

/// The most of a file that matters here.
const ROOM: usize = 4096;

/// How many bytes of packets, with the kernel's own of each, may be in the queue; a `write` finds it full then and loses nothing. Some 7,000
/// packets of 1,500 bytes, more than Linux lets be under way to one of its sockets, or 20,000 short ones.
pub(super) const QUEUE: i32 = 16 << 20;

/// That an interface which is about to be made can have one.
pub(super) struct KernelThread(Sysfs);

impl KernelThread {
    /// None if it cannot be had: without the rights (`CAP_SYS_ADMIN` and `CAP_NET_ADMIN` in the namespace), with a kernel that knows nothing of it,
    /// or with one processor; or if it is not ours to say, for there is an interface of this name already.
    pub(super) fn for_new(interface: &str) -> Option<Self> {
        // A filter of system calls may end the process for a try that fails anyway.
        if !may(capabilities(None).ok()?.effective) {
            return None;
        }
        let system = Sysfs::of_this_namespace().ok()?;
        let known = system.has(&threaded("lo"));
        let alone = is_one(&system.read("devices/system/cpu/online").ok()?);
        (known && !alone && !system.has(&device(interface))).then_some(Self(system))
    }

    /// Begins it, for an interface that was attached with NAPI.
    pub(super) fn begin(&self, interface: &str) -> io::Result<()> {
        self.0.write(&threaded(interface), "1")
    }
}

fn device(interface: &str) -> String {
    format!("devices/virtual/net/{interface}")
}

fn threaded(interface: &str) -> String {
    format!("{}/threaded", device(interface))
}

/// False if it cannot be done with these capabilities: a `sysfs` is mounted and written to.
fn may(effective: CapabilitySet) -> bool {
    effective.contains(CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN)
}

/// Of `0-3,8`, which is what the kernel says of sets of processors: whether it is a single one.
fn is_one(processors: &str) -> bool {
    processors.bytes().all(|byte| byte.is_ascii_digit())
}

/// A `/sys` that nobody else sees. That of the file system may be of another network namespace, where another interface has our name, or
/// not be there at all.
struct Sysfs(OwnedFd);

impl Sysfs {
    fn of_this_namespace() -> io::Result<Self> {
        match Self::mount() {
            // The mounts belong to another namespace of users than the network does (`unshare --map-root-user --net`).
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Self::mount_elsewhere(),
            done => done,
        }
    }

    /// Among mounts that are our own: those of a thread that ends with this, so that nobody else's change.
    fn mount_elsewhere() -> io::Result<Self> {
        let mounted = thread::Builder::new().spawn(|| unshare_mounts().and_then(|()| Self::mount()))?;
        mounted.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))
    }

    fn mount() -> io::Result<Self> {
        let context = fsopen("sysfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_create(context.as_fd())?;
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        Ok(Self(fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?))
    }

    fn has(&self, path: &str) -> bool {
        statat(&self.0, path, AtFlags::empty()).is_ok()
    }

    fn open(&self, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
        Ok(openat(&self.0, path, flags | OFlags::CLOEXEC, Mode::empty())?)
    }

    fn read(&self, path: &str) -> io::Result<String> {
        let mut room = [0; ROOM];
        let len = rustix::io::read(self.open(path, OFlags::RDONLY)?, &mut room)?;
        Ok(String::from_utf8_lossy(&room[..len]).trim().to_owned())
    }

    fn write(&self, path: &str, words: &str) -> io::Result<()> {
        // A file of sysfs takes all or nothing.
        rustix::io::write(self.open(path, OFlags::WRONLY)?, words.as_bytes())?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_processor_is_told_from_several() {
        assert!(is_one("0"));
        assert!(!is_one("0-3"));
        assert!(!is_one("0,8"));
    }

    #[test]
    fn who_may_not_does_not_try() {
        let both = CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN;
        assert!(may(both) && may(both | CapabilitySet::CHOWN));
        assert!(!may(CapabilitySet::NET_ADMIN) && !may(CapabilitySet::SYS_ADMIN) && !may(CapabilitySet::empty()));
    }
}
