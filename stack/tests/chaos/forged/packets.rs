//! Packets as they are and as they should not be, and the frames they come in.

use super::*;

/// A packet of the family of its ends, or of the other if these are not of one.
pub(super) fn packet(random: &mut Random, odd: f64, ends: [Addr; 2], protocol: u8, segment: &[u8]) -> Vec<u8> {
    if ends.iter().all(|addr| addr.is_v4()) {
        ipv4(random, odd, ends.map(Addr::v4_octets), protocol, segment)
    } else {
        ipv6(random, odd, ends.map(Addr::octets), protocol, segment)
    }
}

fn ipv6(random: &mut Random, odd: f64, [src, dst]: [[u8; 16]; 2], protocol: u8, segment: &[u8]) -> Vec<u8> {
    // Hop-by-hop and destination options of padding, a routing header that is used up, whole and other fragments.
    let (first, extension): (u8, &[u8]) = if random.chance(odd) {
        random.one_of(&[
            (0, &[0, 0, 1, 4, 0, 0, 0, 0]),
            (60, &[0, 0, 1, 4, 0, 0, 0, 0]),
            (43, &[0, 0, 0, 0, 0, 0, 0, 0]),
            (44, &[0, 0, 0, 0, 0, 0, 0, 7]),
            (44, &[0, 0, 0, 1, 0, 0, 0, 7]),
            (59, &[0, 0, 0, 0, 0, 0, 0, 0]),
        ])
    } else {
        (protocol, &[])
    };
    let payload = extension.len() + segment.len();
    let said = if random.chance(odd) {
        random.one_of(&[0, 19, 31, 32, payload - 1, payload + 1, payload.saturating_sub(8)])
    } else {
        payload
    };
    let version = if random.chance(odd) { random.one_of(&[4, 5, 7, 0]) } else { 6 };
    let class = if random.chance(odd) { random.below(256) as u8 } else { 0 };
    let label = if random.chance(odd) { random.below(1 << 20) as u32 } else { 0 };
    let hop_limit = if random.chance(odd) { random.one_of(&[0, 1, 255]) } else { 64 };
    let mut packet = (version << 28 | u32::from(class) << 20 | label).to_be_bytes().to_vec();
    packet.extend((said as u16).to_be_bytes());
    packet.extend([first, hop_limit]);
    packet.extend(src);
    packet.extend(dst);
    packet.extend(extension);
    if !extension.is_empty() {
        packet[40] = protocol;
    }
    packet.extend(segment);
    spoil(&mut packet, random, odd);
    packet
}

fn ipv4(random: &mut Random, odd: f64, [src, dst]: [[u8; 4]; 2], protocol: u8, segment: &[u8]) -> Vec<u8> {
    let options: &[u8] =
        if random.chance(odd) { random.one_of(&[&[1, 1, 1, 0], &[7, 3, 4, 0], &[131, 3, 4, 0], &[148, 4, 0, 0]]) } else { &[] };
    let total = 20 + options.len() + segment.len();
    let said = if random.chance(odd) {
        random.one_of(&[0, 19, 20, 51, 52, total - 1, total + 1, total.saturating_sub(8)])
    } else {
        total
    };
    let flags: u16 = if random.chance(odd) { random.one_of(&[0, 0x8000, 0xc000, 0x2000, 1, 0x6000]) } else { 0x4000 };
    let ident: u16 = if random.chance(odd) { random.below(65_536) as u16 } else { 0 };
    let ttl = if random.chance(odd) { random.one_of(&[0, 1, 255]) } else { 64 };
    let tos = if random.chance(odd) { random.below(256) as u8 } else { 0 };
    let mut packet = vec![0x45 + (options.len() / 4) as u8, tos];
    packet.extend((said as u16).to_be_bytes());
    packet.extend(ident.to_be_bytes());
    packet.extend(flags.to_be_bytes());
    packet.extend([ttl, protocol, 0, 0]);
    packet.extend(src);
    packet.extend(dst);
    packet.extend(options);
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(segment);
    // Mostly the checksum is that of the other bit.
    if spoil(&mut packet, random, odd) && random.chance(0.7) {
        packet[10..12].fill(0);
        let header = (usize::from(packet[0] & 15) * 4).min(packet.len()).max(20);
        let sum = checksum(&packet[..header]);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
    }
    packet
}

/// Padding behind a packet, and a bit of it that is another; says if one is.
fn spoil(packet: &mut Vec<u8>, random: &mut Random, odd: f64) -> bool {
    if random.chance(odd / 2.0) {
        let padding = random.one_of(&[1, 6, 8, 46]);
        packet.resize(packet.len() + padding, if random.chance(0.5) { 0 } else { 0xaa });
    }
    let spoils = random.chance(odd / 2.0);
    if spoils {
        let at = random.below(packet.len() as u64) as usize;
        packet[at] ^= 1 << random.below(8);
    }
    spoils
}

pub(super) fn pseudo([src, dst]: [Addr; 2], protocol: u8, len: usize) -> Sum {
    Sum::pseudo(src, dst, protocol, len)
}

/// The bytes as a frame, wherever they lie and whatever is known of them.
pub(super) fn frame(bytes: &[u8], random: &mut Random, odd: f64) -> Frame {
    let mut frame = match random.below(5) {
        0 | 1 => Frame::copy_of(bytes),
        2 => Frame::from(bytes),
        3 => {
            let at = random.below(bytes.len().min(100) as u64 + 1) as usize;
            let mut frame = Frame::from(&bytes[at..]);
            frame.prepend(&bytes[..at]);
            frame
        }
        _ => {
            let at = random.below(bytes.len() as u64) as usize;
            let mut rope = Rope::from(&bytes[..at]);
            rope.append(Rope::from(&bytes[at..]));
            Frame::new(rope)
        }
    };
    if random.chance(odd) {
        frame.checksum = random.one_of(&[Checksum::Verified, Checksum::Partial { offset: 16 }, Checksum::Partial { offset: 6 }]);
        frame.l2_len = random.one_of(&[0, 0, 14]);
        frame.l3_len = random.one_of(&[20, 20, 40, 40, 0, 6, 19, 24, 39, 48]);
        frame.l4_len = random.one_of(&[0, 8, 32]);
    }
    if random.chance(odd) {
        frame.segment_size = random.one_of(&[1, 8, 64, 1000]);
    }
    frame
}
