//! The TCP header and its options (RFC 9293 §3.1, 3.2; RFC 7323 §2.2, 3.2; RFC 2018 §2, 3).

use super::ecn::{self, AccurateOption};
use super::fast_open::{Cookie, FastOpenOption};
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

/// Bytes of a header with timestamps and no other options.
pub const USUAL_LEN: usize = MIN_LEN + TIMESTAMPS_LEN;
/// Bytes of the options that SYNs mostly have: a segment size, SACK, timestamps, a scale.
const SYN_OPTIONS_LEN: usize = 4 + TIMESTAMPS_LEN + 4;
/// Bytes of a header with them and no others.
pub(super) const SYN_LEN: usize = MIN_LEN + SYN_OPTIONS_LEN;

/// Option kinds (IANA).
mod kind {
    pub(super) const END: u8 = 0;
    pub(super) const NOP: u8 = 1;
    pub(super) const MSS: u8 = 2;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const SACK_PERMITTED: u8 = 4;
    pub(super) const SACK: u8 = 5;
    pub(super) const TIMESTAMPS: u8 = 8;
    pub(super) const FAST_OPEN: u8 = 34;
    pub(super) const EXPERIMENTAL: u8 = 254;
}

/// How a list of options begins that has timestamps and no others (RFC 7323 Appendix A).
const TIMESTAMPS_ALONE: [u8; 4] = [kind::NOP, kind::NOP, kind::TIMESTAMPS, 10];

