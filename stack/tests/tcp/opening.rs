//! Opening (RFC 9293 §3.5).

use crate::script::Script;
use loggia_stack::Errno;
use loggia_stack::base::{MsgFlags, Ready};
use loggia_stack::socket::numbers::sol_socket::{LEVEL as SOL_SOCKET, SO_ERROR};
use loggia_stack::transport::tcp::Verdict;

const LINUX_SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 7";

fn pending_error(t: &mut Script, socket: loggia_stack::SocketId) -> i32 {
    let mut value = [0; 4];
    t.stack.getsockopt(socket, SOL_SOCKET, SO_ERROR, &mut value).unwrap();
    i32::from_ne_bytes(value)
}

/// RFC 9293 §3.5 figure 6, from the side that listens. RFC 9293 MUST-14: the SYN-ACK announces our MSS.
#[test]
fn a_listener_answers_a_syn_and_the_third_segment_opens() {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.inject(&format!("S 0:0(0) win 65535 <{LINUX_SYN}>"));
    t.expect(&format!("S. 0:0(0) ack 1 win 64240 <{LINUX_SYN}>"));
    assert_eq!(t.ready(listener), Ready::NONE, "nothing to accept before the third segment");
    assert_eq!(t.stack.accept(listener).err(), Some(Errno::EAGAIN));
    t.inject(". 1:1(0) ack 1 win 1000");
    assert_eq!(t.ready(listener), Ready::IN);
    let (socket, _) = t.stack.accept(listener).unwrap();
    assert_eq!(t.ready(socket), Ready::OUT);
    t.expect_nothing();
}

/// RFC 9293 §3.5 figure 6, from the side that connects; data may ride on the third segment's heels.
#[test]
fn a_connect_sends_a_syn_and_acknowledges_the_answer() {
    let mut t = Script::new();
    let socket = t.connect();
    t.expect(&format!("S 0:0(0) win 64240 <{LINUX_SYN}>"));
    assert_eq!(t.ready(socket), Ready::NONE);
    let listing = t.stack.inspect_sockets();
    assert!(listing.contains("SYN-SENT") && listing.contains("10.0.0.2:4000"), "{listing}");
    t.inject("S. 0:0(0) ack 1 win 65535 <mss 1000,nop,nop,sackOK,nop,wscale 2>");
    t.expect(". 1:1(0) ack 1");
    assert_eq!(t.ready(socket), Ready::OUT);
    t.write(socket, 0, 1500);
    // RFC 9293 MUST-16: no segment is larger than the peer's MSS.
    t.expect(". 1:1001(1000) ack 1");
    t.expect("P. 1001:1501(500) ack 1");
}

/// RFC 9293 MUST-15: without an MSS option we send 536 bytes at most.
#[test]
fn a_peer_that_announces_nothing_gets_small_segments_and_no_options() {
    let mut t = Script::new();
    let socket = t.established("");
    t.write(socket, 0, 600);
    t.expect(". 1:537(536) ack 1 <>");
    t.expect("P. 537:601(64) ack 1 <>");
}

/// RFC 9293 MUST-10, §3.5 figure 7: both ends open at once.
#[test]
fn both_ends_may_open_at_once() {
    let mut t = Script::new();
    let socket = t.connect();
    t.expect(&format!("S 0:0(0) win 64240 <{LINUX_SYN}>"));
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    t.expect("S. 0:0(0) ack 1 <mss 1460>");
    t.inject("S. 0:0(0) ack 1 win 65535 <mss 1460>");
    assert!(t.ready(socket).contains(Ready::OUT));
    t.inject("P. 1:11(10) ack 1 win 65535");
    assert_eq!(t.read(socket, 0), 10);
}

/// RFC 9293 §3.10.7.3: a refused connection.
#[test]
fn a_reset_answers_a_syn_where_nobody_listens_and_the_socket_can_be_used_again() {
    let mut t = Script::new();
    let socket = t.connect();
    t.expect("S 0:0(0)");
    t.inject("R. 0:0(0) ack 1 win 0");
    assert_eq!(t.ready(socket), Ready::IN | Ready::OUT | Ready::ERR | Ready::HUP | Ready::RDHUP);
    assert_eq!(pending_error(&mut t, socket), Errno::ECONNREFUSED.number());
    assert_eq!(pending_error(&mut t, socket), 0, "an error is told once");
}

/// RFC 9293 MUST-23, RFC 6298 §2.1, §5.5: the SYN goes again after 1, 2, 4 ... seconds, and in the end the call fails. The first four times, as in
/// Linux, a second is waited for.
#[test]
fn an_unanswered_syn_is_repeated_at_growing_intervals_until_it_times_out() {
    let mut t = Script::with(|config| config.tcp.syn_retries = 3);
    let socket = t.connect();
    t.expect("S 0:0(0)");
    for _ in 0..5 {
        t.expect_after(1000, "S 0:0(0)");
    }
    t.expect_after(2000, "S 0:0(0)");
    t.expect_after(4000, "S 0:0(0)");
    t.run(8001);
    t.expect_nothing();
    assert_eq!(pending_error(&mut t, socket), Errno::ETIMEDOUT.number());
}

/// RFC 9293 §3.5.1: an old duplicate acknowledgement during opening is answered by a reset and changes nothing.
#[test]
fn an_acknowledgement_of_something_else_is_reset_and_opening_goes_on() {
    let mut t = Script::new();
    let socket = t.connect();
    t.expect("S 0:0(0)");
    t.inject(". 400:400(0) ack 77 win 1000");
    t.expect("R 77:77(0)");
    t.inject("S. 0:0(0) ack 1 win 1000 <mss 1460>");
    t.expect(". 1:1(0) ack 1");
    assert_eq!(t.ready(socket), Ready::OUT);
}

