//! Processes: fork, exec, wait, identity, session, resource use.

use std::ffi::{CStr, CString};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use super::{Pid, check};

/// What a forked child exits with if its function panics.
pub const PANICKED: i32 = 125;

/// Forks. The child runs `child` and exits with what it returns, without running exit handlers or flushing anything.
///
/// In a process with several threads the child must take no lock of the standard library (environment, standard streams) that another
/// thread may have held; allocation is safe, since libc's `fork` sees to its own allocator.
pub fn fork(child: impl FnOnce() -> i32) -> io::Result<Pid> {
    // SAFETY: the child never returns into the frames of its parent: it leaves by `_exit` below, also when `child` panics. Memory is
    // copied, and no lock is shared with the parent's threads but those the contract names.
    match check(unsafe { libc::fork() })? {
        0 => exit_now(catch_unwind(AssertUnwindSafe(child)).unwrap_or(PANICKED)),
        pid => Ok(pid),
    }
}

/// Ends the process at once.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// Replaces the program of this process; returns only if that fails.
pub fn execve(path: &CStr, arguments: &[CString], environment: &[CString]) -> io::Error {
    let terminated = |strings: &[CString]| strings.iter().map(|s| s.as_ptr()).chain([ptr::null()]).collect::<Vec<_>>();
    let (arguments, environment) = (terminated(arguments), terminated(environment));
    // SAFETY: the path and every string end in NUL, both arrays end in a null pointer, and all of them outlive the call.
    unsafe { libc::execve(path.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// A child that changed its state.
#[derive(Clone, Copy, Debug)]
pub struct Waited {
    /// Which.
    pub pid: Pid,
    /// The status as `wait` encodes it.
    pub status: i32,
    /// What the child and those of its children that it waited for have used.
    pub usage: Usage,
}

impl Waited {
    /// A signal has stopped it.
    pub fn stopped(&self) -> bool {
        libc::WIFSTOPPED(self.status)
    }

    /// It is no more.
    pub fn ended(&self) -> bool {
        libc::WIFEXITED(self.status) || libc::WIFSIGNALED(self.status)
    }
}

/// Which children to wait for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Any that ended, stopped or went on.
    Any,
    /// This one, until it ends, blocking.
    End(Pid),
}

/// A child's change of state. With [`Wait::Any`] it never blocks and `None` means that no child has changed; without any child the error
/// is ECHILD.
pub fn wait(which: Wait) -> io::Result<Option<Waited>> {
    let (pid, options) = match which {
        Wait::Any => (-1, libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED),
        Wait::End(pid) => (pid, 0),
    };
    let (mut status, mut usage) = (0, ZERO_USAGE);
    // SAFETY: both pointers are to live values of the right types.
    let pid = check(unsafe { libc::wait4(pid, &raw mut status, options, &raw mut usage) })?;
    Ok((pid != 0).then_some(Waited { pid, status, usage: Usage::from(usage) }))
}

/// What processes have used, as `getrusage` counts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Usage {
    /// Processor time in user mode, microseconds.
    pub user_us: u64,
    /// Processor time in the kernel, microseconds.
    pub system_us: u64,
    /// The largest resident set of any one process, bytes.
    pub max_rss: u64,
    /// Page faults served without a device.
    pub minor_faults: u64,
    /// Page faults that waited for a device.
    pub major_faults: u64,
    /// Context switches because a process waited.
    pub voluntary_switches: u64,
    /// Context switches because its time was up.
    pub involuntary_switches: u64,
}

impl From<libc::rusage> for Usage {
    fn from(usage: libc::rusage) -> Self {
        let micros = |time: libc::timeval| time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64;
        Self {
            user_us: micros(usage.ru_utime),
            system_us: micros(usage.ru_stime),
            max_rss: usage.ru_maxrss as u64 * 1024,
            minor_faults: usage.ru_minflt as u64,
            major_faults: usage.ru_majflt as u64,
            voluntary_switches: usage.ru_nvcsw as u64,
            involuntary_switches: usage.ru_nivcsw as u64,
        }
    }
}

// SAFETY: a structure of integers, for which all zeros is a value.
const ZERO_USAGE: libc::rusage = unsafe { std::mem::zeroed() };

/// What all children that were waited for, and theirs, have used.
pub fn usage_of_children() -> Usage {
    let mut usage = ZERO_USAGE;
    // SAFETY: the pointer is to a live value; the call cannot fail with these arguments.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage) };
    usage.into()
}

/// This process.
pub fn own_pid() -> Pid {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::getpid() }
}

/// The parent of this process.
pub fn parent_pid() -> Pid {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::getppid() }
}

/// The effective user of this process.
pub fn effective_uid() -> u32 {
    // SAFETY: takes nothing, cannot fail.
    unsafe { libc::geteuid() }
}

fn prctl(option: i32, value: u64) -> io::Result<()> {
    // SAFETY: the options used here take an integer and nothing else; unused arguments are zero as they must be.
    check(unsafe { libc::prctl(option, value, 0u64, 0u64, 0u64) }).map(drop)
}

/// Makes this process the parent of every descendant whose own parent ends.
pub fn become_subreaper() -> io::Result<()> {
    prctl(libc::PR_SET_CHILD_SUBREAPER, 1)
}

/// Lets this process end by SIGKILL when the thread that forked it does. A change of identity undoes it.
pub fn die_with_parent() -> io::Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64)
}

/// Denies this process and its descendants every new privilege.
pub fn no_new_privileges() -> io::Result<()> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1)
}

/// Leaves the terminal: a session and process group of its own.
pub fn new_session() -> io::Result<()> {
    // SAFETY: takes nothing.
    check(unsafe { libc::setsid() }).map(drop)
}

/// Becomes another user for good, with exactly these groups besides.
pub fn become_user(uid: u32, gid: u32, groups: &[u32]) -> io::Result<()> {
    // SAFETY: the pointer and length are those of a live slice of group identifiers.
    check(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) })?;
    // SAFETY: takes a number.
    check(unsafe { libc::setgid(gid) })?;
    // SAFETY: takes a number.
    check(unsafe { libc::setuid(uid) }).map(drop)
}

/// Changes the working directory.
pub fn change_directory(path: &CStr) -> io::Result<()> {
    // SAFETY: the path ends in NUL and outlives the call.
    check(unsafe { libc::chdir(path.as_ptr()) }).map(drop)
}

/// The soft limit of open files.
pub fn open_files() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live value.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    Ok(limit.rlim_cur)
}

/// Raises the soft limit of open files to the hard limit; says the new one.
pub fn raise_open_files() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live value.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: the pointer is to a live value.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
    Ok(limit.rlim_cur)
}
