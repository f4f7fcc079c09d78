//! TCP segments as text, in the notation of tcpdump and packetdrill, and as IPv4 packets: a reader and writer of the tests' own, so that
//! the stack's is not its own judge.
//!
//! `S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 7 ecr 0,nop,wscale 7>`
//!
//! Flags `S F R P U . E W A`; in what is expected `win`, `urg` and options that are not named may be anything, and `TS val any` stands for any value.

use std::fmt::Write as _;

/// One option.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Opt {
    Mss(u16),
    Nop,
    Eol,
    Wscale(u8),
    SackOk,
    /// `None` is `any`.
    Ts(Option<u32>, Option<u32>),
    Sack(Vec<(u32, u32)>),
    /// AccECN counters: whether ECT(1) comes first, and the counters as on the wire.
    Ecn(bool, Vec<u32>),
    /// A Fast Open cookie, perhaps empty, perhaps in the experimental option.
    FastOpen(Vec<u8>, bool),
}

/// A segment; numbers are relative to both initial sequence numbers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Segment {
    pub(crate) flags: String,
    pub(crate) seq: u32,
    pub(crate) len: usize,
    pub(crate) ack: Option<u32>,
    pub(crate) win: Option<u16>,
    pub(crate) urg: Option<u16>,
    pub(crate) options: Option<Vec<Opt>>,
}

const FLAGS: [(char, u16); 9] = [('F', 1), ('S', 2), ('R', 4), ('P', 8), ('.', 16), ('U', 32), ('E', 64), ('W', 128), ('A', 256)];

impl Segment {
    /// Reads the notation.
    pub(crate) fn parse(text: &str) -> Self {
        let (head, options) = match text.split_once('<') {
            Some((head, options)) => (head, Some(options.trim_end().trim_end_matches('>'))),
            None => (text, None),
        };
        let mut words = head.split_whitespace();
        let mut segment = Self { flags: words.next().expect("flags").into(), ..Self::default() };
        let space = words.next().expect("a sequence range");
        let (range, len) = space.trim_end_matches(')').split_once('(').expect("seq:end(len)");
        let (seq, end) = range.split_once(':').expect("seq:end");
        segment.seq = number(seq);
        segment.len = number(len) as usize;
        assert_eq!(segment.seq.wrapping_add(segment.len as u32), number(end), "the range of {text}");
        while let Some(word) = words.next() {
            let value = number(words.next().expect("a value"));
            match word {
                "ack" => segment.ack = Some(value),
                "win" => segment.win = Some(value as u16),
                "urg" => segment.urg = Some(value as u16),
                _ => panic!("{word} in {text}"),
            }
        }
        segment.options = options.map(|options| options.split(',').filter(|o| !o.trim().is_empty()).map(option).collect());
        segment
    }

    /// True if `real` is what `self` expects.
    pub(crate) fn matches(&self, real: &Self) -> bool {
        let options = match (&self.options, &real.options) {
            (None, _) => true,
            (Some(wanted), Some(real)) => wanted.len() == real.len() && wanted.iter().zip(real).all(|(w, r)| w.matches(r)),
            (Some(wanted), None) => wanted.is_empty(),
        };
        let flags = |s: &str| s.chars().fold(0, |bits, c| bits | bit(c));
        flags(&self.flags) == flags(&real.flags)
            && (self.seq, self.len) == (real.seq, real.len)
            && self.ack == real.ack
            && self.win.is_none_or(|win| Some(win) == real.win)
            && self.urg.is_none_or(|urg| Some(urg) == real.urg)
            && options
    }

    /// The text form.
    pub(crate) fn text(&self) -> String {
        let end = self.seq.wrapping_add(self.len as u32);
        let mut text = format!("{} {}:{}({})", self.flags, self.seq, end, self.len);
        for (name, value) in [("ack", self.ack), ("win", self.win.map(u32::from)), ("urg", self.urg.map(u32::from))] {
            if let Some(value) = value {
                write!(text, " {name} {value}").unwrap();
            }
        }
        if let Some(options) = &self.options {
            write!(text, " <{}>", options.iter().map(Opt::text).collect::<Vec<_>>().join(",")).unwrap();
        }
        text
    }

