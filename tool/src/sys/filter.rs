//! Seccomp filters whose decisions are asked for (`seccomp_unotify(2)`).

use std::io;
use std::os::fd::RawFd;

use super::check;

/// One instruction of a filter.
pub type Instruction = libc::sock_filter;

/// Puts `program` before every system call of this thread and says the number of the listener, which is closed on exec. EBUSY if a filter
/// with a listener is already there; EINVAL if the program or the flag is not known; EACCES without no_new_privs.
pub fn install(program: &[Instruction]) -> io::Result<RawFd> {
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    // SAFETY: `program` names a live slice with its length; the kernel copies and checks it.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) })
        .map(|fd| fd as RawFd)
}
