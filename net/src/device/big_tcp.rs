//! Super-segments that are longer than an IP packet can say (Linux's BIG TCP): one call to the kernel, one way through it and one wake-up of the
//! program that reads there for what else are several.
//!
//! An IPv4 packet of that kind says 0 for its length and ends with what was written. The kernel cuts it before it leaves for any other device,
//! which costs more than was gained: they are for who is on the link alone, and so for a TUN, whose other end is the kernel, and not for a TAP,
//! which may be one end of a bridge. For IPv6 it would need an extension header (RFC 2675), which we do not write.

use std::io;

use loggia_stack::link::Train;

use super::packet::Packet;

/// The most payload of one. The kernel has room for half a mebibyte if its memory is not in pieces.
const LONGEST: u32 = 256 << 10;
/// What any kernel takes: what an IP packet's length field can say, less room for headers.
pub(super) const LARGEST: u32 = 65_535 - 120;

/// The most payload of a super-segment that this kernel takes.
pub(super) fn largest() -> u32 {
    if rustix::system::uname().release().to_str().is_ok_and(takes_long) { LONGEST } else { LARGEST }
}

/// True of a kernel of this release, if it says what we think: Linux 6.3 is the first that reads such packets.
fn takes_long(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (6, 3)
}

/// Sends a packet by `send`. One that was refused for its length, as where the kernel's memory is in pieces, goes in parts that any kernel takes.
pub(super) fn send(packet: &Packet, send: impl Fn(&Packet) -> io::Result<()>) -> io::Result<()> {
    match send(packet) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock && packet.len() > u16::MAX.into() => {
            let mut parts = parts(packet).ok_or(error)?;
            parts.next().map_or(Ok(()), |first| send(&first))?;
            // What the first was taken of is not given again: where there is no room for the rest it is lost, as packets are.
            let _ = parts.try_for_each(|part| send(&part));
            Ok(())
        }
        done => done,
    }
}

/// The parts of a super-segment, which share its payload; none if it is a packet.
fn parts(packet: &Packet) -> Option<impl Iterator<Item = Packet>> {
    let frame = packet.frame();
    let train = Train::of(frame)?;
    let at_once = (LARGEST as usize / usize::from(packet.segment_size())).max(1);
    let firsts = (0..train.count()).step_by(at_once);
    Some(firsts.map(move |first| Packet::of(train.part(frame, first, at_once.min(train.count() - first)))))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use bytes::Bytes;
    use loggia_stack::base::{Frame, frame};

    use super::*;

    /// A super-segment as a host makes it, with so much payload.
    fn super_segment(payload: usize) -> Packet {
        let mut frame = Frame::new((0..payload).map(|at| (at / 251) as u8).collect::<Bytes>().into());
        let tcp = frame.push(20);
        (tcp[12], tcp[13]) = (0x50, 0x18);
        let ip = frame.push(20);
        (ip[0], ip[8], ip[9]) = (0x45, 64, 6);
        (frame.l3_len, frame.l4_len, frame.segment_size) = (20, 20, 1448);
        frame.checksum = frame::Checksum::Partial { offset: 16 };
        Packet::of(frame)
    }

    /// What a kernel has taken that takes packets of so many bytes at most, and what it said last.
    fn given(packet: &Packet, most: usize, refusal: io::ErrorKind) -> (Vec<Packet>, io::Result<()>) {
        let taken = RefCell::new(Vec::new());
        let done = send(packet, |part| {
            if part.len() > most {
                return Err(refusal.into());
            }
            taken.borrow_mut().push(part.clone());
            Ok(())
        });
        (taken.into_inner(), done)
    }

    #[test]
    fn what_is_refused_for_its_length_goes_in_parts_of_the_same_packets() {
        let whole = super_segment(200_000);
        let (taken, done) = given(&whole, usize::MAX, io::ErrorKind::OutOfMemory);
        assert_eq!((taken.len(), done.is_ok()), (1, true));
        let (taken, done) = given(&whole, 65_535, io::ErrorKind::OutOfMemory);
        assert_eq!((taken.len(), done.is_ok()), (4, true));
        let packets =
            |packets: Vec<Packet>| packets.into_iter().flat_map(Packet::cut).map(|packet| packet.to_vec()).collect::<Vec<_>>();
        assert_eq!(packets(taken), packets(vec![whole]));
    }

    #[test]
    fn who_is_full_is_asked_again_later_and_who_takes_nothing_has_refused_it() {
        let whole = super_segment(200_000);
        for (packet, refusal) in
            [(&whole, io::ErrorKind::WouldBlock), (&whole, io::ErrorKind::Other), (&super_segment(9000), io::ErrorKind::Other)]
        {
            let (taken, done) = given(packet, 0, refusal);
            assert_eq!((taken.len(), done.map_err(|error| error.kind())), (0, Err(refusal)));
        }
    }

    #[test]
    fn of_what_was_taken_nothing_is_given_again() {
        let whole = super_segment(200_000);
        let taken = RefCell::new(Vec::new());
        let done = send(&whole, |part| {
            let refusal = if part.len() > 65_535 { io::ErrorKind::OutOfMemory } else { io::ErrorKind::WouldBlock };
            if part.len() > 65_535 || taken.borrow().len() == 2 {
                return Err(refusal.into());
            }
            taken.borrow_mut().push(part.len());
            Ok(())
        });
        assert_eq!((taken.into_inner().len(), done.is_ok()), (2, true), "the rest is lost");
    }

    #[test]
    fn releases_are_read_as_numbers() {
        assert!(["6.3.0", "6.18.44-cloud", "7.0-rc1", "10.1"].into_iter().all(takes_long));
        assert!(!["6.2.16", "5.19", "6", "", "unknown"].into_iter().any(takes_long));
    }
}
