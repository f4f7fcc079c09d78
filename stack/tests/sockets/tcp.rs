//! TCP through the calls, between two hosts and over loopback.

use std::time::Duration;

use loggia_stack::base::event::class;
use loggia_stack::base::{MsgFlags, Ready, SocketId, TcpState, What};
use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::{
    AF_INET, AF_INET6, SHUT_RD, SHUT_RDWR, SHUT_WR, SIOCATMARK, SIOCINQ, SOCK_STREAM, ip, ipv6, sol_socket, tcp, timestamping,
};
use loggia_stack::socket::{Address, Control};
use loggia_stack::{Errno, Instant, Seed};

use crate::common::{Net, addr, config, get, set, so_error};

const DELAY: Duration = Duration::from_millis(10);

#[test]
fn a_client_and_a_server_talk_and_part() {
    for server in ["10.0.0.2:80", "[fd00::2]:80"] {
        let mut net = Net::pair(DELAY);
        let (client, accepted, listener) = net.connect_tcp(server);
        net.send_all(0, client, b"GET /");
        assert_eq!(net.recv_exact(1, accepted, 5), b"GET /");
        net.send_all(1, accepted, b"200 OK");
        assert_eq!(net.recv_exact(0, client, 6), b"200 OK");
        // Half close: the server still answers after the client's end.
        net.hosts[0].shutdown(client, SHUT_WR).unwrap();
        net.wait(1, accepted, Ready::RDHUP);
        assert_eq!(net.hosts[1].recv(accepted, &mut [0; 8], MsgFlags::NONE), Ok(0));
        net.send_all(1, accepted, b"bye");
        assert_eq!(net.recv_exact(0, client, 3), b"bye");
        for (host, socket) in [(1, accepted), (1, listener), (0, client)] {
            net.hosts[host].close(socket).unwrap();
            assert_eq!(net.hosts[host].close(socket), Err(Errno::EBADF));
        }
        net.run_for(Duration::from_secs(120));
        assert!(net.hosts.iter().all(|host| host.socket_rows().is_empty()), "{}", net.inspect());
        assert!(net.hosts.iter().all(|host| host.memory().0 == 0), "{}", net.inspect());
    }
}

#[test]
fn a_megabyte_passes_loopback_and_a_wire_unchanged() {
    for (mut net, server) in [(Net::single(), "127.0.0.1:9"), (Net::pair(DELAY), "10.0.0.2:9"), (Net::single(), "[::1]:9")] {
        let last = net.hosts.len() - 1;
        let (client, accepted, _) = net.connect_tcp(server);
        let data: Vec<u8> = (0..1_000_000u32).map(|n| (n * 7 + n / 251) as u8).collect();
        let (mut sent, mut got) = (0, Vec::new());
        net.run_until(|net| {
            while sent < data.len() {
                match net.hosts[0].send(client, &data[sent..], MsgFlags::NONE) {
                    Ok(count) => sent += count,
                    Err(error) => {
                        assert_eq!(error, Errno::EAGAIN);
                        break;
                    }
                }
            }
            let mut room = vec![0; 65536];
            while let Ok(count) = net.hosts[last].recv(accepted, &mut room, MsgFlags::NONE) {
                got.extend_from_slice(&room[..count]);
            }
            got.len() == data.len()
        });
        assert!(got == data);
    }
}

/// RFC 8985 §6.2 step 5: over loopback no time passes. What comes first finds no memory and what comes behind it does; what goes again finds none
/// either. It goes once more when time has passed, not for ever in the same instant.
#[test]
fn what_finds_no_memory_over_loopback_goes_again_later() {
    let mut net = Net::single();
    let mut config = config();
    config.memory = 60_000;
    config.tcp.reordering = 1;
    net.hosts[0] = Stack::new(config, Seed::from(1), Instant::EPOCH);
    let (client, _accepted, _) = net.connect_tcp("127.0.0.1:9");
    set(&mut net.hosts[0], client, tcp::LEVEL, tcp::TCP_NODELAY, 1).unwrap();
    for len in [40_000, 1] {
        assert_eq!(net.hosts[0].send(client, &vec![7; len], MsgFlags::NONE), Ok(len));
    }
    assert_eq!(net.hosts[0].counters().tcp_ext.tcp_rcv_q_drop, 2, "the first time and again");
    net.run_for(Duration::from_secs(1));
    let dropped = net.hosts[0].counters().tcp_ext.tcp_rcv_q_drop;
    assert!((3..10).contains(&dropped), "{dropped}");
}

