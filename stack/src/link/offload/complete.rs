//! Partial checksums completed for a device that does not do it.

use crate::base::{Checksum, Frame, Sum};

/// Completes a partial checksum in place. A frame whose checksum field lies outside of it is left as it is.
#[inline]
pub(crate) fn complete(frame: &mut Frame) {
    let Checksum::Partial { offset } = frame.checksum else { return };
    frame.checksum = Checksum::Unknown;
    let start = usize::from(frame.l2_len) + usize::from(frame.l3_len);
    let field = start + usize::from(offset);
    if field + 2 > frame.len() {
        return;
    }
    let sum = field_of(offset, frame.sum(start, frame.len() - start, Sum::new()).finish());
    frame.overwrite(field, &sum.to_be_bytes());
}

/// What stands in the field at `offset` for a checksum.
pub(super) fn field_of(offset: u8, sum: u16) -> u16 {
    // RFC 768: a UDP checksum that comes out as 0 is sent as all ones, for 0 means there is none. As 0 and 0xffff are the same
    // number in one's complement, doing so is right for every protocol.
    if sum == 0 && offset == 6 { 0xffff } else { sum }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use bytes::Bytes;

    use super::*;
    use crate::base::frame::HEAD;

    /// A packet of `l3` bytes of network header and eight of transport, whose checksum field holds a partial sum.
    fn partial(l3: usize, offset: u8, field: u16) -> Vec<u8> {
        let mut bytes = alloc::vec![0x11; l3 + 8 + 5];
        let at = l3 + usize::from(offset);
        bytes[at..at + 2].copy_from_slice(&field.to_be_bytes());
        bytes
    }

    #[test]
    fn the_sum_lands_in_its_field_wherever_that_lies() {
        for l3 in [20, 40, 135, 142, 143, 200] {
            let bytes = partial(l3, 6, 0x1234);
            let expected = crate::base::checksum::checksum(&bytes[l3..]);
            for in_head in [0, l3.min(HEAD), (l3 + 8).min(HEAD)] {
                let mut frame = Frame::new(Bytes::copy_from_slice(&bytes[in_head..]).into());
                frame.push(in_head).copy_from_slice(&bytes[..in_head]);
                (frame.l3_len, frame.checksum) = (l3 as u16, Checksum::Partial { offset: 6 });
                complete(&mut frame);
                assert_eq!(frame.checksum, Checksum::Unknown);
                assert_eq!(frame.read(l3 + 6), Some(expected.to_be_bytes()), "l3 {l3}, {in_head} bytes in the head");
                assert_eq!(frame.len(), bytes.len());
            }
        }
    }

    /// RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
    #[test]
    fn a_udp_checksum_of_zero_goes_as_all_ones() {
        let mut bytes = partial(20, 6, 0);
        let zero_making = crate::base::checksum::checksum(&bytes[20..]);
        bytes[26..28].copy_from_slice(&zero_making.to_be_bytes());
        let mut frame = Frame::from(&bytes[..]);
        (frame.l3_len, frame.checksum) = (20, Checksum::Partial { offset: 6 });
        complete(&mut frame);
        assert_eq!(frame.read(26), Some([0xff, 0xff]));
    }

    #[test]
    fn a_field_outside_the_frame_is_left_alone() {
        let mut frame = Frame::from(&[0; 27][..]);
        (frame.l3_len, frame.checksum) = (20, Checksum::Partial { offset: 6 });
        complete(&mut frame);
        assert_eq!(frame.to_vec(), [0; 27]);
    }
}
