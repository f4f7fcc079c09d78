//! Floor P1500: what segments of 1460 bytes cannot avoid, in one thread: each is copied into a packet of a ring, summed, given a header, and
//! copied to the reader.

use std::hint::black_box;

use loggia_bench::pair::{BUFFER, WRITE, pattern};
use loggia_stack::base::checksum::checksum;

use crate::figure::Sample;
use crate::probe::Effort;
use crate::timing::timed;

const PAYLOAD: usize = 1460;
const HEADER: usize = 40;
const PACKET: usize = PAYLOAD + HEADER;

pub(crate) fn measure(effort: Effort) -> Result<Vec<Sample>, String> {
    let segments = effort.of(2 << 30) / PAYLOAD;
    let (source, mut sink) = (pattern(WRITE), vec![0u8; WRITE]);
    let mut ring = vec![0u8; BUFFER / PACKET * PACKET];
    let took = timed(|| {
        let (mut at, mut packet) = (0, 0);
        for number in 0..segments {
            let bytes = &mut ring[packet..packet + PACKET];
            bytes[HEADER..].copy_from_slice(black_box(&source[at..at + PAYLOAD]));
            write_header(&mut bytes[..HEADER], number as u32);
            let sum = checksum(bytes);
            bytes[36..38].copy_from_slice(&sum.to_be_bytes());
            sink[at..at + PAYLOAD].copy_from_slice(&bytes[HEADER..]);
            black_box(&mut sink);
            at = if at + 2 * PAYLOAD > WRITE { 0 } else { at + PAYLOAD };
            packet = if packet + 2 * PACKET > ring.len() { 0 } else { packet + PACKET };
        }
    });
    Ok(vec![Sample::rate(0, "1460-byte segments, one thread", "floor P1500", segments * PAYLOAD, took)])
}

/// Ten words, as IPv4 and TCP have them.
fn write_header(header: &mut [u8], number: u32) {
    for (word, bytes) in header.chunks_exact_mut(4).enumerate() {
        bytes.copy_from_slice(&(number.wrapping_add(word as u32)).to_be_bytes());
    }
}
