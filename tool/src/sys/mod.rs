//! System calls, one safe function each: the only place of the tool with `unsafe`.
//!
//! | file | what |
//! |---|---|
//! | [`notify`] | the listener of a seccomp filter: receive, reply, install a descriptor |
//! | [`pidfd`] | threads and their descriptors |
//! | [`memory`] | another process's memory |
//! | [`socket`] | native sockets |
//! | [`epoll`] | waiting |
#![allow(unsafe_code)]

pub mod epoll;
pub mod memory;
pub mod notify;
pub mod pidfd;
pub mod socket;

use std::io;

/// The result of a call of the C library that gives -1 and sets `errno`.
fn check<T: Ord + Default>(result: T) -> io::Result<T> {
    if result < T::default() { Err(io::Error::last_os_error()) } else { Ok(result) }
}
