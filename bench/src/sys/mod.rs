//! What cannot be said without `unsafe`: an allocator that counts, and a word to valgrind.
#![allow(unsafe_code)]

mod allocator;
mod valgrind;

pub(crate) use allocator::{counts, is_counted};
pub(crate) use valgrind::{start_instrumentation, stop_instrumentation};
