//! Frames for tests.

use loggia_stack::base::checksum::checksum;
use loggia_stack::base::{Addr, Checksum, Frame, Sum};

/// What a UDP packet is made of.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) v6: bool,
    pub(crate) from: u8,
    pub(crate) to: u8,
    pub(crate) port: u16,
    pub(crate) payload: usize,
    /// The two bits of ECN.
    pub(crate) ecn: u8,
    /// Its checksum is left to the device.
    pub(crate) partial: bool,
}

impl Default for Sample {
    fn default() -> Self {
        Self { v6: false, from: 1, to: 2, port: 4000, payload: 100, ecn: 0, partial: false }
    }
}

impl Sample {
    /// A frame of this many bytes, Ethernet header included.
    pub(crate) fn sized(frame: usize) -> Self {
        Self { payload: frame - 42, ..Self::default() }
    }

    pub(crate) fn frame(&self) -> Frame {
        let (src, dst) = (self.addr(self.from), self.addr(self.to));
        let len = (8 + self.payload) as u16;
        let mut udp = Vec::new();
        udp.extend(self.port.to_be_bytes());
        udp.extend(9u16.to_be_bytes());
        udp.extend(len.to_be_bytes());
        udp.extend([0, 0]);
        udp.extend((0..self.payload).map(|at| at as u8));
        let pseudo = Sum::pseudo(src, dst, 17, usize::from(len));
        let mut whole = pseudo;
        whole.add(&udp);
        let field = if self.partial { pseudo.folded() } else { whole.finish() };
        udp[6..8].copy_from_slice(&field.to_be_bytes());
        let mut frame = Frame::from(&udp[..]);
        let l3 = self.network(&mut frame, src, dst, len);
        frame.prepend(&[2, 0, 0, 0, 0, self.to, 2, 0, 0, 0, 0, self.from, 0, 0]);
        frame.head_mut()[12..14].copy_from_slice(if self.v6 { &[0x86, 0xdd] } else { &[8, 0] });
        (frame.l2_len, frame.l3_len, frame.l4_len) = (14, l3, 8);
        frame.checksum = if self.partial { Checksum::Partial { offset: 6 } } else { Checksum::Verified };
        frame
    }

    fn addr(&self, last: u8) -> Addr {
        if !self.v6 {
            return Addr::v4(10, 0, 0, last);
        }
        let mut octets = [0; 16];
        (octets[0], octets[15]) = (0xfd, last);
        Addr::from_v6(octets)
    }

    fn network(&self, frame: &mut Frame, src: Addr, dst: Addr, len: u16) -> u16 {
        if self.v6 {
            let head = frame.push(40);
            head[..2].copy_from_slice(&[0x60, self.ecn << 4]);
            head[4..6].copy_from_slice(&len.to_be_bytes());
            head[6..8].copy_from_slice(&[17, 64]);
            head[8..24].copy_from_slice(&src.octets());
            head[24..40].copy_from_slice(&dst.octets());
            return 40;
        }
        let head = frame.push(20);
        head[..2].copy_from_slice(&[0x45, self.ecn]);
        head[2..4].copy_from_slice(&(20 + len).to_be_bytes());
        head[8..10].copy_from_slice(&[64, 17]);
        head[12..16].copy_from_slice(&src.v4_octets());
        head[16..20].copy_from_slice(&dst.v4_octets());
        let sum = checksum(head);
        head[10..12].copy_from_slice(&sum.to_be_bytes());
        20
    }
}

/// A frame that is not IP.
pub(crate) fn arp(from: u8, to: u8) -> Frame {
    let mut bytes = vec![2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 6];
    bytes.extend([0; 28]);
    Frame::from(&bytes[..])
}
