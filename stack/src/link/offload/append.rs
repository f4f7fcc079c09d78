//! A (super-)segment appended to the one that leaves before it, for who takes both at once: a network in memory.

use super::alike::{Alike, FIN, PSH};
use super::join::{LARGEST, fill_lengths};
use super::layout::{Layout, Transport};
use crate::base::{Checksum, Frame, Sum, Version};

/// Makes `next` a part of `frame`, if both are TCP segments or super-segments of one flow that a stack made for a device that cuts, one behind
/// the other. Cutting gives the same packets, but only the last tells to push: the sender should collapse successive bits when it packetizes
/// (RFC 9293 SHLD-27). Otherwise `next` comes back, and `frame` is as it was.
pub fn append(frame: &mut Frame, next: Frame) -> Result<(), Frame> {
    let Some(join) = Join::of(frame, &next) else { return Err(next) };
    let Join { layout, size } = join;
    let mut next = next;
    let tcp = layout.l4;
    let flags = next.head()[tcp + 13] | frame.head()[tcp + 13] & !PSH;
    frame.body.append(next.take_part(layout.payload, next.len() - layout.payload));
    let end = frame.len();
    let head = &mut frame.head_mut()[..layout.payload];
    fill_lengths(head, &layout, end);
    head[tcp + 13] = flags;
    let (src, dst) = layout.addresses(head);
    let sum = Sum::pseudo(src, dst, layout.transport.number(), end - tcp).folded();
    head[tcp + 16..tcp + 18].copy_from_slice(&sum.to_be_bytes());
    frame.segment_size = size;
    Ok(())
}

/// What both have in common.
struct Join {
    layout: Layout,
    size: u16,
}

impl Join {
    fn of(frame: &Frame, next: &Frame) -> Option<Self> {
        let (layout, other) = (made_here(frame)?, made_here(next)?);
        let size = size(frame, &layout);
        let (a, b) = (frame.head(), next.head());
        let (l3, l4) = (layout.l3, layout.l4);
        let count = layout.payload_len() / size;
        let seq = u32::from_be_bytes(*a[l4 + 4..].first_chunk()?).wrapping_add(layout.payload_len() as u32);
        let fits = match usize::from(next.segment_size) {
            0 => other.payload_len() <= size,
            segment => segment == size,
        };
        let joins = fits
            && (l3, l4, layout.payload, layout.version) == (other.l3, other.l4, other.payload, other.version)
            && layout.payload_len().is_multiple_of(size)
            && layout.end - l3 + other.payload_len() <= LARGEST
            && a[l4 + 13] & FIN == 0
            && (a[l4 + 13] ^ b[l4 + 13]) & !(PSH | FIN) == 0
            && b[l4 + 4..l4 + 8] == seq.to_be_bytes()
            && (layout.version == Version::V6 || counts_on(&a[l3..], &b[l3..], count as u16))
            && Alike::new(&layout).are(frame.head_area(), next.head_area());
        joins.then_some(Self { layout, size: size as u16 })
    }
}

/// True if the identification of an IPv4 header is the one that comes `count` after that of another, or means nothing (RFC 6864 §4.1, DF set).
fn counts_on(a: &[u8], b: &[u8], count: u16) -> bool {
    let id = |header: &[u8]| u16::from_be_bytes([header[4], header[5]]);
    id(b) == id(a).wrapping_add(count) || (a[6] & 0x40 != 0 && id(a) == id(b))
}

/// Bytes of payload of each segment but the last.
fn size(frame: &Frame, layout: &Layout) -> usize {
    if frame.segment_size == 0 { layout.payload_len() } else { usize::from(frame.segment_size) }
}

