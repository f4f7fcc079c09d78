//! A number that stands for a whole sequence of frames and events: equal sequences, equal numbers (FNV-1a, 64 bits).

/// Everything that was added, as one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// Adds bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        // Eight bytes a step; the length stands for the rest's padding.
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.number(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.number(u64::from_le_bytes(last));
        self.number(bytes.len() as u64);
    }

    /// Adds a number.
    pub(crate) fn number(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
    }

    /// Adds the text of anything.
    pub(crate) fn text(&mut self, what: &impl std::fmt::Debug) {
        self.bytes(format!("{what:?}").as_bytes());
    }
}
