//! A frame: headers written back to front into a small inline area, and a payload of shared slices.
//!
//! ```text
//!          head (inline, HEAD bytes)                 body (shared, not copied)
//!   ┌──────────┬────┬──────┬───────────┐  ┌───────────────┬───────────┐
//!   │ headroom │ l2 │  l3  │    l4     │  │    slice      │   slice   │
//!   └──────────┴────┴──────┴───────────┘  └───────────────┴───────────┘
//!              ^ start
//! ```
//!
//! On the way out each layer pushes its header in front of the one above it. A frame that comes from a device is usually one
//! slice and an empty head, and a short datagram lies in the head as a whole; readers use [`Frame::view`], which does not care where a header
//! lies.
//! A frame may be larger than the link's MTU: [`Content::segment_size`] then says at how many payload bytes it is to be cut.

use alloc::boxed::Box;
use core::hint::cold_path;
use core::ops::{Deref, DerefMut};

use bytes::Bytes;

use super::rope::Rope;

/// Room for headers: Ethernet with a tag 18, IPv4 with options 60, TCP with options 60.
pub const HEAD: usize = 144;
/// The most bytes of a datagram that lie in the head themselves: the usual headers go before them, Ethernet with a tag 18, IPv6 40, UDP 8.
pub(crate) const SHORT: usize = HEAD - 66;

/// Half of it: enough for all headers of nearly all packets.
pub(crate) const HALF: usize = HEAD / 2;

/// What is known of a frame's transport checksum.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Checksum {
    /// Nothing: on the way in it must be verified; on the way out it is complete (or not wanted).
    #[default]
    Unknown,
    /// It was verified by whoever brought the frame, or the frame never left memory.
    Verified,
    /// The field holds the folded pseudo-header sum; whoever puts the frame on a real wire completes it: the sum from `start`
    /// to the end goes, complemented, to `start + offset`. Both count from the transport header, whose place is
    /// `l2_len + l3_len`. Received in this state (from memory, from virtio) it is trusted.
    Partial {
        /// Offset of the checksum field in the transport header.
        offset: u8,
    },
}

/// One frame (link header included) or packet (on a raw-IP link), up to 64 KiB and a little, or what its device cuts.
///
/// It goes through a dozen hands between a socket and a device, so what it is made of stays in one place and a pointer is passed on.
#[derive(Clone, Debug)]
pub struct Frame {
    content: Box<Content>,
}

/// What a [`Frame`] is made of.
#[derive(Clone, Debug)]
pub struct Content {
    head: [u8; HEAD],
    start: u8,
    /// What follows the head.
    pub body: Rope,
    /// Payload bytes a segment if the frame is a super-segment; 0 if it is a plain frame.
    pub segment_size: u16,
    /// State of the transport checksum.
    pub checksum: Checksum,
    /// Bytes of link header at the front; set by whoever pushed it.
    pub l2_len: u8,
    /// Bytes of network header (with options and extension headers) after that; set by whoever pushed it.
    pub l3_len: u16,
    /// Bytes of transport header after that; set by whoever pushed it.
    pub l4_len: u8,
}

impl Deref for Frame {
    type Target = Content;
    #[inline]
    fn deref(&self) -> &Content {
        &self.content
    }
}

impl DerefMut for Frame {
    #[inline]
    fn deref_mut(&mut self) -> &mut Content {
        &mut self.content
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::new(Rope::new())
    }
}

impl From<Bytes> for Frame {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes.into())
    }
}

