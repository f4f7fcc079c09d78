//! What the other end of a connection knows of it, and the options it sends.

use super::*;

/// A connection as its other end knows it.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) remote: Addr,
    pub(super) remote_port: u16,
    pub(super) local: Addr,
    pub(super) local_port: u16,
    /// What it sends next.
    pub(super) seq: u32,
    /// What it expects.
    pub(super) ack: u32,
    pub(super) clock: u32,
    pub(super) echo: u32,
}

impl Flow {
    /// A segment, from its header on.
    pub(super) fn hears(&mut self, bytes: &[u8]) {
        let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let flags = bytes[13];
        let header = usize::from(bytes[12] >> 4) * 4;
        let len = (bytes.len() - header) as u32 + u32::from(flags & 2 != 0) + u32::from(flags & 1 != 0);
        let end = word(4).wrapping_add(len);
        if flags & 2 != 0 || end.wrapping_sub(self.ack) < 1 << 30 {
            self.ack = end;
        }
        if flags & 0x10 != 0 {
            self.seq = word(8);
        }
        let mut options = &bytes[20..header];
        while let [kind, rest @ ..] = options {
            match kind {
                0 => break,
                1 => options = rest,
                _ => {
                    let Some(&len) = rest.first() else { break };
                    if *kind == 8 {
                        self.echo = u32::from_be_bytes([rest[1], rest[2], rest[3], rest[4]]);
                    }
                    options = options.get(usize::from(len).max(2)..).unwrap_or_default();
                }
            }
        }
    }
}

/// The usual options of a segment.
pub(super) fn timestamps(flow: &Flow) -> Vec<u8> {
    [&[1, 1, 8, 10][..], &flow.clock.to_be_bytes(), &flow.echo.to_be_bytes()].concat()
}

pub(super) fn syn_options(flow: &Flow, random: &mut Random) -> Vec<u8> {
    let mss: u16 = random.one_of(&[1460, 1460, 536, 0, 1, 65_535]);
    let scale: u8 = random.one_of(&[7, 7, 0, 14, 15, 255]);
    [&[2, 4][..], &mss.to_be_bytes(), &[4, 2, 8, 10], &flow.clock.to_be_bytes(), &flow.echo.to_be_bytes(), &[1, 3, 3, scale]]
        .concat()
}

/// Options as they should not be.
pub(super) fn odd_options(flow: &Flow, random: &mut Random) -> Vec<u8> {
    let mut options = if random.chance(0.5) { timestamps(flow) } else { syn_options(flow, random) };
    match random.below(9) {
        0 => options[3] = random.one_of(&[0, 1, 2, 8, 9, 11, 12, 40, 255]),
        1 => options[0] = random.one_of(&[0, 1, 3, 8, 253]),
        2 => options.rotate_left(2),
        3 => options = vec![],
        4 => options = [&timestamps(flow)[..], &[1, 1, 5, 10], &[0, 0, 0, 9, 0, 0, 0, 12]].concat(),
        5 => options = [&timestamps(flow)[..], &timestamps(flow)[..]].concat(),
        6 => options = [&[8, 10][..], &flow.clock.to_be_bytes(), &flow.echo.to_be_bytes(), &[0, 0]].concat(),
        7 => options = [&timestamps(flow)[..], &[34, 2, 0, 0]].concat(),
        _ => {
            let at = random.below(options.len() as u64) as usize;
            options[at] ^= 1 << random.below(8);
        }
    }
    options
}
