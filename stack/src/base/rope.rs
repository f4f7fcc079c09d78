//! Payload as a list of shared, reference-counted chunks: cut, joined and passed on without copying.
//!
//! A rope holds *parts* of chunks. A part remembers its whole, so that what was cut from one chunk and comes together again, as segments do that
//! were cut from one write, is one part again. A few bytes are no chunk at all: they lie in the rope itself, for a copy of them takes less than
//! another reference to where they are, which processors have to agree on.

use alloc::vec::Vec;
use core::iter::{Chain, FusedIterator};
use core::ops::Deref;
use core::{fmt, mem, option, slice};

use bytes::{Buf, Bytes};

use super::checksum::Sum;

/// The most bytes that lie in a rope itself: it has that room anyway.
pub(crate) const SHORT: usize = 40;

/// A run of bytes made of shared chunks. A single part, as nearly all are, costs no allocation of its own; an empty rope owns no memory, and one of
/// up to 40 bytes that were copied into it neither.
#[derive(Clone, Default)]
pub struct Rope {
    len: usize,
    parts: Parts,
}

/// No part is empty.
#[derive(Clone, Default)]
enum Parts {
    #[default]
    None,
    /// The first bytes, as many as the rope has.
    Short(Short),
    One(Part),
    Many(Vec<Part>),
}

/// Aligned as a part is: what is moved without being looked at goes in words then, as it was written.
#[derive(Clone)]
#[repr(align(8))]
struct Short([u8; SHORT]);

/// A part of a shared chunk, as bytes.
#[derive(Clone)]
pub struct Part {
    whole: Bytes,
    start: u32,
    end: u32,
}

impl Deref for Part {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        &self.whole[self.start as usize..self.end as usize]
    }
}

/// The part alone: the rest of its chunk is no business of whoever reads a log.
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// The bytes alone, chunk by chunk.
impl fmt::Debug for Rope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.chunks()).finish()
    }
}

/// The bytes of a rope in order, chunk by chunk; none is empty.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    short: Option<&'a [u8]>,
    parts: slice::Iter<'a, Part>,
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];
    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        self.parts.next().map(|part| &**part).or_else(|| self.short.take())
    }
}

impl FusedIterator for Pieces<'_> {}

impl From<Part> for Bytes {
    fn from(part: Part) -> Self {
        let Part { mut whole, start, end } = part;
        if (end as usize) < whole.len() {
            whole.truncate(end as usize);
        }
        if start > 0 {
            whole.advance(start as usize);
        }
        whole
    }
}

impl Part {
    /// The most bytes of a part.
    const MOST: usize = u32::MAX as usize;

    /// The whole chunk, which must not be longer than [`Part::MOST`].
    fn all(whole: Bytes) -> Self {
        let end = whole.len() as u32;
        Self { whole, start: 0, end }
    }

    /// The bytes from `from` until `until`.
    #[inline]
    fn slice(&self, from: usize, until: usize) -> Self {
        debug_assert!(from <= until && until <= self.len(), "{from}..{until} of {}", self.len());
        Self { whole: self.whole.clone(), start: self.start + from as u32, end: self.start + until as u32 }
    }

    /// True if `next` are the bytes behind this part in the same chunk.
    #[inline]
    fn is_continued_by(&self, next: &Self) -> bool {
        self.end == next.start && self.is_of_the_chunk_of(next)
    }

    /// Two that live now and name the same memory mean the same chunk.
    #[inline]
    fn is_of_the_chunk_of(&self, other: &Self) -> bool {
        self.whole.as_ptr() == other.whole.as_ptr() && self.whole.len() == other.whole.len()
    }
}

#[cold]
#[inline(never)]
fn let_go(parts: Parts) {
    drop(parts);
}

impl Rope {
    /// An empty rope.
    pub const fn new() -> Self {
        Self { len: 0, parts: Parts::None }
    }

    /// Takes the place of another, which is empty nearly always: then there is nothing to let go.
    #[inline(always)]
    pub(crate) fn take_place_of(self, other: &mut Self) {
        match mem::replace(other, self).parts {
            Parts::None | Parts::Short(_) => {}
            parts => let_go(parts),
        }
    }

