//! The TCP header and its options (RFC 9293 §3.1, 3.2; RFC 7323 §2.2, 3.2; RFC 2018 §2, 3).

use super::seq::Seq;
use crate::base::{Addr, Checksum, Frame, Sum};
use crate::network::{Packet, protocol};

/// Bytes of a header without options.
pub const MIN_LEN: usize = 20;
/// Bytes of options a header can carry: the data offset has four bits.
pub const MAX_OPTIONS: usize = 40;
/// Where the checksum lies.
pub const CHECKSUM_OFFSET: u8 = 16;
/// The largest window scale that counts (RFC 7323 §2.3).
pub const MAX_WINDOW_SCALE: u8 = 14;
/// Bytes that timestamps take in every segment, padded.
pub const TIMESTAMPS_LEN: usize = 12;

/// Option kinds (IANA).
mod kind {
    pub(super) const END: u8 = 0;
    pub(super) const NOP: u8 = 1;
    pub(super) const MSS: u8 = 2;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const SACK_PERMITTED: u8 = 4;
    pub(super) const SACK: u8 = 5;
    pub(super) const TIMESTAMPS: u8 = 8;
}

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

#[allow(clippy::len_without_is_empty)] // A header is never empty.
impl Header {
    /// Reads the header of a packet, and how long it is; none if it is malformed. The checksum is not looked at.
    pub fn parse(packet: &Packet) -> Option<(Self, usize)> {
        let mut scratch = [0; MIN_LEN + MAX_OPTIONS];
        let fixed = packet.view(0, MIN_LEN, &mut scratch)?;
        let len = usize::from(fixed[12] >> 4) * 4;
        if len < MIN_LEN {
            return None;
        }
        let bytes = packet.view(0, len, &mut scratch)?;
        let mut header = Self::fixed(bytes);
        header.options = Options::parse(&bytes[MIN_LEN..], header.flags & SYN != 0);
        Some((header, len))
    }

    /// Bytes the header will take, options padded as Linux pads them.
    pub fn len(&self) -> usize {
        MIN_LEN + self.options.len()
    }

    /// RFC 9293 MUST-2: pushes the header onto a frame whose body is the payload; leaves a partial checksum: the folded sum of the pseudo-header
    /// over the whole length, also for a super-segment (who cuts it writes each piece's own).
    ///
    /// # Panics
    /// If the frame has no room for 60 bytes of header: a bug of the caller.
    pub fn push(&self, frame: &mut Frame, src: Addr, dst: Addr) {
        let len = self.len();
        let pseudo = Sum::pseudo(src, dst, protocol::TCP, len + frame.len()).folded();
        let bytes = frame.push(len);
        bytes[0..2].copy_from_slice(&self.src_port.to_be_bytes());
        bytes[2..4].copy_from_slice(&self.dst_port.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.seq.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.ack.0.to_be_bytes());
        bytes[12] = ((len / 4) as u8) << 4;
        bytes[13] = self.flags;
        bytes[14..16].copy_from_slice(&self.window.to_be_bytes());
        bytes[16..18].copy_from_slice(&pseudo.to_be_bytes());
        bytes[18..20].copy_from_slice(&self.urgent.to_be_bytes());
        self.options.write(&mut bytes[MIN_LEN..]);
        frame.l4_len = len as u8;
        frame.checksum = Checksum::Partial { offset: CHECKSUM_OFFSET };
    }

    /// The first 20 bytes; the reserved bits are ignored, as RFC 9293 §3.1 wants.
    fn fixed(bytes: &[u8]) -> Self {
        Self {
            src_port: u16_at(bytes, 0),
            dst_port: u16_at(bytes, 2),
            seq: Seq(u32_at(bytes, 4)),
            ack: Seq(u32_at(bytes, 8)),
            flags: bytes[13],
            window: u16_at(bytes, 14),
            urgent: u16_at(bytes, 18),
            options: Options::default(),
        }
    }
}

