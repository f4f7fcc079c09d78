//! What the machine says of itself: `uname(2)`, whether it is virtual, and whether the time of its processors is rationed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::check;

/// Bytes of one field of `struct utsname`, its end included.
const FIELD: usize = 65;

/// `struct utsname` of this machine with another name of the host in it.
pub fn description(host: &str) -> io::Result<Vec<u8>> {
    // SAFETY: all zeros are a value of this structure of characters.
    let mut told: libc::utsname = unsafe { std::mem::zeroed() };
    // SAFETY: the call writes one `utsname`.
    check(unsafe { libc::uname(&raw mut told) })?;
    let fields = [told.sysname, told.nodename, told.release, told.version, told.machine, told.domainname];
    let mut bytes: Vec<u8> = fields.as_flattened().iter().map(|letter| *letter as u8).collect();
    let name = &host.as_bytes()[..host.len().min(FIELD - 1)];
    let place = &mut bytes[FIELD..2 * FIELD];
    place.fill(0);
    place[..name.len()].copy_from_slice(name);
    Ok(bytes)
}

/// True if the machine says that it is a virtual one.
pub fn is_virtual() -> bool {
    fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| is_virtual_by(&text))
}

/// The first `flags` line names it. Not every architecture has one.
fn is_virtual_by(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().find(|line| line.starts_with("flags"));
    flags.is_some_and(|flags| flags.split_ascii_whitespace().any(|flag| flag == "hypervisor"))
}

/// True if the time of processors that this process may use is bounded by a control group of it.
pub fn has_quota() -> bool {
    // Who cannot know had better be careful.
    let Ok(groups) = fs::read_to_string("/proc/self/cgroup") else { return true };
    groups.lines().filter_map(group_of).any(|group| is_bounded(&group))
}

/// Where the group of a line of `/proc/self/cgroup` lies that bounds the time of processors: `0::/path` of the unified tree, or the line of
/// the controller `cpu`.
fn group_of(line: &str) -> Option<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?.trim_start_matches('/'));
    let root = match controllers {
        "" => "/sys/fs/cgroup",
        list if list.split(',').any(|one| one == "cpu") => "/sys/fs/cgroup/cpu",
        _ => return None,
    };
    Some(Path::new(root).join(path))
}

/// True if it or one around it has a quota.
fn is_bounded(group: &Path) -> bool {
    let mut at = group.to_owned();
    loop {
        if [at.join("cpu.max"), at.join("cpu.cfs_quota_us")]
            .iter()
            .filter_map(|file| fs::read_to_string(file).ok())
            .any(|text| is_quota(&text))
        {
            return true;
        }
        if !at.pop() || !at.starts_with("/sys/fs/cgroup") {
            return false;
        }
    }
}

/// `max 100000` and `-1` bound nothing.
fn is_quota(text: &str) -> bool {
    text.split_ascii_whitespace().next().is_some_and(|most| most.parse::<u64>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_is_another() {
        let bytes = description("server").expect("a description");
        assert_eq!(bytes.len(), 6 * FIELD);
        assert_eq!(&bytes[FIELD..FIELD + 7], b"server\0");
        assert!(bytes.starts_with(b"Linux\0"));
        assert!(description(&"long".repeat(100)).expect("a description")[2 * FIELD - 1] == 0);
    }

    #[test]
    fn a_virtual_machine_says_so() {
        assert!(is_virtual_by("processor : 0\nflags\t\t: fpu vme hypervisor lahf_lm\n"));
        assert!(!is_virtual_by("processor : 0\nflags\t\t: fpu vme lahf_lm\nbugs : hypervisor\n"));
        assert!(!is_virtual_by(""));
    }

    #[test]
    fn a_quota_is_a_number() {
        assert!(is_quota("200000 100000\n") && is_quota("50000\n"));
        assert!(!is_quota("max 100000\n") && !is_quota("-1\n") && !is_quota(""));
        let group = |line: &str| group_of(line).map(|path| path.display().to_string());
        assert_eq!(group("0::/"), Some("/sys/fs/cgroup/".into()));
        assert_eq!(group("0::/user.slice/a:b"), Some("/sys/fs/cgroup/user.slice/a:b".into()));
        assert_eq!(group("4:cpu,cpuacct:/docker/1"), Some("/sys/fs/cgroup/cpu/docker/1".into()));
        assert_eq!(group("3:cpuset:/"), None);
    }
}
