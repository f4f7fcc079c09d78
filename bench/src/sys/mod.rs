//! What cannot be said without `unsafe`: an allocator that counts, a word to valgrind, and several datagrams in a call.
#![allow(unsafe_code)]

mod allocator;
mod messages;
mod valgrind;

pub(crate) use allocator::{counts, is_counted};
pub use messages::Batch;
pub(crate) use valgrind::{start_instrumentation, stop_instrumentation};
