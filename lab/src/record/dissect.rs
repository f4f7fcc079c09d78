//! The headers of a frame, read for the record. Lenient: what is malformed is named as far as it can be read.

use loggia_stack::base::{Addr, Frame};
use loggia_stack::link::Train;

use super::end::{End, Flags};
use super::entry::Word;

/// What a frame says.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Heads {
    /// `tcp`, `udp`, `icmp`, `icmp6`, `arp`, or a number.
    pub proto: Word,
    /// From which end.
    pub src: End,
    /// To which end.
    pub dst: End,
    /// The TCP header.
    pub tcp: Option<TcpHead>,
    /// Bytes of payload.
    pub len: u32,
    /// Bytes of headers, that of the link included; all of them where that is not known.
    pub headers: u32,
    /// IPv4: the identification; tells copies of a packet from its retransmissions.
    pub ident: u16,
    /// What it says, for what is neither TCP nor UDP.
    pub info: String,
}

/// What a TCP header says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TcpHead {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Flags.
    pub flags: Flags,
    /// Window as in the header.
    pub window: u16,
    /// Maximum segment size.
    pub mss: Option<u16>,
    /// Window scale.
    pub wscale: Option<u8>,
    /// Selective acknowledgements.
    pub sack: Vec<(u32, u32)>,
}

impl Heads {
    /// Of those of a super-segment, what they are for the `n`-th of its packets, counted from 0, if they are those of the one before it.
    pub(super) fn go_on(&mut self, train: &Train, n: usize, whole: &Self) {
        self.len = train.payload(n) as u32;
        if self.src.addr.is_v4() {
            self.ident = whole.ident.wrapping_add(n as u16);
        }
        if let (Some(tcp), Some(all)) = (&mut self.tcp, &whole.tcp) {
            tcp.seq = all.seq.wrapping_add(train.offset(n) as u32);
            let last = n + 1 == train.count();
            tcp.flags = if last { all.flags } else { Flags(all.flags.0 & !(Flags::FIN | Flags::PSH)) };
        }
    }
}

/// Reads an Ethernet frame.
pub fn frame(frame: &Frame) -> Heads {
    usual(frame).unwrap_or_else(|| any(frame))
}

/// Bytes of an Ethernet, a plain IPv4 and a TCP header with timestamps.
const USUAL: usize = 14 + 20 + 32;

/// Reads what nearly all frames are: a segment of TCP in a plain, whole IPv4 packet, which says the time and nothing else (RFC 7323 Appendix A). None
/// for anything else. The short way of [`any`].
#[inline(always)] // What is found is large: it is to be made where it stays.
fn usual(frame: &Frame) -> Option<Heads> {
    let (ethernet, rest) = frame.head().first_chunk::<USUAL>()?.split_first_chunk::<14>()?;
    let (ip, tcp) = rest.split_first_chunk::<20>()?;
    let &[0x45, _, high, low, id_high, id_low, fragment, offset, _, 6, ..] = ip else { return None };
    let &[a, b, c, d, ..] = tcp else { return None };
    let is_usual = ethernet[12..] == [8, 0] && fragment & 0x3f | offset == 0 && tcp[12] >> 4 == 8 && tcp[20..24] == [1, 1, 8, 10];
    if !is_usual {
        return None;
    }
    let number = |at: usize| u32::from_be_bytes([tcp[at], tcp[at + 1], tcp[at + 2], tcp[at + 3]]);
    let addr = |at: usize| Addr::from_v4([ip[at], ip[at + 1], ip[at + 2], ip[at + 3]]);
    let total = usize::from(u16::from_be_bytes([high, low]));
    let end = if total == 0 { frame.len() } else { 14 + total };
    Some(Heads {
        proto: "tcp".into(),
        src: End::new(addr(12), u16::from_be_bytes([a, b])),
        dst: End::new(addr(16), u16::from_be_bytes([c, d])),
        tcp: Some(TcpHead {
            seq: number(4),
            ack: number(8),
            flags: Flags(tcp[13]),
            window: u16::from_be_bytes([tcp[14], tcp[15]]),
            ..TcpHead::default()
        }),
        len: end.saturating_sub(USUAL) as u32,
        headers: USUAL as u32,
        ident: u16::from_be_bytes([id_high, id_low]),
        info: String::new(),
    })
}

#[inline(never)]
fn any(frame: &Frame) -> Heads {
    let mut heads = Heads::default();
    let (mut at, mut ethertype) = (14, frame.read::<2>(12).map_or(0, u16::from_be_bytes));
    if ethertype == 0x8100 {
        (at, ethertype) = (18, frame.read::<2>(16).map_or(0, u16::from_be_bytes));
    }
    let read = match ethertype {
        0x0800 => ipv4(frame, at, &mut heads),
        0x86dd => ipv6(frame, at, &mut heads),
        0x0806 => arp(frame, at, &mut heads),
        _ => None,
    };
    if read.is_none() {
        heads = Heads { proto: format!("0x{ethertype:04x}").into(), len: frame.len() as u32, ..Heads::default() };
    }
    if heads.headers == 0 {
        heads.headers = frame.len() as u32;
    }
    heads
}

