//! Packets for tests.

use alloc::vec::Vec;
use bytes::Bytes;

use super::layout::Transport;
use crate::base::checksum::checksum;
use crate::base::{Addr, Checksum, Entropy, Frame, Rope, Sum, Version};

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const PSH: u8 = 0x08;
pub(crate) const ACK: u8 = 0x10;
pub(crate) const CWR: u8 = 0x80;

/// What a packet is made of; the rest is fixed.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) version: Version,
    pub(crate) transport: Transport,
    pub(crate) payload: Vec<u8>,
    pub(crate) segment: u16,
    pub(crate) flags: u8,
    pub(crate) seq: u32,
    pub(crate) id: u16,
    pub(crate) port: u16,
    pub(crate) tcp_options: Vec<u8>,
}

impl Sample {
    pub(crate) fn new(version: Version, transport: Transport, len: usize, segment: u16) -> Self {
        let payload = (0..len).map(|i| (i * 7 + i / 251) as u8).collect();
        let tcp_options = alloc::vec![1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2];
        Self { version, transport, payload, segment, flags: ACK, seq: 1000, id: 500, port: 4000, tcp_options }
    }

    pub(crate) fn src(&self) -> Addr {
        if self.version == Version::V4 { Addr::v4(10, 0, 0, 1) } else { "fd00::1".parse().unwrap() }
    }

    pub(crate) fn dst(&self) -> Addr {
        if self.version == Version::V4 { Addr::v4(10, 0, 0, 2) } else { "fd00::2".parse().unwrap() }
    }

    /// The packet as the layers above make it: headers in the head, payload in one chunk, a partial checksum.
    pub(crate) fn frame(&self) -> Frame {
        self.frame_around(Bytes::copy_from_slice(&self.payload).into())
    }

    /// The same with its payload in chunks of random size.
    pub(crate) fn chopped(&self, random: &mut Entropy) -> Frame {
        let mut body = Rope::new();
        let mut rest = &self.payload[..];
        while !rest.is_empty() {
            let take = (1 + random.below(4000) as usize).min(rest.len());
            body.push(Bytes::copy_from_slice(&rest[..take]));
            rest = &rest[take..];
        }
        self.frame_around(body)
    }

    fn frame_around(&self, body: Rope) -> Frame {
        let mut frame = Frame::new(body);
        frame.segment_size = self.segment;
        match self.transport {
            Transport::Tcp => self.push_tcp(&mut frame),
            Transport::Udp => self.push_udp(&mut frame),
        }
        let len = frame.len();
        let at = usize::from(self.transport.checksum_offset());
        let sum = Sum::pseudo(self.src(), self.dst(), self.transport.number(), len).folded();
        frame.head_mut()[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        frame.checksum = Checksum::Partial { offset: at as u8 };
        match self.version {
            Version::V4 => self.push_v4(&mut frame, len),
            Version::V6 => self.push_v6(&mut frame, len),
        }
        frame
    }

    fn push_tcp(&self, frame: &mut Frame) {
        let len = 20 + self.tcp_options.len();
        frame.l4_len = len as u8;
        let header = frame.push(len);
        header[..2].copy_from_slice(&self.port.to_be_bytes());
        header[2..4].copy_from_slice(&80u16.to_be_bytes());
        header[4..8].copy_from_slice(&self.seq.to_be_bytes());
        header[8..12].copy_from_slice(&77u32.to_be_bytes());
        header[12] = (len as u8 / 4) << 4;
        header[13] = self.flags;
        header[14..16].copy_from_slice(&512u16.to_be_bytes());
        header[20..].copy_from_slice(&self.tcp_options);
    }

    fn push_udp(&self, frame: &mut Frame) {
        frame.l4_len = 8;
        let len = frame.len() + 8;
        let header = frame.push(8);
        header[..2].copy_from_slice(&self.port.to_be_bytes());
        header[2..4].copy_from_slice(&53u16.to_be_bytes());
        header[4..6].copy_from_slice(&(len as u16).to_be_bytes());
    }

    fn push_v4(&self, frame: &mut Frame, len: usize) {
        frame.l3_len = 20;
        let header = frame.push(20);
        header[..2].copy_from_slice(&[0x45, 0x02]);
        header[2..4].copy_from_slice(&(20 + len as u16).to_be_bytes());
        header[4..6].copy_from_slice(&self.id.to_be_bytes());
        header[8] = 64;
        header[9] = self.transport.number();
        header[12..16].copy_from_slice(&self.src().v4_octets());
        header[16..].copy_from_slice(&self.dst().v4_octets());
        let sum = checksum(header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
    }

    fn push_v6(&self, frame: &mut Frame, len: usize) {
        frame.l3_len = 40;
        let header = frame.push(40);
        header[..4].copy_from_slice(&[0x60, 0x20, 0x12, 0x34]);
        header[4..6].copy_from_slice(&(len as u16).to_be_bytes());
        header[6] = self.transport.number();
        header[7] = 64;
        header[8..24].copy_from_slice(&self.src().octets());
        header[24..].copy_from_slice(&self.dst().octets());
    }
}
