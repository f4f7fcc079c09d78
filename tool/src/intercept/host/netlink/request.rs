//! What a program asks, read as bytes that may be anything: no length in them is believed before it is compared with what is there.

/// Bytes of `struct nlmsghdr`.
pub(super) const HEADER: usize = 16;

/// One message of a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Request<'a> {
    pub(super) kind: u16,
    pub(super) flags: u16,
    pub(super) sequence: u32,
    /// What follows the header.
    pub(super) body: &'a [u8],
    /// All of it.
    pub(super) whole: &'a [u8],
}

/// The messages of a datagram, up to the first whose length cannot be right, as Linux reads them.
pub(super) fn requests(mut left: &[u8]) -> impl Iterator<Item = Request<'_>> {
    std::iter::from_fn(move || {
        let len = u32::from_ne_bytes(*left.first_chunk()?) as usize;
        if !(HEADER..=left.len()).contains(&len) {
            return None;
        }
        let whole = &left[..len];
        left = &left[len.next_multiple_of(4).min(left.len())..];
        Some(Request {
            kind: u16_at(whole, 4)?,
            flags: u16_at(whole, 6)?,
            sequence: u32_at(whole, 8)?,
            body: &whole[HEADER..],
            whole,
        })
    })
}

impl<'a> Request<'a> {
    /// True if it asks for all there is.
    pub(super) fn is_dump(&self) -> bool {
        i32::from(self.flags) & libc::NLM_F_DUMP != 0
    }

    /// The address family it is about.
    pub(super) fn family(&self) -> u8 {
        self.body.first().copied().unwrap_or(0)
    }

    /// The value of the first attribute of this kind behind a fixed part of `skip` bytes.
    pub(super) fn attribute(&self, skip: usize, kind: u16) -> Option<&'a [u8]> {
        attributes(self.body.get(skip..)?).find(|(found, _)| *found == kind).map(|(_, value)| value)
    }
}

/// Attributes (`struct rtattr`) up to the first whose length cannot be right.
pub(super) fn attributes(mut left: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let len = usize::from(u16_at(left, 0)?);
        let kind = u16_at(left, 2)?;
        if !(4..=left.len()).contains(&len) {
            return None;
        }
        let value = &left[4..len];
        left = &left[len.next_multiple_of(4).min(left.len())..];
        Some((kind, value))
    })
}

pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(len: u32, body: &[u8]) -> Vec<u8> {
        [&len.to_ne_bytes()[..], &18u16.to_ne_bytes(), &1u16.to_ne_bytes(), &7u32.to_ne_bytes(), &[0; 4], body].concat()
    }

    #[test]
    fn messages_follow_each_other_in_steps_of_four() {
        let bytes = [message(17, &[2, 0, 0, 0]), message(16, &[])].concat();
        let found: Vec<_> = requests(&bytes).map(|request| (request.kind, request.sequence, request.body.len())).collect();
        assert_eq!(found, [(18, 7, 1), (18, 7, 0)]);
    }

    #[test]
    fn lengths_that_lie_end_the_datagram() {
        for len in [0, 15, 21, u32::MAX] {
            assert_eq!(requests(&message(len, &[0; 4])).count(), 0, "length {len}");
        }
        assert_eq!(requests(&[9; 3]).count(), 0);
        for len in [0u16, 3, 9, u16::MAX] {
            assert_eq!(attributes(&[&len.to_ne_bytes()[..], &[1, 0, 0, 0, 0, 0]].concat()).count(), 0, "length {len}");
        }
    }

    #[test]
    fn attributes_are_found_behind_the_fixed_part() {
        let bytes = message(16 + 4 + 8 + 5, &[0, 0, 0, 0, 8, 0, 29, 0, 1, 0, 0, 0, 5, 0, 3, 0, b'x']);
        let request = requests(&bytes).next().expect("one message");
        assert_eq!(request.attribute(4, 3), Some(&b"x"[..]));
        assert_eq!(request.attribute(4, 5), None);
        assert_eq!(request.attribute(4000, 3), None);
    }
}