#[test]
fn chunks_pass_without_being_copied() {
    let mut net = Net::pair(DELAY);
    let (client, accepted, _) = net.connect_tcp("10.0.0.2:80");
    let chunk = bytes::Bytes::from(vec![7; 1000]);
    assert_eq!(net.hosts[0].send_bytes(client, chunk.clone(), MsgFlags::NONE), Ok(1000));
    net.wait(1, accepted, Ready::IN);
    let got = net.hosts[1].recv_bytes(accepted, 4096).unwrap();
    assert_eq!(got, chunk);
    assert_eq!(got.as_ptr(), chunk.as_ptr(), "in memory the bytes stay where they are");
    assert_eq!(net.hosts[1].recv_bytes(accepted, 4096), Err(Errno::EAGAIN));
}

#[test]
fn a_dual_stack_listener_takes_both_families() {
    let mut net = Net::pair(DELAY);
    let listener = net.hosts[1].socket(AF_INET6, SOCK_STREAM, 0).unwrap();
    net.hosts[1].bind(listener, &addr("[::]:80")).unwrap();
    net.hosts[1].listen(listener, 8).unwrap();
    let client = net.hosts[0].socket(AF_INET, SOCK_STREAM, 0).unwrap();
    assert_eq!(net.hosts[0].connect(client, &addr("10.0.0.2:80")), Err(Errno::EINPROGRESS));
    net.wait(1, listener, Ready::IN);
    let (accepted, peer) = net.hosts[1].accept(listener).unwrap();
    assert!(peer.to_string().starts_with("[::ffff:10.0.0.1]:"), "{peer}");
    assert_eq!(net.hosts[1].getsockname(accepted).unwrap().to_string(), "[::ffff:10.0.0.2]:80");
    // An IPv6-only listener does not, and leaves the port to an IPv4 one.
    let only = net.hosts[1].socket(AF_INET6, SOCK_STREAM, 0).unwrap();
    set(&mut net.hosts[1], only, ipv6::LEVEL, ipv6::IPV6_V6ONLY, 1).unwrap();
    net.hosts[1].bind(only, &addr("[::]:81")).unwrap();
    net.hosts[1].listen(only, 8).unwrap();
    let four = net.hosts[1].socket(AF_INET, SOCK_STREAM, 0).unwrap();
    assert_eq!(net.hosts[1].bind(four, &addr("0.0.0.0:81")), Ok(()));
    assert_eq!(net.hosts[1].bind(four, &addr("0.0.0.0:82")), Err(Errno::EINVAL), "it has a name");
}

#[test]
fn a_refused_connection_leaves_a_fresh_socket() {
    let mut net = Net::pair(DELAY);
    let client = net.hosts[0].socket(AF_INET, SOCK_STREAM, 0).unwrap();
    let nobody = addr("10.0.0.2:81");
    assert_eq!(net.hosts[0].connect(client, &nobody), Err(Errno::EINPROGRESS));
    assert_eq!(net.hosts[0].connect(client, &nobody), Err(Errno::EALREADY));
    assert_eq!(net.hosts[0].send(client, b"x", MsgFlags::NONE), Err(Errno::EAGAIN));
    net.wait(0, client, Ready::ERR);
    assert_eq!(net.hosts[0].connect(client, &nobody), Err(Errno::ECONNREFUSED));
    assert_eq!(net.hosts[0].connect(client, &nobody), Err(Errno::EINPROGRESS), "it may try again");
    net.wait(0, client, Ready::ERR);
    assert_eq!(so_error(&mut net.hosts[0], client), Errno::ECONNREFUSED.number());
    assert_eq!(so_error(&mut net.hosts[0], client), 0, "it is told once");
    assert_eq!(net.hosts[0].recv(client, &mut [0; 4], MsgFlags::NONE), Ok(0));
    assert_eq!(net.hosts[0].send(client, b"x", MsgFlags::NONE), Err(Errno::EPIPE));
    assert_eq!(net.hosts[0].connect(client, &nobody), Err(Errno::ECONNABORTED));
    assert_eq!(net.hosts[0].connect(client, &nobody), Err(Errno::EINPROGRESS));
}

