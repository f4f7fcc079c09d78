//! Neighbour discovery messages (RFC 4861).

use crate::base::{Addr, LinkId};
use crate::link::Mac;

use super::{Network, Packet};

#[allow(unused_variables, clippy::unused_self, clippy::needless_pass_by_ref_mut)]
impl Network {
    /// An ICMPv6 message of type 133-137; checksum verified, nothing else.
    pub(crate) fn ndp_receive(&mut self, packet: &Packet) {}
    /// Asks for a neighbour's link address.
    pub(crate) fn send_solicitation(&mut self, link: LinkId, target: Addr, unicast: Option<Mac>) {}
}
