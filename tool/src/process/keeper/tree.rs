//! Descendants: who they are, and killing them.

use std::fs;
use std::io;

use crate::sys::process::own_pid;
use crate::sys::{Pid, signal};

/// The children of this process, dead ones that were not waited for among them.
pub(in super::super) fn own_children() -> Vec<Pid> {
    children(own_pid()).unwrap_or_else(|_| children_by_scan(own_pid()))
}

/// The children of a process, of all its threads. The kernel may miss some while they come and go; who needs certainty repeats.
fn children(pid: Pid) -> io::Result<Vec<Pid>> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let list = fs::read_to_string(task?.path().join("children"))?;
        found.extend(list.split_ascii_whitespace().filter_map(|pid| pid.parse::<Pid>().ok()));
    }
    Ok(found)
}

/// For kernels without lists of children (CONFIG_PROC_CHILDREN).
fn children_by_scan(parent: Pid) -> Vec<Pid> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| parent_of(pid) == Some(parent)).collect()
}

fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name before it may hold anything, a parenthesis too.
    let after_name = &stat[stat.rfind(')')? + 1..];
    after_name.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// A process's name.
pub(super) fn name(pid: Pid) -> Vec<u8> {
    let name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.strip_suffix(b"\n").map_or(name.clone(), <[u8]>::to_vec)
}

/// Kills every descendant of this process that can be found, parents first: a process with a pending SIGKILL cannot fork any more, so its
/// list of children is final when it is read.
///
/// Own children cannot be mistaken, since only this process can wait for them. A deeper one is killed right after it was read from its
/// parent's list; its number cannot have come round again within microseconds.
///
/// One sweep may miss some. It is repeated until this process has no child left: whatever was missed becomes its child.
pub(in super::super) fn kill_descendants(spare: impl Fn(Pid) -> bool) {
    let mut found: Vec<Pid> = own_children().into_iter().filter(|&pid| !spare(pid)).collect();
    while let Some(pid) = found.pop() {
        let _ = signal::send(pid, libc::SIGKILL);
        found.extend(children(pid).unwrap_or_default());
    }
}