    /// Bytes in all parts.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if there is not a byte.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes in order, chunk by chunk; none is empty.
    #[inline]
    pub fn chunks(&self) -> Pieces<'_> {
        Pieces { short: self.short(), parts: self.as_slice().iter() }
    }

    /// How many chunks there are.
    pub fn chunk_count(&self) -> usize {
        self.as_slice().len() + usize::from(self.short().is_some())
    }

    /// The bytes, if they lie in the rope itself.
    #[inline]
    fn short(&self) -> Option<&[u8]> {
        match &self.parts {
            Parts::Short(Short(bytes)) => bytes.get(..self.len),
            _ => None,
        }
    }

    /// A copy of up to [`SHORT`] bytes.
    #[inline]
    fn of_short(bytes: &[u8]) -> Self {
        let mut rope = Self::new();
        rope.begin_short(bytes);
        rope
    }

    /// Copies up to [`SHORT`] bytes into an empty rope, where they are to lie: they are not moved just after they were written.
    #[inline(always)]
    pub(crate) fn begin_short(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.len = bytes.len();
        self.parts = Parts::Short(Short([0; SHORT]));
        if let Parts::Short(Short(room)) = &mut self.parts {
            room[..bytes.len()].copy_from_slice(bytes);
        }
    }

    #[inline]
    fn as_slice(&self) -> &[Part] {
        match &self.parts {
            Parts::None | Parts::Short(_) => &[],
            Parts::One(part) => slice::from_ref(part),
            Parts::Many(parts) => parts,
        }
    }

    #[inline]
    fn last_mut(&mut self) -> Option<&mut Part> {
        match &mut self.parts {
            Parts::None | Parts::Short(_) => None,
            Parts::One(part) => Some(part),
            Parts::Many(parts) => parts.last_mut(),
        }
    }

    /// Appends a chunk; an empty one is dropped.
    pub fn push(&mut self, chunk: Bytes) {
        let mut chunk = chunk;
        while chunk.len() > Part::MOST {
            self.push_part(Part::all(chunk.split_to(Part::MOST)));
        }
        if !chunk.is_empty() {
            self.push_part(Part::all(chunk));
        }
    }

    fn push_part(&mut self, part: Part) {
        if self.short().is_some() {
            self.make_chunk();
        }
        self.len += part.len();
        if let Some(last) = self.last_mut()
            && last.is_continued_by(&part)
        {
            last.end = part.end;
            return;
        }
        if let Parts::Many(parts) = &mut self.parts {
            return parts.push(part);
        }
        self.parts = match mem::take(&mut self.parts) {
            Parts::One(first) => Parts::Many(alloc::vec![first, part]),
            _ => Parts::One(part),
        };
    }

    /// Something follows: what lay in the rope gets a place of its own.
    #[cold]
    #[inline(never)]
    fn make_chunk(&mut self) {
        self.parts = Parts::One(Part::all(self.to_bytes()));
    }

    /// Appends all of `other`.
    pub fn append(&mut self, other: Self) {
        if self.is_empty() {
            *self = other;
            return;
        }
        match other.parts {
            Parts::None => {}
            Parts::Short(_) => self.push_part(Part::all(other.to_bytes())),
            Parts::One(part) => self.push_part(part),
            Parts::Many(parts) => parts.into_iter().for_each(|part| self.push_part(part)),
        }
    }

    /// Takes in the `len` bytes from `start` on of `other`, if they stand right behind these in the same chunk: then nothing is shared anew,
    /// the last part only grows. Says if it did; else this rope is as it was.
    #[inline(always)]
    pub fn grow(&mut self, other: &Self, start: usize, len: usize) -> bool {
        let (Some(last), Parts::One(part)) = (self.last_mut(), &other.parts) else { return false };
        let next = u64::from(part.start) + start as u64;
        let grows = start + len <= other.len && next == u64::from(last.end) && last.is_of_the_chunk_of(part);
        if grows {
            last.end += len as u32;
            self.len += len;
        }
        grows
    }

    /// The part from `start` on, `len` bytes of it, sharing the chunks.
    ///
    /// # Panics
    /// If the rope is shorter than that.
    #[inline(always)]
    pub fn slice(&self, start: usize, len: usize) -> Self {
        assert!(start + len <= self.len, "slice {start}+{len} of a rope of {}", self.len);
        match &self.parts {
            Parts::One(part) if len > 0 => Self { len, parts: Parts::One(part.slice(start, start + len)) },
            // As it is, mostly.
            Parts::Short(_) if len == self.len => self.clone(),
            Parts::Short(Short(bytes)) => Self::of_short(&bytes[start..start + len]),
            _ => self.slice_of_many(start, len),
        }
    }

    #[inline(never)]
    fn slice_of_many(&self, start: usize, len: usize) -> Self {
        let mut sliced = Self::new();
        for (part, from, until) in self.pieces(start, len) {
            sliced.push_part(part.slice(from, until));
        }
        sliced
    }

    /// The `len` bytes from `start` on of a rope whose bytes lie together.
    #[inline]
    fn in_one_part(&self, start: usize, len: usize) -> Option<&[u8]> {
        let Parts::One(part) = &self.parts else { return self.short()?.get(start..start + len) };
        let from = part.start as usize + start;
        if start + len > self.len { None } else { part.whole.get(from..from + len) }
    }

    /// All bytes, if they lie together.
    #[inline]
    pub(crate) fn as_one(&self) -> Option<&[u8]> {
        match &self.parts {
            Parts::One(part) => Some(part),
            _ => self.short(),
        }
    }

    /// The whole as [`Rope::to_bytes`] gives it; its only chunk is moved, not shared.
    pub(crate) fn into_bytes(self) -> Bytes {
        match self.parts {
            Parts::One(part) => part.into(),
            _ => self.to_bytes(),
        }
    }

    /// The chunk that it is part of, if it is of one: its memory may be wanted again.
    pub(crate) fn into_chunk(self) -> Option<Bytes> {
        match self.parts {
            Parts::One(part) => Some(part.into()),
            _ => None,
        }
    }

    /// The parts that the `len` bytes from `start` on lie in, as far as there are so many, and which bytes of each.
    fn pieces(&self, start: usize, len: usize) -> impl Iterator<Item = (&Part, usize, usize)> {
        let (mut skip, mut left) = (start, len);
        let pieces = self.as_slice().iter().map_while(move |part| {
            let from = skip.min(part.len());
            let take = (part.len() - from).min(left);
            let more = left > 0;
            skip -= from;
            left -= take;
            more.then_some((part, from, from + take))
        });
        pieces.filter(|(_, from, until)| from < until)
    }

    /// Drops the first `count` bytes.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn advance(&mut self, count: usize) {
        match &mut self.parts {
            Parts::One(part) if count < part.len() => {
                part.start += count as u32;
                self.len -= count;
            }
            _ => *self = self.slice(count, self.len - count),
        }
    }

    /// Keeps the first `len` bytes.
    #[inline(always)]
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        match &mut self.parts {
            Parts::One(part) if len > 0 => {
                part.end = part.start + len as u32;
                self.len = len;
            }
            Parts::Short(_) if len > 0 => self.len = len,
            _ => *self = self.slice(0, len),
        }
    }

    /// Copies from `start` on into `into`, as many bytes as fit; says how many.
    pub fn copy_to(&self, start: usize, into: &mut [u8]) -> usize {
        if let Some(bytes) = self.in_one_part(start, into.len()) {
            into.copy_from_slice(bytes);
            return into.len();
        }
        let mut done = 0;
        for (part, from, until) in self.pieces(start, into.len()) {
            into[done..done + until - from].copy_from_slice(&part[from..until]);
            done += until - from;
        }
        if let Some(rest) = self.short().and_then(|short| short.get(start..)) {
            // Fewer than were asked for.
            into[..rest.len()].copy_from_slice(rest);
            done = rest.len();
        }
        done
    }

    /// Adds the `len` bytes from `start` on, or as many as there are, to a checksum.
    #[inline(always)]
    pub fn add_to(&self, sum: &mut Sum, start: usize, len: usize) {
        match self.in_one_part(start, len) {
            Some(bytes) => sum.add(bytes),
            None => self.add_pieces_to(sum, start, len),
        }
    }

    #[inline(never)]
    fn add_pieces_to(&self, sum: &mut Sum, start: usize, len: usize) {
        self.pieces(start, len).for_each(|(part, from, until)| sum.add(&part[from..until]));
        // Fewer than were asked for.
        sum.add(self.short().and_then(|short| short.get(start..)).unwrap_or_default());
    }

    /// The whole as one contiguous chunk; copies only if there are several.
    pub fn to_bytes(&self) -> Bytes {
        match &self.parts {
            Parts::None => Bytes::new(),
            Parts::One(part) => part.clone().into(),
            Parts::Short(_) | Parts::Many(_) => Bytes::from(self.to_vec()),
        }
    }

    /// A copy of the whole.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len);
        for chunk in self.chunks() {
            all.extend_from_slice(chunk);
        }
        all
    }
}