impl Options {
    /// Bytes they take, padded.
    pub fn len(&self) -> usize {
        let sack = self.sack_that_fits();
        self.len_without_sack() + if sack == 0 { 0 } else { 4 + 8 * sack }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len_without_sack(&self) -> usize {
        let mss = if self.mss.is_some() { 4 } else { 0 };
        let timestamps = if self.timestamps.is_some() { TIMESTAMPS_LEN } else { 0 };
        // With timestamps, SACK-permitted takes the place of their two padding bytes.
        let permitted = if self.sack_permitted && self.timestamps.is_none() { 4 } else { 0 };
        let scale = if self.window_scale.is_some() { 4 } else { 0 };
        mss + timestamps + permitted + scale
    }

    /// How many SACK blocks there is room for: four, or three with timestamps (RFC 2018 §3, RFC 7323 §3.2).
    fn sack_that_fits(&self) -> usize {
        let room = MAX_OPTIONS - self.len_without_sack();
        (room.saturating_sub(4) / 8).min(self.sack.count as usize)
    }

    /// Writes them in the order and with the padding of Linux (`tcp_options_write`), so that a stack is not told by them. There is never an
    /// end of the list and so nothing behind it (RFC 9293 MUST-69).
    fn write(&self, into: &mut [u8]) {
        let mut out = Writer { rest: into };
        if let Some(mss) = self.mss {
            out.put(&[kind::MSS, 4]);
            out.put(&mss.to_be_bytes());
        }
        if let Some((value, echo)) = self.timestamps {
            out.put(&if self.sack_permitted { [kind::SACK_PERMITTED, 2] } else { [kind::NOP, kind::NOP] });
            out.put(&[kind::TIMESTAMPS, 10]);
            out.put(&value.to_be_bytes());
            out.put(&echo.to_be_bytes());
        } else if self.sack_permitted {
            out.put(&[kind::NOP, kind::NOP, kind::SACK_PERMITTED, 2]);
        }
        if let Some(scale) = self.window_scale {
            out.put(&[kind::NOP, kind::WINDOW_SCALE, 3, scale]);
        }
        let blocks = self.sack_that_fits();
        if blocks > 0 {
            out.put(&[kind::NOP, kind::NOP, kind::SACK, 2 + 8 * blocks as u8]);
            for (start, end) in &self.sack.as_slice()[..blocks] {
                out.put(&start.0.to_be_bytes());
                out.put(&end.0.to_be_bytes());
            }
        }
    }

    /// Reads a list of options: in any segment (RFC 9293 MUST-5), with or without end-of-list and padding (RFC 9293 MUST-4), at any
    /// alignment (RFC 9293 MUST-64), each with a length but those two (RFC 9293 MUST-68).
    /// Those of the handshake count only if `syn` is set, as in Linux (RFC 9293 MUST-65).
    pub fn parse(list: &[u8], syn: bool) -> Self {
        let mut options = Self::default();
        // Nearly every segment of a connection with timestamps looks like this one.
        if let [kind::NOP, kind::NOP, kind::TIMESTAMPS, 10, body @ ..] = list
            && body.len() == 8
        {
            options.timestamps = Some((u32_at(body, 0), u32_at(body, 4)));
            return options;
        }
        let mut rest = list;
        while let [kind, tail @ ..] = rest {
            match *kind {
                kind::END => break,
                kind::NOP => rest = tail,
                // RFC 9293 MUST-7: a length below 2, or beyond the list, ends the list. RFC 9293 suggests to reset the
                // connection; Linux keeps it and what was read so far.
                kind => match tail.first().map(|&len| usize::from(len)) {
                    Some(len) if len >= 2 && len <= rest.len() => {
                        options.read(kind, &rest[2..len], syn);
                        rest = &rest[len..];
                    }
                    _ => break,
                },
            }
        }
        options
    }

    /// One option. RFC 9293 MUST-6: an unknown one is skipped; so is one whose length is not its own.
    fn read(&mut self, kind: u8, body: &[u8], syn: bool) {
        match (kind, body.len()) {
            (kind::MSS, 2) if syn => self.mss = Some(u16_at(body, 0)).filter(|&mss| mss > 0),
            (kind::WINDOW_SCALE, 1) if syn => self.window_scale = Some(body[0].min(MAX_WINDOW_SCALE)),
            (kind::SACK_PERMITTED, 0) if syn => self.sack_permitted = true,
            (kind::TIMESTAMPS, 8) => self.timestamps = Some((u32_at(body, 0), u32_at(body, 4))),
            (kind::SACK, len) if len > 0 && len % 8 == 0 => self.read_sack(body),
            _ => {}
        }
    }

    fn read_sack(&mut self, body: &[u8]) {
        self.sack = SackBlocks::default();
        for block in body.chunks_exact(8) {
            self.sack.push(Seq(u32_at(block, 0)), Seq(u32_at(block, 4)));
        }
    }
}

/// Writes one piece after another; what does not fit is a bug of `len`.
struct Writer<'a> {
    rest: &'a mut [u8],
}

