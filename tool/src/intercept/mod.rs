//! Unmodified programs on the sockets of a lab: the supervisor behind their seccomp filter.

pub mod filter;