impl From<alloc::vec::Vec<u8>> for Frame {
    /// Without a copy.
    fn from(bytes: alloc::vec::Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<&[u8]> for Frame {
    /// A copy.
    fn from(bytes: &[u8]) -> Self {
        Self::new(bytes.into())
    }
}

impl Default for Content {
    /// Not a byte, and nothing known.
    fn default() -> Self {
        Self {
            head: [0; HEAD],
            start: HEAD as u8,
            body: Rope::new(),
            segment_size: 0,
            checksum: Checksum::Unknown,
            l2_len: 0,
            l3_len: 0,
            l4_len: 0,
        }
    }
}

impl Frame {
    /// A frame without headers around a payload; also one that came from a device as it is.
    #[inline(always)]
    pub fn new(body: Rope) -> Self {
        // Made in its place, where the body is put then: a whole content would be moved there.
        let mut content = Box::<Content>::default();
        content.body = body;
        Self { content }
    }

    /// The same in the memory of one that nobody needs any more.
    #[inline(always)] // Where its head begins is known then.
    pub(crate) fn anew(mut self, body: Rope) -> Self {
        // All of them by name: what is added must be thought of here. What is before the headers means nothing.
        let Content { head: _, start, body: old, segment_size, checksum, l2_len, l3_len, l4_len } = &mut *self.content;
        body.take_place_of(old);
        *start = HEAD as u8;
        (*segment_size, *checksum, *l2_len, *l3_len, *l4_len) = (0, Checksum::Unknown, 0, 0, 0);
        self
    }

    /// A frame around bytes that are copied: into the head if they are so few that the usual headers find room before them, else into a chunk.
    #[inline(always)]
    pub fn copy_of(bytes: &[u8]) -> Self {
        if bytes.len() > SHORT {
            return Self::new(Rope::from(bytes));
        }
        let mut content = Box::<Content>::default();
        let start = HEAD - bytes.len();
        content.head[start..].copy_from_slice(bytes);
        content.start = start as u8;
        Self { content }
    }

    /// A frame whose headers are the last `len` bytes of `head`, still without a body.
    #[inline]
    pub(crate) fn with_head(head: &[u8; HEAD], len: usize) -> Self {
        let mut content = Box::<Content>::default();
        // Two parts, each small enough to be moved without a call.
        let (front, back) = content.head.split_at_mut(HALF);
        front.copy_from_slice(&head[..HALF]);
        back.copy_from_slice(&head[HALF..]);
        content.start = (HEAD - len) as u8;
        Self { content }
    }

    /// A frame with the same headers and all that is known of them, but without a body. The headers must not take more than [`HALF`] of the head.
    #[inline]
    pub(crate) fn without_body(&self) -> Self {
        let mut content = Box::<Content>::default();
        let from = &*self.content;
        content.head[HALF..].copy_from_slice(&from.head[HALF..]);
        content.start = from.start;
        content.segment_size = from.segment_size;
        content.checksum = from.checksum;
        (content.l2_len, content.l3_len, content.l4_len) = (from.l2_len, from.l3_len, from.l4_len);
        Self { content }
    }

    /// As [`Frame::without_body`], but with a payload behind the headers, in the head too. Both must find room there.
    #[inline]
    pub(crate) fn with_short(&self, payload: &[u8]) -> Self {
        let mut content = Box::<Content>::default();
        let (from, headers) = (&*self.content, self.head());
        let at = HEAD - payload.len();
        let start = at - headers.len();
        content.head[at..].copy_from_slice(payload);
        content.head[start..at].copy_from_slice(headers);
        (content.start, content.checksum) = (start as u8, from.checksum);
        (content.l2_len, content.l3_len, content.l4_len) = (from.l2_len, from.l3_len, from.l4_len);
        Self { content }
    }

    /// A frame that lies in the head as this one does, but has another short payload at its end: it must not be longer than all.
    #[inline(always)]
    pub(crate) fn with_other_short(&self, payload: &[u8]) -> Self {
        let mut content = Box::<Content>::default();
        let from = &*self.content;
        // Two parts, each small enough to be moved without a call.
        let (front, back) = content.head.split_at_mut(HALF);
        front.copy_from_slice(&from.head[..HALF]);
        back.copy_from_slice(&from.head[HALF..]);
        content.head[HEAD - payload.len()..].copy_from_slice(payload);
        (content.start, content.checksum) = (from.start, from.checksum);
        (content.l2_len, content.l3_len, content.l4_len) = (from.l2_len, from.l3_len, from.l4_len);
        Self { content }
    }

    /// The contiguous headers.
    #[inline]
    pub fn head(&self) -> &[u8] {
        &self.head[self.start as usize..]
    }

    /// The place of the contiguous headers: they are its last bytes, and what is before them means nothing.
    #[inline]
    pub(crate) fn head_area(&self) -> &[u8; HEAD] {
        &self.head
    }

    /// The first `len` bytes at the end of an array, wherever they lie; for whoever found that [`Frame::head_area`] has not all of them.
    ///
    /// # Panics
    /// If the array is shorter.
    #[inline(never)]
    pub(crate) fn copy_of_first<const ROOM: usize>(&self, len: usize) -> [u8; ROOM] {
        let mut room = [0; ROOM];
        self.copy_to(0, &mut room[ROOM - len..]);
        room
    }

    /// The contiguous headers, to be changed in place.
    #[inline]
    pub fn head_mut(&mut self) -> &mut [u8] {
        let Content { head, start, .. } = &mut *self.content;
        &mut head[*start as usize..]
    }

    /// Bytes of head and body.
    #[inline]
    pub fn len(&self) -> usize {
        HEAD - self.start as usize + self.body.len()
    }

    /// Bytes of memory it holds, shared payload counted as its own.
    pub fn memory(&self) -> usize {
        size_of::<Content>() + self.body.len()
    }

    /// True if there is not a byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that can still be pushed.
    pub fn headroom(&self) -> usize {
        self.start as usize
    }

    /// Makes room for `len` zero bytes in front of everything and gives them to be written.
    ///
    /// # Panics
    /// If there is no room: headers are bounded by [`HEAD`], so this is a bug of the caller.
    pub fn push(&mut self, len: usize) -> &mut [u8] {
        let content = &mut *self.content;
        let start = (content.start as usize).checked_sub(len).expect("headers fit the head");
        content.start = start as u8;
        let room = &mut content.head[start..start + len];
        room.fill(0);
        room
    }

    /// Puts `header` in front of everything and gives it to be completed.
    ///
    /// # Panics
    /// As [`Frame::push`].
    #[inline(always)] // The length is known.
    pub fn prepend(&mut self, header: &[u8]) -> &mut [u8] {
        let content = &mut *self.content;
        let start = (content.start as usize).checked_sub(header.len()).expect("headers fit the head");
        content.start = start as u8;
        let room = &mut content.head[start..start + header.len()];
        room.copy_from_slice(header);
        room
    }

    /// Makes room for `N` bytes in front of everything and gives it to be written, all of it: it may hold anything.
    ///
    /// # Panics
    /// As [`Frame::push`].
    #[inline(always)] // Where the head begins is often known.
    pub(crate) fn room_for<const N: usize>(&mut self) -> &mut [u8; N] {
        let content = &mut *self.content;
        let end = content.start as usize;
        content.start = end.checked_sub(N).expect("headers fit the head") as u8;
        content.head[..end].last_chunk_mut().expect("it was found to be there")
    }

    /// Takes `len` bytes away from the front, wherever they lie.
    ///
    /// # Panics
    /// If the frame is shorter.
    pub fn pull(&mut self, len: usize) {
        let from_head = len.min(self.head().len());
        self.start += from_head as u8;
        if len > from_head {
            self.body.advance(len - from_head);
        }
    }

    /// Cuts the frame to `len` bytes (link padding goes this way).
    pub fn truncate(&mut self, len: usize) {
        let head = self.head().len();
        if len >= head {
            self.body.truncate(len - head);
        } else {
            let Content { head, start, body, .. } = &mut *self.content;
            head.copy_within(*start as usize..*start as usize + len, HEAD - len);
            *start = (HEAD - len) as u8;
            *body = Rope::new();
        }
    }

    /// Moves the first `len` bytes into the head if they are not all there: headers that are to be read often, or changed.
    ///
    /// # Panics
    /// If the frame is shorter, or `len` is more than [`HEAD`].
    pub fn own_head(&mut self, len: usize) {
        if self.head().len() < len {
            let mut first = [0; HEAD];
            let first = &mut first[..len];
            self.copy_to(0, first);
            self.pull(len);
            self.prepend(first);
        }
    }

    /// Overwrites the bytes from `at` on, wherever they lie. The chunks of the body are shared, so what is changed gets a place of its
    /// own: no other frame sees it.
    ///
    /// # Panics
    /// If the frame is shorter.
    #[inline]
    pub fn overwrite(&mut self, at: usize, bytes: &[u8]) {
        match self.head_mut().get_mut(at..at + bytes.len()) {
            Some(place) => place.copy_from_slice(bytes),
            None => self.overwrite_body(at, bytes),
        }
    }

    #[inline(never)]
    fn overwrite_body(&mut self, at: usize, bytes: &[u8]) {
        let (end, len) = (at + bytes.len(), self.len());
        assert!(end <= len, "{end} bytes of {len}");
        if end <= HEAD {
            self.own_head(end);
            self.head_mut()[at..end].copy_from_slice(bytes);
            return;
        }
        let mut body = self.rope(0, at);
        body.push(Bytes::copy_from_slice(bytes));
        body.append(self.rope(end, len - end));
        self.pull(len);
        self.body = body;
    }

    /// The `N` bytes from `offset` on, copied; none if the frame is shorter.
    #[inline]
    pub fn read<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        // Most of what is read lies in the head.
        match self.head().get(offset..offset + N) {
            Some(bytes) => bytes.try_into().ok(),
            None => self.read_anywhere(offset),
        }
    }

    #[inline(never)]
    fn read_anywhere<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        (self.copy_to(offset, &mut bytes) == N).then_some(bytes)
    }

