//! System calls, one safe function each: the only place of the tool with `unsafe`.
//!
//! | file | what |
//! |---|---|
//! | [`process`] | fork, exec, wait, identity, session, resource use |
//! | [`filter`] | a seccomp filter with a listener: install |
//! | [`notify`] | the listener of a seccomp filter: receive, reply, install a descriptor |
//! | [`pidfd`] | threads and their descriptors |
//! | [`heap`] | how much of what is freed the allocator keeps |
//! | [`memory`] | another process's memory |
//! | [`machine`] | what the machine says of itself |
//! | [`socket`] | native sockets |
//! | [`terminal`] | the width of the terminal |
//! | [`message`] | messages with descriptors over AF_UNIX |
//! | [`descriptor`] | closing and renaming descriptors, pipes, memory files, poll |
//! | [`epoll`] | waiting |
//! | [`epoll_of_other`] | what the sets of other processes wait for |
//! | [`signal`] | masks, sending, receiving through a descriptor |
//! | [`account`] | users and groups by name |
//! | [`schedule`] | which thread runs first |
#![allow(unsafe_code)]

pub mod account;
pub mod descriptor;
pub mod epoll;
pub mod epoll_of_other;
pub mod filter;
pub mod heap;
pub mod machine;
pub mod memory;
pub mod message;
pub mod notify;
pub mod pidfd;
pub mod process;
pub mod schedule;
pub mod signal;
pub mod socket;
pub mod terminal;

use std::io;

/// A process identifier; 0 and negative numbers are never one.
pub type Pid = libc::pid_t;

/// The result of a call of the C library that gives -1 and sets `errno`.
fn check<T: Ord + Default>(result: T) -> io::Result<T> {
    if result < T::default() { Err(io::Error::last_os_error()) } else { Ok(result) }
}
