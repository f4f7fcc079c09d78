//! Receive packet steering: which processors of the kernel's handle what we send by an interface.
//!
//! Unless told otherwise the kernel carries a packet up to its socket, and wakes whoever reads there, within the `write` that brings it: on our
//! time. With a mask in `rps_cpus` another processor does, beside us; whoever reads there is found awake more often. What is carried in
//! super-segments is too little work for each byte to be worth handing over (docs/performance.md has the figures of both).
//!
//! Nothing then holds back who sends faster than that other processor takes: what its backlog (`net.core.netdev_max_backlog`, 1,000 packets) has no
//! room for is lost, though the `write` said that it went.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
use rustix::thread::{CapabilitySet, CpuSet, capabilities, sched_getaffinity};

/// In `tun_flags`: the interface was there before us and will be after us.
const IFF_PERSIST: u32 = 0x0800;

/// The most of a file that matters here.
const ROOM: usize = 4096;

/// Lets other processors than those of this thread handle what comes by an interface of the kernel's. An interface that lasts longer than we
/// have it open, or that somebody has steered, is left as it is. Errors say why it could not be done: who may not write `rps_cpus` (it takes
/// the rights of the whole machine, not those of a namespace of users) has what there was.
pub(super) fn steer(interface: &str) -> io::Result<()> {
    // A filter of system calls may end the process for a try that fails anyway.
    if !may_steer(capabilities(None)?.effective) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let system = Sysfs::of_this_namespace()?;
    let device = format!("devices/virtual/net/{interface}");
    let flags = system.read(&format!("{device}/tun_flags"))?;
    if hexadecimal(&flags).is_none_or(|flags| flags & IFF_PERSIST != 0) {
        return Ok(());
    }
    let mask = format!("{device}/queues/rx-0/rps_cpus");
    if system.read(&mask)?.bytes().any(|byte| matches!(byte, b'1'..=b'9' | b'a'..=b'f')) {
        return Ok(());
    }
    let online = numbers(&system.read("devices/system/cpu/online")?);
    let ours = sched_getaffinity(None)?;
    match others(&online, &ours) {
        others if others.is_empty() => Ok(()),
        others => system.write(&mask, &as_mask(&others)),
    }
}

/// False if it cannot be done with these capabilities: a `sysfs` is mounted and a mask is set.
fn may_steer(effective: CapabilitySet) -> bool {
    effective.contains(CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN)
}

/// The processors that this thread may not use; if it may use all of them, all but the last, which is left to us.
fn others(online: &[usize], ours: &CpuSet) -> Vec<usize> {
    let free: Vec<usize> = online.iter().copied().filter(|&cpu| cpu >= CpuSet::MAX_CPU || !ours.is_set(cpu)).collect();
    match online {
        [others @ .., _] if free.is_empty() => others.to_vec(),
        _ => free,
    }
}

/// A `/sys` that nobody else sees. That of the file system may be of another network namespace, where another interface has our name, or
/// not be there at all.
struct Sysfs(OwnedFd);

impl Sysfs {
    fn of_this_namespace() -> io::Result<Self> {
        let context = fsopen("sysfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
        fsconfig_create(context.as_fd())?;
        let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV | MountAttrFlags::MOUNT_ATTR_NOEXEC;
        Ok(Self(fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)?))
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

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}

/// `0-3,8`: what the kernel says of sets of processors. What is not understood is left out.
fn numbers(list: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.trim().parse().ok()?..=last.trim().parse::<usize>().ok()?)
    };
    list.split(',').filter_map(range).flatten().collect()
}

/// As the kernel reads it: words of 32 bits, the highest first, with commas between.
fn as_mask(processors: &[usize]) -> String {
    let mut words = vec![0u32; processors.iter().max().map_or(1, |last| last / 32 + 1)];
    for processor in processors {
        words[processor / 32] |= 1 << (processor % 32);
    }
    let words: Vec<String> = words.iter().rev().map(|word| format!("{word:08x}")).collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(processors: &[usize]) -> CpuSet {
        let mut set = CpuSet::new();
        processors.iter().for_each(|&processor| set.set(processor));
        set
    }

    #[test]
    fn sets_of_processors_are_read_and_written_as_the_kernel_does() {
        assert_eq!(numbers("0-3,8"), [0, 1, 2, 3, 8]);
        assert_eq!(numbers("0"), [0]);
        assert!(numbers("").is_empty());
        assert_eq!(as_mask(&[0]), "00000001");
        assert_eq!(as_mask(&[0, 33]), "00000002,00000001");
    }

    #[test]
    fn who_may_not_does_not_try() {
        let both = CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN;
        assert!(may_steer(both) && may_steer(both | CapabilitySet::CHOWN));
        assert!(
            !may_steer(CapabilitySet::NET_ADMIN) && !may_steer(CapabilitySet::SYS_ADMIN) && !may_steer(CapabilitySet::empty())
        );
    }

    #[test]
    fn the_kernel_works_where_we_do_not() {
        assert_eq!(others(&[0, 1], &set(&[1])), [0]);
        assert_eq!(others(&[0, 1, 2, 3], &set(&[0, 1])), [2, 3]);
    }

    #[test]
    fn one_processor_is_left_to_a_thread_that_may_use_all() {
        assert_eq!(others(&[0, 1], &set(&[0, 1])), [0]);
        assert!(others(&[0], &set(&[0])).is_empty());
    }
}