// Each of these fills in what it finds; none: it is too short for what it claims to be.

fn ipv4(frame: &Frame, at: usize, heads: &mut Heads) -> Option<()> {
    let head: [u8; 20] = frame.read(at)?;
    let [src, dst] = [[head[12], head[13], head[14], head[15]], [head[16], head[17], head[18], head[19]]].map(Addr::from_v4);
    let total = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let end = if total == 0 { frame.len() } else { at + total };
    let start = at + usize::from(head[0] & 0x0f) * 4;
    let fragment = u16::from_be_bytes([head[6], head[7]]) & 0x3fff;
    heads.ident = u16::from_be_bytes([head[4], head[5]]);
    (heads.src, heads.dst) = (End::new(src, 0), End::new(dst, 0));
    match fragment & 0x1fff {
        0 => {
            transport(frame, start, end, head[9], heads);
            is_first(heads, fragment != 0);
        }
        _ => is_piece(heads, head[9], fragment, start, end.saturating_sub(start)),
    }
    Some(())
}

/// A packet, or the first fragment of one.
fn is_first(heads: &mut Heads, more: bool) {
    if more {
        heads.info = "first fragment".into();
    }
}

fn is_piece(heads: &mut Heads, proto: u8, fragment: u16, start: usize, len: usize) {
    let more = if fragment & 0x2000 != 0 { ", more follow" } else { "" };
    heads.info = format!("fragment at byte {}{more}", u32::from(fragment & 0x1fff) * 8);
    (heads.proto, heads.len, heads.headers) = (name(proto), len as u32, start as u32);
}

fn ipv6(frame: &Frame, at: usize, heads: &mut Heads) -> Option<()> {
    let head: [u8; 40] = frame.read(at)?;
    let mut addr = [0; 16];
    addr.copy_from_slice(&head[8..24]);
    heads.src = End::new(Addr::from_v6(addr), 0);
    addr.copy_from_slice(&head[24..40]);
    heads.dst = End::new(Addr::from_v6(addr), 0);
    let len = usize::from(u16::from_be_bytes([head[4], head[5]]));
    let end = if len == 0 { frame.len() } else { at + 40 + len };
    let (mut next, mut start) = (head[6], at + 40);
    loop {
        match next {
            0 | 43 | 60 => {
                let [after, units] = frame.read(start)?;
                (next, start) = (after, start + 8 + usize::from(units) * 8);
            }
            44 => {
                let piece: [u8; 8] = frame.read(start)?;
                let word = u16::from_be_bytes([piece[2], piece[3]]);
                if word & 0xfff8 == 0 {
                    transport(frame, start + 8, end, piece[0], heads);
                    is_first(heads, true);
                } else {
                    let more = if word & 1 == 1 { ", more follow" } else { "" };
                    heads.info = format!("fragment at byte {}{more}", word & 0xfff8);
                    (heads.proto, heads.len) = (name(piece[0]), end.saturating_sub(start + 8) as u32);
                    heads.headers = start as u32 + 8;
                }
                return Some(());
            }
            _ => {
                transport(frame, start, end, next, heads);
                return Some(());
            }
        }
    }
}

fn name(proto: u8) -> Word {
    match proto {
        1 => "icmp".into(),
        2 => "igmp".into(),
        6 => "tcp".into(),
        17 => "udp".into(),
        58 => "icmp6".into(),
        other => other.to_string().into(),
    }
}

fn transport(frame: &Frame, at: usize, end: usize, proto: u8, heads: &mut Heads) {
    (heads.proto, heads.len) = (name(proto), end.saturating_sub(at) as u32);
    match proto {
        6 | 17 => {
            let Some([a, b, c, d]) = frame.read::<4>(at) else { return };
            let tcp = if proto == 6 { tcp(frame, at) } else { None };
            let (header, len) = match &tcp {
                Some((_, header)) => (*header, end.saturating_sub(at + header) as u32),
                None if proto == 6 => return,
                // Of the datagram, also if this is only the first fragment.
                None => (8, u32::from(frame.read(at + 4).map_or(0, u16::from_be_bytes)).saturating_sub(8)),
            };
            (heads.src.port, heads.dst.port) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            (heads.tcp, heads.len) = (tcp.map(|(head, _)| head), len);
            // A header of TCP that says it is shorter than it can be is not to be believed.
            if proto == 17 || header >= 20 {
                heads.headers = (at + header) as u32;
            }
        }
        1 | 58 => heads.info = frame.read::<8>(at).map_or_else(String::new, |head| icmp(proto == 58, head)),
        _ => {}
    }
}