    /// A header with absolute numbers.
    pub(crate) fn header(&self, ports: (u16, u16), seq_base: u32, ack_base: u32) -> Vec<u8> {
        let mut options: Vec<u8> = self.options.iter().flatten().flat_map(|o| o.bytes(ack_base)).collect();
        while !options.len().is_multiple_of(4) {
            options.push(0);
        }
        let mut header = Vec::new();
        header.extend(ports.0.to_be_bytes());
        header.extend(ports.1.to_be_bytes());
        header.extend(self.seq.wrapping_add(seq_base).to_be_bytes());
        header.extend(self.ack.map_or(0, |ack| ack.wrapping_add(ack_base)).to_be_bytes());
        let flags = self.flags.chars().fold(0, |bits, c| bits | bit(c));
        header.push((((20 + options.len()) / 4) << 4) as u8 | (flags >> 8) as u8);
        header.push(flags as u8);
        header.extend(self.win.unwrap_or(65_535).to_be_bytes());
        header.extend([0, 0]);
        header.extend(self.urg.unwrap_or(0).to_be_bytes());
        header.extend(options);
        header
    }

    /// Reads a TCP header and payload; numbers become relative to the bases.
    pub(crate) fn decode(tcp: &[u8], seq_base: u32, ack_base: u32) -> Self {
        let word = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().unwrap());
        let half = |at: usize| u16::from_be_bytes(tcp[at..at + 2].try_into().unwrap());
        let header_len = usize::from(tcp[12] >> 4) * 4;
        let flags: String = FLAGS.iter().filter(|(_, bit)| half(12) & bit != 0).map(|(c, _)| *c).collect();
        Self {
            seq: word(4).wrapping_sub(seq_base),
            len: tcp.len() - header_len,
            ack: flags.contains('.').then(|| word(8).wrapping_sub(ack_base)),
            win: Some(half(14)),
            urg: flags.contains('U').then(|| half(18)),
            options: Some(read_options(&tcp[20..header_len], ack_base)),
            flags,
        }
    }
}

fn bit(flag: char) -> u16 {
    FLAGS.iter().find(|(c, _)| *c == flag).unwrap_or_else(|| panic!("flag {flag}")).1
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or_else(|_| panic!("{text} is not a number"))
}

fn option(text: &str) -> Opt {
    let words: Vec<&str> = text.split_whitespace().collect();
    let maybe = |text: &str| (text != "any").then(|| number(text));
    match words[..] {
        ["mss", value] => Opt::Mss(number(value) as u16),
        ["wscale", value] => Opt::Wscale(number(value) as u8),
        ["nop"] => Opt::Nop,
        ["eol"] => Opt::Eol,
        ["sackOK"] => Opt::SackOk,
        ["TS", "val", val, "ecr", ecr] => Opt::Ts(maybe(val), maybe(ecr)),
        ["ECN0", ref counters @ ..] => Opt::Ecn(false, counters.iter().map(|counter| number(counter)).collect()),
        ["ECN1", ref counters @ ..] => Opt::Ecn(true, counters.iter().map(|counter| number(counter)).collect()),
        ["FO"] => Opt::FastOpen(Vec::new(), false),
        ["FO", cookie] => Opt::FastOpen(hex(cookie), false),
        ["FOEXP"] => Opt::FastOpen(Vec::new(), true),
        ["FOEXP", cookie] => Opt::FastOpen(hex(cookie), true),
        ["sack", ref blocks @ ..] => Opt::Sack(
            blocks.iter().map(|block| block.split_once(':').map(|(a, b)| (number(a), number(b))).expect("a:b")).collect(),
        ),
        _ => panic!("option {text}"),
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("a cookie")).collect()
}

impl Opt {
    fn matches(&self, real: &Self) -> bool {
        match (self, real) {
            (Self::Ts(val, ecr), Self::Ts(real_val, real_ecr)) => {
                val.is_none_or(|v| Some(v) == *real_val) && ecr.is_none_or(|e| Some(e) == *real_ecr)
            }
            _ => self == real,
        }
    }

