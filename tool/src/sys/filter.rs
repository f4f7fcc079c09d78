//! Seccomp filters whose decisions are asked for (`seccomp_unotify(2)`).

use std::io;
use std::os::fd::RawFd;

use super::check;

/// One instruction of a filter.
pub type Instruction = libc::sock_filter;

/// Puts `program` before every system call of this thread and says the number of the listener, which is closed on exec. EBUSY if a filter
/// with a listener is already there; EINVAL if the program or the flag is not known; EACCES without no_new_privs.
///
/// A caller whose call was taken waits for the reply whatever signals come, but SIGKILL, where the kernel knows that (Linux 5.19).
pub fn install(program: &[Instruction]) -> io::Result<RawFd> {
    let steady = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    match install_with(program, steady) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => install_with(program, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER),
        result => result,
    }
}

fn install_with(program: &[Instruction], flags: libc::c_ulong) -> io::Result<RawFd> {
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: `program` names a live slice with its length; the kernel copies and checks it.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program) })
        .map(|fd| fd as RawFd)
}
