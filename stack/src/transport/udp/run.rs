//! Datagrams in a row that go where the one before them went, and are of one size but perhaps for the last: they go down as one super-segment,
//! as one call with `UDP_SEGMENT` makes it, and the link cuts it. What is on the wire, counted and told of them is that of datagrams sent one by one.

use alloc::vec::Vec;

use super::send::MAX_SEGMENTS;
use super::{Udp, base, header};
use crate::base::event::{Direction, What, class};
use crate::base::{Frame, Key, SockAddr};
use crate::network::Network;

/// The largest payload of a super-segment: the length field of IPv4 counts its headers too.
const LARGEST: usize = 65_535 - 20 - header::LEN;

/// How many of the datagrams that are to be sent make a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Run {
    count: usize,
    /// Bytes of all.
    len: usize,
}

impl Run {
    /// The run at the beginning of datagrams of such lengths, of which the first has `size` bytes: as many as are of that size, `most` at most, and a
    /// shorter one after them. Not an empty one, for what is cut has no empty parts.
    #[inline(always)]
    fn of(lengths: impl Iterator<Item = usize>, size: usize, most: usize) -> Self {
        let mut run = Self::default();
        for len in lengths.take(most).take_while(|len| (1..=size).contains(len)) {
            run.count += 1;
            run.len += len;
            if len < size {
                break;
            }
        }
        run
    }
}

impl Udp {
    /// Sends the first of the datagrams, as many as make a run, each as [`Udp::send_short`] does; says how many. 0: it did nothing, for there is no
    /// run, or the first does not go where the one before it went. `lengths` are those of the datagrams that may be sent so.
    pub fn send_run<'a>(
        &mut self,
        net: &mut Network,
        id: Key,
        size: usize,
        lengths: impl Iterator<Item = usize>,
        datagrams: impl Iterator<Item = &'a [u8]>,
        asked: Option<SockAddr>,
    ) -> usize {
        let socket = &mut self.sockets[id];
        let Some(course) = socket.course.as_deref() else { return 0 };
        if size == 0 || socket.corked.is_some() || !course.is_open(net, &socket.endpoint, asked, size) {
            return 0;
        }
        let most = MAX_SEGMENTS.min(LARGEST / size).min(net.takes_at_once(&course.way, header::LEN + size));
        let run = Run::of(lengths, size, most);
        if run.count < 2 {
            return 0;
        }
        let mut data = Vec::with_capacity(run.len);
        datagrams.take(run.count).for_each(|datagram| data.extend_from_slice(datagram));
        let mut frame = Frame::new(data.into());
        frame.segment_size = size as u16;
        header::push_partial(&mut frame, course.ports, course.way.pseudo());
        let sent = net.send_at_once(&course.way, frame, run.count);
        debug_assert!(sent.is_ok(), "the link said that it takes them");
        let base = base(net);
        base.counters.udp.out_datagrams += run.count as u64;
        if base.events.wanted(class::SEGMENTS) {
            for at in (0..run.len).step_by(size) {
                let (socket, peer, len) = (socket.endpoint.inet.owner, course.to, size.min(run.len - at) as u32);
                base.emit(What::Datagram { socket, direction: Direction::Out, peer, len });
            }
        }
        run.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_of_one_size_and_ends_with_a_shorter_one() {
        let of = |lengths: &[usize], most: usize| {
            let Run { count, len } = Run::of(lengths.iter().copied(), lengths[0], most);
            (count, len)
        };
        assert_eq!(of(&[3, 3, 3], 128), (3, 9));
        assert_eq!(of(&[3, 3, 1, 3], 128), (3, 7), "a shorter one is the last");
        assert_eq!(of(&[3, 3, 4], 128), (2, 6), "a longer one begins anew");
        assert_eq!(of(&[3, 3, 0, 3], 128), (2, 6), "an empty one is no part of any");
        assert_eq!(of(&[3, 3, 3], 2), (2, 6));
        assert_eq!(of(&[3, 3, 3], 0), (0, 0), "no room");
    }
}
