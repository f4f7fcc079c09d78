//! How a trapped call fails: Linux's error number, from the stack or from the kernel.

use std::io;

use loggia_stack::Errno;

/// The error number a call is answered with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fault(pub(super) i32);

impl From<Errno> for Fault {
    fn from(errno: Errno) -> Self {
        Self(errno.number())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(libc::EIO))
    }
}

/// How a trapped call ends, if it does not fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    /// It returns this.
    Value(i64),
    /// It is not ours, or is the kernel's to do on our socket: it carries on.
    Native,
    /// It has to wait; it is kept with its socket.
    Waits,
    /// It was answered on the way.
    Given,
}

/// What a call comes to.
pub(super) type Outcome = Result<Answer, Fault>;

/// Success without a value.
pub(super) const DONE: Outcome = Ok(Answer::Value(0));
