//! What a link writes into packets: damage, and the mark of congestion.

use loggia_stack::base::{Checksum, Frame};
use loggia_stack::link::complete_checksum;

use super::draw::below;

/// Flips one bit of the packet that starts at `l3`; says which, counted from its first (the highest of its first byte). None if there
/// is no packet. From here on nobody may trust the transport checksum any more, so it is completed first, and the receiver verifies.
pub(super) fn damage(frame: &mut Frame, l3: usize, draw: u64) -> Option<u32> {
    complete_checksum(frame);
    let bit = below(draw, (frame.len() - l3) as u64 * 8) as usize;
    let [byte] = frame.read(l3 + bit / 8)?;
    frame.overwrite(l3 + bit / 8, &[byte ^ (0x80 >> (bit % 8))]);
    frame.checksum = Checksum::Unknown;
    Some(bit as u32)
}

/// Sets "congestion experienced" in the IP header at `l3` if the packet's transport is capable of ECN (RFC 3168 §5); says whether.
pub(super) fn mark(frame: &mut Frame, l3: usize) -> bool {
    let Some([first, second]) = frame.read(l3) else { return false };
    match first >> 4 {
        4 if second & 3 != 0 => mark_v4(frame, l3, [first, second]),
        6 if second & 0x30 != 0 => {
            frame.overwrite(l3 + 1, &[second | 0x30]);
            true
        }
        _ => false,
    }
}

/// The header checksum follows (RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m')).
fn mark_v4(frame: &mut Frame, l3: usize, [first, second]: [u8; 2]) -> bool {
    let Some(sum) = frame.read(l3 + 10).map(u16::from_be_bytes) else { return false };
    let (old, new) = (u16::from_be_bytes([first, second]), u16::from_be_bytes([first, second | 3]));
    let total = u32::from(!sum) + u32::from(!old) + u32::from(new);
    let folded = (total & 0xffff) + (total >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    frame.overwrite(l3 + 1, &[second | 3]);
    frame.overwrite(l3 + 10, &(!(folded as u16)).to_be_bytes());
    true
}

#[cfg(test)]
mod tests {
    use super::super::samples::Sample;
    use super::*;
    use loggia_stack::base::checksum::checksum;

    #[test]
    fn a_capable_packet_is_marked_and_its_checksum_stays_right() {
        for ecn in 1..=3 {
            let mut frame = Sample { ecn, ..Sample::default() }.frame();
            assert!(mark(&mut frame, 14));
            let header: [u8; 20] = frame.read(14).expect("a header");
            assert_eq!((header[1] & 3, checksum(&header)), (3, 0));
            let mut frame = Sample { ecn, v6: true, ..Sample::default() }.frame();
            assert!(mark(&mut frame, 14));
            assert_eq!(frame.read(14), Some([0x60, 0x30]));
        }
    }

    #[test]
    fn what_is_not_capable_stays_as_it_is() {
        for v6 in [false, true] {
            let mut frame = Sample { v6, ..Sample::default() }.frame();
            let before = frame.to_vec();
            assert!(!mark(&mut frame, 14));
            assert_eq!(frame.to_vec(), before);
        }
        assert!(!mark(&mut Frame::from(&[0; 14][..]), 14));
    }

    #[test]
    fn damage_is_one_bit_behind_the_link_header_and_the_checksum_was_right_before_it() {
        for partial in [false, true] {
            let sample = Sample { partial, ..Sample::default() };
            let right = Sample::default().frame().to_vec();
            for draw in [0, u64::MAX, 1 << 63, 0x1234_5678_9abc_def0] {
                let mut frame = sample.frame();
                let bit = damage(&mut frame, 14, draw).expect("a packet") as usize;
                let wrong = frame.to_vec();
                let differing: Vec<usize> = (0..right.len()).filter(|at| right[*at] != wrong[*at]).collect();
                assert_eq!(differing, [14 + bit / 8]);
                assert_eq!(right[14 + bit / 8] ^ wrong[14 + bit / 8], 0x80 >> (bit % 8));
                assert_eq!(frame.checksum, Checksum::Unknown);
            }
        }
    }
}