impl From<Bytes> for Rope {
    fn from(chunk: Bytes) -> Self {
        if !chunk.is_empty() && chunk.len() <= Part::MOST {
            return Self { len: chunk.len(), parts: Parts::One(Part::all(chunk)) };
        }
        let mut rope = Self::new();
        rope.push(chunk);
        rope
    }
}

impl From<&[u8]> for Rope {
    fn from(bytes: &[u8]) -> Self {
        if bytes.len() <= SHORT { Self::of_short(bytes) } else { Bytes::copy_from_slice(bytes).into() }
    }
}

impl From<Vec<u8>> for Rope {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl IntoIterator for Rope {
    type Item = Bytes;
    type IntoIter = core::iter::Map<Chain<option::IntoIter<Part>, alloc::vec::IntoIter<Part>>, fn(Part) -> Bytes>;
    fn into_iter(self) -> Self::IntoIter {
        let (one, many) = match self.parts {
            Parts::None => (None, Vec::new()),
            Parts::Short(_) => (Some(Part::all(self.to_bytes())), Vec::new()),
            Parts::One(part) => (Some(part), Vec::new()),
            Parts::Many(parts) => (None, parts),
        };
        one.into_iter().chain(many).map(Bytes::from)
    }
}

impl PartialEq for Rope {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.chunks().flatten().eq(other.chunks().flatten())
    }
}