impl Writer<'_> {
    #[inline]
    fn put(&mut self, piece: &[u8]) {
        let (here, rest) = core::mem::take(&mut self.rest).split_at_mut(piece.len());
        here.copy_from_slice(piece);
        self.rest = rest;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Entropy, LinkId};
    use crate::network::Cast;
    use alloc::vec::Vec;
    use bytes::Bytes;

    const A: Addr = Addr::v4(10, 0, 0, 1);
    const B: Addr = Addr::v4(10, 0, 0, 2);

    fn packet(frame: Frame) -> Packet {
        let len = frame.len();
        Packet {
            link: LinkId(1),
            src: A,
            dst: B,
            cast: Cast::Unicast,
            protocol: protocol::TCP,
            hop_limit: 64,
            traffic_class: 0,
            flow_label: 0,
            frame,
            network: 0,
            transport: 0,
            len,
        }
    }

    /// The options of a pushed header.
    fn written(options: Options) -> Vec<u8> {
        let mut frame = Frame::default();
        let header = Header { options, ..Header::default() };
        header.push(&mut frame, A, B);
        assert_eq!(frame.len(), header.len());
        frame.to_vec()[MIN_LEN..].to_vec()
    }

    fn raw(flags: u8, options: &[u8]) -> Packet {
        let mut bytes = alloc::vec![0; MIN_LEN];
        bytes[12] = ((MIN_LEN + options.len()) as u8 / 4) << 4;
        bytes[13] = flags;
        bytes.extend_from_slice(options);
        packet(Frame::from(&bytes[..]))
    }

    fn parsed(flags: u8, options: &[u8]) -> Options {
        Header::parse(&raw(flags, options)).unwrap().0.options
    }

    #[test]
    fn a_syn_looks_like_one_of_linux() {
        let full = Options {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some((1, 2)),
            sack: SackBlocks::default(),
        };
        assert_eq!(written(full), [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7]);
        assert_eq!(written(Options { timestamps: None, ..full }), [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7]);
        assert_eq!(
            written(Options { sack_permitted: false, ..full }),
            [2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7]
        );
        assert_eq!(written(Options { mss: Some(536), ..Options::default() }), [2, 4, 2, 24]);
    }

    #[test]
    fn an_established_segment_carries_timestamps_then_sack() {
        let mut options = Options { timestamps: Some((1, 2)), ..Options::default() };
        assert_eq!(written(options), [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
        options.sack.push(Seq(3), Seq(4));
        assert_eq!(written(options), [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4]);
    }

    /// RFC 2018 §3, RFC 7323 §3.2
    #[test]
    fn four_sack_blocks_fit_and_three_with_timestamps() {
        let mut options = Options::default();
        for i in 0..4 {
            assert!(options.sack.push(Seq(i * 10), Seq(i * 10 + 5)));
        }
        assert!(!options.sack.push(Seq(90), Seq(95)));
        assert_eq!(written(options).len(), 36);
        assert_eq!(parsed(ACK, &written(options)).sack.as_slice().len(), 4);
        options.timestamps = Some((7, 8));
        assert_eq!(written(options).len(), 40);
        assert_eq!(parsed(ACK, &written(options)).sack.as_slice(), &options.sack.as_slice()[..3]);
    }

    /// RFC 9293 §3.1: the data offset is at least 5 and within the segment.
    #[test]
    fn a_data_offset_out_of_bounds_is_malformed() {
        for len in 0..MIN_LEN {
            assert_eq!(Header::parse(&packet(Frame::from(&alloc::vec![0xf0; len][..]))), None);
        }
        for offset in 0..=15u8 {
            let mut bytes = [0; 40];
            bytes[12] = offset << 4;
            let header = Header::parse(&packet(Frame::from(&bytes[..])));
            assert_eq!(header.map(|(_, len)| len), (5..=10).contains(&offset).then_some(usize::from(offset) * 4));
        }
    }

    /// RFC 9293 MUST-4, MUST-5, MUST-6, MUST-68
    #[test]
    fn end_padding_and_unknown_options_are_passed_over() {
        let options = parsed(ACK, &[1, 254, 4, 9, 9, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 8, 10, 9]);
        assert_eq!(options, Options { timestamps: Some((1, 2)), ..Options::default() });
        assert_eq!(parsed(SYN, &[254, 2, 2, 4, 2, 24, 0, 0]).mss, Some(536));
    }

    /// RFC 9293 MUST-7
    #[test]
    fn an_illegal_length_ends_the_list_and_harms_nothing() {
        for bad in [[2, 0, 5, 180], [2, 1, 5, 180], [254, 5, 0, 0], [1, 1, 1, 8]] {
            let mut list = alloc::vec![2, 4, 2, 24];
            list.extend_from_slice(&bad);
            assert_eq!(parsed(SYN, &list), Options { mss: Some(536), ..Options::default() }, "{bad:?}");
        }
        // A known option of a wrong length is passed over, and the list goes on.
        assert_eq!(
            parsed(SYN, &[2, 3, 9, 3, 4, 9, 9, 4, 2, 5, 6, 1, 1, 1, 1, 1]),
            Options { sack_permitted: true, ..Options::default() }
        );
    }

    #[test]
    fn options_of_the_handshake_count_in_a_syn_only() {
        let list = [2, 4, 5, 180, 4, 2, 1, 1, 1, 3, 3, 15];
        assert_eq!(parsed(ACK, &list), Options::default());
        let options = parsed(SYN | ACK, &list);
        // RFC 7323 §2.3: a shift above 14 counts as 14.
        assert_eq!((options.mss, options.window_scale, options.sack_permitted), (Some(1460), Some(14), true));
        assert_eq!(parsed(SYN, &[2, 4, 0, 0]).mss, None, "an MSS of zero is none");
    }

    /// RFC 9293 MUST-2, MUST-3
    #[test]
    fn the_partial_checksum_completes_to_a_right_one() {
        for (src, dst) in [(A, B), (Addr::V6_LOOPBACK, Addr::ALL_NODES)] {
            let mut frame = Frame::new(Bytes::from_static(b"odd").into());
            let header = Header { src_port: 1, dst_port: 2, seq: Seq(3), flags: ACK | PSH, window: 9, ..Header::default() };
            header.push(&mut frame, src, dst);
            assert_eq!((frame.l4_len, frame.checksum), (20, Checksum::Partial { offset: 16 }));
            let sum = frame.sum(0, frame.len(), Sum::new()).finish();
            frame.head_mut()[16..18].copy_from_slice(&sum.to_be_bytes());
            frame.checksum = Checksum::Unknown;
            let mut arrived = packet(frame);
            (arrived.src, arrived.dst) = (src, dst);
            assert!(arrived.checksum_ok());
            arrived.frame.head_mut()[0] ^= 1;
            assert!(!arrived.checksum_ok());
        }
    }

    /// RFC 9293 MUST-69: what stands behind the end of the list is zero: we need no end, for what we write fills its words.
    #[test]
    fn options_fill_whole_words_without_an_end_of_the_list() {
        for choice in 0..16u8 {
            let chosen = |bit: u8| choice & 1 << bit != 0;
            let options = Options {
                mss: chosen(0).then_some(1460),
                window_scale: chosen(1).then_some(7),
                sack_permitted: chosen(2),
                timestamps: chosen(3).then_some((1, 2)),
                sack: SackBlocks::default(),
            };
            let list = written(options);
            assert!(list.len().is_multiple_of(4));
            let mut rest = &list[..];
            while let [kind, tail @ ..] = rest {
                assert_ne!(*kind, kind::END);
                rest = if *kind == kind::NOP { tail } else { &rest[usize::from(tail[0])..] };
            }
        }
    }

    #[test]
    fn whatever_is_pushed_is_parsed_and_any_bytes_are_survived() {
        let mut entropy = Entropy::new(1.into());
        for round in 0..2000 {
            let bit = |entropy: &mut Entropy| entropy.below(2) == 1;
            let flags = entropy.next_u32() as u8;
            let syn = flags & SYN != 0;
            let mut options = Options {
                mss: (syn && bit(&mut entropy)).then(|| entropy.below(65535) as u16 + 1),
                window_scale: (syn && bit(&mut entropy)).then(|| entropy.below(15) as u8),
                sack_permitted: syn && bit(&mut entropy),
                timestamps: bit(&mut entropy).then(|| (entropy.next_u32(), entropy.next_u32())),
                sack: SackBlocks::default(),
            };
            for _ in 0..entropy.below(3) {
                options.sack.push(Seq(entropy.next_u32()), Seq(entropy.next_u32()));
            }
            let header = Header {
                src_port: entropy.next_u32() as u16,
                dst_port: entropy.next_u32() as u16,
                seq: Seq(entropy.next_u32()),
                ack: Seq(entropy.next_u32()),
                flags,
                window: entropy.next_u32() as u16,
                urgent: entropy.next_u32() as u16,
                options,
            };
            let mut frame = Frame::new(Bytes::from_static(b"payload").into());
            header.push(&mut frame, A, B);
            // Head and body, one slice, and cut in the midst of the header: it is read the same.
            let whole = frame.to_vec();
            let cut = entropy.below(whole.len() as u32) as usize;
            let mut pieces = crate::base::Rope::from(&whole[..cut]);
            pieces.append(crate::base::Rope::from(&whole[cut..]));
            for frame in [frame, Frame::from(&whole[..]), Frame::new(pieces)] {
                assert_eq!(Header::parse(&packet(frame)), Some((header, header.len())), "round {round}");
            }
            let mut noise = [0; 64];
            entropy.fill(&mut noise);
            let _ = Header::parse(&packet(Frame::from(&noise[..entropy.below(65) as usize])));
        }
    }
}
