//! The chain of extension headers (RFC 8200 §4): from the fixed header to whatever is above.

use crate::base::Frame;
use crate::network::protocol;

use super::options::{self, Place};
use super::{FRAGMENT_LEN, Fragment, HEADER_LEN};

/// How many extension headers a packet may have. RFC 8200 §4.1 recommends an order in which at most six occur.
const MAX_HEADERS: usize = 8;
/// Bytes of the longest extension header.
const MAX_LEN: usize = 8 * 256;

/// A place in the chain: the header that comes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// Its number.
    pub protocol: u8,
    /// Where in the frame it starts.
    pub at: usize,
    /// Where in the frame the field is that holds its number.
    pub named_at: usize,
}

impl Position {
    /// The start of the chain of the packet whose fixed header is at `network`.
    pub const fn first(network: usize, next_header: u8) -> Self {
        Self { protocol: next_header, at: network + HEADER_LEN, named_at: network + 6 }
    }
}

/// Why a chain is not followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// Discard without a word.
    Silent,
    /// The packet ends within the chain.
    Truncated,
    /// "Parameter problem", erroneous field (code 0) at this byte of the packet.
    Field {
        /// Counted from the fixed header.
        pointer: u32,
    },
    /// "Parameter problem", unrecognized next header (code 1) at this byte of the packet.
    NextHeader {
        /// Counted from the fixed header.
        pointer: u32,
    },
    /// "Parameter problem", unrecognized option (code 2) at this byte of the packet.
    UnknownOption {
        /// Counted from the fixed header.
        pointer: u32,
        /// Told even if the packet was sent to a group.
        even_multicast: bool,
    },
}

/// Where a walk ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// At a header that is not an extension header.
    Upper(Position),
    /// At a fragment header.
    Fragment(Position, Fragment),
}

/// Processes the hop-by-hop options, if the chain starts with them; gives what comes next and whether there was a router alert.
/// `end` is where the packet ends in the frame.
pub fn hop_by_hop(frame: &Frame, network: usize, first: Position, end: usize) -> Result<(Position, bool), Refusal> {
    if first.protocol != protocol::HOP_BY_HOP {
        return Ok((first, false));
    }
    let next = following(frame, first, end)?;
    let alert = check_options(frame, network, first, next.at, Place::HopByHop)?;
    Ok((next, alert))
}

/// Walks on from `from`, processing destination options and routing headers as the final destination does, as far as a
/// fragment header or something that is not an extension header.
pub fn walk(frame: &Frame, network: usize, from: Position, end: usize) -> Result<End, Refusal> {
    let mut place = from;
    for _ in 0..MAX_HEADERS {
        match place.protocol {
            protocol::DESTINATION => {
                let next = following(frame, place, end)?;
                check_options(frame, network, place, next.at, Place::Destination)?;
                place = next;
            }
            protocol::ROUTING => {
                let next = following(frame, place, end)?;
                check_routing(frame, network, place)?;
                place = next;
            }
            protocol::FRAGMENT => return fragment(frame, place, end).map(|header| End::Fragment(place, header)),
            // RFC 8200 §4.1: hop-by-hop options come first or not at all.
            protocol::HOP_BY_HOP => return Err(Refusal::NextHeader { pointer: (place.named_at - network) as u32 }),
            _ => return Ok(End::Upper(place)),
        }
    }
    Err(Refusal::Silent)
}

/// Finds the upper header without looking into the headers before it; none if the packet ends before or is a fragment that is
/// not the first. For quoted packets and for those we answer.
pub fn skip(frame: &Frame, first: Position, end: usize) -> Option<Position> {
    let mut place = first;
    for _ in 0..=MAX_HEADERS + 1 {
        match place.protocol {
            protocol::HOP_BY_HOP | protocol::DESTINATION | protocol::ROUTING => place = following(frame, place, end).ok()?,
            protocol::FRAGMENT => {
                let header = fragment(frame, place, end).ok()?;
                if header.offset != 0 {
                    return None;
                }
                place = Position { protocol: header.next_header, at: place.at + FRAGMENT_LEN, named_at: place.at };
            }
            _ => return Some(place),
        }
    }
    None
}

