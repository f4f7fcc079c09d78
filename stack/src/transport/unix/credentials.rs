//! Who stands behind a socket: process, user and group, as the program around the stack says.

/// `struct ucred`. The core knows no processes: whoever opens a socket says whose it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Credentials {
    /// Process.
    pub pid: i32,
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Credentials {
    /// What `SCM_CREDENTIALS` tells of a message that was sent while neither end asked for credentials: no process and
    /// Linux's overflow user and group.
    pub const OVERFLOW: Self = Self { pid: 0, uid: 65534, gid: 65534 };
    /// What `SO_PEERCRED` tells where there is no peer: no process and the numbers -1.
    pub const NONE: Self = Self { pid: 0, uid: u32::MAX, gid: u32::MAX };
}
