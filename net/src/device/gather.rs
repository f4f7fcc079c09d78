//! Segments of one stream read one behind the other: their payload comes to lie together, so that who joins them joins nothing but lengths, and
//! none needs memory of its own.
//!
//! Each packet is read so that its headers lie over the last bytes of the payload before it, which are put back once the headers are in the
//! packet's head:
//!
//! ```text
//! | headers | payload 1 ..................|
//!                                | headers | payload 2 ..................|
//! | headers | payload 1 ..................| payload 2 ..................|
//! ```
//!
//! What kind of packets these are decides only how they lie in memory: each comes out as it came, in order.

use std::io;

use bytes::Bytes;
use loggia_stack::base::frame::HEAD;
use loggia_stack::base::{Frame, Rope};

use super::packet::Packet;

/// So much is read together at most: as much as is joined.
pub(super) const MOST: usize = 65_535;
/// A shorter packet is not the beginning of much.
const LITTLE: usize = 512;
/// What is shorter than this part of the buffer does not share it: whoever keeps one packet alone holds at most so many times what it counts.
const SHARERS: usize = 128;

/// Where headers end, and what of them names the stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stream {
    headers: usize,
    /// Addresses and ports.
    ends: [u8; 36],
}

impl Stream {
    /// That of a TCP segment whose headers are plain and whose payload is all there is behind them.
    fn of(packet: &[u8]) -> Option<Self> {
        let half = |at: usize| Some(usize::from(u16::from_be_bytes(*packet.get(at..)?.first_chunk()?)));
        let (network, addresses, len) = match packet.first()? {
            0x45 if packet.get(9) == Some(&6) => (20, 12..20, half(2)?),
            first if first >> 4 == 6 && packet.get(6) == Some(&6) => (40, 8..40, half(4)? + 40),
            _ => return None,
        };
        let headers = network + usize::from(packet.get(network + 12)? >> 4) * 4;
        let mut ends = [0; 36];
        ends[..addresses.len()].copy_from_slice(&packet[addresses]);
        ends[32..].copy_from_slice(&packet[network..network + 4]);
        (len == packet.len() && (network + 20..=HEAD).contains(&headers) && headers < len).then_some(Self { headers, ends })
    }
}

/// Packets of one stream, the payload of all in `buffer` behind the headers of the first.
pub(super) struct Run {
    stream: Stream,
    /// The headers of each, all as long as the stream says.
    heads: Vec<u8>,
    /// Where the payload of each ends.
    ends: Vec<usize>,
    buffer: Vec<u8>,
}

impl Run {
    /// Begins with the packet that is in the buffer, if others may follow it.
    pub(super) fn begin(buffer: Vec<u8>) -> Result<Self, Vec<u8>> {
        let Some(stream) = Stream::of(&buffer).filter(|_| buffer.len() >= LITTLE) else { return Err(buffer) };
        let likely = MOST / buffer.len() + 1;
        let (heads, ends) = (Vec::with_capacity(likely * stream.headers), Vec::with_capacity(likely));
        let mut run = Self { stream, heads, ends, buffer };
        run.put(0);
        Ok(run)
    }

    /// The packet from `at` on is one of it: keeps its headers apart.
    fn put(&mut self, at: usize) {
        self.heads.extend_from_slice(&self.buffer[at..at + self.stream.headers]);
        self.ends.push(self.buffer.len());
    }

    /// True if there is no room for another packet like the first.
    pub(super) fn is_full(&self) -> bool {
        let like_the_first = self.ends.first().map_or(0, |end| end - self.stream.headers);
        self.buffer.len() + like_the_first > MOST
    }

