//! The Internet checksum (RFC 1071): one's complement sum of 16-bit words.

use super::addr::Addr;
use super::rope::Rope;

/// A running one's complement sum. Feed it any number of slices; an odd slice is carried over correctly to the next.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sum {
    total: u64,
    odd: bool,
}

impl Sum {
    /// An empty sum.
    pub const fn new() -> Self {
        Self { total: 0, odd: false }
    }

    /// The sum of the pseudo-header of TCP, UDP and ICMPv6 (RFC 9293 §3.1, RFC 8200 §8.1).
    pub fn pseudo(src: Addr, dst: Addr, protocol: u8, len: usize) -> Self {
        let mut sum = Self::new();
        if src.is_v4() && dst.is_v4() {
            sum.add_word(u32::from_be_bytes(src.v4_octets()));
            sum.add_word(u32::from_be_bytes(dst.v4_octets()));
        } else {
            sum.add(&src.octets());
            sum.add(&dst.octets());
        }
        sum.add_word(len as u32);
        sum.add_word(u32::from(protocol));
        sum
    }

    /// Adds four bytes given as a big-endian number. No odd slice may stand before them.
    pub(crate) fn add_word(&mut self, word: u32) {
        debug_assert!(!self.odd, "a word stands on an even place");
        self.total += u64::from(word);
    }

    /// Adds the bytes of a header, which may be that of UDP.
    #[inline]
    pub(crate) fn add_header(&mut self, bytes: &[u8]) {
        match <&[u8; 8]>::try_from(bytes) {
            Ok(udp) if !self.odd => self.total += fold64(u64::from_be_bytes(*udp)),
            _ => self.add(bytes),
        }
    }

    /// Adds bytes.
    #[inline]
    pub fn add(&mut self, bytes: &[u8]) {
        *self = self.with(bytes);
    }

    /// As [`Sum::add`], for a few dozen bytes, without a call. No odd slice may stand before them.
    #[inline(always)]
    pub(crate) fn add_short(&mut self, bytes: &[u8]) {
        debug_assert!(!self.odd, "it stands on an even place");
        let (words, tail) = bytes.as_chunks();
        // Four at a time are an addition and one of the carry each, and nothing else.
        let (fours, rest) = words.as_chunks::<4>();
        let sum = fours.iter().fold(0, |sum, four| four.iter().fold(sum, with_word));
        self.total += fold64(u64::from_be(with_carry(rest.iter().fold(sum, with_word))));
        if !tail.is_empty() {
            *self = self.with_tail(tail);
        }
    }

    /// This sum and bytes.
    fn with(self, bytes: &[u8]) -> Self {
        if self.odd {
            return self.with_odd(bytes);
        }
        let (mut total, mut rest) = (self.total, bytes);
        if rest.len() >= LONG {
            let blocks = rest.chunks_exact(BLOCK);
            rest = blocks.remainder();
            total += fold64(u64::from_be(sum_blocks(blocks)));
        }
        let (words, tail) = rest.as_chunks();
        total += fold64(u64::from_be(sum_words(words)));
        if tail.is_empty() { Self { total, odd: false } } else { Self { total, odd: false }.with_tail(tail) }
    }

    #[inline(never)]
    fn with_odd(self, bytes: &[u8]) -> Self {
        let Some((&first, rest)) = bytes.split_first() else { return self };
        Self { total: self.total + u64::from(first), odd: false }.with(rest)
    }

    /// This sum and less than eight bytes.
    #[inline]
    fn with_tail(mut self, tail: &[u8]) -> Self {
        let mut tail = tail;
        if let Some((word, more)) = tail.split_first_chunk() {
            self.add_word(u32::from_be_bytes(*word));
            tail = more;
        }
        if let [a, b, more @ ..] = tail {
            self.total += u64::from(u16::from_be_bytes([*a, *b]));
            tail = more;
        }
        if let [last] = tail {
            self.total += u64::from(*last) << 8;
            self.odd = true;
        }
        self
    }

    /// Adds all chunks of a rope.
    pub fn add_rope(&mut self, rope: &Rope) {
        rope.add_to(self, 0, rope.len());
    }

    /// The sum folded to 16 bits, not complemented: what a partial checksum field holds.
    pub fn folded(self) -> u16 {
        fold16(self.total)
    }

    /// The checksum: the complement of the folded sum. Over data that contains a right checksum it is 0.
    pub fn finish(self) -> u16 {
        !self.folded()
    }
}

impl core::ops::Add for Sum {
    type Output = Self;
    /// The sum of both; nothing odd may stand in the first.
    fn add(self, other: Self) -> Self {
        debug_assert!(!self.odd, "what follows stands on an even place");
        Self { total: self.total + other.total, odd: other.odd }
    }
}

/// Lanes of 64 bits: four vector registers of every machine.
const LANES: usize = 8;
/// Bytes that are summed at a time.
const BLOCK: usize = 8 * LANES;
/// Below this (headers) the sum costs less than the preparations for vectors.
const LONG: usize = 128;

