//! Values as bytes between the processes of one run: little-endian numbers, byte strings after their length.

use std::ffi::CString;

/// Puts values one after the other.
#[derive(Default, Debug)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend(number.to_le_bytes());
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(bytes.len() as u64).0.extend(bytes);
        self
    }

    pub(super) fn list<T>(&mut self, items: &[T], mut put: impl for<'a> FnMut(&'a mut Self, &T) -> &'a mut Self) -> &mut Self {
        self.number(items.len() as u64);
        for item in items {
            put(self, item);
        }
        self
    }
}

/// Takes them out again; `None` if what comes is not what was put.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    /// A number of a smaller type.
    pub(super) fn small<T: TryFrom<u64>>(&mut self) -> Option<T> {
        self.number()?.try_into().ok()
    }

    /// A number that may be negative.
    pub(super) fn signed(&mut self) -> Option<i32> {
        Some(self.number()? as i32)
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.small()?;
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn string(&mut self) -> Option<CString> {
        CString::new(self.bytes()?).ok()
    }

    pub(super) fn list<T>(&mut self, mut take: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.number()?).map(|_| take(self)).collect()
    }
}