    /// The `len` bytes from `offset` on, without a copy where they are contiguous, else through `scratch`;
    /// none if the frame or `scratch` is shorter.
    pub fn view<'a>(&'a self, offset: usize, len: usize, scratch: &'a mut [u8]) -> Option<&'a [u8]> {
        let head = self.head();
        if offset + len <= head.len() {
            return Some(&head[offset..offset + len]);
        }
        if offset >= head.len() {
            let from = offset - head.len();
            if let Some(first) = self.body.chunks().next()
                && from + len <= first.len()
            {
                return Some(&first[from..from + len]);
            }
        }
        if offset + len > self.len() {
            return None;
        }
        let into = scratch.get_mut(..len)?;
        self.copy_to(offset, into);
        Some(into)
    }

    /// The `len` bytes from `offset` on, if they lie together.
    #[inline(always)]
    pub(crate) fn together(&self, offset: usize, len: usize) -> Option<&[u8]> {
        let head = self.head();
        if offset < head.len() {
            return head.get(offset..offset + len);
        }
        // Headers, which are what is mostly looked at, lie in the head.
        cold_path();
        let start = offset - head.len();
        self.body.as_one()?.get(start..start + len)
    }

    /// If the frame has `len` bytes, all in the head: what is before its last `last` bytes, which ends with the others, and these.
    #[inline(always)]
    pub(crate) fn as_short(&self, len: usize, last: usize) -> Option<(&[u8], &[u8])> {
        if usize::from(self.start) + len != HEAD || !self.body.is_empty() {
            return None;
        }
        self.head.split_at_checked(HEAD.checked_sub(last)?)
    }