#[test]
fn a_reset_is_told_once_and_after_what_came_before_it() {
    let mut net = Net::pair(DELAY);
    let (client, accepted, _) = net.connect_tcp("10.0.0.2:80");
    net.send_all(1, accepted, b"last words");
    net.wait(0, client, Ready::IN);
    let linger = [1i32.to_ne_bytes(), 0i32.to_ne_bytes()].concat();
    net.hosts[1].setsockopt(accepted, sol_socket::LEVEL, sol_socket::SO_LINGER, &linger).unwrap();
    net.hosts[1].close(accepted).unwrap();
    net.wait(0, client, Ready::ERR);
    let ready = net.hosts[0].readiness(client).unwrap();
    assert!(ready.contains(Ready::IN | Ready::OUT | Ready::ERR | Ready::HUP | Ready::RDHUP), "{ready:?}");
    assert_eq!(net.hosts[0].getpeername(client), Err(Errno::ENOTCONN));
    let mut room = [0; 16];
    assert_eq!(net.hosts[0].recv(client, &mut room, MsgFlags::NONE), Ok(10));
    assert_eq!(net.hosts[0].recv(client, &mut room, MsgFlags::NONE), Err(Errno::ECONNRESET));
    assert_eq!(net.hosts[0].recv(client, &mut room, MsgFlags::NONE), Ok(0));
    assert_eq!(net.hosts[0].send(client, b"x", MsgFlags::NONE), Err(Errno::EPIPE));
}

#[test]
fn closing_with_unread_data_resets() {
    let mut net = Net::pair(DELAY);
    let (client, accepted, _) = net.connect_tcp("10.0.0.2:80");
    net.send_all(0, client, b"nobody reads this");
    net.wait(1, accepted, Ready::IN);
    net.hosts[1].close(accepted).unwrap();
    net.wait(0, client, Ready::ERR);
    assert_eq!(net.hosts[0].send(client, b"x", MsgFlags::NONE), Err(Errno::ECONNRESET));
}

#[test]
fn shutting_a_listener_down_for_reading_ends_listening() {
    let mut net = Net::single();
    let listener = net.hosts[0].socket(AF_INET, SOCK_STREAM, 0).unwrap();
    net.hosts[0].listen(listener, 1).unwrap();
    assert_eq!(net.hosts[0].shutdown(listener, SHUT_WR), Ok(()));
    assert_eq!(net.hosts[0].accept(listener), Err(Errno::EAGAIN));
    assert_eq!(net.hosts[0].shutdown(listener, SHUT_RD), Ok(()));
    assert_eq!(net.hosts[0].accept(listener), Err(Errno::EINVAL));
    assert_eq!(net.hosts[0].listen(listener, 1), Ok(()));
}

