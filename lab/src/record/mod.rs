//! The record of a run: what happened, told by a [`Recorder`] and read back by [`read`](fn@read).
//!
//! ```text
//!   World ──frames, fates, events, notes──> Recorder ──> hosts/NAME/eth0.pcapng
//!                                              │ entries
//!                                              ├──> events.jsonl ──> read ──> Run ──> views
//!                                              ├──> connections, metrics ──> metrics.json
//!                                              └──> memory
//! ```
//!
//! - `entry`, `end`, `name`: a line of `events.jsonl`, and what it is made of
//! - `dissect`: the headers of a frame
//! - `trail`: one number for a packet wherever it is seen
//! - `connections`: which TCP connections there are; `failure`: how one ended, if not in order
//! - `recorder`: the observer, `recorder/together` for packets that travel together; `tell`: events of stacks as entries
//! - `read`: a folder read back
//! - `folder`, `sink`, `reserve`: where it is written, how writing ends, and room for that
//!
//! Invariants: an entry is written when it happens, in order; nothing that cannot be written stops a run.

mod connections;
pub mod dissect;
mod end;
mod entry;
mod failure;
mod folder;
mod name;
mod read;
mod recorder;
mod reserve;
mod sink;
mod sockets;
mod tell;
mod trail;

pub use crate::capture::Snap;
pub use connections::{Connection, Connections, Part, Segment, Side, Which};
pub use end::{End, Flags};
pub use entry::{Dir, Entry, Fact, Fate, Packet, Transfer, Word};
pub use failure::Failure;
pub use folder::{Disk, Folder, Memory, Output};
pub use name::Name;
pub use read::{NoRun, Run, entries, read};
pub use recorder::{Options, Recorder};
pub use sink::Sink;
