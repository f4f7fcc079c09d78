//! ICMP (RFC 792) and ICMPv6 (RFC 4443): questions answered, errors sent, errors understood.
//!
//! | file | what |
//! |---|---|
//! | `types` | types and codes; [`Problem`](types::Problem), what we say in both families |
//! | `echo` | echo and timestamp requests |
//! | `offending` | the packet an error is about, and whether it may be answered |
//! | `errors_out`, `limit` | errors we send, and how many |
//! | `errors_in`, `convert` | errors we are told, and what they mean to a socket |
//! | `on_link` | messages that ask no routing table: neighbour discovery, MLD |

pub mod convert;
mod echo;
mod errors_in;
mod errors_out;
mod limit;
pub(crate) mod offending;
mod on_link;
#[cfg(test)]
mod tests;
pub mod types;

use crate::base::{Checksum, Discard};

use super::ipv6::chain::{Position, skip};
use super::{Cast, Network, Packet, ipv6};
pub(crate) use limit::Limits;
use types::{v4, v6};

impl Network {
    /// An ICMP message for this host. Says whether it is fit to be seen by raw sockets.
    pub(super) fn icmp_receive(&mut self, packet: &Packet) -> bool {
        let sum_ok = || packet.frame.sum(packet.transport, packet.len, crate::base::Sum::new()).finish() == 0;
        let known_good = packet.frame.checksum != Checksum::Unknown;
        let Some((kind, code, rest)) = self.icmp_header(packet, known_good || sum_ok()) else { return false };
        // Linux: of what is sent to many, questions alone are looked at.
        let question = matches!(kind, v4::ECHO_REQUEST | v4::TIMESTAMP_REQUEST);
        if packet.cast != Cast::Unicast && !question {
            return true;
        }
        match kind {
            v4::ECHO_REQUEST => self.echo_requested(packet, rest),
            v4::ECHO_REPLY => self.links.base.counters.icmp.in_echo_reps += 1,
            v4::TIMESTAMP_REQUEST => self.timestamp_requested(packet, rest),
            v4::DEST_UNREACHABLE | v4::TIME_EXCEEDED | v4::PARAMETER_PROBLEM => self.error_received(packet, kind, code, rest),
            v4::REDIRECT => self.redirect_received(packet, code, rest),
            // RFC 6633 §3: source quenches are ignored; RFC 1122 §3.2.2.8, RFC 6918: and so are the deprecated questions.
            v4::SOURCE_QUENCH | 9 | 10 | v4::TIMESTAMP_REPLY..=18 => {}
            _ => self.links.base.discard(Some(packet.link), Discard::IcmpUnknownType, packet.len),
        }
        true
    }

    /// An ICMPv6 message for this host. Says whether it is fit to be seen by raw sockets.
    pub(super) fn icmpv6_receive(&mut self, packet: &Packet) -> bool {
        let Some((kind, code, rest)) = self.icmp_header(packet, packet.checksum_ok()) else { return false };
        match kind {
            0..=127 => self.error_received(packet, kind, code, rest),
            v6::ECHO_REQUEST => self.echo_requested(packet, rest),
            v6::ECHO_REPLY => self.links.base.counters.icmp.in_echo_reps += 1,
            130..=132 | 143 | 206 => self.mld_receive(packet),
            133..=137 => self.ndp_receive(packet),
            // RFC 4443 §2.4 (b): unknown informational messages are silently discarded.
            _ => self.links.base.discard(Some(packet.link), Discard::IcmpUnknownType, packet.len),
        }
        true
    }

    /// Type, code and the four bytes after the checksum.
    fn icmp_header(&mut self, packet: &Packet, sum_ok: bool) -> Option<(u8, u8, u32)> {
        let counters = &mut self.links.base.counters.icmp;
        counters.in_msgs += 1;
        let mut scratch = [0; 8];
        let header = packet.view(0, 8, &mut scratch).and_then(|header| <[u8; 8]>::try_from(header).ok());
        let reason = match header {
            Some([kind, code, _, _, rest @ ..]) if sum_ok => return Some((kind, code, u32::from_be_bytes(rest))),
            Some(_) => {
                counters.in_csum_errors += 1;
                Discard::IcmpChecksum
            }
            None => Discard::IcmpMalformed,
        };
        counters.in_errors += 1;
        self.links.base.discard(Some(packet.link), reason, packet.len);
        None
    }
}

/// Where in an IPv6 packet the field is that names its upper protocol; 0 for IPv4.
fn next_header_field(packet: &Packet) -> u32 {
    let header = packet.frame.read(packet.network).and_then(|bytes| ipv6::Header::parse(&bytes, usize::MAX).ok());
    let Some(header) = header else { return 0 };
    let first = Position::first(packet.network, header.next_header);
    let upper = skip(&packet.frame, first, packet.transport + packet.len);
    upper.map_or(0, |upper| (upper.named_at - packet.network) as u32)
}
