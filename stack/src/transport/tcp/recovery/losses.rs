//! What a connection knows of the losses on its path. Most connections never suspect one and have no such box.

use alloc::boxed::Box;

use super::prr::Prr;
use super::rack::Reordering;
use super::tail_probe::TailProbe;
use super::undo::Undo;
use crate::transport::tcp::tcb::Tcb;

/// Made with the first suspicion and kept.
#[derive(Debug, Default)]
pub(in crate::transport::tcp) struct Losses {
    /// How much reordering the path has shown.
    pub(in crate::transport::tcp) reordering: Reordering,
    /// How fast recovery sends.
    pub(super) prr: Prr,
    /// What to go back to if it was a false alarm.
    pub(super) undo: Option<Undo>,
    /// The tail loss probe whose answer is awaited.
    pub(super) tail_probe: Option<TailProbe>,
    /// Whether the last timeout was spurious is not decided (RFC 5682).
    pub(super) doubting: bool,
    /// Bytes of data sent again since the connection began.
    pub(in crate::transport::tcp) resent_bytes: u64,
    /// Duplicates that the peer told of since then.
    pub(in crate::transport::tcp) duplicates: u32,
}

pub(super) fn of(tcb: &mut Tcb) -> &mut Losses {
    tcb.recovery.losses.get_or_insert_with(Box::default)
}
