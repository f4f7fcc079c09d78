//! The format of ARP for IPv4 over Ethernet (RFC 826).
//!
//! ```text
//!  0     2     4     5     6     8               14          18              24          28
//!  ┌─────┬─────┬─────┬─────┬─────┬───────────────┬───────────┬───────────────┬───────────┐
//!  │  1  │0800 │  6  │  4  │ op  │  sender MAC   │ sender IP │  target MAC   │ target IP │
//!  └─────┴─────┴─────┴─────┴─────┴───────────────┴───────────┴───────────────┴───────────┘
//! ```

use super::super::mac::Mac;
use crate::base::{Addr, Frame};

const LEN: usize = 28;
/// Ethernet, IPv4, six and four bytes an address.
const FIXED: [u8; 6] = [0, 1, 8, 0, 6, 4];

/// What it wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    Request,
    Reply,
}

/// An ARP packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ArpPacket {
    pub(crate) operation: Operation,
    pub(crate) sender_mac: Mac,
    pub(crate) sender: Addr,
    pub(crate) target_mac: Mac,
    pub(crate) target: Addr,
}

impl ArpPacket {
    /// Reads the packet at `at`; none if it is short, of another kind or with another operation.
    pub(crate) fn parse(frame: &Frame, at: usize) -> Option<Self> {
        let bytes: [u8; LEN] = frame.read(at)?;
        let operation = match bytes[6..8] {
            [0, 1] => Operation::Request,
            [0, 2] => Operation::Reply,
            _ => return None,
        };
        let mac = |at: usize| Mac([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3], bytes[at + 4], bytes[at + 5]]);
        let addr = |at: usize| Addr::v4(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]);
        let packet = Self { operation, sender_mac: mac(8), sender: addr(14), target_mac: mac(18), target: addr(24) };
        (bytes[..6] == FIXED).then_some(packet)
    }

    /// The packet as a frame without link header.
    pub(crate) fn to_frame(self) -> Frame {
        let mut frame = Frame::default();
        let bytes = frame.push(LEN);
        bytes[..6].copy_from_slice(&FIXED);
        bytes[7] = if self.operation == Operation::Request { 1 } else { 2 };
        bytes[8..14].copy_from_slice(&self.sender_mac.0);
        bytes[14..18].copy_from_slice(&self.sender.v4_octets());
        bytes[18..24].copy_from_slice(&self.target_mac.0);
        bytes[24..].copy_from_slice(&self.target.v4_octets());
        frame
    }

    /// True if the sender tells all who it is, unasked.
    pub(crate) fn is_gratuitous(&self) -> bool {
        self.sender == self.target
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(operation: Operation) -> ArpPacket {
        ArpPacket {
            operation,
            sender_mac: Mac([2, 0, 0, 0, 0, 1]),
            sender: Addr::v4(10, 0, 0, 1),
            target_mac: Mac([2, 0, 0, 0, 0, 2]),
            target: Addr::v4(10, 0, 0, 2),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for operation in [Operation::Request, Operation::Reply] {
            let packet = sample(operation);
            assert_eq!(ArpPacket::parse(&packet.to_frame(), 0), Some(packet));
        }
    }

    #[test]
    fn short_and_foreign_packets_are_none() {
        let whole = sample(Operation::Request).to_frame();
        for len in 0..LEN {
            let mut cut = whole.clone();
            cut.truncate(len);
            assert_eq!(ArpPacket::parse(&cut, 0), None);
        }
        for at in 0..8 {
            let mut foreign = whole.clone();
            foreign.head_mut()[at] ^= 0x40;
            assert_eq!(ArpPacket::parse(&foreign, 0), None, "byte {at}");
        }
    }
}
