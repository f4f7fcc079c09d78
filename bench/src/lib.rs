//! What the benchmark (`main.rs`) and the gate of counts share: two stacks joined in memory, crowds of connections, the counting heap.
//!
//! | module | what |
//! |---|---|
//! | [`site`] | what the link between two hosts is, and their addresses |
//! | [`pair`] | a client and a server of ours on one wire |
//! | [`crowd`] | very many connections between them |
//! | [`datagrams`] | datagrams between them, one at a time and in batches |
//! | [`alone`] | a host of ours that talks to itself |
//! | [`lab`] | a client and a server in a world in virtual time |
//! | [`syn`] | SYNs made by hand: half-open connections without a client |
//! | [`heap`] | what this thread allocated and holds |
//! | [`counts`] | fixed scenarios, whose instructions and allocations `counts.toml` keeps |
#![deny(unsafe_code)]

pub mod alone;
pub mod counts;
pub mod crowd;
pub mod datagrams;
pub mod heap;
pub mod lab;
pub mod pair;
pub mod site;
pub mod syn;
mod sys;

pub use sys::Batch;