#[test]
fn low_water_marks_and_waitall_hold_a_waiting_reader_back() {
    let mut net = Net::pair(DELAY);
    let (client, accepted, _) = net.connect_tcp("10.0.0.2:80");
    set(&mut net.hosts[1], accepted, sol_socket::LEVEL, sol_socket::SO_RCVLOWAT, 4).unwrap();
    net.send_all(0, client, b"ab");
    net.run_for(Duration::from_secs(1));
    let mut room = [0; 8];
    assert!(!net.hosts[1].readiness(accepted).unwrap().intersects(Ready::IN));
    assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::NONE), Err(Errno::EAGAIN));
    assert_eq!(
        net.hosts[1].recv(accepted, &mut room, MsgFlags::DONTWAIT | MsgFlags::PEEK),
        Ok(2),
        "who does not wait gets what there is"
    );
    net.send_all(0, client, b"cdef");
    net.wait(1, accepted, Ready::IN);
    assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::WAITALL), Err(Errno::EAGAIN));
    assert_eq!(net.hosts[1].recv(accepted, &mut room[..6], MsgFlags::WAITALL), Ok(6));
    assert_eq!(&room[..6], b"abcdef");
    // The end of the stream releases it.
    net.send_all(0, client, b"gh");
    net.hosts[0].shutdown(client, SHUT_RDWR).unwrap();
    net.wait(1, accepted, Ready::RDHUP);
    assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::WAITALL), Ok(2));
    assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::WAITALL), Ok(0));
}

#[test]
fn peeking_takes_nothing_and_truncating_throws_away() {
    let mut net = Net::pair(DELAY);
    let (client, accepted, _) = net.connect_tcp("10.0.0.2:80");
    net.send_all(0, client, b"abcdef");
    net.wait(1, accepted, Ready::IN);
    let mut room = [0; 3];
    for _ in 0..2 {
        assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::PEEK), Ok(3));
        assert_eq!(&room, b"abc");
    }
    assert_eq!(net.hosts[1].query(accepted, SIOCINQ), Ok(6));
    assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::TRUNC), Ok(3));
    assert_eq!(net.recv_exact(1, accepted, 3), b"def");
    // SO_PEEK_OFF: a look goes on where the last one ended.
    set(&mut net.hosts[1], accepted, sol_socket::LEVEL, sol_socket::SO_PEEK_OFF, 0).unwrap();
    net.send_all(0, client, b"123456");
    net.wait(1, accepted, Ready::IN);
    for part in [b"123", b"456"] {
        assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::PEEK), Ok(3));
        assert_eq!(&room, part);
    }
    assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::PEEK), Err(Errno::EAGAIN));
    assert_eq!(net.recv_exact(1, accepted, 2), b"12");
    assert_eq!(get(&mut net.hosts[1], accepted, sol_socket::LEVEL, sol_socket::SO_PEEK_OFF), Ok(4));
}

#[test]
fn urgent_data_stands_apart() {
    let mut net = Net::pair(DELAY);
    let (client, accepted, _) = net.connect_tcp("10.0.0.2:80");
    let mut room = [0; 8];
    assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::OOB), Err(Errno::EINVAL));
    net.send_all(0, client, b"abc");
    assert_eq!(net.hosts[0].send(client, b"!", MsgFlags::OOB), Ok(1));
    net.send_all(0, client, b"def");
    net.wait(1, accepted, Ready::PRI);
    net.run_for(Duration::from_secs(1));
    assert_eq!(net.hosts[1].query(accepted, SIOCATMARK), Ok(0));
    assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::NONE), Ok(3), "a read stops at the mark");
    assert_eq!(net.hosts[1].query(accepted, SIOCATMARK), Ok(1));
    assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::OOB), Ok(1));
    assert_eq!(room[0], b'!');
    assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::OOB), Err(Errno::EINVAL));
    assert_eq!(net.recv_exact(1, accepted, 3), b"def");
}

#[test]
fn chunks_stop_at_the_urgent_mark_and_leave_it_there() {
    let mut net = Net::pair(DELAY);
    let (client, accepted, _) = net.connect_tcp("10.0.0.2:80");
    net.send_all(0, client, b"abc");
    assert_eq!(net.hosts[0].send(client, b"!", MsgFlags::OOB), Ok(1));
    net.wait(1, accepted, Ready::PRI);
    net.run_for(Duration::from_secs(1));
    assert_eq!(net.hosts[1].recv_bytes(accepted, 8).unwrap(), &b"abc"[..]);
    assert_eq!(net.hosts[1].recv_bytes(accepted, 8), Err(Errno::EAGAIN), "the urgent byte is no part of the stream");
    let mut room = [0; 8];
    assert_eq!(net.hosts[1].recv(accepted, &mut room, MsgFlags::OOB), Ok(1));
}