/// Bytes at the start of `headers` (whole extension headers, the first of number `first`) that must be in every fragment:
/// all up to the routing header, else the hop-by-hop options (RFC 8200 §4.5).
pub fn unfragmentable_len(headers: &[u8], first: u8) -> usize {
    let (mut number, mut at, mut per_fragment) = (first, 0, 0);
    while let (protocol::HOP_BY_HOP | protocol::DESTINATION | protocol::ROUTING, Some(len)) = (number, header_len(headers, at)) {
        if number != protocol::DESTINATION {
            per_fragment = at + len;
        }
        number = headers[at];
        at += len;
    }
    per_fragment
}

/// Where in `headers` (as for [`unfragmentable_len`]) the last one starts; none if they are not whole extension headers
/// that fill `headers`.
pub fn last_header(headers: &[u8], first: u8) -> Option<usize> {
    let (mut number, mut at) = (first, 0);
    loop {
        if !matches!(number, protocol::HOP_BY_HOP | protocol::DESTINATION | protocol::ROUTING) {
            return None;
        }
        let len = header_len(headers, at)?;
        if at + len == headers.len() {
            return Some(at);
        }
        number = headers[at];
        at += len;
    }
}

fn header_len(headers: &[u8], at: usize) -> Option<usize> {
    let len = 8 * (usize::from(*headers.get(at + 1)?) + 1);
    (at + len <= headers.len()).then_some(len)
}

/// The header after the extension header at `place`.
fn following(frame: &Frame, place: Position, end: usize) -> Result<Position, Refusal> {
    let [protocol, len] = frame.read::<2>(place.at).ok_or(Refusal::Truncated)?;
    let at = place.at + 8 * (usize::from(len) + 1);
    if at > end { Err(Refusal::Truncated) } else { Ok(Position { protocol, at, named_at: place.at }) }
}

fn fragment(frame: &Frame, place: Position, end: usize) -> Result<Fragment, Refusal> {
    if place.at + FRAGMENT_LEN > end {
        return Err(Refusal::Truncated);
    }
    frame.read(place.at).map(Fragment::parse).ok_or(Refusal::Truncated)
}

fn check_options(frame: &Frame, network: usize, place: Position, end: usize, kind: Place) -> Result<bool, Refusal> {
    let mut scratch = [0; MAX_LEN];
    let header = frame.view(place.at, end - place.at, &mut scratch).ok_or(Refusal::Truncated)?;
    options::check(header, place.at - network, kind)
}

