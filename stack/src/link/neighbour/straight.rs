//! A neighbour to whom packets just go: what `resolve` comes to for them, and `learn` for what their senders know, in one go.

use super::super::Mac;
use super::{NeighbourState, Table, Times};
use crate::base::{Addr, Base, LinkId};

/// What whoever sends a packet knows of the neighbour it goes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// It hears us: what was sent before arrived (RFC 4861 §7.3.1).
    Made,
    /// Nothing.
    Unknown,
}

impl Table {
    /// The link address of a neighbour that is REACHABLE or was set by the user: a packet goes there at once, and changes nothing but when the neighbour
    /// was used and, with [progress](Progress::Made), until when it is REACHABLE. None of any other.
    pub(in super::super) fn just_sent_to(
        &mut self,
        base: &mut Base,
        times: &mut Times,
        (link, addr): (LinkId, Addr),
        progress: Progress,
    ) -> Option<Mac> {
        let key = self.find_again(link, addr)?;
        self.touch(key);
        let entry = self.get_mut(key);
        match entry.state(base.now) {
            NeighbourState::Permanent => {}
            NeighbourState::Reachable if progress == Progress::Unknown => {}
            NeighbourState::Reachable => entry.until = base.now + times.reachable(base.now, &mut base.entropy),
            _ => return None,
        }
        entry.mac
    }
}
