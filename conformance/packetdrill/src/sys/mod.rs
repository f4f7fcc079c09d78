//! The C interface and the kernel's own descriptors: the only place with `unsafe`.
//!
//! | file | what |
//! |---|---|
//! | [`table`] | the function that packetdrill calls, and the table it fills |
//! | [`preload`] | calls of the C library that packetdrill makes past the table |
//! | [`memory`] | a caller's pointers as slices |
//! | [`layout`] | structures of the C library, byte by byte |
//! | [`kernel`] | real descriptors |
//!
//! A panic in a function that C calls ends the process: Rust does that for every `extern "C"` function.
#![allow(unsafe_code)]

pub mod kernel;
pub mod layout;
mod memory;
pub mod preload;
pub mod table;
