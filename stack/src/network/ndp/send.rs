//! From a message of neighbour discovery to a packet.

use crate::base::{Addr, LinkId};

use super::super::Network;
use super::Message;

impl Network {
    /// Sends a message with hop limit 255 (RFC 4861 §4). What cannot be sent now (a full queue, a link that is down) is lost:
    /// every message of this protocol is repeated or asked for again.
    pub(crate) fn send_ndp(&mut self, link: LinkId, src: Addr, dst: Addr, message: &Message) {
        let _ = self.send_icmpv6_on_link(link, src, dst, 255, None, &message.write());
    }
}
