//! Telling neighbours of better first hops (RFC 1812 §5.2.7.2, RFC 4861 §8.2).

use crate::base::Addr;
use crate::link::Received;
use crate::network::Network;
use crate::network::ndp::Message;

use super::about;

/// RFC 4861 §8.2: no longer than the IPv6 minimum MTU; the header, the message and its options take 120 of it.
const MAX_QUOTED_V6: usize = 1280 - 120;

impl Network {
    /// The packet leaves by the link it came by: a sender on that link could have asked `hop` itself. Not too often.
    pub(super) fn tell_better_hop(&mut self, received: &Received, src: Addr, dst: Addr, hop: Addr) {
        if hop == src || !self.is_neighbour(src, received) {
            return;
        }
        if src.is_v4() {
            if self.config.ipv4.send_redirects {
                self.icmp_redirect(&about(received), hop);
            }
        } else if hop == dst || hop.is_link_local() {
            self.ndp_redirect(received, src, dst, hop);
        }
    }

    fn is_neighbour(&self, src: Addr, received: &Received) -> bool {
        !src.is_v4() && src.is_link_local() || self.is_on_link(src, received.link)
    }

    fn ndp_redirect(&mut self, received: &Received, src: Addr, dst: Addr, hop: Addr) {
        let Some(own) = self.addresses.link_local(received.link) else { return };
        if !self.redirect_allowed(src) {
            return;
        }
        let len = (received.frame.len() - received.network).min(MAX_QUOTED_V6);
        let quoted = received.frame.rope(received.network, len).to_vec();
        self.links.base.counters.icmp.out_redirects += 1;
        self.send_ndp(received.link, own, src, &Message::Redirect { target: hop, destination: dst, target_mac: None, quoted });
    }
}