    /// Reads the next packet, by `read`, which appends it to the buffer. One that is not of this run is given back.
    pub(super) fn next(&mut self, read: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> io::Result<Option<Bytes>> {
        let headers = self.stream.headers;
        let end = self.buffer.len();
        let at = end - headers;
        let mut covered = [0; HEAD];
        covered[..headers].copy_from_slice(&self.buffer[at..]);
        self.buffer.truncate(at);
        let done = read(&mut self.buffer);
        let packet = &self.buffer[at..];
        let ours = done.is_ok() && Stream::of(packet) == Some(self.stream);
        let other = (done.is_ok() && !ours).then(|| Bytes::copy_from_slice(packet));
        if ours {
            self.put(at);
        } else {
            self.buffer.truncate(at);
            self.buffer.resize(end, 0);
        }
        self.buffer[at..end].copy_from_slice(&covered[..headers]);
        done.map(|()| other)
    }

    /// The packets in order. If they are much they share the buffer, which `lend` lends them; else they are copied, lest little holds a large
    /// buffer, and the buffer is given back. A small one among large ones is copied too, for a peer may see to it that it alone is kept.
    pub(super) fn finish(self, lend: impl FnOnce(Vec<u8>) -> Bytes, take: &mut dyn FnMut(Packet)) -> Option<Vec<u8>> {
        let Self { stream: Stream { headers, .. }, heads, ends, buffer } = self;
        let starts = std::iter::once(headers).chain(ends.iter().copied());
        let parts = heads.chunks_exact(headers).zip(starts.zip(&ends).map(|(start, end)| start..*end));
        if buffer.len() < MOST / 2 {
            parts.for_each(|(head, payload)| take([head, &buffer[payload]].concat().into()));
            return Some(buffer);
        }
        let little = buffer.capacity() / SHARERS;
        let whole = Rope::from(lend(buffer));
        parts.for_each(|(head, payload)| {
            if payload.len() < little {
                return take([head, &whole.slice(payload.start, payload.len()).to_bytes()].concat().into());
            }
            let mut frame = Frame::new(whole.slice(payload.start, payload.len()));
            frame.prepend(head);
            take(Packet::of(frame));
        });
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// A segment from `port` with so much payload, all of it different.
    fn segment(port: u16, payload: usize, salt: u8) -> Vec<u8> {
        let mut packet: Vec<u8> = (0..52 + payload).map(|at| (at as u8).wrapping_mul(31) ^ salt).collect();
        (packet[0], packet[9]) = (0x45, 6);
        packet[2..4].copy_from_slice(&((52 + payload) as u16).to_be_bytes());
        packet[12..20].fill(10);
        packet[20..22].copy_from_slice(&port.to_be_bytes());
        packet[22..24].fill(7);
        packet[32] = 0x80;
        packet
    }

    /// As [`segment`], over IPv6.
    fn segment_v6(payload: usize, salt: u8) -> Vec<u8> {
        let mut packet: Vec<u8> = (0..60 + payload).map(|at| (at as u8).wrapping_mul(17) ^ salt).collect();
        (packet[0], packet[6]) = (0x60, 6);
        packet[4..6].copy_from_slice(&((20 + payload) as u16).to_be_bytes());
        packet[8..44].fill(9);
        packet[52] = 0x50;
        packet
    }

    /// Whoever keeps a small packet does not hold what came with it.
    #[test]
    fn a_small_packet_among_large_ones_does_not_hold_the_buffer() {
        let mut buffer = Vec::with_capacity(2 * MOST);
        buffer.extend(segment(1, 1448, 0));
        let mut run = Run::begin(buffer).expect("others may follow");
        for number in 0..40 {
            let packet = segment(1, if number == 20 { 100 } else { 1448 }, number);
            let read = |buffer: &mut Vec<u8>| {
                buffer.extend_from_slice(&packet);
                Ok(())
            };
            assert!(run.next(read).expect("it is read").is_none(), "one of the run");
        }
        let (mut lent, mut out) = (Bytes::new(), Vec::new());
        let lend = |buffer| {
            lent = Bytes::from(buffer);
            lent.clone()
        };
        assert!(run.finish(lend, &mut |packet| out.push(packet)).is_none(), "they share the buffer");
        assert_eq!(out[21].to_vec(), segment(1, 100, 20));
        out.swap(0, 21);
        out.truncate(2);
        assert!(!lent.is_unique(), "a large one holds it");
        out.truncate(1);
        assert!(lent.is_unique(), "the small one does not");
    }

    /// What comes out of one run, whether it shared its buffer, and what did not come to be read.
    fn run(packets: &[Vec<u8>]) -> (Vec<Vec<u8>>, bool, usize) {
        let mut waiting: VecDeque<_> = packets.iter().cloned().collect();
        let mut out = Vec::new();
        let mut run = match Run::begin(waiting.pop_front().expect("there is a first")) {
            Ok(run) => run,
            Err(single) => return (vec![single], false, waiting.len()),
        };
        let mut other = None;
        while !run.is_full() && other.is_none() {
            let next = run.next(|buffer| {
                let packet = waiting.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
                buffer.extend_from_slice(&packet);
                Ok(())
            });
            let Ok(next) = next else { break };
            other = next;
        }
        let left = run.finish(Bytes::from, &mut |packet| out.push(packet.to_vec()));
        out.extend(other.map(|other| other.to_vec()));
        (out, left.is_none(), waiting.len())
    }

    #[test]
    fn each_packet_comes_out_as_it_came() {
        let bulk: Vec<_> = (0..40).map(|salt| segment(1, 1448, salt)).collect();
        assert_eq!(run(&bulk), (bulk.clone(), true, 0));
        let little = &bulk[..20];
        assert_eq!(run(little), (little.to_vec(), false, 0), "29 KiB do not hold a buffer of 64");
        let uneven: Vec<_> = (0..44).map(|salt| segment(1, 1448 - 30 * usize::from(salt % 5), salt)).collect();
        assert_eq!(run(&uneven), (uneven.clone(), true, 0));
        let short: Vec<_> = [1448, 1448, 1, 3, 1448].iter().map(|len| segment(1, *len, 9)).collect();
        assert_eq!(run(&short), (short.clone(), false, 0), "payload shorter than the headers that come to lie on it");
        let six: Vec<_> = (0..30).map(|salt| segment_v6(1440, salt)).collect();
        assert_eq!(run(&six), (six.clone(), true, 0));
    }

    #[test]
    fn what_is_not_of_the_stream_ends_it() {
        let strange = [
            segment(2, 1448, 3),
            segment(1, 0, 3),
            segment_v6(1440, 3),
            segment(1, 700, 3)[..600].to_vec(),
            [segment(1, 700, 3), vec![0; 6]].concat(),
            vec![0x45; 3],
            vec![7; 2000],
            Vec::new(),
        ];
        for other in strange {
            let mut packets: Vec<_> = (0..30).map(|salt| segment(1, 1448, salt)).collect();
            packets.push(other);
            packets.push(segment(1, 1448, 77));
            assert_eq!(run(&packets), (packets[..31].to_vec(), true, 1));
            packets.swap(0, 30);
            let (out, _, left) = run(&packets);
            assert_eq!((&out[..], left), (&packets[..out.len()], 32 - out.len()), "nor does it begin this one");
        }
    }

    #[test]
    fn a_run_is_no_longer_than_what_is_joined() {
        let packets: Vec<_> = (0..50).map(|salt| segment(1, 1448, salt)).collect();
        assert_eq!(run(&packets), (packets[..45].to_vec(), true, 5));
    }

    #[test]
    fn payload_that_was_read_together_lies_together() {
        let mut run = Run::begin(segment(1, 1448, 0)).unwrap_or_else(|_| panic!("it may begin one"));
        for salt in 1..40 {
            let next = run.next(|buffer| {
                buffer.extend_from_slice(&segment(1, 1448, salt));
                Ok(())
            });
            assert!(next.is_ok_and(|other| other.is_none()));
        }
        let mut joined = Rope::new();
        run.finish(Bytes::from, &mut |packet| joined.append(packet.into_frame().rope(52, 1448)));
        assert_eq!((joined.len(), joined.chunk_count()), (40 * 1448, 1));
    }
}
