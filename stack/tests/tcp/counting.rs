//! Accurate feedback on congestion marks (AccECN, RFC 9768).

use loggia_stack::base::SocketId;
use loggia_stack::transport::tcp::TcpInfo;

use crate::script::Script;

const SYN: &str = "mss 1000,nop,nop,sackOK,nop,wscale 8";

fn info(t: &Script, socket: SocketId) -> TcpInfo {
    t.stack.tcp_info(socket).unwrap()
}

/// Everything the stack has sent is forgotten.
fn flush(t: &mut Script) {
    while t.next().is_some() {}
}

/// A connection that we opened; the peer's SYN-ACK says that our SYN came as it was sent.
fn connected() -> (Script, SocketId) {
    let mut t = Script::with(|config| config.tcp.ecn = 3);
    let socket = t.connect();
    t.expect_marked(0, "SEWA 0:0(0)");
    t.inject("SW. 0:0(0) ack 1 win 60000 <mss 1012,ECN0 1 0 1,nop,nop,nop,sackOK,nop,wscale 8>");
    t.expect_marked(2, "W. 1:1(0) ack 1 <ECN1 1 0 1,nop>");
    (t, socket)
}

/// A connection that the peer opened.
fn accepted() -> (Script, SocketId) {
    let mut t = Script::with(|config| config.tcp.ecn = 3);
    let listener = t.listen(1);
    t.inject(&format!("SEWA 0:0(0) win 60000 <{SYN}>"));
    t.expect_marked(0, "SW. 0:0(0) ack 1 <mss 1460,ECN1 1 0 1,nop,nop,nop,sackOK,nop,wscale 7>");
    t.inject_marked(2, "W. 1:1(0) ack 1 win 60000 <ECN0 1 0 1,nop>");
    let (socket, _) = t.stack.accept(listener).unwrap();
    (t, socket)
}

/// RFC 9768 §3.1.1, §3.1.2, §3.2.2.1: the last segment of the handshake says with which codepoint the SYN-ACK came, later ones count from 5.
#[test]
fn both_ends_agree_to_count() {
    let (mut t, socket) = connected();
    t.write(socket, 0, 1000);
    t.expect_marked(2, "EAP. 1:1001(1000) ack 1 <ECN1 1 0 1,nop>");
    t.inject_marked(2, "EA. 1:1(0) ack 1001 win 60000 <ECN0 1001 0 1,nop>");
    let seen = info(&t, socket);
    assert_eq!((seen.ecn, seen.ecn_seen, seen.delivered_ce, seen.delivered_e0_bytes), (true, true, 0, 1000));
}

/// RFC 9768 §3.1.2: the SYN-ACK says with which codepoint the SYN came.
#[test]
fn a_server_tells_how_the_syn_came() {
    for (codepoint, bits) in [(0, "SW."), (1, "SEW."), (2, "SA."), (3, "SWA.")] {
        let mut t = Script::with(|config| config.tcp.ecn = 5);
        t.listen(1);
        t.inject_marked(codepoint, &format!("SEWA 0:0(0) win 60000 <{SYN}>"));
        t.expect(&format!("{bits} 0:0(0) ack 1"));
    }
}

/// RFC 9768 §3.1.2, §3.1.5: who knows only classic feedback, or none, gets that.
#[test]
fn older_peers_get_what_they_know() {
    for (syn, synack) in [("SEW", "SE."), ("S", "S."), ("SA", "SW.")] {
        let mut t = Script::with(|config| config.tcp.ecn = 3);
        t.listen(1);
        t.inject(&format!("{syn} 0:0(0) win 60000 <{SYN}>"));
        t.expect(&format!("{synack} 0:0(0) ack 1"));
    }
    for (synack, mark, ack) in [("SE.", 2, "."), ("S.", 0, "."), ("SEWA.", 0, "."), ("SEA.", 2, "W.")] {
        let mut t = Script::with(|config| config.tcp.ecn = 3);
        let socket = t.connect();
        t.expect("SEWA 0:0(0)");
        t.inject(&format!("{synack} 0:0(0) ack 1 win 60000 <{SYN}>"));
        t.expect(&format!("{ack} 1:1(0) ack 1"));
        t.write(socket, 0, 100);
        t.expect_marked(mark, if synack == "SEA." { "EAP. 1:101(100) ack 1" } else { "P. 1:101(100) ack 1" });
    }
}