    fn text(&self) -> String {
        let any = |value: &Option<u32>| value.map_or("any".into(), |v| v.to_string());
        match self {
            Self::Mss(mss) => format!("mss {mss}"),
            Self::Nop => "nop".into(),
            Self::Eol => "eol".into(),
            Self::Wscale(shift) => format!("wscale {shift}"),
            Self::SackOk => "sackOK".into(),
            Self::Ecn(order, counters) => format!("ECN{} {counters:?}", u8::from(*order)),
            Self::Ts(val, ecr) => format!("TS val {} ecr {}", any(val), any(ecr)),
            Self::Sack(blocks) => {
                let blocks: Vec<String> = blocks.iter().map(|(a, b)| format!("{a}:{b}")).collect();
                format!("sack {}", blocks.join(" "))
            }
            Self::FastOpen(cookie, experimental) => {
                let digits = cookie.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
                format!("{} {digits}", if *experimental { "FOEXP" } else { "FO" }).trim_end().into()
            }
        }
    }

    fn bytes(&self, ack_base: u32) -> Vec<u8> {
        match self {
            Self::Mss(mss) => [vec![2, 4], mss.to_be_bytes().to_vec()].concat(),
            Self::Nop => vec![1],
            Self::Eol => vec![0],
            Self::Wscale(shift) => vec![3, 3, *shift],
            Self::SackOk => vec![4, 2],
            Self::Ecn(order, counters) => {
                let kind = if *order { 174 } else { 172 };
                let fields = counters.iter().flat_map(|counter| counter.to_be_bytes()[1..].to_vec());
                [vec![kind, 2 + 3 * counters.len() as u8], fields.collect()].concat()
            }
            Self::Ts(val, ecr) => {
                [vec![8, 10], val.unwrap_or(0).to_be_bytes().to_vec(), ecr.unwrap_or(0).to_be_bytes().to_vec()].concat()
            }
            Self::FastOpen(cookie, false) => [vec![34, 2 + cookie.len() as u8], cookie.clone()].concat(),
            Self::FastOpen(cookie, true) => [vec![254, 4 + cookie.len() as u8, 0xf9, 0x89], cookie.clone()].concat(),
            Self::Sack(blocks) => {
                let edges = blocks.iter().flat_map(|(a, b)| [a.wrapping_add(ack_base), b.wrapping_add(ack_base)]);
                [vec![5, 2 + 8 * blocks.len() as u8], edges.flat_map(u32::to_be_bytes).collect()].concat()
            }
        }
    }
}

fn read_options(mut bytes: &[u8], ack_base: u32) -> Vec<Opt> {
    let mut options = Vec::new();
    while let Some(&kind) = bytes.first() {
        let len = if kind < 2 { 1 } else { usize::from(bytes[1]) };
        let value = &bytes[len.min(2)..len];
        let word = |at: usize| u32::from_be_bytes(value[at..at + 4].try_into().unwrap());
        options.push(match kind {
            0 => Opt::Eol,
            1 => Opt::Nop,
            2 => Opt::Mss(u16::from_be_bytes([value[0], value[1]])),
            3 => Opt::Wscale(value[0]),
            4 => Opt::SackOk,
            5 => Opt::Sack(
                (0..value.len() / 8)
                    .map(|i| (word(8 * i).wrapping_sub(ack_base), word(8 * i + 4).wrapping_sub(ack_base)))
                    .collect(),
            ),
            8 => Opt::Ts(Some(word(0)), Some(word(4))),
            172 | 174 => Opt::Ecn(kind == 174, value.chunks(3).map(|c| u32::from_be_bytes([0, c[0], c[1], c[2]])).collect()),
            34 => Opt::FastOpen(value.to_vec(), false),
            254 => Opt::FastOpen(value[2..].to_vec(), true),
            _ => panic!("option kind {kind}"),
        });
        bytes = &bytes[len..];
    }
    options
}
