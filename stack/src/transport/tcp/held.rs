//! Output that waits for what a program is about to write: else the acknowledgement of all that was sent sets free the last little of it, which
//! Nagle's rule held back, as a segment of its own a moment before the next write would have taken it along.

use alloc::vec::Vec;
use core::mem;

use super::Tcp;
use super::cx::Cx;
use super::output::{self, Push};
use super::tcb::Tcb;
use crate::base::Key;
use crate::network::Network;

/// Connections that have something to say and wait with it.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Those that have something to say now join them.
    holds: bool,
    waiting: Vec<Key>,
}

/// True if this connection is to wait with what it has to say. What is to be acknowledged now is: a peer counts duplicates (RFC 5681 §3.2) and
/// marks, and who answers the last FIN is gone afterwards.
#[inline]
pub(super) fn holds(tcb: &Tcb, cx: &mut Cx<'_>) -> bool {
    cx.common.held.holds && !tcb.rcv.ack_now && wait(cx)
}

/// What comes for one connection comes mostly in a row; one that stands there twice finds nothing to say the second time.
#[cold]
#[inline(never)]
fn wait(Cx { common, id, .. }: &mut Cx<'_>) -> bool {
    let waiting = &mut common.held.waiting;
    if waiting.last() != Some(id) {
        waiting.push(*id);
    }
    true
}

impl Tcp {
    /// From now on connections wait with what they have to say (`true`), or not any longer. Those that wait do so until [`Tcp::release_held`].
    pub fn hold_output(&mut self, holds: bool) {
        self.common.held.holds = holds;
    }

    /// Those that wait say what there is to say now, and nobody waits any longer.
    pub fn release_held(&mut self, net: &mut Network) {
        self.common.held.holds = false;
        let mut waiting = mem::take(&mut self.common.held.waiting);
        for id in waiting.drain(..) {
            // What was written meanwhile took it along, or the connection is gone or over.
            if let Some((tcb, mut cx)) = self.with(net, id)
                && !tcb.is_over()
            {
                output::run(tcb, &mut cx, Push::Normal);
                self.settle(net, id);
            }
        }
        self.common.held.waiting = waiting;
    }
}