/// RFC 9768 §3.1.4.1: accurate feedback is asked for twice, then not; a server's SYN-ACK loses first the option, then the bits.
#[test]
fn what_is_not_answered_goes_again_without() {
    let mut t = Script::with(|config| config.tcp.ecn = 3);
    t.connect();
    t.expect("SEWA 0:0(0)");
    t.expect_after(1000, "SEWA 0:0(0)");
    t.expect_after(1000, "S 0:0(0)");
    let mut t = Script::with(|config| config.tcp.ecn = 3);
    t.listen(1);
    t.inject(&format!("SEWA 0:0(0) win 60000 <{SYN}>"));
    t.expect("SW. 0:0(0) ack 1 <mss 1460,ECN1 1 0 1,nop,nop,nop,sackOK,nop,wscale 7>");
    t.expect_after(1000, "SW. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 7>");
    t.expect_after(2000, "S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 7>");
}

/// RFC 9768 §3.2.1, §3.2.3: marked packets and their bytes are counted; a change of the codepoint is told at once (§3.2.2.5.1).
#[test]
fn a_receiver_counts_marks_and_bytes() {
    let (mut t, socket) = accepted();
    t.inject_marked(3, "EAP. 1:1001(1000) ack 1 win 60000");
    t.expect_marked(2, "WA. 1:1(0) ack 1001 <ECN1 1 1000 1,nop>");
    t.inject_marked(2, "EAP. 1001:2001(1000) ack 1 win 60000");
    t.expect("WA. 1:1(0) ack 2001 <ECN1 1 1000 1001,nop>");
    t.inject_marked(1, "EAP. 2001:2101(100) ack 1 win 60000");
    t.expect("WA. 1:1(0) ack 2101 <ECN1 101 1000 1001,nop>");
    for round in 0..7 {
        let seq = 2101 + 100 * round;
        t.inject_marked(3, &format!("EAP. {seq}:{}(100) ack 1 win 60000", seq + 100));
    }
    flush(&mut t);
    let seen = info(&t, socket);
    assert_eq!((seen.received_ce, seen.received_ce_bytes, seen.received_e0_bytes, seen.received_e1_bytes), (8, 1700, 1000, 100));
}

/// RFC 9768 §3.2.2.2, RFC 3168 §6.1.2: what the peer counts as marked reduces the window once in a round trip, and says nothing by CWR.
#[test]
fn a_sender_slows_down_once_in_a_round_trip() {
    let (mut t, socket) = connected();
    t.write(socket, 0, 20_000);
    flush(&mut t);
    t.inject("WA. 1:1(0) ack 1001 win 60000 <ECN0 1 1000 1,nop>");
    t.inject("EWA. 1:1(0) ack 2001 win 60000 <ECN0 1 2000 1,nop>");
    let seen = info(&t, socket);
    assert_eq!((seen.delivered_ce, seen.delivered_ce_bytes), (2, 2000));
    assert_eq!(seen.snd_cwnd, 9, "eleven segments by 0.85, once");
    t.inject("EWA. 1:1(0) ack 10001 win 60000 <ECN0 8001 2000 1,nop>");
    t.expect_marked(2, "EA. 10001:11001(1000) ack 1");
    flush(&mut t);
    t.inject(". 1:1(0) ack 11001 win 60000 <ECN0 8001 3000 1,nop>");
    assert_eq!(info(&t, socket).delivered_ce, 3, "the three bits go around");
    assert!(info(&t, socket).snd_cwnd < 9, "another round trip");
}

/// RFC 9768 §3.2.2.5: what has no news is late, and its counters are not believed.
#[test]
fn a_late_acknowledgement_counts_nothing() {
    let (mut t, socket) = connected();
    t.write(socket, 0, 1000);
    flush(&mut t);
    t.inject("WA. 1:1(0) ack 1 win 60000 <ECN0 1 1000 1,nop>");
    assert_eq!((info(&t, socket).delivered_ce, info(&t, socket).delivered_ce_bytes), (0, 0));
}

