//! IPv6 fragments in (RFC 8200 §4.5, RFC 5722, RFC 7112).

use bytes::Bytes;

use crate::base::{Discard, Frame, Key, Rope};
use crate::network::icmp::offending::Offending;
use crate::network::icmp::types::Problem;
use crate::network::ipv6::chain::{self, Position};
use crate::network::ipv6::{FRAGMENT_LEN, Fragment, HEADER_LEN};
use crate::network::{Network, Packet, protocol};

use super::table::{First, Identity};

/// Headers up to this length go into the head of the frame of the whole packet.
const HEAD_ROOM: usize = 100;

impl Network {
    /// Takes a fragment whose fragment header is at `place`; gives the whole packet, and where in it the walk through the
    /// headers goes on, if it was the last that was missing.
    pub(crate) fn reassemble_v6(&mut self, packet: Packet, place: Position, fragment: Fragment) -> Option<(Packet, Position)> {
        self.links.base.counters.ip.reasm_reqds += 1;
        let len = packet.len - FRAGMENT_LEN;
        if let Err(problem) = check(&packet, place, fragment, len) {
            if let Some(problem) = problem {
                self.icmp_error(&Offending::of(&packet), problem);
            }
            return self.refuse_fragment(&packet, Discard::FragmentMalformed);
        }
        let one_link = packet.dst.is_multicast() || packet.dst.is_link_local();
        let link = one_link.then_some(packet.link);
        let identity = Identity { src: packet.src, dst: packet.dst, ident: fragment.ident, protocol: 0, link };
        let Some(key) = self.datagram_of(identity, packet.link, packet.cast, len) else {
            return self.refuse_fragment(&packet, Discard::FragmentLimit);
        };
        if self.fragments.get_mut(key).is_some_and(|waiting| waiting.poisoned) {
            return self.refuse_fragment(&packet, Discard::FragmentOverlap);
        }
        let data = self.keep_first_v6(key, &packet, place, fragment);
        let waiting = self.fragments.get_mut(key)?;
        let added = waiting.datagram.add(fragment.offset.into(), data, fragment.more, packet.traffic_class);
        self.recharge(key);
        match added {
            super::datagram::Added::Complete => self.whole_v6(key, packet),
            added => self.not_whole(key, &packet, added),
        }
    }

    fn keep_first_v6(&mut self, key: Key, packet: &Packet, place: Position, fragment: Fragment) -> Bytes {
        let header_len = place.at - packet.network;
        let data_at = header_len + FRAGMENT_LEN;
        if fragment.offset != 0 {
            return Bytes::from(packet.payload(FRAGMENT_LEN).to_vec());
        }
        let whole = Bytes::from(packet.frame.rope(packet.network, header_len + packet.len).to_vec());
        let data = whole.slice(data_at..);
        if let Some(waiting) = self.fragments.get_mut(key) {
            let next = (fragment.next_header, place.named_at - packet.network);
            waiting.first.get_or_insert(First { packet: whole, header_len, next });
        }
        data
    }

    fn whole_v6(&mut self, key: Key, last: Packet) -> Option<(Packet, Position)> {
        let waiting = self.finish(key)?;
        let first = waiting.first?;
        let mut headers = alloc::vec::Vec::from(first.packet.get(..first.header_len)?);
        let traffic_class = headers[0] << 4 | headers[1] >> 4;
        let Some(ecn) = waiting.datagram.ecn(traffic_class) else {
            return self.refuse_fragment(&last, Discard::FragmentMalformed);
        };
        let payload = waiting.datagram.into_payload();
        let len = payload.len();
        let Ok(payload_len) = u16::try_from(headers.len() - HEADER_LEN + len) else {
            return self.refuse_fragment(&last, Discard::FragmentMalformed);
        };
        let (next_header, named_at) = first.next;
        headers[1] = headers[1] & !0x30 | ecn << 4;
        headers[4..6].copy_from_slice(&payload_len.to_be_bytes());
        headers[named_at] = next_header;
        let traffic_class = traffic_class & !3 | ecn;
        let (transport, hop_limit) = (headers.len(), headers[7]);
        let frame = join(&headers, payload);
        self.links.base.counters.ip.reasm_oks += 1;
        let packet = Packet { frame, network: 0, transport, len, traffic_class, hop_limit, ..last };
        Some((packet, Position { protocol: next_header, at: transport, named_at }))
    }
}

fn join(headers: &[u8], payload: Rope) -> Frame {
    let mut frame = if headers.len() <= HEAD_ROOM {
        let mut frame = Frame::new(payload);
        frame.push(headers.len()).copy_from_slice(headers);
        frame
    } else {
        let mut whole = Rope::from(headers);
        whole.append(payload);
        Frame::new(whole)
    };
    frame.l3_len = headers.len() as u16;
    frame
}

/// What RFC 8200 §4.5 and RFC 7112 §5 ask of a single fragment; `len` bytes of data are in it.
fn check(packet: &Packet, place: Position, fragment: Fragment, len: usize) -> Result<(), Option<Problem>> {
    let header_len = place.at - packet.network;
    if len == 0 {
        return Err(None);
    }
    if fragment.more && !len.is_multiple_of(8) {
        return Err(Some(Problem::Parameter { code: 0, pointer: 4 }));
    }
    if header_len - HEADER_LEN + usize::from(fragment.offset) + len > 65535 {
        return Err(Some(Problem::Parameter { code: 0, pointer: header_len as u32 + 2 }));
    }
    if fragment.offset == 0 && !has_whole_chain(packet, place, fragment) {
        return Err(Some(Problem::Parameter { code: 3, pointer: 0 }));
    }
    Ok(())
}

/// RFC 7112 §5: the first fragment holds all headers, the upper one among them.
fn has_whole_chain(packet: &Packet, place: Position, fragment: Fragment) -> bool {
    let end = packet.transport + packet.len;
    let from = Position { protocol: fragment.next_header, at: place.at + FRAGMENT_LEN, named_at: place.at };
    chain::skip(&packet.frame, from, end).is_some_and(|upper| {
        let header_len = match upper.protocol {
            protocol::TCP => 20,
            protocol::UDP | protocol::ICMPV6 => 8,
            protocol::NO_NEXT => 0,
            _ => 1,
        };
        upper.at + header_len <= end
    })
}
