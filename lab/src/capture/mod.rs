//! Captures: one pcapng file a host, with a comment on each packet that something happened to.
//!
//! ```text
//!   frame ──> hold ──(its fate, in order)──> cut as a wire would ──> blocks ──> the caller's file
//! ```
//!
//! The blocks are those of [`loggia_stack::link::pcapng`].
//!
//! - `captures`: the files
//! - `hold`: frames in order until what became of them is known; of those of which little is kept only that
//! - `piece`: what is seen: a frame, or one packet of a super-segment
//! - `run`: the packets of a super-segment as blocks
//! - `snap`: how much of each packet is kept
//! - `remarks`: fates in words
//!
//! Invariant: what is written is whole blocks; a file that cannot grow any more ends after a whole one.

mod captures;
mod hold;
mod piece;
pub mod remarks;
mod run;
mod snap;

pub use captures::Captures;
pub use hold::{Held, Place};
pub use piece::Piece;
pub use snap::Snap;