/// RFC 7413 §4.1.1: Fast Open's number among the experimental options (RFC 6994).
const FAST_OPEN_MAGIC: [u8; 2] = [0xf9, 0x89];

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

    /// Takes the last block away.
    pub(super) fn pop(&mut self) {
        self.count = self.count.saturating_sub(1);
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
    /// Counters of marks (AccECN).
    pub accurate: Option<AccurateOption>,
    /// SACK blocks.
    pub sack: SackBlocks,
    /// Fast Open (SYN only).
    pub fast_open: Option<FastOpenOption>,
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
    /// AE (RFC 9768 §2.1), the ninth.
    pub ae: bool,
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
    #[inline]
    pub fn parse(packet: &Packet) -> Option<(Self, usize)> {
        // A single look shows nearly every header: one with timestamps and no other options.
        if packet.len >= USUAL_LEN
            && let Some(bytes) = packet.frame.read::<USUAL_LEN>(packet.transport)
            && Self::is_usual(&bytes)
        {
            return Some((Self::of_usual(&bytes), USUAL_LEN));
        }
        Self::parse_any(packet)
    }

    /// True for a header with timestamps and no other options.
    #[inline(always)]
    pub(super) fn is_usual(bytes: &[u8; USUAL_LEN]) -> bool {
        usize::from(bytes[12] >> 4) * 4 == USUAL_LEN && bytes[MIN_LEN..MIN_LEN + 4] == TIMESTAMPS_ALONE
    }

    /// Reads a header that [is usual](Header::is_usual).
    #[inline(always)]
    pub(super) fn of_usual(bytes: &[u8; USUAL_LEN]) -> Self {
        let (fixed, options) = bytes.split_first_chunk().expect("it is longer");
        let mut header = Self::of(fixed);
        header.options.timestamps = Some((u32_at(options, 4), u32_at(options, 8)));
        header
    }

    /// Reads a header of a SYN with the options that most have and no others; none if it is another.
    #[inline]
    pub(super) fn of_usual_syn(bytes: &[u8; SYN_LEN]) -> Option<Self> {
        if usize::from(bytes[12] >> 4) * 4 != SYN_LEN || bytes[13] & SYN == 0 {
            return None;
        }
        let (fixed, list) = bytes.split_first_chunk()?;
        Some(Self { options: Options::of_syn(list)?, ..Self::of(fixed) })
    }

    #[inline(never)]
    fn parse_any(packet: &Packet) -> Option<(Self, usize)> {
        if packet.len >= SYN_LEN
            && let Some(bytes) = packet.frame.read(packet.transport)
            && let Some(header) = Self::of_usual_syn(&bytes)
        {
            return Some((header, SYN_LEN));
        }
        let mut scratch = [0; MIN_LEN + MAX_OPTIONS];
        let [offset] = packet.frame.read(packet.transport + 12)?;
        let len = usize::from(offset >> 4) * 4;
        let (fixed, options) = packet.view(0, len, &mut scratch)?.split_first_chunk()?;
        let options = Options::parse(options, fixed[13] & SYN != 0);
        Some((Self { options, ..Self::of(fixed) }, len))
    }

    /// RFC 9768 §3.2.2: AE, CWR and ECE as a number.
    pub fn ace(&self) -> u8 {
        u8::from(self.ae) << 2 | u8::from(self.flags & CWR != 0) << 1 | u8::from(self.flags & ECE != 0)
    }

    /// The reverse.
    pub fn set_ace(&mut self, ace: u8) {
        self.ae = ace & 4 != 0;
        self.flags = self.flags & !(CWR | ECE) | if ace & 2 != 0 { CWR } else { 0 } | if ace & 1 != 0 { ECE } else { 0 };
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
    #[inline(never)]
    pub fn push(&self, frame: &mut Frame, src: Addr, dst: Addr) {
        self.push_with(frame, Sum::pseudo(src, dst, protocol::TCP, 0));
    }

    /// The same; `pseudo` is the sum of the pseudo-header without its length.
    #[inline(always)]
    pub(super) fn push_with(&self, frame: &mut Frame, pseudo: Sum) {
        match self.options.timestamps_alone() {
            Some((value, echo)) => self.push_usual(frame, pseudo, value, echo),
            None => self.push_unusual(frame, pseudo),
        }
        frame.checksum = Checksum::Partial { offset: CHECKSUM_OFFSET };
    }

    /// With timestamps and no other options, as nearly every segment.
    #[inline(always)]
    fn push_usual(&self, frame: &mut Frame, pseudo: Sum, value: u32, echo: u32) {
        let payload = frame.len();
        self.write_usual(frame.room_for(), payload, pseudo, value, echo);
        frame.l4_len = USUAL_LEN as u8;
    }

    /// The same, written where it is to lie, before so many bytes of `payload`.
    #[inline(always)]
    pub(super) fn write_usual(&self, into: &mut [u8; USUAL_LEN], payload: usize, pseudo: Sum, value: u32, echo: u32) {
        let (fixed, options) = into.split_first_chunk_mut().expect("a header is longer than without options");
        self.write_fixed(fixed, USUAL_LEN, payload, pseudo);
        options[..4].copy_from_slice(&TIMESTAMPS_ALONE);
        options[4..8].copy_from_slice(&value.to_be_bytes());
        options[8..].copy_from_slice(&echo.to_be_bytes());
    }

    #[inline(never)]
    fn push_unusual(&self, frame: &mut Frame, pseudo: Sum) {
        match self.options.as_of_syn() {
            Some(options) => self.push_syn(frame, pseudo, &options),
            None => self.push_any(frame, pseudo),
        }
    }

    /// With the options of most SYNs and no others.
    fn push_syn(&self, frame: &mut Frame, pseudo: Sum, options: &[u8; SYN_OPTIONS_LEN]) {
        let mut bytes = [0; SYN_LEN];
        let (fixed, list) = bytes.split_at_mut(MIN_LEN);
        fixed.copy_from_slice(&self.fixed(SYN_LEN, frame.len(), pseudo));
        list.copy_from_slice(options);
        frame.prepend(&bytes);
        frame.l4_len = SYN_LEN as u8;
    }

    fn push_any(&self, frame: &mut Frame, pseudo: Sum) {
        let len = self.len();
        let fixed = self.fixed(len, frame.len(), pseudo);
        let bytes = frame.push(len);
        bytes[..MIN_LEN].copy_from_slice(&fixed);
        self.options.write(&mut bytes[MIN_LEN..]);
        frame.l4_len = len as u8;
    }

    /// What stands before the options of a header of `len` bytes, before so many of `payload`.
    #[inline]
    fn fixed(&self, len: usize, payload: usize, pseudo: Sum) -> [u8; MIN_LEN] {
        let mut bytes = [0; MIN_LEN];
        self.write_fixed(&mut bytes, len, payload, pseudo);
        bytes
    }

    #[inline(always)]
    fn write_fixed(&self, bytes: &mut [u8; MIN_LEN], len: usize, payload: usize, mut pseudo: Sum) {
        pseudo.add_word((len + payload) as u32);
        bytes[0..2].copy_from_slice(&self.src_port.to_be_bytes());
        bytes[2..4].copy_from_slice(&self.dst_port.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.seq.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.ack.0.to_be_bytes());
        bytes[12] = ((len / 4) as u8) << 4 | u8::from(self.ae);
        bytes[13] = self.flags;
        bytes[14..16].copy_from_slice(&self.window.to_be_bytes());
        bytes[16..18].copy_from_slice(&pseudo.folded().to_be_bytes());
        bytes[18..20].copy_from_slice(&self.urgent.to_be_bytes());
    }

    /// The first 20 bytes, without options: they are read where they are to lie. The bits that are still reserved are ignored, as RFC 9293 §3.1 wants.
    #[inline]
    fn of(bytes: &[u8; MIN_LEN]) -> Self {
        Self {
            src_port: u16_at(bytes, 0),
            dst_port: u16_at(bytes, 2),
            seq: Seq(u32_at(bytes, 4)),
            ack: Seq(u32_at(bytes, 8)),
            flags: bytes[13],
            ae: bytes[12] & 1 != 0,
            window: u16_at(bytes, 14),
            urgent: u16_at(bytes, 18),
            options: Options::default(),
        }
    }
}

impl Options {
    /// The timestamps, if there is nothing else: so it is in nearly every segment.
    fn timestamps_alone(&self) -> Option<(u32, u32)> {
        // All of them by name: a new one must be looked at here too.
        let Self { mss, window_scale, sack_permitted, timestamps, sack, fast_open, accurate } = self;
        let others = mss.is_some()
            || window_scale.is_some()
            || *sack_permitted
            || accurate.is_some()
            || !sack.is_empty()
            || fast_open.is_some();
        timestamps.filter(|_| !others)
    }

    /// What a list says that has the options of most SYNs, in the order in which Linux and we write them; none if it is another.
    fn of_syn(list: &[u8]) -> Option<Self> {
        let &[kind::MSS, 4, m, n, kind::SACK_PERMITTED, 2, kind::TIMESTAMPS, 10, a, b, c, d, e, f, g, h, ref end @ ..] = list
        else {
            return None;
        };
        let &[kind::NOP, kind::WINDOW_SCALE, 3, scale] = end else { return None };
        Some(Self {
            mss: Some(u16::from_be_bytes([m, n])).filter(|&mss| mss > 0),
            window_scale: Some(scale.min(MAX_WINDOW_SCALE)),
            sack_permitted: true,
            timestamps: Some((u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))),
            ..Self::default()
        })
    }

    /// The list of those that most SYNs have, if there is nothing else.
    fn as_of_syn(&self) -> Option<[u8; SYN_OPTIONS_LEN]> {
        // All of them by name: a new one must be looked at here too.
        let Self {
            mss: Some(mss),
            window_scale: Some(scale),
            sack_permitted: true,
            timestamps,
            accurate: None,
            sack,
            fast_open: None,
        } = self
        else {
            return None;
        };
        let (value, echo) = timestamps.filter(|_| sack.is_empty())?;
        let mut list = [0; SYN_OPTIONS_LEN];
        list[..2].copy_from_slice(&[kind::MSS, 4]);
        list[2..4].copy_from_slice(&mss.to_be_bytes());
        list[4..16].copy_from_slice(&self::timestamps([kind::SACK_PERMITTED, 2], value, echo));
        list[16..].copy_from_slice(&[kind::NOP, kind::WINDOW_SCALE, 3, *scale]);
        Some(list)
    }

    /// Bytes they take, padded.
    pub fn len(&self) -> usize {
        if self.timestamps_alone().is_some() {
            return TIMESTAMPS_LEN;
        }
        let sack = self.sack_that_fits();
        self.len_without_sack() + if sack == 0 { 0 } else { 4 + 8 * sack }
    }

    /// Bytes they would take with all their SACK blocks.
    pub(super) fn wanted_len(&self) -> usize {
        let sack = self.sack.count as usize;
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
        let fast_open = self.fast_open.map_or(0, |option| fast_open_len(&option).next_multiple_of(4));
        let accurate = self.accurate.map_or(0, |option| option.len().next_multiple_of(4));
        mss + timestamps + accurate + permitted + scale + fast_open
    }

    /// How many SACK blocks there is room for: four, or three with timestamps (RFC 2018 §3, RFC 7323 §3.2).
    fn sack_that_fits(&self) -> usize {
        if self.sack.is_empty() {
            return 0;
        }
        let room = MAX_OPTIONS.saturating_sub(self.len_without_sack());
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
            out.put(&timestamps(if self.sack_permitted { [kind::SACK_PERMITTED, 2] } else { [kind::NOP; 2] }, value, echo));
        }
        if let Some(option) = &self.accurate {
            let (bytes, len) = option.bytes();
            out.put(&bytes[..len]);
            out.put(&[kind::NOP; 3][..len.next_multiple_of(4) - len]);
        }
        if self.sack_permitted && self.timestamps.is_none() {
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
        if let Some(option) = &self.fast_open {
            Self::write_fast_open(&mut out, option);
        }
    }

    /// RFC 7413 §4.1.1
    fn write_fast_open(out: &mut Writer<'_>, option: &FastOpenOption) {
        let len = fast_open_len(option);
        if option.experimental {
            out.put(&[kind::EXPERIMENTAL, len as u8]);
            out.put(&FAST_OPEN_MAGIC);
        } else {
            out.put(&[kind::FAST_OPEN, len as u8]);
        }
        out.put(option.cookie.as_slice());
        out.put(&[kind::NOP, kind::NOP][..len.next_multiple_of(4) - len]);
    }

    /// Reads a list of options: in any segment (RFC 9293 MUST-5), with or without end-of-list and padding (RFC 9293 MUST-4), at any
    /// alignment (RFC 9293 MUST-64), each with a length but those two (RFC 9293 MUST-68).
    /// Those of the handshake count only if `syn` is set, as in Linux (RFC 9293 MUST-65).
    pub fn parse(list: &[u8], syn: bool) -> Self {
        let mut options = Self::default();
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
            (kind::FAST_OPEN, _) if syn => self.read_fast_open(body, false),
            (kind::EXPERIMENTAL, 2..) if syn && body[..2] == FAST_OPEN_MAGIC => self.read_fast_open(&body[2..], true),
            (kind, _) if ecn::OPTION_KINDS.contains(&kind) => self.accurate = Some(AccurateOption::read(kind, body)),
            (kind::SACK, len) if len > 0 && len % 8 == 0 => self.read_sack(body),
            _ => {}
        }
    }

    fn read_fast_open(&mut self, cookie: &[u8], experimental: bool) {
        self.fast_open = Cookie::new(cookie).map(|cookie| FastOpenOption { cookie, experimental });
    }

    fn read_sack(&mut self, body: &[u8]) {
        self.sack = SackBlocks::default();
        for block in body.chunks_exact(8) {
            self.sack.push(Seq(u32_at(block, 0)), Seq(u32_at(block, 4)));
        }
    }
}

/// Bytes of the option without padding.
fn fast_open_len(option: &FastOpenOption) -> usize {
    option.cookie.as_slice().len() + if option.experimental { 4 } else { 2 }
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

/// RFC 7323 §3.2, Appendix A: two bytes in front bring them to their places.
#[inline]
fn timestamps([first, second]: [u8; 2], value: u32, echo: u32) -> [u8; TIMESTAMPS_LEN] {
    let mut bytes = [first, second, kind::TIMESTAMPS, 10, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes[4..8].copy_from_slice(&value.to_be_bytes());
    bytes[8..].copy_from_slice(&echo.to_be_bytes());
    bytes
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests;
