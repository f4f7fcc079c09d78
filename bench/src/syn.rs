//! SYNs made by hand, as a flood brings them: connections that stay half-open, without a client that would hold memory too.

use loggia_stack::base::checksum::checksum;
use loggia_stack::base::{Checksum, Frame};

use crate::pair::{Host, address};

const LEN: usize = 60;

/// The SYN of the `number`-th peer, with the options that Linux sends (segment size, SACK, timestamps, window scale).
fn segment(number: u32, port: u16) -> [u8; LEN] {
    let mut packet = [0; LEN];
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&(LEN as u16).to_be_bytes());
    packet[8] = 64;
    packet[9] = 6;
    // 60,000 peers an address.
    let (host, from) = (number / 60_000, 1024 + (number % 60_000) as u16);
    packet[12..16].copy_from_slice(&[192, 0, 2, 100 + host as u8]);
    packet[16..20].copy_from_slice(&address(2).addr.v4_octets());
    let sum = checksum(&packet[..20]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet[20..22].copy_from_slice(&from.to_be_bytes());
    packet[22..24].copy_from_slice(&port.to_be_bytes());
    packet[24..28].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
    packet[32] = 0xa0;
    packet[33] = 0x02;
    packet[34..36].copy_from_slice(&64_240u16.to_be_bytes());
    packet[40..60].copy_from_slice(&[2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7]);
    packet
}

/// Brings `count` SYNs of as many peers to a port of the server; what it answers is lost. Says how many were answered.
pub fn flood(server: &mut Host, port: u16, count: u32) -> u32 {
    let mut answers = 0;
    for number in 0..count {
        let mut frame = Frame::from(&segment(number, port)[..]);
        frame.checksum = Checksum::Verified;
        server.stack.receive(server.link, frame);
        while server.leaving().is_some() {
            answers += 1;
        }
    }
    answers
}
