//! The blocks of a pcapng file ([draft-ietf-opsawg-pcapng](https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/)), little-endian, each
//! as bytes that are written at once. They stand here because labs and hosts in real time write them, and those know nothing of each other.
//!
//! Own code because `pcap-file` 2.0 writes the halves of the timestamps of statistics in the wrong order, and writes a block in many
//! small pieces, of which a full disk keeps some.

use alloc::string::String;
use alloc::vec::Vec;

use super::config::Medium;
use crate::base::Direction;

/// Nanoseconds: a power of ten, negated.
const NANOSECONDS: u8 = 9;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const STATISTICS: u32 = 5;
const PACKET: u32 = 6;

// Numbers of options: of any block, and of those that their first letters name.
const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;
const ISB_STARTTIME: u16 = 2;
const ISB_ENDTIME: u16 = 3;
const ISB_IFRECV: u16 = 4;
/// Lost for want of room in the operating system: the host's queue of captured packets here.
const ISB_OSDROP: u16 = 7;

/// What packets of an interface begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkType {
    /// An Ethernet header (`LINKTYPE_ETHERNET`).
    Ethernet,
    /// An IP header of either family (`LINKTYPE_RAW`).
    Ip,
}

impl LinkType {
    /// That of a link.
    pub const fn of(medium: &Medium) -> Self {
        match medium {
            Medium::Ethernet { .. } => Self::Ethernet,
            Medium::Ip | Medium::Loopback => Self::Ip,
        }
    }

    const fn number(self) -> u16 {
        match self {
            Self::Ethernet => 1,
            Self::Ip => 101,
        }
    }
}

/// A packet to be written.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Which interface, in the order in which they were described.
    pub interface: u32,
    /// Nanoseconds since 1970.
    pub at: u64,
    /// Its bytes from the link header on, or the first of them.
    pub data: &'a [u8],
    /// How many there were.
    pub len: usize,
    /// Which way, seen from the host.
    pub direction: Direction,
    /// What is to be said of it.
    pub comments: &'a [String],
}

/// A section header: the beginning of a file, or of a part of one.
pub fn section(application: &str, comment: &str) -> Vec<u8> {
    let mut block = Block::new(SECTION);
    block.u32(0x1a2b_3c4d);
    block.u16(1);
    block.u16(0);
    block.u64(u64::MAX);
    block.option(OPT_COMMENT, comment.as_bytes());
    block.option(SHB_USERAPPL, application.as_bytes());
    block.end()
}

/// An interface; `snap` bytes of each packet are kept, 0: all.
pub fn interface(name: &str, description: &str, kind: LinkType, snap: u32) -> Vec<u8> {
    let mut block = Block::new(INTERFACE);
    block.u16(kind.number());
    block.u16(0);
    block.u32(snap);
    block.option(IF_NAME, name.as_bytes());
    block.option(IF_DESCRIPTION, description.as_bytes());
    block.option(IF_TSRESOL, &[NANOSECONDS]);
    block.end()
}

/// A packet.
pub fn packet(packet: &Packet<'_>) -> Vec<u8> {
    let mut block = Vec::new();
    append_packet(&mut block, packet, packet.data.len(), |room| room.copy_from_slice(packet.data));
    block
}

/// Appends a packet whose first `kept` bytes are not in [`Packet::data`] but written by `fill`, to where they are to stand.
pub fn append_packet(into: &mut Vec<u8>, packet: &Packet<'_>, kept: usize, fill: impl FnOnce(&mut [u8])) {
    let &Packet { interface, at, len, direction, comments, .. } = packet;
    let start = into.len();
    let padded = kept.next_multiple_of(4);
    into.reserve(HEAD + padded + TAIL);
    // The length: it is known at the end.
    let mut head = [0; HEAD];
    let high = (at >> 32) as u32;
    for (word, place) in [PACKET, 0, interface, high, at as u32, kept as u32, len as u32].iter().zip(head.chunks_exact_mut(4)) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    into.extend_from_slice(&head);
    into.resize(start + HEAD + padded, 0);
    fill(&mut into[start + HEAD..start + HEAD + kept]);
    for comment in comments {
        append_option(into, OPT_COMMENT, comment.as_bytes());
    }
    let total = (into.len() - start + TAIL) as u32;
    into[start + 4..start + 8].copy_from_slice(&total.to_le_bytes());
    let direction: u32 = if direction == Direction::In { 1 } else { 2 };
    let mut tail = [0; TAIL];
    // One option of four bytes, the end of options, the length.
    for (word, place) in [u32::from(EPB_FLAGS) | 4 << 16, direction, 0, total].iter().zip(tail.chunks_exact_mut(4)) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    into.extend_from_slice(&tail);
}

/// Appends the block of a packet without comments `count` times, at least once; says how many bytes each takes. `fill` writes its first `kept`
/// bytes. In what these packets differ is to be [written](data_of_each) afterwards.
pub fn append_times(into: &mut Vec<u8>, packet: &Packet<'_>, kept: usize, count: usize, fill: impl FnOnce(&mut [u8])) -> usize {
    let start = into.len();
    append_packet(into, &Packet { comments: &[], ..*packet }, kept, fill);
    let size = into.len() - start;
    let end = start + count * size;
    into.reserve(end - into.len());
    while into.len() < end {
        into.extend_from_within(start..into.len().min(start + end - into.len()));
    }
    size
}

/// The first `kept` bytes of each packet in blocks of `size` bytes that lie behind each other.
pub fn data_of_each(blocks: &mut [u8], size: usize, kept: usize) -> impl Iterator<Item = &mut [u8]> {
    blocks.chunks_exact_mut(size).map(move |block| &mut block[HEAD..HEAD + kept])
}