#[test]
fn handles_are_counted() {
    let mut net = Net::pair(DELAY);
    let (client, accepted, _) = net.connect_tcp("10.0.0.2:80");
    net.hosts[0].dup(client).unwrap();
    net.hosts[0].close(client).unwrap();
    net.send_all(0, client, b"still here");
    assert_eq!(net.recv_exact(1, accepted, 10), b"still here");
    net.hosts[0].close(client).unwrap();
    net.wait(1, accepted, Ready::RDHUP);
}

#[test]
fn what_an_accepted_socket_inherits() {
    let mut net = Net::pair(DELAY);
    let listener = net.hosts[1].socket(AF_INET, SOCK_STREAM, 0).unwrap();
    net.hosts[1].bind(listener, &addr("0.0.0.0:80")).unwrap();
    let rows = [
        (tcp::LEVEL, tcp::TCP_NODELAY, 1),
        (tcp::LEVEL, tcp::TCP_KEEPIDLE, 77),
        (sol_socket::LEVEL, sol_socket::SO_KEEPALIVE, 1),
        (sol_socket::LEVEL, sol_socket::SO_OOBINLINE, 1),
        (ip::LEVEL, ip::IP_TOS, 0x10),
        (ip::LEVEL, ip::IP_TTL, 9),
    ];
    for (level, name, value) in rows {
        set(&mut net.hosts[1], listener, level, name, value).unwrap();
    }
    net.hosts[1].listen(listener, 1).unwrap();
    let client = net.hosts[0].socket(AF_INET, SOCK_STREAM, 0).unwrap();
    let _ = net.hosts[0].connect(client, &addr("10.0.0.2:80"));
    net.wait(1, listener, Ready::IN);
    let (accepted, _) = net.hosts[1].accept(listener).unwrap();
    for (level, name, value) in rows {
        assert_eq!(get(&mut net.hosts[1], accepted, level, name), Ok(value), "{level} {name}");
    }
    assert_eq!(get(&mut net.hosts[1], accepted, sol_socket::LEVEL, sol_socket::SO_ACCEPTCONN), Ok(0));
}

#[test]
fn boundaries_of_messages_are_told() {
    let mut net = Net::pair(DELAY);
    let (client, accepted, _) = net.connect_tcp("10.0.0.2:80");
    net.hosts[0].listen_events(class::CALLS);
    net.hosts[1].listen_events(class::CALLS);
    net.send_all(0, client, b"12345");
    net.send_all(0, client, b"678");
    assert_eq!(net.recv_exact(1, accepted, 8), b"12345678");
    let told = |net: &mut Net, host: usize| {
        let events = std::iter::from_fn(|| net.hosts[host].next_event());
        events
            .filter(|event| !matches!(event.what, What::Read { result: Err(_), .. }))
            .map(|event| event.what)
            .collect::<Vec<_>>()
    };
    let writes = told(&mut net, 0);
    assert!(
        matches!(writes[..], [What::Write { offset: 0, asked: 5, .. }, What::Write { offset: 5, asked: 3, .. }]),
        "{writes:?}"
    );
    let reads = told(&mut net, 1);
    assert!(matches!(reads[0], What::Read { offset: 0, asked: 8, .. }), "{reads:?}");
}

