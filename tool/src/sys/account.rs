//! Users and groups by name.

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::mem;
use std::os::unix::ffi::OsStringExt as _;
use std::ptr;

/// A user as the system knows him.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// His name.
    pub name: OsString,
    /// User identifier.
    pub uid: u32,
    /// Main group.
    pub gid: u32,
    /// All groups, the main one among them.
    pub groups: Vec<u32>,
    /// Home directory.
    pub home: OsString,
}

/// The user of this name; `None` if there is none.
pub fn find(name: &CStr) -> io::Result<Option<Account>> {
    let mut strings = vec![0u8; 16 * 1024];
    // SAFETY: a structure of integers and pointers, for which all zeros is a value.
    let mut entry: libc::passwd = unsafe { mem::zeroed() };
    let mut found = ptr::null_mut();
    // SAFETY: all pointers are live, the length is the vector's.
    let errno =
        unsafe { libc::getpwnam_r(name.as_ptr(), &raw mut entry, strings.as_mut_ptr().cast(), strings.len(), &raw mut found) };
    match (errno, found.is_null()) {
        (0 | libc::ENOENT | libc::ESRCH, true) => Ok(None),
        (0, false) => {
            // SAFETY: the call has succeeded, so the entry's pointers are to strings within `strings`, which is alive.
            let text = |text: *const libc::c_char| OsString::from_vec(unsafe { CStr::from_ptr(text) }.to_bytes().to_vec());
            let (name, home) = (text(entry.pw_name), text(entry.pw_dir));
            Ok(Some(Account { name, uid: entry.pw_uid, gid: entry.pw_gid, groups: groups(&entry), home }))
        }
        (errno, _) => Err(io::Error::from_raw_os_error(errno)),
    }
}

fn groups(entry: &libc::passwd) -> Vec<u32> {
    // SAFETY: the entry's name is a live string (see `find`).
    let name = CString::from(unsafe { CStr::from_ptr(entry.pw_name) });
    let mut groups = vec![0; 256];
    let mut count = groups.len() as i32;
    // SAFETY: the pointer and count are those of a live vector.
    let returned = unsafe { libc::getgrouplist(name.as_ptr(), entry.pw_gid, groups.as_mut_ptr(), &raw mut count) };
    groups.truncate(if returned < 0 { 256 } else { count as usize });
    groups
}
