//! The virtio-net header, which TUN, TAP, vhost-user and virtio rings put in front of a packet to say what is left to do with it
//! (virtio 1.2, section 5.1.6).

use super::packet::{Checksum, Packet};

/// Bytes of the header without `num_buffers`.
pub const LEN: usize = 10;

const F_NEEDS_CSUM: u8 = 1;
const F_DATA_VALID: u8 = 2;

const GSO_NONE: u8 = 0;
const GSO_TCPV4: u8 = 1;
const GSO_TCPV6: u8 = 4;
const GSO_UDP_L4: u8 = 5;
const GSO_ECN: u8 = 0x80;

/// TCP's flag for a congestion window that was reduced: it belongs on the first segment only, which the device must heed (RFC 3168 §6.1.2).
const CWR: u8 = 0x80;

/// A virtio-net header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// `VIRTIO_NET_HDR_F_*`
    pub flags: u8,
    /// `VIRTIO_NET_HDR_GSO_*`
    pub gso_type: u8,
    /// Bytes of all headers of a packet that is to be cut.
    pub hdr_len: u16,
    /// Payload bytes a segment of a packet that is to be cut.
    pub gso_size: u16,
    /// Where the checksum begins, from the start of the packet.
    pub csum_start: u16,
    /// Where the checksum goes, from `csum_start`.
    pub csum_offset: u16,
}

/// What a device said of a packet cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Malformed;

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a virtio-net header that does not fit its packet")
    }
}

impl std::error::Error for Malformed {}

impl Header {
    /// The header for a packet that a host sends.
    pub fn of(packet: &Packet) -> Self {
        let Checksum::Partial { start, offset } = packet.checksum() else { return Self::default() };
        let plain = Self { flags: F_NEEDS_CSUM, csum_start: start, csum_offset: offset, ..Self::default() };
        if packet.segment_size() == 0 {
            return plain;
        }
        let gso_type = gso_type(packet, usize::from(start));
        Self { gso_type, hdr_len: packet.header_len(), gso_size: packet.segment_size(), ..plain }
    }

    /// Puts what the header says on a packet that has come. An error if it cannot be true of this packet.
    pub fn apply(&self, packet: Packet) -> Result<Packet, Malformed> {
        let checksum = if self.flags & F_NEEDS_CSUM != 0 {
            Checksum::Partial { start: self.csum_start, offset: self.csum_offset }
        } else if self.flags & F_DATA_VALID != 0 {
            Checksum::Verified
        } else {
            Checksum::Unknown
        };
        let packet = packet.with_checksum(checksum);
        if packet.checksum() != checksum {
            return Err(Malformed);
        }
        match self.gso_type & !GSO_ECN {
            GSO_NONE => Ok(packet),
            // Who cuts makes the checksums, so they cannot have been made.
            GSO_TCPV4 | GSO_TCPV6 | GSO_UDP_L4 if self.gso_size > 0 && matches!(checksum, Checksum::Partial { .. }) => {
                Ok(packet.with_segment_size(self.gso_size))
            }
            _ => Err(Malformed),
        }
    }

    /// In the order of virtio 1.0, little-endian.
    pub fn to_le_bytes(self) -> [u8; LEN] {
        self.to_bytes(u16::to_le_bytes)
    }

    /// In the machine's own order, as TUN has it.
    pub fn to_ne_bytes(self) -> [u8; LEN] {
        self.to_bytes(u16::to_ne_bytes)
    }

    /// Reads the order of virtio 1.0, little-endian.
    pub fn from_le_bytes(bytes: [u8; LEN]) -> Self {
        Self::from_bytes(bytes, u16::from_le_bytes)
    }

    /// Reads the machine's own order, as TUN has it.
    pub fn from_ne_bytes(bytes: [u8; LEN]) -> Self {
        Self::from_bytes(bytes, u16::from_ne_bytes)
    }

    fn to_bytes(self, order: fn(u16) -> [u8; 2]) -> [u8; LEN] {
        let [a, b] = order(self.hdr_len);
        let [c, d] = order(self.gso_size);
        let [e, f] = order(self.csum_start);
        let [g, h] = order(self.csum_offset);
        [self.flags, self.gso_type, a, b, c, d, e, f, g, h]
    }

    fn from_bytes([flags, gso_type, a, b, c, d, e, f, g, h]: [u8; LEN], order: fn([u8; 2]) -> u16) -> Self {
        Self {
            flags,
            gso_type,
            hdr_len: order([a, b]),
            gso_size: order([c, d]),
            csum_start: order([e, f]),
            csum_offset: order([g, h]),
        }
    }
}

/// Which kind of cutting a TCP packet asks for.
fn gso_type(packet: &Packet, l4: usize) -> u8 {
    let (mut first, mut flags) = ([0; 1], [0; 1]);
    packet.copy_to(packet.link_header_len(), &mut first);
    packet.copy_to(l4 + 13, &mut flags);
    let version = if first[0] >> 4 == 6 { GSO_TCPV6 } else { GSO_TCPV4 };
    version | if flags[0] & CWR != 0 { GSO_ECN } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_as_it_went_in_either_order() {
        let header = Header { flags: 1, gso_type: 0x81, hdr_len: 52, gso_size: 1448, csum_start: 20, csum_offset: 16 };
        assert_eq!(header.to_le_bytes(), [1, 0x81, 52, 0, 0xa8, 5, 20, 0, 16, 0]);
        assert_eq!(Header::from_le_bytes(header.to_le_bytes()), header);
        assert_eq!(Header::from_ne_bytes(header.to_ne_bytes()), header);
    }

    #[test]
    fn a_header_is_put_on_a_packet_and_read_off_it() {
        let bytes = &[0x45; 100][..];
        let header = Header { flags: F_NEEDS_CSUM, csum_start: 20, csum_offset: 16, ..Header::default() };
        let packet = header.apply(bytes.into()).expect("it fits");
        assert_eq!(packet.checksum(), Checksum::Partial { start: 20, offset: 16 });
        assert_eq!(Header::of(&packet), header);
        let valid = Header { flags: F_DATA_VALID, ..Header::default() };
        assert_eq!(valid.apply(bytes.into()).expect("it fits").checksum(), Checksum::Verified);
        assert_eq!(Header::default().apply(bytes.into()).expect("it fits").checksum(), Checksum::Unknown);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |header: Header| header.apply((&[0x45; 40][..]).into()).is_err();
        let sum = Header { flags: F_NEEDS_CSUM, csum_start: 20, csum_offset: 16, ..Header::default() };
        assert!(!refused(sum));
        assert!(refused(Header { csum_start: 30, ..sum }), "the field ends after the packet");
        assert!(refused(Header { csum_offset: 300, ..sum }));
        assert!(refused(Header { gso_type: GSO_TCPV4, ..sum }), "no size");
        assert!(refused(Header { gso_type: GSO_TCPV4, gso_size: 10, ..Header::default() }), "no partial checksum");
        assert!(refused(Header { gso_type: 3, gso_size: 10, ..sum }), "fragments of UDP were not asked for");
    }
}
