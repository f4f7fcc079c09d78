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

/// A connection that searches from the beginning.
fn searching() -> (Script, SocketId) {
    let mut t = Script::with(|config| config.tcp.mtu_probing = 2);
    let socket = t.connect();
    t.expect("S 0:0(0)");
    t.inject(&format!("S. 0:0(0) ack 1 win 60000 <{SYN}>"));
    t.expect(". 1:1(0) ack 1");
    (t, socket)
}

/// The same with as much acknowledged and as much to send as a probe wants.
fn about_to_probe() -> (Script, SocketId) {
    let (mut t, socket) = searching();
    let mut path = Path::new(1460);
    t.write(socket, 0, 10_240);
    path.transfer(&mut t, 10_241);
    while t.next().is_some() {}
    t.write(socket, 10_240, 30_000);
    (t, socket)
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
    let (mut t, socket) = searching();
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
    let (mut t, _) = about_to_probe();
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

/// The same story for who goes by counters of marks too: their option takes room in each segment, and the search goes on.
#[test]
fn the_counters_of_marks_do_not_end_the_search() {
    let mut t = Script::with(|config| (config.tcp.mtu_probing, config.tcp.ecn) = (2, 3));
    let socket = t.connect();
    t.expect("SEWA 0:0(0)");
    t.inject("SW. 0:0(0) ack 1 win 60000 <mss 1460,ECN0 1 0 1,nop,nop,nop,sackOK,nop,wscale 8>");
    t.expect("W. 1:1(0) ack 1 <ECN1 1 0 1,nop>");
    let mut path = Path::new(1300);
    for round in 0..40 {
        t.write(socket, round * 30_000, 30_000);
        path.transfer(&mut t, (round as u32 + 1) * 30_000 + 1);
    }
    assert!((1345..=1352).contains(&pmtu(&t, socket)), "1300 bytes, 40 of headers, 12 of the option: {}", pmtu(&t, socket));
}

/// An outage, and a connection that writes little: what does not pass is no larger than what one would go down to.
#[test]
fn silence_is_not_blamed_on_the_size_of_small_segments() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let mut path = Path::new(0);
    t.write(socket, 0, 500);
    for _ in 0..3000 {
        path.carry(&mut t);
        t.run(10);
    }
    assert_eq!(pmtu(&t, socket), 1500);
    path.largest = 1460;
    path.transfer(&mut t, 501);
    t.write(socket, 500, 1460);
    t.expect("P. 501:1961(1460) ack 1");
}

/// An outage of half a minute while full segments were sent: they go small, and when the path is back what was in use before is tried at once, though
/// there is never as much to send as a search asks for.
#[test]
fn after_an_outage_segments_are_as_large_as_before() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let mut path = Path::new(1460);
    t.write(socket, 0, 2920);
    path.transfer(&mut t, 2921);
    path.largest = 0;
    t.write(socket, 2920, 2920);
    for _ in 0..3000 {
        path.carry(&mut t);
        t.run(10);
    }
    assert!(pmtu(&t, socket) < 300, "{}", pmtu(&t, socket));
    path.largest = 1460;
    path.sizes.clear();
    path.transfer(&mut t, 5841);
    for round in 0..3 {
        t.write(socket, 5840 + round * 2920, 2920);
        path.transfer(&mut t, 8761 + round as u32 * 2920);
    }
    assert_eq!(pmtu(&t, socket), 1500, "{:?}", path.sizes);
}

/// The same where it was the size: it costs one probe, which says nothing of congestion.
#[test]
fn in_a_black_hole_what_was_in_use_before_is_tried_once() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let mut path = Path::new(1200);
    t.write(socket, 0, 60_000);
    path.transfer(&mut t, 60_001);
    let found = t.stack.counters().tcp_ext.clone();
    assert!(found.tcp_mtup_fail >= 1, "{found:?}");
    let large = path.sizes.iter().filter(|&&len| len == 1460).count();
    t.write(socket, 60_000, 60_000);
    path.transfer(&mut t, 120_001);
    assert_eq!(path.sizes.iter().filter(|&&len| len == 1460).count(), large, "and not again");
}

/// What was sent in segments of one size is counted in them, though the path takes larger ones by now.
#[test]
fn segments_are_counted_as_they_were_sent() {
    let (mut t, socket) = about_to_probe();
    assert_eq!(t.next().unwrap().len, 1242, "the probe");
    assert_eq!(t.next().unwrap().len, 1024);
    t.run(20);
    t.inject(". 1:1(0) ack 11483 win 60000");
    let before = t.stack.tcp_info(socket).unwrap();
    assert_eq!(before.snd_mss, 1242);
    t.inject(&format!(". 1:1(0) ack {} win 60000", 11_483 + 6 * 1024));
    assert_eq!(t.stack.tcp_info(socket).unwrap().delivered - before.delivered, 6);
}
