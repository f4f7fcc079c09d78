//! Loggia's stack as packetdrill sees a stack: a shared library with socket calls, a device and a clock.
//!
//! packetdrill (GPL-2.0) is not part of this repository; it loads this library with `--so_filename`. What it asks for comes in by
//! [`sys`], the C interface; below that there is no `unsafe`.
//!
//! | file | what |
//! |---|---|
//! | [`setup`] | what `--so_flags` says: addresses, MTU, where the system's settings lie |
//! | [`host`] | the stack, its link, its virtual clock, the packets that left |
//! | [`settings`] | `net.ipv4.tcp_*` from files, as the stack's configuration |
//! | [`machine`] | the host under a lock: calls that wait, time that passes |
//! | [`descriptors`] | descriptors and what they stand for |
//! | [`stream`] | calls that move data |
//! | [`readiness`] | `poll` and `epoll` |
//! | [`transfer`] | `splice` and `sendfile` |
//!
//! Time is virtual. It moves by a microsecond each time somebody looks at it, by `usleep`, and, while somebody waits for a packet, to
//! whatever happens next. A call that has to wait, waits on a thread of its own; as soon as it can be answered, time stands still until
//! it has left the stack, so that it ends at the moment at which it was woken.

pub mod descriptors;
pub mod host;
pub mod machine;
pub mod readiness;
pub mod settings;
pub mod setup;
pub mod stream;
pub mod sys;
pub mod transfer;

pub use machine::Machine;
pub use setup::Setup;