/// The layout of a segment with payload as a stack makes it: its headers are in its head and nothing else, and its checksum is left to the device.
fn made_here(frame: &Frame) -> Option<Layout> {
    let Checksum::Partial { .. } = frame.checksum else { return None };
    let layout = Layout::of(frame, usize::from(frame.l2_len))?;
    let says_its_length = match layout.version {
        Version::V4 => frame.read::<2>(layout.l3 + 2)? != [0, 0],
        Version::V6 => frame.read::<2>(layout.l3 + 4)? != [0, 0],
    };
    let whole = layout.end == frame.len() && frame.head().len() == layout.payload;
    let usual = layout.plain && layout.transport == Transport::Tcp && says_its_length && layout.payload_len() > 0;
    (whole && usual).then_some(layout)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::super::outside::{Train, cut};
    use super::super::samples::Sample;
    use super::*;

    const FLAGS: usize = 13;

    /// The parts of a super-segment of ten segments, each of so many.
    fn parts(version: Version, counts: &[usize]) -> (Frame, Vec<Frame>) {
        let whole = Sample::new(version, Transport::Tcp, 9_500, 1000).frame();
        let train = Train::of(&whole).expect("ten packets");
        let mut first = 0;
        let parts = counts.iter().map(|count| {
            first += count;
            train.part(&whole, first - count, *count)
        });
        let parts = parts.collect();
        (whole, parts)
    }

    fn bytes(frame: Frame) -> Vec<Vec<u8>> {
        cut(frame).map(|piece| piece.to_vec()).collect()
    }

    #[test]
    fn what_was_cut_is_put_together_again() {
        for version in [Version::V4, Version::V6] {
            for counts in [&[5, 5][..], &[1, 9], &[9, 1], &[1, 1, 1, 7], &[3, 4, 3]] {
                let (whole, parts) = parts(version, counts);
                let mut parts = parts.into_iter();
                let mut joined = parts.next().expect("a part");
                for part in parts {
                    append(&mut joined, part).expect("the next");
                }
                assert_eq!((joined.segment_size, joined.to_vec()), (1000, whole.to_vec()), "{version:?} {counts:?}");
            }
        }
    }

    /// RFC 9293 SHLD-27
    #[test]
    fn only_the_last_packet_tells_to_push() {
        let (whole, parts) = parts(Version::V4, &[4, 6]);
        let [mut first, mut second]: [Frame; 2] = parts.try_into().expect("two");
        let at = usize::from(first.l2_len) + usize::from(first.l3_len) + FLAGS;
        (first.head_mut()[at], second.head_mut()[at]) = (first.head()[at] | PSH, second.head()[at] | PSH);
        let last = bytes(second.clone()).pop();
        append(&mut first, second).expect("the next");
        let (joined, mut expected) = (bytes(first), bytes(whole));
        expected.pop();
        expected.extend(last);
        let without_sums = |all: Vec<Vec<u8>>| all.into_iter().map(|packet| packet[..=at].to_vec()).collect::<Vec<_>>();
        assert_eq!(without_sums(joined), without_sums(expected));
    }

    #[test]
    fn what_does_not_continue_comes_back_and_changes_nothing() {
        let (_, parts) = parts(Version::V4, &[4, 3, 3]);
        let refused = |mut frame: Frame, next: Frame| {
            let before = (frame.to_vec(), next.to_vec());
            let back = append(&mut frame, next).expect_err("it does not continue it");
            assert_eq!((frame.to_vec(), back.to_vec()), before);
        };
        refused(parts[0].clone(), parts[2].clone());
        refused(parts[1].clone(), parts[0].clone());
        refused(parts[2].clone(), parts[0].clone());
        let at = usize::from(parts[0].l2_len) + usize::from(parts[0].l3_len);
        for (place, bits) in [(FLAGS, FIN), (8, 1), (14, 1), (0, 1)] {
            let mut other = parts[0].clone();
            other.head_mut()[at + place] ^= bits;
            refused(other, parts[1].clone());
        }
        let mut unsummed = parts[1].clone();
        unsummed.checksum = Checksum::Unknown;
        refused(parts[0].clone(), unsummed);
    }
}
