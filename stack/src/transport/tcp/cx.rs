//! What the machine of one connection works with besides the connection itself.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::fast_open::remembered::Remembered;
use super::held::Held;
use super::limits::Limits;
use super::options::TcpConfig;
use super::spare::Spare;
use crate::base::{Base, Instant, Key};
use crate::network::Network;

/// What all connections of a host have in common.
#[derive(Debug)]
pub(super) struct Common {
    /// The stack's settings.
    pub(super) config: TcpConfig,
    /// Limits on what we send in answer to what may be forged.
    pub(super) limits: Limits,
    /// Connections that could not send because a link was full.
    pub(super) blocked: VecDeque<Key>,
    /// Connections that acknowledge what came once all that came with it was looked at.
    pub(super) owing: Vec<Key>,
    /// Connections whose output waits.
    pub(super) held: Held,
    /// Boxes for queues.
    pub(super) spare: Spare,
    /// What servers told of Fast Open.
    pub(super) remembered: Remembered,
}

/// The surroundings of a connection while something happens to it.
pub(super) struct Cx<'a> {
    /// The layer below.
    pub(super) net: &'a mut Network,
    /// What all connections have.
    pub(super) common: &'a mut Common,
    /// The connection's own key.
    pub(super) id: Key,
}

impl Cx<'_> {
    pub(super) fn base(&mut self) -> &mut Base {
        &mut self.net.links.base
    }

    pub(super) fn now(&self) -> Instant {
        self.net.links.base.now
    }

    /// The present moment in milliseconds, as timestamps and ages count it.
    pub(super) fn now_ms(&self) -> u32 {
        self.now().millis() as u32
    }
}
