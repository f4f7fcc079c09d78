//! Datagrams that follow one another and come together: each is looked at as [`trail`](super::trail) says, and what is short is copied to those before
//! it. Links, counters, budget and reader are told once of all.

use super::trail::Trail;
use super::{Udp, base};
use crate::base::event::class;
use crate::base::{Frame, LinkId};
use crate::network::Network;

impl Udp {
    /// Receives what comes by a link together, as long as it follows a datagram: as [`Udp::follow`] does each, unless somebody wants to hear of each.
    /// Gives the first frame that was not received.
    #[inline(never)]
    pub fn follow_many(
        &mut self,
        net: &mut Network,
        link: LinkId,
        first: Frame,
        frames: &mut impl Iterator<Item = Frame>,
    ) -> Option<Frame> {
        let Self { sockets, trail: Some(trail), .. } = self else { return Some(first) };
        let Trail { id, frame_len, link_len, .. } = **trail;
        let endpoint = &mut sockets[id].endpoint;
        let is_open = trail.arrived == endpoint.queue.arrived() && trail.is_open(net, link) && net.links.is_up(link);
        let base = base(net);
        if !is_open || base.events.wanted(class::FRAMES | class::SEGMENTS) {
            return Some(first);
        }
        let mut next = Some(first);
        let count =
            endpoint.queue.gather(&mut base.budget, endpoint.options.rcvbuf, base.now, trail.payload_len(), |gathering| {
                while let Some(frame) = &next
                    && gathering.has_room()
                    && let Some(payload) = trail.payload(frame)
                {
                    gathering.take_in(payload);
                    next = frames.next();
                }
            });
        if count > 0 {
            trail.arrived = endpoint.queue.arrived();
            base.counters.udp.in_datagrams += count as u64;
            endpoint.notify(base);
            net.counts_in_many(link, count, frame_len, link_len, next.is_some());
        }
        next
    }
}