#[test]
fn the_state_can_be_read() {
    let mut net = Net::pair(DELAY);
    let (client, _, _) = net.connect_tcp("10.0.0.2:80");
    let tree = net.hosts[0].inspect();
    for part in ["eth0", "10.0.0.1/24", "tcp ESTAB", "cwnd 10", "memory", "timers"] {
        assert!(tree.contains(part), "{part} in\n{tree}");
    }
    let rows = net.hosts[1].inspect_sockets();
    assert!(rows.contains("LISTEN") && rows.contains("10.0.0.2:80"), "{rows}");
    let mut info = [0; 256];
    let len = net.hosts[0].getsockopt(client, tcp::LEVEL, tcp::TCP_INFO, &mut info).unwrap();
    assert!(len >= 104);
    assert_eq!(info[0], 1, "ESTABLISHED by Linux's number");
    assert_eq!(u32::from_ne_bytes(info[80..84].try_into().unwrap()), 10, "tcpi_snd_cwnd");
}

/// `SO_TIMESTAMPING`: the error queue tells when the last byte of each write left and when the peer had it, with the number of that byte.
#[test]
fn writes_are_told_when_they_left_and_arrived() {
    let mut net = Net::pair(DELAY);
    let (client, _, _) = net.connect_tcp("10.0.0.2:80");
    let (level, option) = (sol_socket::LEVEL, sol_socket::SO_TIMESTAMPING);
    let flags =
        timestamping::TX_SCHED | timestamping::TX_SOFTWARE | timestamping::TX_ACK | timestamping::SOFTWARE | timestamping::OPT_ID;
    assert_eq!(net.hosts[0].setsockopt(client, level, option, &(1u32 << 20).to_ne_bytes()), Err(Errno::EINVAL));
    net.hosts[0].setsockopt(client, level, option, &flags.to_ne_bytes()).unwrap();
    let mut read = [0; 4];
    net.hosts[0].getsockopt(client, level, option, &mut read).unwrap();
    assert_eq!(u32::from_ne_bytes(read), flags);
    let begin = net.hosts[0].now();
    net.hosts[0].send(client, b"four", MsgFlags::NONE).unwrap();
    assert!(net.hosts[0].readiness(client).unwrap().contains(Ready::ERR));
    net.run_for(Duration::from_secs(1));
    let mut told = Vec::new();
    while let Ok(got) = net.hosts[0].recvmsg(client, &mut [], 200, MsgFlags::ERRQUEUE) {
        assert_eq!((got.len, got.flags), (0, MsgFlags::ERRQUEUE | MsgFlags::TRUNC));
        let [Control::Timestamping(at), Control::Stamp { happened, number, v6: false }] = got.control[..] else {
            panic!("{:?}", got.control)
        };
        told.push((happened, number, at.since(begin) >= 2 * DELAY));
    }
    assert_eq!(told, [(1, 3, false), (0, 3, false), (2, 3, true)], "queued, sent, acknowledged a round trip later");
    assert!(!net.hosts[0].readiness(client).unwrap().contains(Ready::ERR));
}

/// `MSG_ZEROCOPY`: the error queue tells, once the peer has it, that the memory is free (and that it was copied all the same).
#[test]
fn zero_copy_sends_are_told_when_they_are_over() {
    let mut net = Net::pair(DELAY);
    let (client, _accepted, _listener) = net.connect_tcp("10.0.0.2:80");
    net.hosts[0].setsockopt(client, sol_socket::LEVEL, sol_socket::SO_ZEROCOPY, &1i32.to_ne_bytes()).unwrap();
    let fetch = |net: &mut Net| net.hosts[0].recvmsg(client, &mut [], 100, MsgFlags::ERRQUEUE);
    for _ in 0..2 {
        net.hosts[0].send(client, b"data", MsgFlags::ZEROCOPY).unwrap();
    }
    assert!(matches!(fetch(&mut net), Err(Errno::EAGAIN)), "on its way");
    net.run_for(DELAY * 20);
    assert!(net.hosts[0].readiness(client).unwrap().contains(Ready::ERR));
    let told = fetch(&mut net).unwrap();
    let [item] = &told.control[..] else { panic!("{told:?}") };
    assert_eq!(item.header(), (ip::LEVEL, ip::IP_RECVERR));
    assert_eq!(item.data()[4..16], [5, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0], "sends 0 to 1, copied");
    assert!(matches!(fetch(&mut net), Err(Errno::EAGAIN)));
}

