//! Paths that drop large packets and do not tell (RFC 4821), and paths that get larger again.

use loggia_stack::base::{Duration, SocketId};

use crate::script::Script;

const SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 8";

/// The peer, who gets only segments of at most `largest` bytes of payload, acknowledges what it has (with SACK) after a round trip of 20 ms.
struct Path {
    largest: u32,
    got: Vec<(u32, u32)>,
    sizes: Vec<u32>,
}

impl Path {
    fn new(largest: u32) -> Self {
        Self { largest, got: Vec::new(), sizes: Vec::new() }
    }

    /// Everything before it has arrived.
    fn next(&self) -> u32 {
        self.runs().first().filter(|run| run.0 <= 1).map_or(1, |run| run.1)
    }

    fn runs(&self) -> Vec<(u32, u32)> {
        let mut sorted = self.got.clone();
        sorted.sort_unstable();
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for (begin, end) in sorted {
            match runs.last_mut() {
                Some(last) if begin <= last.1 => last.1 = last.1.max(end),
                _ => runs.push((begin, end)),
            }
        }
        runs
    }

    /// What the stack has sent is carried over; the peer answers each segment that arrives. Says whether any did.
    fn carry(&mut self, t: &mut Script) -> bool {
        let mut arrived = Vec::new();
        while let Some(segment) = t.next() {
            let len = segment.len as u32;
            self.sizes.push(len);
            if len > 0 && len <= self.largest {
                arrived.push((segment.seq, segment.seq + len));
            }
        }
        if arrived.is_empty() {
            return false;
        }
        t.run(20);
        for piece in arrived {
            self.got.push(piece);
            let next = self.next();
            let ahead: Vec<String> =
                self.runs().iter().filter(|run| run.0 > next).take(3).map(|run| format!("{}:{}", run.0, run.1)).collect();
            let sack = if ahead.is_empty() { String::new() } else { format!(" <nop,nop,sack {}>", ahead.join(" ")) };
            t.inject(&format!(". 1:1(0) ack {next} win 60000{sack}"));
        }
        true
    }

    /// Until the peer has everything before `end`, or 100 s have passed; says how many milliseconds it took.
    fn transfer(&mut self, t: &mut Script, end: u32) -> u64 {
        let begin = t.stack.now();
        while self.next() < end && t.stack.now().since(begin) < Duration::from_secs(100) {
            if !self.carry(t) {
                t.run(10);
            }
        }
        assert_eq!(self.next(), end, "everything arrives");
        t.stack.now().since(begin).as_millis() as u64
    }
}

fn pmtu(t: &Script, socket: SocketId) -> u32 {
    t.stack.tcp_info(socket).unwrap().pmtu
}

/// RFC 4821 §7.7: full segments vanish without a word; after some timeouts smaller ones go, and the transfer completes.
#[test]
fn a_black_hole_for_large_packets_is_left() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let mut path = Path::new(1200);
    t.write(socket, 0, 60_000);
    let took = path.transfer(&mut t, 60_001);
    assert!((3_000..10_000).contains(&took), "three seconds of retransmissions are waited for: {took}");
    assert_eq!(path.sizes.iter().filter(|&&len| len == 1460).take(3).count(), 3, "it began with full segments");
    let mtu = pmtu(&t, socket);
    assert!((1064..=1240).contains(&mtu), "{mtu}");
    assert!(t.stack.counters().tcp_ext.tcp_timeouts >= 4);
}

/// The path takes even less than where the search begins: half of that, and half again.
#[test]
fn a_narrow_black_hole_is_left_by_steps() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let mut path = Path::new(300);
    t.write(socket, 0, 4_000);
    path.transfer(&mut t, 4_001);
    assert!([1460, 1024, 512, 256].iter().all(|len| path.sizes.contains(len)), "{:?}", path.sizes);
}

/// With `tcp_mtu_probing` 0, as Linux has it, nothing is searched for.
#[test]
fn without_probing_a_black_hole_is_for_ever() {
    let mut t = Script::with(|config| config.tcp.mtu_probing = 0);
    let socket = t.established(SYN);
    let mut path = Path::new(1200);
    t.write(socket, 0, 60_000);
    for _ in 0..3000 {
        if !path.carry(&mut t) {
            t.run(10);
        }
    }
    assert_eq!((path.next(), pmtu(&t, socket)), (1, 1500));
    assert!(path.sizes.iter().all(|&len| len == 1460 || len == 60_000 % 1460 || len == 0), "{:?}", path.sizes);
}

