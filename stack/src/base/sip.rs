//! SipHash by words, for what has a fixed length. The numbers are those of the hashes of bytes in [`entropy`](super::entropy); there is no
//! buffer to be filled, and a beginning that many have in common is hashed once.

/// The state of a SipHash with `C` rounds a word and `D` at the end.
#[derive(Clone, Copy, Debug)]
pub struct Sip<const C: u32, const D: u32> {
    state: [u64; 4],
}

impl<const C: u32, const D: u32> Sip<C, D> {
    /// Nothing was hashed yet.
    #[inline]
    pub fn new(low: u64, high: u64) -> Self {
        Self {
            state: [
                low ^ 0x736f_6d65_7073_6575,
                high ^ 0x646f_7261_6e64_6f6d,
                low ^ 0x6c79_6765_6e65_7261,
                high ^ 0x7465_6462_7974_6573,
            ],
        }
    }

    /// Eight bytes more.
    #[inline]
    pub fn word(&mut self, bytes: [u8; 8]) {
        self.absorb(u64::from_le_bytes(bytes));
    }

    /// Sixteen.
    #[inline]
    pub fn two_words(&mut self, bytes: [u8; 16]) {
        let both = u128::from_le_bytes(bytes);
        self.absorb(both as u64);
        self.absorb((both >> 64) as u64);
    }

    /// The last four bytes, and how many there were in all.
    #[inline]
    pub fn finish(mut self, bytes: [u8; 4], len: u8) -> u64 {
        self.absorb(u64::from(len) << 56 | u64::from(u32::from_le_bytes(bytes)));
        self.state[2] ^= 0xff;
        self.rounds(D);
        let [a, b, c, d] = self.state;
        a ^ b ^ c ^ d
    }

    #[inline]
    fn absorb(&mut self, word: u64) {
        self.state[3] ^= word;
        self.rounds(C);
        self.state[0] ^= word;
    }

    #[inline(always)]
    fn rounds(&mut self, count: u32) {
        let [mut a, mut b, mut c, mut d] = self.state;
        for _ in 0..count {
            a = a.wrapping_add(b);
            b = b.rotate_left(13) ^ a;
            a = a.rotate_left(32);
            c = c.wrapping_add(d);
            d = d.rotate_left(16) ^ c;
            a = a.wrapping_add(d);
            d = d.rotate_left(21) ^ a;
            c = c.wrapping_add(b);
            b = b.rotate_left(17) ^ c;
            c = c.rotate_left(32);
        }
        self.state = [a, b, c, d];
    }
}

#[cfg(test)]
mod tests {
    use siphasher::sip::{SipHasher13, SipHasher24};

    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_hash_of_the_bytes() {
        let (low, high) = (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
        let bytes: [u8; 36] = core::array::from_fn(|at| (at as u8).wrapping_mul(7).wrapping_add(200));
        let (front, rest) = bytes.split_first_chunk::<16>().expect("36 bytes");
        let (middle, last) = rest.split_first_chunk::<16>().expect("20 bytes");
        let last = last.first_chunk::<4>().expect("four bytes");
        let mut strong = Sip::<2, 4>::new(low, high);
        strong.two_words(*front);
        strong.two_words(*middle);
        assert_eq!(strong.finish(*last, 36), SipHasher24::new_with_keys(low, high).hash(&bytes));

        let (front, last) = bytes[..12].split_first_chunk::<8>().expect("twelve bytes");
        let mut fast = Sip::<1, 3>::new(low, high);
        fast.word(*front);
        let last = last.first_chunk::<4>().expect("four bytes");
        assert_eq!(fast.finish(*last, 12), SipHasher13::new_with_keys(low, high).hash(&bytes[..12]));
    }
}
