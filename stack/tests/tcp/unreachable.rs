//! ICMP errors about connections that are half open: as in Linux some give them up.

use crate::script::{Script, icmp_v6, packet_v6};
use crate::segment::Segment;
use loggia_stack::base::event::class;
use loggia_stack::base::{Cause, Discard, TcpState, What};

const SYN: &str = "S 0:0(0) win 65535 <mss 1460>";

/// Of IPv4 those that say that there is no way to the peer; what a firewall may have said, or what concerns the size only, is not believed.
#[test]
fn over_ipv4_what_says_that_there_is_no_way_gives_a_half_open_connection_up() {
    let errors =
        [(3, 0, true), (3, 1, true), (3, 2, false), (3, 3, false), (3, 4, false), (3, 13, false), (11, 0, true), (12, 0, true)];
    for (kind, code, ends) in errors {
        let mut t = Script::new();
        t.stack.listen_events(class::STATES);
        let listener = t.listen(5);
        t.inject(SYN);
        t.expect("S. 0:0(0) ack 1");
        t.inject_icmp(kind, code, 1000, "S. 0:0(0) ack 1");
        let given_up = std::iter::from_fn(|| t.stack.next_event())
            .any(|event| matches!(event.what, What::State { from: TcpState::SynReceived, cause: Cause::Icmp, .. }));
        assert_eq!((given_up, t.stack.counters().tcp_ext.listen_drops), (ends, u64::from(ends)), "type {kind} code {code}");
        t.inject(". 1:1(0) ack 1 win 65535");
        if ends {
            t.expect("R 1:1(0)");
        }
        assert_eq!(t.stack.accept(listener).is_ok(), !ends, "type {kind} code {code}");
    }
}

/// RFC 5927 §4: whoever does not know our sequence number did not see what he complains about.
#[test]
fn an_error_about_another_syn_ack_is_not_believed() {
    let mut t = Script::new();
    let listener = t.listen(5);
    t.inject(SYN);
    t.expect("S. 0:0(0) ack 1");
    t.inject_icmp(3, 1, 0, "S. 5000:5000(0) ack 1");
    let counters = t.stack.counters();
    assert_eq!((counters.discards[Discard::IcmpNotInFlight as usize], counters.tcp_ext.out_of_window_icmps), (1, 1));
    t.inject(". 1:1(0) ack 1 win 65535");
    assert!(t.stack.accept(listener).is_ok());
}

/// Of IPv6 those that are final: prohibited, and also the port; never those that may pass.
#[test]
fn over_ipv6_what_is_final_gives_a_half_open_connection_up() {
    let errors = [(1, 0, false), (1, 1, true), (1, 3, false), (1, 4, true), (2, 0, false), (3, 0, false), (4, 0, true)];
    for (kind, code, ends) in errors {
        let mut t = Script::new();
        let listener = t.listen_v6();
        let segment = |text: &str, isn: u32| Segment::parse(text).header((4000, 80), 100, isn);
        t.inject_packet(&packet_v6(&segment(SYN, 0)));
        let answer = t.next_packet().expect("a SYN-ACK");
        let isn = u32::from_be_bytes(answer[44..48].try_into().unwrap());
        t.inject_packet(&icmp_v6(kind, code, 1300, &answer));
        assert_eq!(t.stack.counters().tcp_ext.listen_drops, u64::from(ends), "type {kind} code {code}");
        t.inject_packet(&packet_v6(&segment(". 1:1(0) ack 1 win 65535", isn)));
        let reset = t.next_packet().map(|packet| packet[53]);
        assert_eq!((reset, t.stack.accept(listener).is_ok()), (ends.then_some(4), !ends), "type {kind} code {code}");
    }
}
