//! Which thread runs first, and how many want to run.

use std::fs;
use std::io;

use super::check;

/// Sets the niceness of the calling thread, and of no other: on Linux each has its own. Lower than it is takes CAP_SYS_NICE.
pub fn be_nice(nice: i32) -> io::Result<()> {
    // SAFETY: takes numbers; 0 is the calling thread.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }).map(drop)
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
    fn a_thread_may_always_be_as_nice_as_it_is() {
        assert!(be_nice(0).is_ok() || be_nice(19).is_ok());
    }
}
