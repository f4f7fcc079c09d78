//! The other end, as a script plays it: IPv4 packets made and read by hand.

use loggia_stack::base::checksum::checksum;

/// Flags of a segment.
pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const PSH: u8 = 8;
pub(crate) const ACK: u8 = 16;

pub(crate) const OURS: [u8; 4] = [192, 168, 0, 1];
pub(crate) const PEER: [u8; 4] = [192, 0, 2, 1];
pub(crate) const PORT: u16 = 8080;
const PEER_PORT: u16 = 40_000;

/// What a test looks at of a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Segment {
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) payload: Vec<u8>,
}

/// A packet of the peer.
pub(crate) fn packet(seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut tcp = Vec::new();
    tcp.extend_from_slice(&PEER_PORT.to_be_bytes());
    tcp.extend_from_slice(&PORT.to_be_bytes());
    tcp.extend_from_slice(&seq.to_be_bytes());
    tcp.extend_from_slice(&ack.to_be_bytes());
    tcp.extend_from_slice(&[0x50, flags]);
    tcp.extend_from_slice(&65_535u16.to_be_bytes());
    tcp.extend_from_slice(&[0; 4]);
    tcp.extend_from_slice(payload);
    let pseudo = [&PEER[..], &OURS, &[0, 6], &(tcp.len() as u16).to_be_bytes(), &tcp].concat();
    tcp[16..18].copy_from_slice(&checksum(&pseudo).to_be_bytes());
    let mut ip = vec![0x45, 0];
    ip.extend_from_slice(&(20 + tcp.len() as u16).to_be_bytes());
    ip.extend_from_slice(&[0, 0, 0, 0, 64, 6, 0, 0]);
    ip.extend_from_slice(&PEER);
    ip.extend_from_slice(&OURS);
    let sum = checksum(&ip);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    [ip, tcp].concat()
}

/// Reads a packet of ours; both checksums must be right.
pub(crate) fn read(packet: &[u8]) -> Segment {
    assert_eq!(checksum(&packet[..20]), 0, "the header's checksum");
    let tcp = &packet[20..];
    let pseudo = [&OURS[..], &PEER, &[0, 6], &(tcp.len() as u16).to_be_bytes(), tcp].concat();
    assert_eq!(checksum(&pseudo), 0, "the segment's checksum");
    let word = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().unwrap());
    Segment { seq: word(4), ack: word(8), flags: tcp[13], payload: tcp[usize::from(tcp[12] >> 4) * 4..].to_vec() }
}
