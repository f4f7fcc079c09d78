//! What stands in headers, ours and the peer's (RFC 9293 §3.1, §3.2, §3.7, §3.9.2).

use crate::script::{Script, packet_with_options};
use crate::segment::Opt;
use loggia_stack::base::MsgFlags;
use loggia_stack::link::Offloads;
use loggia_stack::socket::numbers::ip::{IP_TOS, IP_TTL, LEVEL as IPPROTO_IP};

const SYN: &str = "mss 1460,nop,nop,sackOK,nop,wscale 0";

/// RFC 9293 MUST-1: a window of more than 32767 is not negative. RFC 9293 REC-1: scaled it takes 32 bits.
#[test]
fn a_window_is_unsigned() {
    for (syn, window) in [("mss 1460", 65_535), ("mss 1460,nop,wscale 14", 65_535 << 14)] {
        let mut t = Script::new();
        let socket = t.established(syn);
        t.inject(". 1:1(0) ack 1 win 65535");
        assert_eq!(t.stack.tcp_info(socket).unwrap().snd_wnd, window);
        t.write(socket, 0, 10_000);
        assert_eq!(std::iter::from_fn(|| t.next()).map(|segment| segment.len).sum::<usize>(), 10_000);
    }
}

/// RFC 9293 MUST-64: options begin at any byte. RFC 9293 MUST-67: our MSS is what a link of 1500 bytes takes, less two headers.
#[test]
fn options_need_not_be_aligned() {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.inject("S 0:0(0) win 65535 <nop,mss 1000,wscale 3,eol>");
    t.expect("S. 0:0(0) ack 1 <mss 1460,nop,wscale 7>");
    t.inject(". 1:1(0) ack 1 win 1000");
    let (socket, _) = t.stack.accept(listener).unwrap();
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!((info.snd_mss, info.snd_wnd), (1000, 8000));
}

/// RFC 9293 MUST-65: the MSS option goes with SYN only, and counts with SYN only. RFC 9293 MUST-5: other options may come at any time.
#[test]
fn an_mss_option_without_syn_is_neither_sent_nor_heard() {
    let mut t = Script::with(|config| config.tcp.timestamps = true);
    let listener = t.listen(5);
    t.inject("S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1000 ecr 0>");
    t.expect("S. 0:0(0) ack 1 <mss 1460,sackOK,TS val any ecr 1000>");
    t.inject(&format!(". 1:1(0) ack 1 win 65535 <mss 100,nop,nop,TS val 1001 ecr {}>", t.last_ts));
    let (socket, _) = t.stack.accept(listener).unwrap();
    t.write(socket, 0, 1000);
    let segment = t.next().expect("a segment");
    assert_eq!(segment.len, 1000);
    assert!(segment.options.iter().flatten().all(|option| !matches!(option, Opt::Mss(_))), "{}", segment.text());
}

/// RFC 9293 MUST-48, SHLD-21, SHLD-22: the application sets the Diffserv field, also later; RFC 9293 MUST-49: and the TTL.
#[test]
fn the_application_sets_diffserv_and_ttl() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let mut marks = |tos: i32, ttl: i32, offset: usize| {
        t.stack.setsockopt(socket, IPPROTO_IP, IP_TOS, &tos.to_ne_bytes()).unwrap();
        t.stack.setsockopt(socket, IPPROTO_IP, IP_TTL, &ttl.to_ne_bytes()).unwrap();
        t.write(socket, offset, 10);
        let packet = t.next_packet().expect("a packet");
        t.inject(&format!(". 1:1(0) ack {} win 65535", offset + 11));
        (packet[1], packet[8])
    };
    assert_eq!(marks(0xb8, 7, 0), (0xb8, 7));
    assert_eq!(marks(0x28, 255, 10), (0x28, 255));
}

/// RFC 9293 MUST-50: IP options that nobody knows are passed over.
#[test]
fn ip_options_do_not_disturb() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    let packet = t.packet_of("P. 1:11(10) ack 1 win 65535");
    for options in [&[1, 1, 1, 0][..], &[0x9e, 4, 1, 2], &[0x44, 8, 5, 0, 0, 0, 0, 0]] {
        t.inject_packet(&packet_with_options([10, 0, 0, 2], [10, 0, 0, 1], 6, options, &packet[20..]));
    }
    assert_eq!(t.read(socket, 0), 10);
}

/// RFC 9293 MUST-58, MUST-59: what came together is acknowledged together, when all of it was processed.
#[test]
fn segments_that_came_together_are_acknowledged_together() {
    let mut t = Script::offloading(Offloads { coalesce: true, ..Offloads::default() });
    let socket = t.established(SYN);
    t.inject_together(&[
        ". 1:1461(1460) ack 1 win 65535",
        ". 1461:2921(1460) ack 1 win 65535",
        ". 2921:4381(1460) ack 1 win 65535",
        "P. 4381:5841(1460) ack 1 win 65535",
    ]);
    t.expect(". 1:1(0) ack 5841");
    t.expect_nothing();
    assert_eq!(t.read(socket, 0), 5840);
    let info = t.stack.tcp_info(socket).unwrap();
    assert_eq!((info.segs_in, info.data_segs_in), (5, 4), "the last of the handshake, and four with data");
}

/// `tcpi_data_segs_out`, `tcpi_data_segs_in`: segments with data, what goes again too, as they are on the wire.
#[test]
fn segments_with_data_are_told_apart() {
    let mut t = Script::offloading(Offloads { segmentation: 65_000, ..Offloads::default() });
    let socket = t.established(SYN);
    let told = |t: &Script| {
        let info = t.stack.tcp_info(socket).unwrap();
        (info.segs_out, info.data_segs_out, info.data_segs_in)
    };
    let (before, ..) = told(&t);
    t.write(socket, 0, 3 * 1460);
    assert_eq!(told(&t), (before + 3, 3, 0));
    t.inject("P. 1:11(10) ack 4381 win 65535");
    t.run(100);
    assert_eq!(told(&t), (before + 4, 3, 1), "and an acknowledgement");
}

/// RFC 9293 MUST-60: what was written is sent without being asked to push, RFC 9293 MUST-61: and the last of it carries PSH.
/// RFC 9293 SHLD-27, SHLD-28: what waits together goes together.
#[test]
fn nothing_is_held_for_ever_and_the_last_segment_pushes() {
    let mut t = Script::new();
    let socket = t.established(SYN);
    t.write(socket, 0, 10);
    t.expect("P. 1:11(10) ack 1");
    for part in 0..5 {
        t.write(socket, 10 + part * 400, 400);
    }
    t.expect(". 11:1471(1460) ack 1");
    t.expect_nothing();
    t.inject(". 1:1(0) ack 11 win 65535");
    t.expect("P. 1471:2011(540) ack 1");
    assert_eq!(t.stack.send(socket, b"", MsgFlags::NONE), Ok(0));
    t.expect_nothing();
}