/// RFC 9293 §3.10.7.4: a SYN-ACK that is not answered goes again, and a repeated SYN is answered again.
#[test]
fn a_syn_ack_is_repeated() {
    let mut t = Script::new();
    t.listen(5);
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    t.expect("S. 0:0(0) ack 1");
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    t.expect("S. 0:0(0) ack 1");
    t.expect_after(1000, "S. 0:0(0) ack 1");
}

/// Linux accepts one more than the backlog says; the next one is dropped and gets in when there is room.
#[test]
fn a_full_accept_queue_drops_syns_until_somebody_accepts() {
    let mut t = Script::new();
    let listener = t.listen(0);
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    t.expect("S. 0:0(0) ack 1");
    t.inject(". 1:1(0) ack 1 win 1000");
    t.inject("P. 1:6(5) ack 1 win 1000");
    t.expect(". 1:1(0) ack 6");
    assert_eq!(t.stack.counters().tcp_ext.listen_overflows, 0);
    t.peer_port += 1;
    for overflows in 1..=2 {
        t.inject("S 0:0(0) win 65535 <mss 1460>");
        t.expect_nothing();
        assert_eq!(t.stack.counters().tcp_ext.listen_overflows, overflows, "it is asked again, and dropped again");
    }
    let (socket, _) = t.stack.accept(listener).unwrap();
    let mut room = [0; 10];
    assert_eq!(t.stack.recv(socket, &mut room, MsgFlags::NONE), Ok(5), "data may come before accept");
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    t.expect("S. 0:0(0) ack 1");
}

/// Who was answered before the accept queue was full is answered again, as in Linux; its last segment waits for room.
#[test]
fn a_repeated_syn_is_answered_where_the_accept_queue_is_full() {
    let mut t = Script::new();
    let listener = t.listen(1);
    let late = t.peer_port;
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    t.expect("S. 0:0(0) ack 1");
    // There is no more room for half-open ones: the others get in by cookies.
    for _ in 0..2 {
        t.peer_port += 1;
        t.inject("S 0:0(0) win 65535 <mss 1460>");
        t.expect("S. 0:0(0) ack 1");
        t.inject(". 1:1(0) ack 1 win 1000");
    }
    t.peer_port = late;
    t.inject("S 0:0(0) win 65535 <mss 1460>");
    t.expect("S. 0:0(0) ack 1");
    assert_eq!(t.stack.counters().tcp_ext.listen_overflows, 0);
    t.inject(". 1:1(0) ack 1 win 1000");
    assert_eq!(t.stack.counters().tcp_ext.listen_overflows, 1);
    t.expect_after(1000, "S. 0:0(0) ack 1");
    t.stack.accept(listener).unwrap();
    t.inject(". 1:1(0) ack 1 win 1000");
    for _ in 0..2 {
        t.stack.accept(listener).unwrap();
    }
}

/// A SYN that waits for a decision is repeated: the newest takes its place, whether others find one or not.
#[test]
fn a_repeated_syn_finds_its_place_at_a_full_gate() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    let listener = t.listen(1);
    t.stack.put_gate(listener).unwrap();
    t.inject("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0>");
    let asked = t.stack.next_request(listener).unwrap();
    t.peer_port += 1;
    t.inject("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 7 ecr 0>");
    assert_eq!(t.stack.counters().tcp_ext.tcp_req_q_full_drop, 1, "no cookie: nothing is answered before the decision");
    t.peer_port -= 1;
    t.inject("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 200 ecr 0>");
    assert_eq!(t.stack.counters().tcp_ext.listen_drops, 1);
    assert_eq!(t.stack.next_request(listener), Err(Errno::EAGAIN), "it is the same request");
    t.expect_nothing();
    t.stack.answer(listener, &asked, Verdict::Accept).unwrap();
    t.expect("S. 0:0(0) ack 1 <mss 1460,sackOK,TS val any ecr 200>");
}

/// RFC 4987 §3.6: with cookies nothing is remembered, and the answer still opens the connection with its options.
#[test]
fn a_syn_cookie_opens_a_connection_without_memory() {
    let mut t = Script::with(|config| {
        config.tcp.syncookies = 2;
        config.tcp.timestamps = true;
    });
    let listener = t.listen(5);
    t.inject("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>");
    t.expect("S. 0:0(0) ack 1 <mss 1460,sackOK,TS val any ecr 100,nop,wscale 7>");
    assert_eq!(t.stack.counters().tcp_ext.syncookies_sent, 1);
    let echo = t.last_ts;
    t.inject(&format!("P. 1:11(10) ack 1 win 500 <nop,nop,TS val 101 ecr {echo}>"));
    let (socket, _) = t.stack.accept(listener).expect("the cookie was good");
    assert_eq!(t.read(socket, 0), 10);
    let info = t.stack.tcp_info(socket).unwrap();
    assert!(info.sack && info.timestamps, "{info:?}");
    assert_eq!((info.snd_wscale, info.snd_wnd), (7, 500 << 7));
}

/// RFC 9293 §3.10.7.2: a listener resets an acknowledgement that belongs to nothing, and drops a reset.
#[test]
fn a_listener_resets_stray_acknowledgements() {
    let mut t = Script::new();
    t.listen(5);
    t.inject(". 5:5(0) ack 9 win 1000");
    t.expect("R 9:9(0)");
    t.inject("R 5:5(0) win 0");
    t.expect_nothing();
}
