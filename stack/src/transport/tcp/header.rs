//! The TCP header and its options (RFC 9293 §3.1, 3.2; RFC 7323 §2.2, 3.2; RFC 2018 §2, 3).

use super::seq::Seq;
use crate::base::{Addr, Frame};
use crate::network::Packet;

/// FIN
pub const FIN: u8 = 0x01;
/// SYN
pub const SYN: u8 = 0x02;
/// RST
pub const RST: u8 = 0x04;
/// PSH
pub const PSH: u8 = 0x08;
/// ACK
pub const ACK: u8 = 0x10;
/// URG
pub const URG: u8 = 0x20;
/// ECE (RFC 3168)
pub const ECE: u8 = 0x40;
/// CWR (RFC 3168)
pub const CWR: u8 = 0x80;

/// Up to four SACK blocks `[start, end)`, in the order of the option.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SackBlocks {
    blocks: [(Seq, Seq); 4],
    count: u8,
}

impl SackBlocks {
    /// Appends a block; says if there was room.
    pub fn push(&mut self, start: Seq, end: Seq) -> bool {
        let free = self.blocks.get_mut(self.count as usize);
        free.map(|block| *block = (start, end)).map(|()| self.count += 1).is_some()
    }

    /// The blocks.
    pub fn as_slice(&self) -> &[(Seq, Seq)] {
        &self.blocks[..self.count as usize]
    }

    /// True if there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// The options of a segment. Unknown ones are skipped (RFC 9293 MUST-6), a malformed list ends at the fault (as Linux does).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Maximum segment size (SYN only).
    pub mss: Option<u16>,
    /// Window scale (SYN only), as on the wire; above 14 counts as 14 (RFC 7323 §2.3).
    pub window_scale: Option<u8>,
    /// SACK permitted (SYN only).
    pub sack_permitted: bool,
    /// TSval, TSecr.
    pub timestamps: Option<(u32, u32)>,
    /// SACK blocks.
    pub sack: SackBlocks,
}

/// A TCP header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Header {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub seq: Seq,
    /// Acknowledgement number.
    pub ack: Seq,
    /// Flags.
    pub flags: u8,
    /// Window as on the wire, not scaled.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
    /// Options.
    pub options: Options,
}

#[allow(unused_variables, clippy::todo)]
impl Header {
    /// Reads the header of a packet, and how long it is; none if it is malformed. The checksum is not looked at.
    pub fn parse(packet: &Packet) -> Option<(Self, usize)> {
        todo!()
    }

    /// Bytes the header will take, options padded as Linux pads them.
    pub fn len(&self) -> usize {
        todo!()
    }

    /// Pushes the header onto a frame whose body is the payload; leaves a partial checksum.
    pub fn push(&self, frame: &mut Frame, src: Addr, dst: Addr) {
        todo!()
    }
}
