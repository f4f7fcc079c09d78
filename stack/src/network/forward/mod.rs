//! The router (RFC 1812, RFC 8200 §3): packets for others, if the settings say so. Joined frames are forwarded as they are; the link
//! layer cuts them again.
//!
//! What is never forwarded: what was sent to many on the link or in its header, link-local addresses (RFC 3927 §2.7,
//! RFC 4291 §2.5.6), what has no hops left.

mod redirect;
#[cfg(test)]
mod tests;
mod v4;
mod v6;

use crate::base::{Addr, Discard, Errno, Frame};
use crate::link::{Hop, Received};

use super::icmp::offending::Offending;
use super::icmp::types::Problem;
use super::routes::Next;
use super::{Cast, Network};

impl Network {
    /// Where a packet for another host goes; a packet that has no way is told of and gone.
    fn next_for_other(&mut self, received: &Received, src: Addr, dst: Addr) -> Option<(Next, Addr)> {
        match self.next_hop(dst, src, None) {
            Ok(next) => match next.hop {
                Hop::Neighbour(hop) if next.cast == Cast::Unicast && next.link != super::LOOPBACK => Some((next, hop)),
                _ => self.not_for_us(received),
            },
            Err(errno) => {
                self.links.base.counters.ip.in_no_routes += 1;
                if let Some(problem) = problem_of(errno) {
                    self.icmp_error(&about(received), problem);
                }
                self.drop_forward(received, Discard::IpNoRoute)
            }
        }
    }

    fn hops_ran_out<T>(&mut self, received: &Received) -> Option<T> {
        self.links.base.counters.ip.in_hdr_errors += 1;
        self.icmp_error(&about(received), Problem::HopLimit);
        self.drop_forward(received, Discard::IpHopLimit)
    }

    fn too_big_for<T>(&mut self, received: &Received, mtu: u32) -> Option<T> {
        self.links.base.counters.ip.frag_fails += 1;
        self.icmp_error(&about(received), Problem::TooBig { mtu });
        self.drop_forward(received, Discard::IpTooBig)
    }

    /// A packet for another host that we do not forward, without a word (RFC 1122 §3.2.1.3).
    fn not_for_us<T>(&mut self, received: &Received) -> Option<T> {
        self.links.base.counters.ip.in_addr_errors += 1;
        self.drop_forward(received, Discard::IpNotForUs)
    }

    fn drop_forward<T>(&mut self, received: &Received, reason: Discard) -> Option<T> {
        let len = received.frame.len().saturating_sub(received.network);
        self.links.base.discard(Some(received.link), reason, len);
        None
    }
}

/// A packet that is forwarded was sent to one host.
const fn about(received: &Received) -> Offending<'_> {
    Offending { link: received.link, frame: &received.frame, network: received.network, cast: Cast::Unicast }
}

/// What the sender is told when there is no way (RFC 1812 §5.2.7.1).
fn problem_of(errno: Errno) -> Option<Problem> {
    match errno {
        Errno::EHOSTUNREACH => Some(Problem::HostUnreachable),
        Errno::EACCES => Some(Problem::Prohibited),
        // A black hole says nothing.
        Errno::EINVAL => None,
        _ => Some(Problem::NoRoute),
    }
}

/// The packet alone: without the header of the link it came by, and without what follows it.
fn bare(received: Received, total: usize) -> Frame {
    let mut frame = received.frame;
    frame.pull(received.network);
    frame.truncate(total);
    frame.l2_len = 0;
    frame
}
