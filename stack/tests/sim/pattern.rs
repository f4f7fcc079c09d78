//! Streams whose every byte follows from its offset, so that a receiver can check each of them.

/// A prime, so that no power of two of bytes lost or doubled goes unnoticed.
const PERIOD: usize = 65_521;
/// Longest piece that is made or checked at once.
const PIECE: usize = 64 << 10;

/// The bytes of one stream.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Vec<u8>);

impl Pattern {
    /// Streams with different numbers differ.
    pub(crate) fn new(stream: u64) -> Self {
        let mut random = super::Random::new(stream, 0x7061_7474);
        let period: Vec<u8> = std::iter::repeat_with(|| random.next() as u8).take(PERIOD).collect();
        Self(period.iter().copied().cycle().take(PERIOD + PIECE).collect())
    }

    /// The `len` bytes from `offset` on, or fewer: a piece at a time.
    pub(crate) fn at(&self, offset: u64, len: usize) -> &[u8] {
        let start = (offset % PERIOD as u64) as usize;
        &self.0[start..start + len.min(PIECE)]
    }

    /// True if `bytes` are those from `offset` on.
    pub(crate) fn matches(&self, offset: u64, bytes: &[u8]) -> bool {
        let mut offset = offset;
        bytes.chunks(PIECE).all(|piece| {
            let right = self.at(offset, piece.len()) == piece;
            offset += piece.len() as u64;
            right
        })
    }
}
