//! IPv4 fragments in (RFC 791 §3.2, RFC 815).

use bytes::Bytes;

use crate::base::{Discard, Frame, Key};
use crate::network::ipv4::{self, Header};
use crate::network::{Network, Packet};

use super::datagram::Added;
use super::table::{First, Identity};

impl Network {
    /// Takes a fragment; gives the whole packet if it was the last that was missing.
    pub(crate) fn reassemble_v4(&mut self, packet: Packet, header: &Header) -> Option<Packet> {
        self.links.base.counters.ip.reasm_reqds += 1;
        let Some(len) = usable_len(&packet, header) else { return self.refuse_fragment(&packet, Discard::FragmentMalformed) };
        let protocol = packet.protocol;
        let identity = Identity { src: packet.src, dst: packet.dst, ident: header.ident.into(), protocol, link: None };
        let Some(key) = self.datagram_of(identity, packet.link, packet.cast, len) else {
            return self.refuse_fragment(&packet, Discard::FragmentLimit);
        };
        let data = self.keep_first_v4(key, &packet, header, len);
        let waiting = self.fragments.get_mut(key)?;
        let added = waiting.datagram.add(header.offset.into(), data, header.more_fragments, header.traffic_class);
        self.recharge(key);
        match added {
            Added::Complete => self.whole_v4(key, packet),
            added => self.not_whole(key, &packet, added),
        }
    }

    /// The data of a fragment, copied: a few bytes must not hold a device's whole buffer. That of the first comes with its header.
    fn keep_first_v4(&mut self, key: Key, packet: &Packet, header: &Header, len: usize) -> Bytes {
        if header.offset != 0 {
            return Bytes::from(packet.frame.rope(packet.transport, len).to_vec());
        }
        let whole = Bytes::from(packet.frame.rope(packet.network, header.len() + len).to_vec());
        let data = whole.slice(header.len()..);
        if let Some(waiting) = self.fragments.get_mut(key) {
            waiting.first.get_or_insert(First { packet: whole, header_len: header.len(), next: (header.protocol, 9) });
        }
        data
    }

    fn whole_v4(&mut self, key: Key, last: Packet) -> Option<Packet> {
        let waiting = self.finish(key)?;
        let first = waiting.first?;
        let header = Header::parse(first.packet.get(..ipv4::HEADER_LEN)?.try_into().ok()?, usize::MAX).ok()?;
        let options = first.packet.get(ipv4::HEADER_LEN..first.header_len)?;
        let Some(ecn) = waiting.datagram.ecn(header.traffic_class) else {
            return self.refuse_fragment(&last, Discard::FragmentMalformed);
        };
        let payload = waiting.datagram.into_payload();
        let len = payload.len();
        if header.len() + len > 65535 {
            return self.refuse_fragment(&last, Discard::FragmentMalformed);
        }
        let total_len = (header.len() + len) as u16;
        let traffic_class = header.traffic_class & !3 | ecn;
        let header = Header { total_len, traffic_class, more_fragments: false, ..header };
        let mut frame = Frame::new(payload);
        header.emit(options, frame.push(header.len()));
        frame.l3_len = header.header_len.into();
        self.links.base.counters.ip.reasm_oks += 1;
        Some(Packet { frame, network: 0, transport: header.len(), len, traffic_class, hop_limit: header.ttl, ..last })
    }

    /// The fragment was not the last that was missing, or should not have come.
    pub(super) fn not_whole<T>(&mut self, key: Key, packet: &Packet, added: Added) -> Option<T> {
        let reason = match added {
            Added::Pending | Added::Complete | Added::Duplicate => return None,
            Added::Overlap => {
                self.links.base.counters.ip.reasm_overlaps += 1;
                Discard::FragmentOverlap
            }
            Added::Contradiction => Discard::FragmentMalformed,
            Added::TooMany => Discard::FragmentLimit,
        };
        // RFC 8200 §4.5: also the fragments not yet received. IPv4's idents come again too soon for that.
        if added == Added::Overlap && !packet.src.is_v4() {
            self.links.base.counters.ip.reasm_fails += 1;
            self.links.base.discard(Some(packet.link), reason, packet.len);
            self.poison(key);
        } else {
            self.give_up(key, reason);
        }
        None
    }

    pub(super) fn refuse_fragment<T>(&mut self, packet: &Packet, reason: Discard) -> Option<T> {
        self.links.base.counters.ip.reasm_fails += 1;
        self.links.base.discard(Some(packet.link), reason, packet.len);
        None
    }
}

/// Bytes of data that a fragment brings: a multiple of eight unless it is the last (Linux cuts the rest off), at least one, and not
/// beyond the largest packet.
fn usable_len(packet: &Packet, header: &Header) -> Option<usize> {
    let len = if header.more_fragments { packet.len & !7 } else { packet.len };
    (len > 0 && usize::from(header.offset) + len + header.len() <= 65535).then_some(len)
}
