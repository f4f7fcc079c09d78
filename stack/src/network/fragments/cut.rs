//! Cutting what is too big (RFC 791 §3.2, RFC 8200 §4.5). The pieces share the payload.

use alloc::vec::Vec;

use crate::base::{Frame, Rope};
use crate::network::ipv4::{self, options};
use crate::network::ipv6::{FRAGMENT_LEN, Fragment, HEADER_LEN};
use crate::network::protocol;

/// Cuts an IPv4 datagram's payload into fragments of at most `mtu` bytes. `header` is that of the whole, which may be a
/// fragment itself. None if not even eight bytes fit into one.
pub(crate) fn v4(header: &ipv4::Header, options: &[u8], payload: Rope, mtu: usize) -> Option<Vec<Frame>> {
    let room = room_in(mtu, header.len())?;
    let later = options::for_later_fragments(options);
    let fragments = pieces(payload.len(), room).map(|(offset, len, last)| {
        let fragment = ipv4::Header {
            total_len: (header.len() + len) as u16,
            offset: header.offset + offset as u16,
            more_fragments: header.more_fragments || !last,
            dont_fragment: false,
            ..*header
        };
        let mut frame = Frame::new(payload.slice(offset, len));
        fragment.emit(if offset == 0 { options } else { &later }, frame.push(header.len()));
        frame.l3_len = header.header_len.into();
        frame
    });
    Some(fragments.collect())
}

/// Cuts a whole IPv6 packet, whose first `per_fragment` bytes must be in every fragment, into fragments of at most `mtu` bytes.
pub(crate) fn v6(packet: &Frame, per_fragment: usize, ident: u32, mtu: usize) -> Option<Vec<Frame>> {
    let room = room_in(mtu, per_fragment + FRAGMENT_LEN)?;
    let mut headers = packet.rope(0, per_fragment).to_vec();
    let named_at = last_next_header(&headers);
    let next_header = core::mem::replace(&mut headers[named_at], protocol::FRAGMENT);
    let fragments = pieces(packet.len() - per_fragment, room).map(|(offset, len, last)| {
        let fragment = Fragment { next_header, offset: offset as u16, more: !last, ident };
        headers[4..6].copy_from_slice(&((per_fragment - HEADER_LEN + FRAGMENT_LEN + len) as u16).to_be_bytes());
        let mut body = Rope::from(&headers[HEADER_LEN..]);
        body.append(Rope::from(&fragment.emit()[..]));
        body.append(packet.rope(per_fragment + offset, len));
        let mut frame = Frame::new(body);
        frame.push(HEADER_LEN).copy_from_slice(&headers[..HEADER_LEN]);
        frame.l3_len = (per_fragment + FRAGMENT_LEN) as u16;
        frame
    });
    Some(fragments.collect())
}

/// Payload bytes that fit into one fragment: a multiple of eight.
fn room_in(mtu: usize, headers: usize) -> Option<usize> {
    let room = mtu.saturating_sub(headers) & !7;
    (room > 0).then_some(room)
}

/// (offset, length, whether it is the last) of each piece.
fn pieces(len: usize, room: usize) -> impl Iterator<Item = (usize, usize, bool)> {
    (0..len).step_by(room).map(move |offset| (offset, room.min(len - offset), offset + room >= len))
}

/// Where in the headers before the fragment header the field is that names what follows them.
fn last_next_header(headers: &[u8]) -> usize {
    let (mut named_at, mut at) = (6, HEADER_LEN);
    while let Some(&len) = headers.get(at + 1) {
        named_at = at;
        at += 8 * (usize::from(len) + 1);
    }
    named_at
}
