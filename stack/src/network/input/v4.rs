//! IPv4 in.

use crate::base::checksum::checksum;
use crate::base::{Discard, Frame, Sum};
use crate::link::Received;
use crate::network::icmp::offending::wider;
use crate::network::icmp::types::Problem;
use crate::network::ipv4::options::{self, Options};
use crate::network::ipv4::{self, Header, MAX_HEADER_LEN};
use crate::network::{Cast, Network, Packet, Up};

use super::martian::Verdict;
use super::{Arrived, From};

impl Network {
    pub(super) fn arrived_v4(&mut self, received: Received, from: From) -> Option<Up> {
        let header = match read_header(&received) {
            Ok(header) => header,
            Err(reason) => {
                self.bad_header(&received, reason);
                return None;
            }
        };
        let verdict = self.judge(header.src, header.dst, received.link, from);
        if let Verdict::Refused(reason) = verdict {
            self.bad_address(&received, reason);
            return None;
        }
        let cast = wider(received.cast, if let Verdict::Ours(cast) = verdict { cast } else { Cast::Unicast });
        let arrived = Arrived { cast, received: &received };
        let options = self.read_options(arrived, &header)?;
        match verdict {
            Verdict::Ours(_) => self.deliver_v4(received, &header, cast),
            _ => {
                self.forward_v4(received, &header, &options, cast);
                None
            }
        }
    }

    /// The options, if they are well-formed and none asks for what we refuse.
    fn read_options(&mut self, arrived: Arrived<'_>, header: &Header) -> Option<Options> {
        if header.len() == ipv4::HEADER_LEN {
            return Some(Options::default());
        }
        let mut scratch = [0; MAX_HEADER_LEN];
        let at = arrived.received.network + ipv4::HEADER_LEN;
        let bytes = arrived.received.frame.view(at, header.len() - ipv4::HEADER_LEN, &mut scratch)?;
        match options::parse(bytes) {
            // Linux: `accept_source_route` is off. RFC 7126 §4.3, §4.4 recommend it.
            Ok(found) if found.source_route && !self.config.ipv4.accept_source_route => {
                self.bad_header(arrived.received, Discard::IpSourceRoute);
                None
            }
            Ok(found) => Some(found),
            Err(wrong) => {
                let pointer = ipv4::HEADER_LEN as u32 + u32::from(wrong.0);
                self.icmp_error(&arrived.about(), Problem::Parameter { code: 0, pointer });
                self.bad_header(arrived.received, Discard::IpOptions);
                None
            }
        }
    }

    fn deliver_v4(&mut self, received: Received, header: &Header, cast: Cast) -> Option<Up> {
        let packet = packet(received, header, cast);
        if !header.is_fragment() {
            return self.deliver(packet);
        }
        let whole = self.reassemble_v4(packet, header)?;
        self.deliver(whole)
    }
}

/// What a transport is told of a packet.
#[inline(always)]
pub(super) fn packet(received: Received, header: &Header, cast: Cast) -> Packet {
    Packet {
        link: received.link,
        src: header.src,
        dst: header.dst,
        cast,
        protocol: header.protocol,
        hop_limit: header.ttl,
        traffic_class: header.traffic_class,
        flow_label: 0,
        transport: received.network + header.len(),
        len: header.total() - header.len(),
        network: received.network,
        frame: received.frame,
    }
}

/// The header, if it can be and its checksum is right.
#[inline(always)]
pub(super) fn read_header(received: &Received) -> Result<Header, Discard> {
    let frame: &Frame = &received.frame;
    let available = frame.len().saturating_sub(received.network);
    let fixed = frame.read(received.network).ok_or(Discard::IpMalformed)?;
    let header = Header::parse(&fixed, available)?;
    let sum = match header.len() {
        ipv4::HEADER_LEN => checksum(&fixed),
        len => frame.sum(received.network, len, Sum::new()).finish(),
    };
    if sum == 0 { Ok(header) } else { Err(Discard::IpChecksum) }
}
