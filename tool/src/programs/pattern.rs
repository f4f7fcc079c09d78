//! Bytes that can be checked wherever they arrive: what stands where follows from the position alone.

use bytes::Bytes;

/// Length of the repeated block: a prime, so that no power of two of lost bytes goes unnoticed.
const PERIOD: usize = 65_521;

/// The byte at a position of the pattern.
pub fn byte(position: u64) -> u8 {
    let at = position % PERIOD as u64;
    (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// The pattern, ready to be cut.
#[derive(Clone, Debug)]
pub struct Pattern(Bytes);

impl Default for Pattern {
    fn default() -> Self {
        Self((0..2 * PERIOD as u64).map(byte).collect())
    }
}

impl Pattern {
    /// At most `most` bytes that stand at a position: at least one, if `most` is not zero.
    pub fn piece(&self, position: u64, most: usize) -> Bytes {
        let at = (position % PERIOD as u64) as usize;
        self.0.slice(at..at + most.min(PERIOD))
    }

    /// The position of the first byte that does not belong where it stands, if one does not.
    pub fn wrong(&self, mut position: u64, mut bytes: &[u8]) -> Option<u64> {
        while !bytes.is_empty() {
            let right = self.piece(position, bytes.len());
            let (now, later) = bytes.split_at(right.len());
            if now != right {
                return now.iter().zip(&right).position(|(is, ought)| is != ought).map(|at| position + at as u64);
            }
            (position, bytes) = (position + right.len() as u64, later);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_what_stands_there() {
        let pattern = Pattern::default();
        for position in [0, 1, 65_520, 65_521, 1_000_000] {
            let piece = pattern.piece(position, 3000);
            assert!(piece.iter().zip(position..).all(|(is, at)| *is == byte(at)), "{position}");
            assert_eq!(pattern.wrong(position, &piece), None);
        }
        let mut long: Vec<u8> = (5..200_005).map(byte).collect();
        assert_eq!(pattern.wrong(5, &long), None);
        long[150_000] ^= 1;
        assert_eq!(pattern.wrong(5, &long), Some(150_005));
        long.remove(10);
        assert!(pattern.wrong(5, &long).is_some_and(|at| at < 30));
    }
}
