//! A link of a world: two ends and two directions.

use loggia_stack::base::Instant;

use super::host::HostId;
use super::switch::SwitchId;
use crate::link::Pipe;

/// What a link is plugged into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// An interface of a host.
    Host {
        /// Which host.
        host: HostId,
        /// Which of its interfaces.
        port: usize,
    },
    /// A port of a switch.
    Switch {
        /// Which switch.
        switch: SwitchId,
        /// Which of its ports.
        port: usize,
    },
}

/// A link of a world.
#[derive(Debug)]
pub struct Wire {
    /// Its name.
    pub name: String,
    /// What it is plugged into.
    pub ends: [End; 2],
    /// `pipes[0]` leads from `ends[0]` to `ends[1]`.
    pub(super) pipes: [Pipe; 2],
    pub(super) booked: [Instant; 2],
}

impl Wire {
    /// One direction: that from `ends[end]`.
    pub fn pipe(&self, end: usize) -> &Pipe {
        &self.pipes[end]
    }
}