/// RFC 4821 §7.6.1, §7.6.2: a larger probe that arrives makes segments larger; one that is lost alone goes again in smaller ones and costs the
/// congestion window nothing; at the end the range is narrower than `tcp_probe_threshold`.
#[test]
fn probes_find_what_the_path_takes() {
    let mut t = Script::with(|config| config.tcp.mtu_probing = 2);
    let socket = t.connect();
    t.expect("S 0:0(0)");
    t.inject(&format!("S. 0:0(0) ack 1 win 60000 <{SYN}>"));
    t.expect(". 1:1(0) ack 1");
    assert_eq!(pmtu(&t, socket), 1064, "who calls begins with tcp_base_mss");
    let mut path = Path::new(1300);
    let mut lowest = u32::MAX;
    for round in 0..40 {
        t.write(socket, round * 30_000, 30_000);
        path.transfer(&mut t, (round as u32 + 1) * 30_000 + 1);
        lowest = lowest.min(t.stack.tcp_info(socket).unwrap().snd_cwnd);
    }
    assert!((1333..=1340).contains(&pmtu(&t, socket)), "{}", pmtu(&t, socket));
    let found = t.stack.counters().tcp_ext.clone();
    assert!(found.tcp_mtup_success >= 2 && found.tcp_mtup_fail >= 2, "{found:?}");
    assert_eq!((found.tcp_sack_recovery, found.tcp_timeouts), (0, 0), "no loss was taken for congestion");
    assert!(lowest >= 10, "{lowest}");
    // RFC 4821 §7.3: a while later the path may be another one.
    path.largest = 1460;
    t.run(600_000);
    for round in 40..80 {
        t.write(socket, round * 30_000, 30_000);
        path.transfer(&mut t, (round as u32 + 1) * 30_000 + 1);
    }
    assert!(pmtu(&t, socket) > 1490, "{}", pmtu(&t, socket));
}

/// RFC 4821 §7.6.3: other data is lost together with the probe: that is congestion, and says nothing of sizes.
#[test]
fn a_probe_that_is_not_lost_alone_says_nothing() {
    let mut t = Script::with(|config| config.tcp.mtu_probing = 2);
    let socket = t.connect();
    t.expect("S 0:0(0)");
    t.inject(&format!("S. 0:0(0) ack 1 win 60000 <{SYN}>"));
    t.expect(". 1:1(0) ack 1");
    let mut path = Path::new(1460);
    t.write(socket, 0, 10_240);
    path.transfer(&mut t, 10_241);
    while t.next().is_some() {}
    t.write(socket, 10_240, 30_000);
    let probe = t.next().unwrap();
    assert_eq!((probe.seq, probe.len), (10_241, 1242), "half way from 1064 to 1500");
    while t.next().is_some() {}
    t.run(20);
    let after = probe.seq + 1242 + 1024;
    t.inject(&format!(". 1:1(0) ack 10241 win 60000 <nop,nop,sack {after}:{}>", after + 3 * 1024));
    let found = t.stack.counters().tcp_ext.clone();
    assert_eq!((found.tcp_mtup_fail, found.tcp_sack_recovery), (0, 1));
}

/// RFC 1191 §6.3: what a router told is forgotten after ten minutes, and an open connection sends large segments again.
#[test]
fn segments_grow_again_when_what_routers_told_is_forgotten() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 1460);
    t.expect("P. 1:1461(1460) ack 1");
    t.inject_icmp(3, 4, 1000, ". 1:1461(1460) ack 1");
    t.expect(". 1:961(960) ack 1");
    assert_eq!(pmtu(&t, socket), 1000);
    t.expect("P. 961:1461(500) ack 1");
    t.inject(". 1:1(0) ack 1461 win 60000");
    t.run(601_000);
    t.write(socket, 1460, 960);
    t.expect("P. 1461:2421(960) ack 1");
    t.inject(". 1:1(0) ack 2421 win 60000");
    t.write(socket, 2420, 1460);
    t.expect("P. 2421:3881(1460) ack 1");
    assert_eq!(pmtu(&t, socket), 1500);
}