/// No routing type is known to us. RFC 8200 §4.4: without segments left the header is passed over, else the packet is refused;
/// RFC 5095 demands the same of type 0.
fn check_routing(frame: &Frame, network: usize, place: Position) -> Result<(), Refusal> {
    let [_, segments_left] = frame.read::<2>(place.at + 2).ok_or(Refusal::Truncated)?;
    if segments_left == 0 { Ok(()) } else { Err(Refusal::Field { pointer: (place.at + 2 - network) as u32 }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;
    use alloc::vec::Vec;

    const PAD: [u8; 6] = [1, 4, 0, 0, 0, 0];

    fn extension(next: u8, content: [u8; 6]) -> Vec<u8> {
        let mut bytes = alloc::vec![next, 0];
        bytes.extend(content);
        bytes
    }

    fn walk_all(first: u8, headers: &[Vec<u8>]) -> Result<End, Refusal> {
        let mut bytes = alloc::vec![0; HEADER_LEN];
        bytes[6] = first;
        headers.iter().for_each(|header| bytes.extend(header));
        let frame = Frame::from(&bytes[..]);
        let (from, _) = hop_by_hop(&frame, 0, Position::first(0, first), bytes.len())?;
        walk(&frame, 0, from, bytes.len())
    }

    #[allow(clippy::unnecessary_wraps)]
    fn upper(protocol: u8, at: usize, named_at: usize) -> Result<End, Refusal> {
        Ok(End::Upper(Position { protocol, at, named_at }))
    }

    #[test]
    fn the_recommended_order_is_walked_to_the_upper_header() {
        let (dest, routing) = (protocol::DESTINATION, protocol::ROUTING);
        let chain = [extension(dest, PAD), extension(routing, PAD), extension(dest, [0; 6]), extension(protocol::UDP, PAD)];
        assert_eq!(walk_all(protocol::HOP_BY_HOP, &chain), upper(protocol::UDP, 72, 64));
        assert_eq!(walk_all(protocol::TCP, &[]), upper(protocol::TCP, 40, 6));
        assert_eq!(walk_all(protocol::NO_NEXT, &[]), upper(protocol::NO_NEXT, 40, 6));
    }

    #[test]
    fn hop_by_hop_options_come_first_or_not_at_all() {
        // RFC 8200 §4.1
        let chain = [extension(protocol::HOP_BY_HOP, PAD), extension(protocol::UDP, PAD)];
        assert_eq!(walk_all(protocol::DESTINATION, &chain), Err(Refusal::NextHeader { pointer: 40 }));
    }

    #[test]
    fn a_routing_header_with_segments_left_is_refused_at_its_type() {
        // RFC 5095 §3, RFC 8200 §4.4
        for kind in [0, 2, 77] {
            let left = [extension(protocol::UDP, [kind, 1, 0, 0, 0, 0])];
            assert_eq!(walk_all(protocol::ROUTING, &left), Err(Refusal::Field { pointer: 42 }));
            let none_left = [extension(protocol::UDP, [kind, 0, 0, 0, 0, 0])];
            assert_eq!(walk_all(protocol::ROUTING, &none_left), upper(protocol::UDP, 48, 40));
        }
    }

    #[test]
    fn a_walk_stops_at_a_fragment_header() {
        let chain = [extension(protocol::FRAGMENT, PAD), extension(protocol::UDP, [0, 9, 0, 0, 0, 7])];
        let header = Fragment { next_header: protocol::UDP, offset: 8, more: true, ident: 7 };
        let place = Position { protocol: protocol::FRAGMENT, at: 48, named_at: 40 };
        assert_eq!(walk_all(protocol::DESTINATION, &chain), Ok(End::Fragment(place, header)));
    }

    #[test]
    fn the_chain_is_bounded() {
        let chain: Vec<_> = (0..60).map(|_| extension(protocol::DESTINATION, PAD)).collect();
        assert_eq!(walk_all(protocol::DESTINATION, &chain), Err(Refusal::Silent));
        assert_eq!(walk_all(protocol::DESTINATION, &[alloc::vec![17, 1, 1, 4, 0, 0, 0, 0]]), Err(Refusal::Truncated));
    }

    #[test]
    fn what_must_be_in_every_fragment_ends_with_the_routing_header() {
        let (hop, dest, routing) = (protocol::HOP_BY_HOP, protocol::DESTINATION, protocol::ROUTING);
        let headers = |numbers: &[u8]| numbers.iter().flat_map(|&next| extension(next, PAD)).collect::<Vec<_>>();
        assert_eq!(unfragmentable_len(&headers(&[dest, routing, dest, 17]), hop), 24);
        assert_eq!(unfragmentable_len(&headers(&[dest, 17]), hop), 8);
        assert_eq!(unfragmentable_len(&headers(&[17]), dest), 0);
        assert_eq!(last_header(&headers(&[dest, 17]), hop), Some(8));
        assert_eq!(last_header(&headers(&[dest, 17])[..12], hop), None);
        assert_eq!(last_header(&headers(&[6, 17]), hop), None, "what follows 6 is no extension header");
    }

    #[test]
    fn random_bytes_are_walked_without_harm() {
        let numbers = [0, 43, 44, 60, 60, 17];
        for seed in 0..20_000u64 {
            let mut entropy = Entropy::new(seed.into());
            let mut bytes = [0; 200];
            entropy.fill(&mut bytes);
            for at in (HEADER_LEN..200).step_by(8) {
                bytes[at] = numbers[entropy.below(6) as usize];
                bytes[at + 1] &= 1;
            }
            let first = Position::first(0, numbers[entropy.below(6) as usize]);
            let end = HEADER_LEN + entropy.below(161) as usize;
            let frame = Frame::from(&bytes[..end]);
            if let Ok((from, _)) = hop_by_hop(&frame, 0, first, end)
                && let Ok(End::Upper(place) | End::Fragment(place, _)) = walk(&frame, 0, from, end)
            {
                assert!(place.at <= end && place.named_at < place.at, "seed {seed}");
            }
            skip(&frame, first, end);
            unfragmentable_len(&bytes[HEADER_LEN..end], first.protocol);
        }
    }
}
