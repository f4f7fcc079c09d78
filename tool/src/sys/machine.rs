//! What the machine says of itself (`uname(2)`).

use std::fs;
use std::io;
use std::path::Path;

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
    let Ok(groups) = fs::read_to_string("/proc/self/cgroup") else { return false };
    let unified = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let mut at = Path::new("/sys/fs/cgroup").join(unified);
    loop {
        if [at.join("cpu.max"), at.join("cpu/cpu.cfs_quota_us")]
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
        has_quota();
    }
}