fn tcp(frame: &Frame, at: usize) -> Option<(TcpHead, usize)> {
    let head: [u8; 20] = frame.read(at)?;
    let number = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let len = usize::from(head[12] >> 4) * 4;
    let window = u16::from_be_bytes([head[14], head[15]]);
    let mut told = TcpHead { seq: number(4), ack: number(8), flags: Flags(head[13]), window, ..TcpHead::default() };
    // Most say the time and nothing else (RFC 7323 Appendix A).
    if len > 20 && !(len == 32 && frame.read(at + 20) == Some([1, 1, 8, 10])) {
        let mut options = [0; 40];
        let count = frame.copy_to(at + 20, &mut options[..(len - 20).min(40)]);
        read_options(&options[..count], &mut told);
    }
    Some((told, len))
}

fn read_options(mut rest: &[u8], told: &mut TcpHead) {
    while let [kind, after @ ..] = rest {
        match kind {
            0 => return,
            1 => rest = after,
            _ => {
                let Some(len) = after.first().map(|len| usize::from(*len)).filter(|len| (2..=rest.len()).contains(len)) else {
                    return;
                };
                read_option(*kind, &rest[2..len], told);
                rest = &rest[len..];
            }
        }
    }
}

fn read_option(kind: u8, value: &[u8], told: &mut TcpHead) {
    let number = |at: &[u8]| u32::from_be_bytes([at[0], at[1], at[2], at[3]]);
    match (kind, value) {
        (2, [a, b]) => told.mss = Some(u16::from_be_bytes([*a, *b])),
        (3, [shift]) => told.wscale = Some(*shift),
        (5, blocks) => told.sack = blocks.chunks_exact(8).map(|block| (number(block), number(&block[4..]))).collect(),
        _ => {}
    }
}

fn icmp(v6: bool, head: [u8; 8]) -> String {
    let echo = || format!(" id {} seq {}", u16::from_be_bytes([head[4], head[5]]), u16::from_be_bytes([head[6], head[7]]));
    let what = match (v6, head[0], head[1]) {
        (false, 0, _) | (true, 129, _) => return format!("echo reply{}", echo()),
        (false, 8, _) | (true, 128, _) => return format!("echo request{}", echo()),
        (false, 3, 4) => return format!("fragmentation needed, mtu {}", u16::from_be_bytes([head[6], head[7]])),
        (true, 2, _) => {
            return format!("packet too big, mtu {}", u32::from_be_bytes([head[4], head[5], head[6], head[7]]));
        }
        (false, 3, 0) => "network unreachable",
        (true, 1, 0) => "no route to destination",
        (false, 3, 1) | (true, 1, 3) => "host unreachable",
        (false, 3, 3) | (true, 1, 4) => "port unreachable",
        (false, 11, 0) | (true, 3, 0) => "time to live exceeded",
        (true, 130, _) => "multicast listener query",
        (true, 131 | 143, _) => "multicast listener report",
        (true, 133, _) => "router solicitation",
        (true, 134, _) => "router advertisement",
        (true, 135, _) => "neighbour solicitation",
        (true, 136, _) => "neighbour advertisement",
        (_, kind, code) => return format!("type {kind} code {code}"),
    };
    what.into()
}

fn arp(frame: &Frame, at: usize, heads: &mut Heads) -> Option<()> {
    let head: [u8; 28] = frame.read(at)?;
    let [src, dst] = [14, 24].map(|at| Addr::v4(head[at], head[at + 1], head[at + 2], head[at + 3]));
    let info = match head[7] {
        1 if src == dst || src.is_unspecified() => format!("is {dst} taken?"),
        1 => format!("who has {dst}?"),
        _ => {
            let mac: Vec<_> = head[8..14].iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{src} is at {}", mac.join(":"))
        }
    };
    *heads = Heads { proto: "arp".into(), src: End::new(src, 0), dst: End::new(dst, 0), len: 28, info, ..Heads::default() };
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment of TCP with timestamps and a byte of payload.
    fn segment() -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..67).map(|at| (at * 7 + 3) as u8).collect();
        bytes[12..14].copy_from_slice(&[8, 0]);
        bytes[14..24].copy_from_slice(&[0x45, 0, 0, 53, 1, 2, 0x40, 0, 64, 6]);
        bytes[46] = 0x80;
        bytes[54..58].copy_from_slice(&[1, 1, 8, 10]);
        bytes
    }

    fn in_head(bytes: &[u8]) -> Frame {
        let mut frame = Frame::from(&bytes[USUAL..]);
        frame.prepend(&bytes[..USUAL]);
        frame
    }

    /// Whatever a byte is changed to.
    #[test]
    fn the_short_way_reads_what_the_general_one_reads() {
        let bytes = segment();
        assert!(usual(&in_head(&bytes)).is_some_and(|heads| heads.len == 1));
        for at in 0..USUAL {
            for byte in 0..=255 {
                let mut changed = bytes.clone();
                changed[at] = byte;
                let changed = in_head(&changed);
                assert_eq!(frame(&changed), any(&changed), "{byte} at {at}");
            }
        }
    }
}