    /// Copies from `offset` on into `into`, as many bytes as there are; says how many.
    pub fn copy_to(&self, offset: usize, into: &mut [u8]) -> usize {
        let head = self.head();
        let mut done = 0;
        if offset < head.len() {
            done = (head.len() - offset).min(into.len());
            into[..done].copy_from_slice(&head[offset..offset + done]);
        }
        if done < into.len() {
            done += self.body.copy_to((offset + done).saturating_sub(head.len()), &mut into[done..]);
        }
        done
    }

    /// The part from `offset` on, `len` bytes of it; shares the body, copies what lies in the head.
    ///
    /// # Panics
    /// If the frame is shorter.
    #[inline(always)]
    pub fn rope(&self, offset: usize, len: usize) -> Rope {
        match offset.checked_sub(self.head().len()) {
            Some(start) => self.body.slice(start, len),
            None => self.rope_with_head(offset, len),
        }
    }

    #[inline(never)]
    fn rope_with_head(&self, offset: usize, len: usize) -> Rope {
        let head = self.head();
        let from_head = len.min(head.len() - offset);
        let mut rope = Rope::from(&head[offset..offset + from_head]);
        rope.append(self.body.slice(0, len - from_head));
        rope
    }

    /// The part from `offset` on, `len` bytes of it, as [`Frame::rope`] gives it. But one that lies in the body alone is moved, not shared, and
    /// the frame has no body after that; one that begins in the head leaves the frame as it is.
    ///
    /// # Panics
    /// If the frame is shorter.
    #[inline(always)]
    pub fn take_part(&mut self, offset: usize, len: usize) -> Rope {
        let Some(skip) = offset.checked_sub(self.head().len()) else { return self.rope(offset, len) };
        let mut part = core::mem::take(&mut self.body);
        assert!(skip + len <= part.len(), "{skip}+{len} bytes of {}", part.len());
        if skip > 0 {
            part.advance(skip);
        }
        part.truncate(len);
        part
    }