/// The sum of whole blocks, in words of 32 bits in the machine's own order (RFC 1071 §2 (B): the order of bytes does not matter until the
/// end; see [`sum_words`]). A lane adds pairs of them as they are, without a look at what overflows, and the upper ones once more by themselves: the rest is
/// the sum of the lower ones. That is a load, an addition, a shift and an addition a vector; a compiler makes vectors of it.
fn sum_blocks(blocks: core::slice::ChunksExact<'_, u8>) -> u64 {
    let (mut pairs, mut uppers) = ([0u64; LANES], [0u64; LANES]);
    for block in blocks {
        for (lane, bytes) in block.as_chunks().0.iter().enumerate() {
            let pair = u64::from_ne_bytes(*bytes);
            pairs[lane] = pairs[lane].wrapping_add(pair);
            // It would take 16 GiB for the sum of all uppers and all lowers to overflow.
            uppers[lane] = uppers[lane].wrapping_add(pair >> 32);
        }
    }
    // Lane by lane here too: of lanes that are looked at one by one the compiler makes no vectors in the loop above either.
    let lowers = pairs.iter().zip(&uppers).map(|(pairs, uppers)| pairs.wrapping_sub(uppers << 32));
    lowers.sum::<u64>() + uppers.iter().sum::<u64>()
}

/// The sum of words of 64 bits in the machine's own order. Turned round as a whole it is that in the network's order: each pair of bytes is
/// turned, and where a pair stands does not matter.
fn sum_words(words: &[[u8; 8]]) -> u64 {
    with_carry(words.iter().fold(0, with_word))
}

#[inline(always)]
fn with_word(sum: u128, word: &[u8; 8]) -> u128 {
    sum + u128::from(u64::from_ne_bytes(*word))
}

/// What was carried is added at the other end.
#[inline(always)]
fn with_carry(sum: u128) -> u64 {
    let (sum, carry) = (sum as u64).overflowing_add((sum >> 64) as u64);
    sum + u64::from(carry)
}

/// A number plus itself turned by half its width has in its upper half the one's complement sum of both halves: the lower half makes the carry.
#[inline]
fn fold16(total: u64) -> u16 {
    let folded = (total.wrapping_add(total.rotate_left(32)) >> 32) as u32;
    (folded.wrapping_add(folded.rotate_left(16)) >> 16) as u16
}

#[inline]
fn fold64(total: u64) -> u64 {
    (total & 0xffff_ffff) + (total >> 32)
}

/// The checksum of bytes.
#[inline]
pub fn checksum(bytes: &[u8]) -> u16 {
    // An IPv4 header, nearly always.
    if let Ok(header) = <&[u8; 20]>::try_from(bytes) {
        // In the machine's own order: see [`sum_words`].
        let words = header.as_chunks().0.iter().map(|word| u64::from(u32::from_ne_bytes(*word)));
        return !u16::from_be(fold16(words.sum()));
    }
    let mut sum = Sum::new();
    sum.add(bytes);
    sum.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        let mut sum = Sum::new();
        sum.add(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum.folded(), 0xddf2);
    }

    #[test]
    fn blocks_and_single_words_give_the_same() {
        let bytes: alloc::vec::Vec<u8> = (0..2000u32).map(|at| (at * 37 % 256) as u8 | 0x80).collect();
        for len in 0..bytes.len() {
            let by_words: u64 =
                bytes[..len].chunks(2).map(|word| u64::from(word[0]) << 8 | u64::from(word.get(1).copied().unwrap_or(0))).sum();
            assert_eq!(checksum(&bytes[..len]), !fold16(by_words), "{len} bytes");
        }
        assert_eq!(checksum(&[0xff; 20]), 0);
    }

    /// Every lane overflows many times.
    #[test]
    fn the_sum_of_many_large_words_is_right() {
        let bytes = alloc::vec![0xfe; 1 << 20];
        let words = (bytes.len() / 2) as u64;
        assert_eq!(checksum(&bytes), !fold16(words * 0xfefe));
    }

    /// A carry out of each word, and out of the last one too.
    #[test]
    fn carries_come_round() {
        for len in 0..127 {
            let bytes = alloc::vec![0xff; len];
            let by_words: u64 = bytes.chunks(2).map(|word| if word.len() == 2 { 0xffff } else { 0xff00 }).sum();
            assert_eq!(checksum(&bytes), !fold16(by_words), "{len} bytes");
        }
    }

    #[test]
    fn slices_may_be_cut_anywhere() {
        let bytes: alloc::vec::Vec<u8> = (0..=255).chain(0..=254).collect();
        for cut in 0..bytes.len() {
            let mut sum = Sum::new();
            sum.add_header(&bytes[..cut]);
            sum.add_header(&bytes[cut..]);
            assert_eq!(sum.finish(), checksum(&bytes), "cut at {cut}");
        }
    }
}