/// Appends a packet's block that has no comments, with comments.
///
/// # Panics
/// If `block` is no such block.
pub fn append_commented(into: &mut Vec<u8>, block: &[u8], comments: &[String]) {
    let start = into.len();
    let (before, tail) = block.split_at(block.len() - TAIL);
    into.extend_from_slice(before);
    for comment in comments {
        append_option(into, OPT_COMMENT, comment.as_bytes());
    }
    let total = ((into.len() - start + TAIL) as u32).to_le_bytes();
    into[start..][Block::LENGTH].copy_from_slice(&total);
    into.extend_from_slice(&tail[..TAIL - 4]);
    into.extend_from_slice(&total);
}

/// Bytes of a packet's block before its data, and after data and comments.
const HEAD: usize = 28;
const TAIL: usize = 16;

/// How many packets passed an interface from moment `from` to moment `at`, and how many of them are not in the file for want of room.
pub fn statistics(interface: u32, from: u64, at: u64, packets: u64, missing: u64) -> Vec<u8> {
    let mut block = Block::new(STATISTICS);
    block.u32(interface);
    block.bytes.extend(time(at));
    block.option(ISB_STARTTIME, &time(from));
    block.option(ISB_ENDTIME, &time(at));
    block.option(ISB_IFRECV, &packets.to_le_bytes());
    block.option(ISB_OSDROP, &missing.to_le_bytes());
    block.end()
}

/// Nanoseconds since 1970 in two halves: the high one comes first, whatever the order of bytes.
fn time(nanos: u64) -> [u8; 8] {
    nanos.rotate_left(32).to_le_bytes()
}

/// A block in the making.
struct Block {
    bytes: Vec<u8>,
    options: bool,
}

impl Block {
    /// Where its first length stands.
    const LENGTH: core::ops::Range<usize> = 4..8;

    /// One of this kind.
    fn new(kind: u32) -> Self {
        let mut block = Self { bytes: Vec::with_capacity(96), options: false };
        block.u32(kind);
        // The length: it is known at the end.
        block.u32(0);
        block
    }

    fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// An option; an empty one is left out.
    fn option(&mut self, code: u16, value: &[u8]) {
        self.options |= !value.is_empty();
        append_option(&mut self.bytes, code, value);
    }

    fn end(mut self) -> Vec<u8> {
        if self.options {
            self.u32(0);
        }
        let len = (self.bytes.len() + 4) as u32;
        self.bytes[Self::LENGTH].copy_from_slice(&len.to_le_bytes());
        self.u32(len);
        self.bytes
    }
}

/// Appends an option; an empty one is left out, and what does not fit its length field is cut.
fn append_option(into: &mut Vec<u8>, code: u16, value: &[u8]) {
    if value.is_empty() {
        return;
    }
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    into.extend_from_slice(&code.to_le_bytes());
    into.extend_from_slice(&(value.len() as u16).to_le_bytes());
    into.extend_from_slice(value);
    // A block begins at a multiple of four of its own, wherever it lies in what it is appended to.
    into.resize(into.len() + value.len().next_multiple_of(4) - value.len(), 0);
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::string::ToString;
    use alloc::vec;

    use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
    use pcap_file::pcapng::{Block, PcapNgReader};

    use super::*;

    /// Read by another hand than that which wrote it.
    #[test]
    fn an_independent_reader_finds_what_was_written() {
        let comments = ["lost on wan: loss model".to_owned(), "sent again: timeout".to_owned()];
        let at = 1_700_000_000_123_456_789;
        let mut file = section("loggia", "host client");
        file.extend(interface("eth0", "eth0 of client", LinkType::Ethernet, 0));
        for len in 0..6 {
            let data = vec![len as u8; len];
            let told = Packet { interface: 0, at, data: &data, len: 60, direction: Direction::Out, comments: &comments };
            file.extend(packet(&told));
        }
        file.extend(statistics(0, at - 5, at, 6, 0));
        let mut reader = PcapNgReader::new(&file[..]).expect("a section");
        let mut packets = 0;
        while let Some(block) = reader.next_block() {
            if let Block::EnhancedPacket(packet) = block.expect("a block") {
                assert_eq!((packet.timestamp.as_nanos() as u64, packet.original_len), (at, 60));
                assert_eq!(packet.data.len(), packets);
                let said: Vec<_> = packet.options.iter().filter_map(comment).collect();
                assert_eq!(said, comments);
                assert!(packet.options.contains(&EnhancedPacketOption::Flags(2)), "outbound");
                packets += 1;
            }
        }
        assert_eq!(packets, 6);
    }

    fn comment(option: &EnhancedPacketOption<'_>) -> Option<String> {
        match option {
            EnhancedPacketOption::Comment(text) => Some(text.to_string()),
            _ => None,
        }
    }

    #[test]
    fn statistics_have_the_high_half_of_a_moment_first() {
        let words =
            |block: &[u8]| block.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap())).collect::<Vec<_>>();
        let (from, at) = (0x1_0000_0002, 0x3_0000_0004);
        let options = [0x8_0002, 1, 2, 0x8_0003, 3, 4, 0x8_0004, 5, 0, 0x8_0007, 6, 0, 0];
        let expected = [&[5, 76, 7, 3, 4][..], &options, &[76]].concat();
        assert_eq!(words(&statistics(7, from, at, 5, 6)), expected);
    }

    #[test]
    fn a_block_is_a_multiple_of_four_bytes_and_tells_its_length_twice() {
        for len in 0..9 {
            let data = vec![7; len];
            let block = packet(&Packet { interface: 0, at: 1, data: &data, len, direction: Direction::In, comments: &[] });
            let told = |at: usize| u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]) as usize;
            assert_eq!((told(4), told(block.len() - 4), block.len() % 4), (block.len(), block.len(), 0));
        }
    }
}