/// RFC 9768 §3.2.2.3, §3.2.2.4: where the bits are cleared on the way, or codepoints changed, nothing is sent as capable; our own counting goes on.
#[test]
fn a_path_that_mangles_bits_is_found_out() {
    for third in [".", "A."] {
        let mut t = Script::with(|config| config.tcp.ecn = 3);
        let listener = t.listen(1);
        t.inject(&format!("SEWA 0:0(0) win 60000 <{SYN}>"));
        flush(&mut t);
        t.inject(&format!("{third} 1:1(0) ack 1 win 60000"));
        let (socket, _) = t.stack.accept(listener).unwrap();
        t.write(socket, 0, 100);
        t.expect_marked(0, "EAP. 1:101(100) ack 1");
        assert_eq!(info(&t, socket).accecn_fail_mode, 2);
    }
    let mut t = Script::with(|config| (config.tcp.ecn, config.tcp.ecn_fallback) = (3, false));
    let listener = t.listen(1);
    t.inject(&format!("SEWA 0:0(0) win 60000 <{SYN}>"));
    flush(&mut t);
    t.inject("WA. 1:1(0) ack 1 win 60000");
    let (socket, _) = t.stack.accept(listener).unwrap();
    t.write(socket, 0, 100);
    t.expect_marked(2, "EAP. 1:101(100) ack 1");
    assert_eq!(info(&t, socket).delivered_ce, 1, "our SYN-ACK was marked");
}

/// RFC 9768 §3.2.3.2.4: an option whose counters begin with 0 was zeroed: it is not used, and the three bits are.
#[test]
fn a_zeroed_option_is_not_used() {
    let mut t = Script::with(|config| config.tcp.ecn = 3);
    let socket = t.connect();
    t.expect("SEWA 0:0(0)");
    t.inject("SW. 0:0(0) ack 1 win 60000 <mss 1012,ECN0 0 0 0,nop,nop,nop,sackOK,nop,wscale 8>");
    flush(&mut t);
    t.write(socket, 0, 1000);
    flush(&mut t);
    t.inject("WA. 1:1(0) ack 1001 win 60000 <ECN0 0 9000 0,nop>");
    let seen = info(&t, socket);
    assert_eq!((seen.accecn_opt_seen, seen.accecn_fail_mode, seen.delivered_ce, seen.delivered_ce_bytes), (3, 8, 1, 0));
}

/// RFC 9768 §3.2.3.3: beside blocks of SACK the option takes the room that is left, or that of a third block.
#[test]
fn the_option_stands_beside_sack() {
    let (mut t, _) = accepted();
    t.inject_marked(1, "EAP. 1001:2001(1000) ack 1 win 60000");
    t.expect("EA. 1:1(0) ack 1 <ECN1 1001 0 1,nop,nop,nop,sack 1001:2001>");
    t.inject_marked(1, "EAP. 3001:4001(1000) ack 1 win 60000");
    t.inject_marked(1, "EAP. 5001:6001(1000) ack 1 win 60000");
    t.inject_marked(1, "EAP. 7001:8001(1000) ack 1 win 60000");
    flush(&mut t);
    t.inject_marked(1, "EAP. 9001:9101(100) ack 1 win 60000");
    t.expect("EA. 1:1(0) ack 1 <ECN1 4101 0 1,nop,nop,nop,sack 9001:9101 7001:8001 5001:6001>");
}

/// RFC 9768 §3.2.3.2.2: only what comes a third time, though its second coming was told together with the option, speaks against the option.
#[test]
fn ordinary_duplicates_do_not_turn_the_option_off() {
    let (mut t, socket) = accepted();
    for seq in [1, 1001, 2001] {
        let text = format!("EAP. {seq}:{}(1000) ack 1 win 60000", seq + 1000);
        t.inject_marked(2, &text);
        t.inject_marked(2, &text);
    }
    flush(&mut t);
    assert_eq!(info(&t, socket).accecn_fail_mode, 0);
    t.inject_marked(2, "EAP. 2001:3001(1000) ack 1 win 60000");
    flush(&mut t);
    assert_eq!(info(&t, socket).accecn_fail_mode, 4);
    t.inject_marked(2, "EAP. 3001:4001(1000) ack 1 win 60000");
    t.expect("EA. 1:1(0) ack 4001 <>");
}
