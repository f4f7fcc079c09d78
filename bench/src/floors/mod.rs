//! What nobody can be faster than, and the kernel.
//!
//! | file | what |
//! |---|---|
//! | `ring` | F1: every byte copied into a ring and out of it, in one thread |
//! | `two_threads` | F2: the same between two |
//! | `segments` | P1500: what segments of 1460 bytes cannot avoid |
//! | `futex` | two threads that wake each other |
//! | `kernel` | K: the kernel's loopback |
//! | `minimal` | a TCP that only acknowledges, for the TUN device |

pub(crate) mod futex;
pub(crate) mod kernel;
pub(crate) mod minimal;
pub(crate) mod ring;
pub(crate) mod segments;
pub(crate) mod two_threads;
