//! Reading here and there in a frame, from front to back.

use super::frame::Frame;
use super::rope::Pieces;

/// Reads a frame at places of which each lies behind the one before: it remembers in which chunk it is. At any other place it reads as well, but
/// looks for the chunk anew.
#[derive(Debug)]
pub struct Reader<'a> {
    frame: &'a Frame,
    chunk: &'a [u8],
    /// Where in the frame the chunk begins.
    from: usize,
    rest: Pieces<'a>,
}

impl<'a> Reader<'a> {
    /// One at the front of a frame.
    pub fn new(frame: &'a Frame) -> Self {
        Self { frame, chunk: frame.head(), from: 0, rest: frame.body.chunks() }
    }

    /// Copies from `offset` on into `into`, as many bytes as there are; says how many.
    #[inline]
    pub fn copy_to(&mut self, offset: usize, into: &mut [u8]) -> usize {
        while offset >= self.from + self.chunk.len()
            && let Some(next) = self.rest.next()
        {
            self.from += self.chunk.len();
            self.chunk = next;
        }
        let here = offset.checked_sub(self.from).and_then(|start| self.chunk.get(start..start + into.len()));
        match here {
            Some(bytes) => {
                copy(bytes, into);
                into.len()
            }
            None => self.frame.copy_to(offset, into),
        }
    }
}

/// Copies as many bytes; a few, as they are read here and there, without a call.
#[inline]
fn copy(from: &[u8], into: &mut [u8]) {
    const FEW: usize = 16;
    let len = from.len();
    if (FEW..=2 * FEW).contains(&len) && into.len() == len {
        // Both ends; in the middle twice.
        into[..FEW].copy_from_slice(&from[..FEW]);
        into[len - FEW..].copy_from_slice(&from[len - FEW..]);
    } else {
        into.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::super::entropy::Entropy;
    use super::super::rope::Rope;
    use super::*;

    #[test]
    fn it_reads_what_the_frame_reads_wherever_it_is() {
        let mut random = Entropy::new(7.into());
        for _ in 0..200 {
            let mut body = Rope::new();
            (0..random.below(5)).for_each(|n| body.push(vec![n as u8; 1 + random.below(40) as usize].into()));
            let mut frame = Frame::new(body);
            frame.push(random.below(30) as usize).fill(9);
            let mut reader = Reader::new(&frame);
            for _ in 0..20 {
                let (at, len) = (random.below(frame.len() as u32 + 10) as usize, random.below(50) as usize);
                let (mut own, mut expected) = (vec![0; len], vec![0; len]);
                assert_eq!(reader.copy_to(at, &mut own), frame.copy_to(at, &mut expected));
                assert_eq!(own, expected, "{len} bytes at {at} of {:?}", frame.to_vec());
            }
        }
    }
}