impl Eq for Rope {}

#[cfg(test)]
mod tests {
    use super::*;

    fn rope(parts: &[&'static [u8]]) -> Rope {
        let mut rope = Rope::new();
        for part in parts {
            rope.push(Bytes::from_static(part));
        }
        rope
    }

    #[test]
    fn slices_cross_chunks() {
        let whole = rope(&[b"abc", b"", b"de", b"fgh", b"i"]);
        assert_eq!(whole.len(), 9);
        assert_eq!(whole.slice(2, 5).to_vec(), b"cdefg");
        assert_eq!(whole.slice(9, 0).to_vec(), b"");
        let mut tail = whole.clone();
        tail.advance(4);
        assert_eq!(tail.to_vec(), b"efghi");
        tail.truncate(2);
        assert_eq!(tail.to_vec(), b"ef");
    }

    /// What lies in the rope itself does what the same bytes in a chunk do.
    #[test]
    fn a_few_bytes_in_place_are_as_a_chunk_of_them() {
        assert_eq!(size_of::<Rope>(), 2 * size_of::<usize>() + SHORT, "the room is there anyway");
        let mut entropy = crate::base::Entropy::new(3.into());
        for round in 0..20_000 {
            let mut bytes = alloc::vec![0; entropy.below(SHORT as u32 + 2) as usize];
            entropy.fill(&mut bytes);
            let mut here = Rope::from(&bytes[..]);
            let mut there = Rope::from(Bytes::copy_from_slice(&bytes));
            assert_eq!(matches!(here.parts, Parts::Short(_)), (1..=SHORT).contains(&bytes.len()));
            for _ in 0..4 {
                let at = entropy.below(there.len() as u32 + 1) as usize;
                let len = entropy.below((there.len() - at) as u32 + 1) as usize;
                let mut read = [[0; 6 * SHORT]; 2];
                let both = [&here, &there];
                let copied = [0, 1].map(|which| both[which].copy_to(at, &mut read[which][..len + 5]));
                let sums = both.map(|rope| {
                    let mut sum = Sum::new();
                    rope.add_to(&mut sum, at, len + (round & 1));
                    sum.finish()
                });
                assert_eq!((copied[0], read[0], sums[0]), (copied[1], read[1], sums[1]));
                assert_eq!((here.as_one(), here.chunk_count()), (there.as_one(), there.chunk_count()));
                assert_eq!((here.slice(at, len), here.to_bytes()), (there.slice(at, len), there.to_bytes()));
                let more = Rope::from(&bytes[..len.min(bytes.len())]);
                for rope in [&mut here, &mut there] {
                    match round % 4 {
                        0 => rope.advance(at),
                        1 => rope.truncate(at),
                        2 => rope.append(more.clone()),
                        _ => rope.push(more.to_bytes()),
                    }
                }
                assert_eq!((here.len(), &here), (there.len(), &there), "round {round}");
                let chunks = [here.clone(), there.clone()].map(|rope| rope.into_iter().flatten().collect::<Vec<u8>>());
                assert_eq!((&chunks[0], here.is_empty()), (&chunks[1], there.is_empty()));
            }
            assert_eq!(here.clone().into_bytes(), there.into_bytes());
            let is_chunk = matches!(here.parts, Parts::One(_));
            assert_eq!(here.into_chunk().is_some(), is_chunk);
        }
    }

    #[test]
    fn copy_to_takes_what_fits() {
        let whole = rope(&[b"abc", b"de", b"fgh"]);
        let mut four = [0; 4];
        assert_eq!(whole.copy_to(2, &mut four), 4);
        assert_eq!(&four, b"cdef");
        assert_eq!(whole.copy_to(7, &mut four), 1);
    }

    #[test]
    fn equality_ignores_how_it_is_cut() {
        assert_eq!(rope(&[b"ab", b"cd"]), rope(&[b"abcd"]));
        assert_ne!(rope(&[b"ab"]), rope(&[b"ac"]));
    }

    #[test]
    fn what_was_cut_from_one_chunk_grows_together_again() {
        let chunk = Bytes::from((0..=255).collect::<Vec<u8>>());
        let whole = Rope::from(chunk.clone());
        let mut joined = whole.slice(10, 20);
        for start in [30, 50, 70] {
            joined.append(whole.slice(start, 20));
        }
        assert_eq!((joined.chunk_count(), joined.len()), (1, 80));
        assert_eq!(joined.to_bytes(), chunk[10..90]);
        assert_eq!(joined.to_bytes().as_ptr(), chunk[10..].as_ptr(), "not copied");
        assert_eq!(joined.clone().into_iter().collect::<Vec<_>>(), [chunk.slice(10..90)]);
        // Not behind one another, or of another chunk that has the same bytes.
        joined.append(whole.slice(91, 5));
        joined.append(Rope::from(chunk.to_vec()).slice(96, 4));
        assert_eq!(joined.chunk_count(), 3);
        assert_eq!(joined.to_vec(), [&chunk[10..90], &chunk[91..100]].concat());
        joined.truncate(82);
        joined.append(whole.slice(93, 7));
        assert_eq!((joined.chunk_count(), joined.len()), (2, 89));
    }

    #[test]
    fn a_rope_grows_by_what_stands_behind_it_in_its_chunk_and_by_nothing_else() {
        let chunk = Bytes::from((0..=255).collect::<Vec<u8>>());
        let whole = Rope::from(chunk.clone());
        let mut growing = whole.slice(10, 20);
        for (other, start, len) in [(&whole, 30, 20), (&whole.slice(40, 60), 10, 50)] {
            assert!(growing.grow(other, start, len));
        }
        assert_eq!((growing.to_vec(), growing.chunk_count()), (chunk[10..100].to_vec(), 1));
        let alike = Rope::from(chunk.to_vec());
        let refused = [(&whole, 99, 5), (&whole, 101, 5), (&whole, 100, 157), (&alike, 100, 5), (&Rope::new(), 0, 0)];
        for (other, start, len) in refused {
            assert!(!growing.grow(other, start, len), "{start}+{len}");
            assert_eq!(growing.len(), 90);
        }
        assert!(!Rope::new().grow(&whole, 0, 5), "there is no chunk yet");
    }

    #[test]
    fn parts_of_parts_are_what_they_say() {
        let chunk = Bytes::from_static(b"abcdefghij");
        let mut rope = Rope::from(chunk).slice(2, 7);
        rope.advance(1);
        rope.truncate(5);
        assert_eq!(rope.to_vec(), b"defgh");
        assert_eq!(rope.slice(1, 3).slice(1, 2).to_bytes(), "fg");
        assert_eq!(rope.slice(5, 0).chunk_count(), 0);
        let mut read = [0; 3];
        assert_eq!((rope.copy_to(3, &mut read), &read[..2]), (2, &b"gh"[..]));
    }

    #[test]
    fn what_is_shown_of_a_part_is_the_part() {
        let chunk = Bytes::from_static(b"something else, and this");
        let shown = alloc::format!("{:?}", Rope::from(chunk).slice(20, 4));
        assert!(shown.contains("[116, 104, 105, 115]") && !shown.contains("115, 111, 109, 101"), "{shown}");
    }
}
