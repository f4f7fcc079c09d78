//! Where a program's name leads, as `execvp` sees it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// What is searched if PATH is not set, as glibc does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The paths to try, in order: the name itself if it has a slash, otherwise one for each directory of `path`. Relative ones are relative
/// to the program's working directory.
pub fn candidates(program: &OsStr, path: Option<&OsStr>) -> Vec<OsString> {
    if program.as_bytes().contains(&b'/') {
        return vec![program.into()];
    }
    path.unwrap_or(OsStr::new(DEFAULT_PATH))
        .as_bytes()
        .split(|&byte| byte == b':')
        .map(|directory| join(directory, program))
        .collect()
}

/// An empty directory is the working directory.
fn join(directory: &[u8], program: &OsStr) -> OsString {
    let directory = if directory.is_empty() { b"." } else { directory };
    OsString::from_vec([directory, b"/", program.as_bytes()].concat())
}

/// Which error of all tries is told: the search goes on past what is not there and past what may not be executed, and remembers the
/// latter.
#[derive(Default, Debug)]
pub(super) struct Verdict {
    forbidden: bool,
}

impl Verdict {
    /// Whether the search is over with this error.
    pub(super) fn ends_with(&mut self, errno: i32) -> bool {
        self.forbidden |= errno == libc::EACCES;
        !matches!(errno, libc::EACCES | libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT)
    }

    /// The error after the last try.
    pub(super) fn errno(&self) -> i32 {
        if self.forbidden { libc::EACCES } else { libc::ENOENT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_searched_in_each_directory_and_a_path_is_not() {
        let path = Some(OsStr::new("/a::/b"));
        assert_eq!(candidates(OsStr::new("sh"), path), ["/a/sh", "./sh", "/b/sh"]);
        assert_eq!(candidates(OsStr::new("./sh"), path), ["./sh"]);
        assert_eq!(candidates(OsStr::new("sh"), None), ["/bin/sh", "/usr/bin/sh"]);
    }

    #[test]
    fn what_may_not_be_executed_is_told_rather_than_what_is_not_there() {
        let mut verdict = Verdict::default();
        assert!(!verdict.ends_with(libc::EACCES));
        assert!(!verdict.ends_with(libc::ENOENT));
        assert_eq!(verdict.errno(), libc::EACCES);
        assert!(verdict.ends_with(libc::ENOEXEC));
    }
}
