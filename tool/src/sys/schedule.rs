//! Which thread runs first, and how many want to run.

use std::fs;
use std::io;

use super::check;

/// Sets the niceness of the calling thread, and of no other: on Linux each has its own. Lower than it is takes CAP_SYS_NICE.
pub fn be_nice(nice: i32) -> io::Result<()> {
    // SAFETY: takes numbers; 0 is the calling thread.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }).map(drop)
}

/// The processors that this thread may run on, by number; none if the kernel does not tell.
pub fn processors() -> Vec<usize> {
    // SAFETY: all zeros are an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the call writes one set, whose size it is told; 0 is the calling thread.
    if check(unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) }).is_err() {
        return Vec::new();
    }
    // SAFETY: looks at a bit of the set, of which there are so many.
    (0..libc::CPU_SETSIZE as usize).filter(|&processor| unsafe { libc::CPU_ISSET(processor, &set) }).collect()
}

/// From now on the calling thread runs on this processor alone.
pub fn stay_on(processor: usize) -> io::Result<()> {
    if processor >= libc::CPU_SETSIZE as usize {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: all zeros are an empty set.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: sets a bit of the set, which has it.
    unsafe { libc::CPU_SET(processor, &mut set) };
    // SAFETY: the call reads one set, whose size it is told; 0 is the calling thread.
    check(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) }).map(drop)
}

/// From now on the calling thread runs only where no other wants to (`SCHED_IDLE`).
pub fn be_idle() -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: the call reads the parameters; 0 is the calling thread.
    check(unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const parameters) }).map(drop)
}

/// How many threads of the machine run or want to, the calling one among them; none if the kernel does not tell.
pub fn runnable() -> Option<usize> {
    parse(&fs::read_to_string("/proc/loadavg").ok()?)
}

/// `0.20 0.18 0.12 1/80 11206`: the fourth is what runs of what there is.
fn parse(loadavg: &str) -> Option<usize> {
    loadavg.split_ascii_whitespace().nth(3)?.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_is_running() {
        assert_eq!(parse("0.20 0.18 0.12 13/80 11206\n"), Some(13));
        assert_eq!(parse(""), None);
        assert!(runnable().is_none_or(|count| count >= 1));
    }

    #[test]
    fn a_thread_stays_where_it_is_put() {
        std::thread::spawn(|| {
            let last = *processors().last().expect("it runs somewhere");
            stay_on(last).expect("it may");
            be_idle().expect("everybody may");
            assert_eq!(processors(), [last]);
            assert!(stay_on(usize::MAX).is_err());
        })
        .join()
        .expect("it ends");
    }

    #[test]
    fn a_thread_may_always_be_as_nice_as_it_is() {
        assert!(be_nice(0).is_ok() || be_nice(19).is_ok());
    }
}
