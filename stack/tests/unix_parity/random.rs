//! Random scenarios: calls in any order on a handful of sockets and names.

use loggia_stack::Seed;
use loggia_stack::base::Entropy;

/// `count` calls that belong to `seed`.
pub fn calls(seed: u64, count: usize) -> Vec<String> {
    let mut random = Entropy::new(Seed::from(seed));
    let shape = Shape::of(&mut random);
    // What is passed is a socket of its own: a cycle of sockets in flight the kernel collects when it has time, ours at once.
    let mut calls = vec!["socket dgram z".to_string()];
    calls.push(format!("pair {} a b", pick(&mut random, shape.kinds)));
    calls.push(format!("pair {} c d", pick(&mut random, shape.kinds)));
    calls.push(format!("socket {} e", pick(&mut random, shape.kinds)));
    calls.extend((0..count).map(|_| call(&mut random, shape)));
    calls
}

/// What the calls of one scenario are about, so that they meet often.
#[derive(Clone, Copy)]
struct Shape {
    kinds: &'static [&'static str],
    urgent: bool,
}

impl Shape {
    fn of(random: &mut Entropy) -> Self {
        const KINDS: [&[&str]; 4] = [&["stream"], &["dgram"], &["packet"], &["stream", "dgram", "packet"]];
        Self { kinds: pick(random, &KINDS), urgent: random.below(2) == 0 }
    }
}

fn pick<T: Copy>(random: &mut Entropy, from: &[T]) -> T {
    from[random.below(from.len() as u32) as usize]
}

fn socket(random: &mut Entropy) -> &'static str {
    pick(random, &["a", "b", "c", "d", "e"])
}

fn name(random: &mut Entropy) -> &'static str {
    pick(random, &["p", "q", "@m", "@n", "-"])
}

fn data(random: &mut Entropy) -> &'static str {
    pick(random, &["x", "abc", "hello", "-", "*300", "*4000", "*40000", "*213000"])
}

fn call(random: &mut Entropy, shape: Shape) -> String {
    let (x, y) = (socket(random), socket(random));
    match random.below(40) {
        0 => format!("socket {} {x}", pick(random, shape.kinds)),
        1..=3 if x != y => format!("pair {} {x} {y}", pick(random, shape.kinds)),
        4 => format!("bind {x} {}", name(random)),
        5 => format!("listen {x} {}", random.below(2)),
        6 | 7 => format!("connect {x} {}", name(random)),
        8 => format!("accept {x} {y}"),
        9 => format!("connect {x} unspec"),
        10 => format!("shutdown {x} {}", pick(random, &["rd", "wr", "both"])),
        11 => format!("close {x}"),
        12 => format!("unlink {}", pick(random, &["p", "q"])),
        13 => format!("sendto {x} {} {}", name(random), data(random)),
        14 => format!("pass {x} {} z", data(random)),
        15 => option(random, x),
        16 => format!("fill {x} {}", pick(random, &["1", "1000", "30000"])),
        17..=19 => format!("poll {x}"),
        20 => format!("{} {x}", pick(random, &["name", "peer", "peercred", "outq"])),
        21 if !shape.urgent => format!("inq {x}"),
        21 | 22 if shape.urgent => format!("send {x} {} OOB", pick(random, &["x", "ab", "-"])),
        23 if shape.urgent => format!("recv {x} 1 OOB{}", pick(random, &["", " PEEK"])),
        24 if shape.urgent => format!("atmark {x}"),
        25 => format!("get {x} {}", pick(random, &["SO_ERROR", "SO_PEEK_OFF", "SO_ACCEPTCONN", "SO_PASSCRED"])),
        26 | 27 => format!("recv {x} {} PEEK", room(random)),
        28 => format!("recv {x} {} TRUNC", room(random)),
        29..=33 => format!("recv {x} {}", room(random)),
        _ => format!("send {x} {}", data(random)),
    }
}

fn room(random: &mut Entropy) -> &'static str {
    pick(random, &["1", "2", "4", "100", "5000", "300000", "0"])
}

fn option(random: &mut Entropy, x: &str) -> String {
    let value = match random.below(6) {
        0 | 1 => format!("SO_PASSCRED {}", random.below(2)),
        2 => format!("SO_PEEK_OFF {}", pick(random, &["-1", "0", "3"])),
        3 => format!("SO_SNDBUF {}", pick(random, &["1", "5000", "100000"])),
        4 => format!("SO_OOBINLINE {}", random.below(2)),
        _ => format!("SO_PASSRIGHTS {}", random.below(2)),
    };
    format!("set {x} {value}")
}
