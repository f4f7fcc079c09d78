//! The AccECN option (RFC 9768 §3.2.3): how many bytes of data arrived with which of the two bits, in 24 bits each.
//!
//! ```text
//!   172 (order 0):  length | ECT(0) + 1 | CE | ECT(1) + 1        174 (order 1):  length | ECT(1) + 1 | CE | ECT(0) + 1
//! ```
//!
//! Fields at the end may be left out. Two of the counters begin with 1, so that a path that writes zeros is found out.

use super::{CE, ECT_0, ECT_1};

/// IANA's numbers.
pub(in crate::transport::tcp) const KINDS: [u8; 2] = [172, 174];
/// Bytes of a counter.
const FIELD: usize = 3;
const MASK: u32 = 0xff_ffff;

/// The option of a segment: its order, and the counters it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccurateOption {
    /// 0: ECT(0) comes first; 1: ECT(1).
    pub order: u8,
    /// How many of the fields are there, up to 3.
    pub count: u8,
    /// The counters as on the wire, 24 bits each.
    pub fields: [u32; 3],
}

impl AccurateOption {
    /// What is read behind kind and length; none if the length is not one of the option's (RFC 9768 §3.2.3.3 is generous: what is left over
    /// is not looked at).
    pub(in crate::transport::tcp) fn read(kind: u8, body: &[u8]) -> Self {
        let mut fields = [0; 3];
        let count = (body.len() / FIELD).min(3);
        for (field, bytes) in fields.iter_mut().zip(body.chunks_exact(FIELD)) {
            *field = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
        }
        Self { order: u8::from(kind == KINDS[1]), count: count as u8, fields }
    }

    /// Kind, length and counters; says how many bytes there are.
    pub(in crate::transport::tcp) fn bytes(&self) -> ([u8; 11], usize) {
        let mut bytes = [0; 11];
        let len = self.len();
        bytes[0] = KINDS[usize::from(self.order & 1)];
        bytes[1] = len as u8;
        for (field, into) in self.fields.iter().zip(bytes[2..].chunks_exact_mut(FIELD)) {
            into.copy_from_slice(&field.to_be_bytes()[1..]);
        }
        (bytes, len)
    }

    /// Bytes without padding.
    #[allow(clippy::len_without_is_empty)] // It is never empty.
    pub fn len(&self) -> usize {
        2 + FIELD * usize::from(self.count.min(3))
    }

    /// What the counters count, in their order (RFC 9768 §3.2.3 table 5).
    pub(super) fn codepoints(&self) -> [u8; 3] {
        if self.order == 1 { [ECT_1, CE, ECT_0] } else { [ECT_0, CE, ECT_1] }
    }
}

/// What a counter of bytes begins with (RFC 9768 §3.2.1).
pub(super) fn initial(codepoint: u8) -> u32 {
    u32::from(codepoint != CE)
}

/// By how much a counter has grown whose 24 bits are these now; less than nothing if it was mangled or is an old one.
pub(super) fn growth(counter: u32, codepoint: u8, field: u32) -> i32 {
    let delta = field.wrapping_sub(initial(codepoint)).wrapping_sub(counter) & MASK;
    ((delta << 8) as i32) >> 8
}

/// A counter as a field.
pub(super) fn field(counter: u32, codepoint: u8) -> u32 {
    counter.wrapping_add(initial(codepoint)) & MASK
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9768 §3.2.3: both orders, any number of fields.
    #[test]
    fn what_is_written_is_read() {
        for order in [0, 1] {
            for count in 0..=3 {
                let mut fields = [0; 3];
                fields[..usize::from(count)].copy_from_slice(&[0x01_02_03, 0xff_ff_ff, 7][..usize::from(count)]);
                let option = AccurateOption { order, count, fields };
                let (bytes, len) = option.bytes();
                assert_eq!((usize::from(bytes[1]), len), (len, 2 + 3 * usize::from(count)));
                assert_eq!(AccurateOption::read(bytes[0], &bytes[2..len]), option);
            }
        }
    }

    /// RFC 9768 §3.2.1: counters wrap, and one that went back is seen.
    #[test]
    fn growth_goes_around_and_back() {
        assert_eq!(growth(0, ECT_0, 1001), 1000);
        assert_eq!(growth(0, CE, 1000), 1000);
        assert_eq!(growth(0xff_fff0, ECT_1, field(0xff_fff0 + 100, ECT_1)), 100);
        assert_eq!(growth(5000, CE, 4000), -1000);
    }
}