    /// The whole, if there is nothing in the head that would have to be copied out.
    pub fn into_rope(mut self) -> Rope {
        if self.head().is_empty() { core::mem::take(&mut self.body) } else { self.rope(0, self.len()) }
    }

    /// The sum of everything from `offset` on, `len` bytes of it, added to `sum`.
    #[inline(always)]
    pub fn sum(&self, offset: usize, len: usize, sum: super::checksum::Sum) -> super::checksum::Sum {
        let mut sum = sum;
        let head = self.head();
        match offset.checked_sub(head.len()) {
            Some(start) => self.body.add_to(&mut sum, start, len),
            None => match head.get(offset..offset + len) {
                Some(bytes) => sum.add(bytes),
                None => self.add_with_head(&mut sum, offset, len),
            },
        }
        sum
    }

    #[inline(never)]
    fn add_with_head(&self, sum: &mut super::checksum::Sum, offset: usize, len: usize) {
        let head = self.head();
        let from_head = len.min(head.len() - offset);
        sum.add_header(&head[offset..offset + from_head]);
        self.body.add_to(sum, 0, len - from_head);
    }

    /// A copy of the whole.
    pub fn to_vec(&self) -> alloc::vec::Vec<u8> {
        let mut all = alloc::vec::Vec::with_capacity(self.len());
        all.extend_from_slice(self.head());
        self.body.chunks().for_each(|chunk| all.extend_from_slice(chunk));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::checksum::Sum;

    fn split(head: &[u8], body: &'static [u8]) -> Frame {
        let mut frame = Frame::new(Bytes::from_static(body).into());
        frame.push(head.len()).copy_from_slice(head);
        frame
    }

    /// As much as finds room lies in the head, and the usual headers still go before it.
    #[test]
    fn a_short_datagram_lies_in_the_head() {
        for len in [0, 1, SHORT, SHORT + 1, 1000] {
            let bytes: alloc::vec::Vec<u8> = (0..len).map(|at| at as u8).collect();
            let mut frame = Frame::copy_of(&bytes);
            assert_eq!((frame.to_vec(), frame.body.is_empty()), (bytes, len <= SHORT));
            for header in [8, 40, 18] {
                frame.push(header);
            }
            assert_eq!(frame.len(), len + 66);
        }
    }

    #[test]
    fn readers_do_not_care_where_the_bytes_lie() {
        let whole = Frame::from(&b"abcdefgh"[..]);
        for frame in [whole, split(b"abc", b"defgh"), split(b"abcdefgh", b"")] {
            assert_eq!(frame.read::<4>(1), Some(*b"bcde"));
            assert_eq!(frame.read::<4>(5), None);
            let mut scratch = [0; 8];
            assert_eq!(frame.view(2, 3, &mut scratch), Some(&b"cde"[..]));
            assert_eq!(frame.rope(2, 4).to_vec(), b"cdef");
            for (offset, len) in [(0, 8), (2, 4), (3, 5), (4, 2), (8, 0)] {
                assert_eq!(frame.clone().take_part(offset, len), frame.rope(offset, len));
            }
            assert_eq!(frame.sum(1, 5, Sum::new()).folded(), {
                let mut sum = Sum::new();
                sum.add(b"bcdef");
                sum.folded()
            });
            let mut pulled = frame.clone();
            pulled.pull(5);
            assert_eq!(pulled.to_vec(), b"fgh");
            let mut cut = frame;
            cut.truncate(2);
            assert_eq!(cut.to_vec(), b"ab");
        }
    }
}