/// What the error queue tells of writes: what happened and the number of the byte.
fn stamps(net: &mut Net, socket: SocketId) -> Vec<(u32, u32)> {
    let mut told = Vec::new();
    while let Ok(got) = net.hosts[0].recvmsg(socket, &mut [], 200, MsgFlags::ERRQUEUE) {
        let [Control::Stamp { happened, number, .. }] = got.control[..] else { panic!("{:?}", got.control) };
        told.push((happened, number));
    }
    told
}

fn watch_acknowledgements(net: &mut Net, socket: SocketId) {
    let flags = timestamping::TX_ACK | timestamping::OPT_ID;
    net.hosts[0].setsockopt(socket, sol_socket::LEVEL, sol_socket::SO_TIMESTAMPING, &flags.to_ne_bytes()).unwrap();
}

/// What is not fetched yet survives the connection, its end in order and its reset, and is paid for as long.
#[test]
fn what_is_to_be_told_of_writes_outlives_the_connection() {
    for abort in [false, true] {
        let mut net = Net::pair(DELAY);
        let (client, accepted, _) = net.connect_tcp("10.0.0.2:80");
        let before = net.hosts[0].memory().0;
        watch_acknowledgements(&mut net, client);
        net.hosts[0].send(client, b"four", MsgFlags::NONE).unwrap();
        net.run_for(Duration::from_secs(1));
        assert_eq!(net.hosts[1].recv(accepted, &mut [0; 16], MsgFlags::NONE), Ok(4));
        if abort {
            let linger = [1i32.to_ne_bytes(), 0i32.to_ne_bytes()].concat();
            net.hosts[1].setsockopt(accepted, sol_socket::LEVEL, sol_socket::SO_LINGER, &linger).unwrap();
            net.hosts[1].close(accepted).unwrap();
        } else {
            net.hosts[0].shutdown(client, SHUT_WR).unwrap();
            net.run_for(Duration::from_secs(1));
            net.hosts[1].close(accepted).unwrap();
        }
        net.run_for(Duration::from_secs(1));
        assert_eq!(net.hosts[0].tcp_state(client), Some(TcpState::Closed));
        assert!(net.hosts[0].readiness(client).unwrap().contains(Ready::ERR));
        let held = net.hosts[0].memory().0;
        assert_eq!(stamps(&mut net, client), [(2, 3)]);
        assert!(net.hosts[0].memory().0 < held, "the news was paid for");
        net.hosts[0].close(client).unwrap();
        net.run_for(Duration::from_secs(100));
        assert!(net.hosts[0].memory().0 < before);
    }
}

/// Numbers of bytes begin anew with each connection of a socket.
#[test]
fn another_connection_numbers_its_bytes_from_its_beginning() {
    let mut net = Net::pair(DELAY);
    let (client, _accepted, _listener) = net.connect_tcp("10.0.0.2:80");
    net.hosts[0].send(client, &[0; 1000], MsgFlags::NONE).unwrap();
    net.run_for(Duration::from_secs(1));
    watch_acknowledgements(&mut net, client);
    net.hosts[0].send(client, b"four", MsgFlags::NONE).unwrap();
    net.run_for(Duration::from_secs(1));
    assert_eq!(stamps(&mut net, client), [(2, 3)]);
    net.hosts[0].connect(client, &Address::Unspecified).unwrap();
    assert_eq!(net.hosts[0].connect(client, &addr("10.0.0.2:80")), Err(Errno::EINPROGRESS));
    net.wait(0, client, Ready::OUT);
    so_error(&mut net.hosts[0], client);
    net.hosts[0].send(client, b"four", MsgFlags::NONE).unwrap();
    net.run_for(Duration::from_secs(1));
    assert_eq!(stamps(&mut net, client), [(2, 3)]);
}
