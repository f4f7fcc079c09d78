//! Options: doubling, clamps, lengths.

use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::*;
use loggia_stack::{Errno, Instant, Seed};

use crate::common::{config, get, set};

fn host() -> Stack {
    Stack::new(config(), Seed::from(1), Instant::EPOCH)
}

#[test]
fn buffers_are_doubled_and_clamped() {
    let mut host = host();
    for (family, ty) in [(AF_INET, SOCK_STREAM), (AF_INET, SOCK_DGRAM), (AF_UNIX, SOCK_STREAM)] {
        let socket = host.socket(family, ty, 0).unwrap();
        let rows = [
            (sol_socket::SO_SNDBUF, 10_000, 20_000),
            (sol_socket::SO_RCVBUF, 10_000, 20_000),
            (sol_socket::SO_SNDBUF, 1, 4608),
            (sol_socket::SO_RCVBUF, 1, 2304),
            (sol_socket::SO_SNDBUF, i32::MAX, 2 * 212_992),
            (sol_socket::SO_RCVBUF, -1, 2 * 212_992),
            (sol_socket::SO_RCVBUFFORCE, 1 << 20, 2 << 20),
        ];
        for (name, asked, given) in rows {
            set(&mut host, socket, sol_socket::LEVEL, name, asked).unwrap();
            let read = if name == sol_socket::SO_RCVBUFFORCE { sol_socket::SO_RCVBUF } else { name };
            assert_eq!(get(&mut host, socket, sol_socket::LEVEL, read), Ok(given), "{family} {ty} {name} {asked}");
        }
    }
}

#[test]
fn what_a_socket_is_can_be_asked() {
    let mut host = host();
    for (family, ty, protocol) in [(AF_INET, SOCK_STREAM, 6), (AF_INET6, SOCK_DGRAM, 17), (AF_UNIX, SOCK_SEQPACKET, 0)] {
        let socket = host.socket(family, ty, 0).unwrap();
        for (name, value) in [(sol_socket::SO_DOMAIN, family), (sol_socket::SO_TYPE, ty), (sol_socket::SO_PROTOCOL, protocol)] {
            assert_eq!(get(&mut host, socket, sol_socket::LEVEL, name), Ok(value));
            assert_eq!(set(&mut host, socket, sol_socket::LEVEL, name, value), Err(Errno::ENOPROTOOPT));
        }
    }
}

/// `net.ipv6.bindv6only`
#[test]
fn a_new_socket_of_both_families_is_of_one_where_that_is_set() {
    let mut host = host();
    for on in [0, 1] {
        host.configure_sockets(|config| config.bindv6only = on == 1);
        for ty in [SOCK_STREAM, SOCK_DGRAM] {
            let socket = host.socket(AF_INET6, ty, 0).unwrap();
            assert_eq!(get(&mut host, socket, ipv6::LEVEL, ipv6::IPV6_V6ONLY), Ok(on), "{ty}");
        }
    }
}

#[test]
fn times_come_back() {
    let mut host = host();
    let socket = host.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    let time = [3i64.to_ne_bytes(), 500_000i64.to_ne_bytes()].concat();
    let mut back = [0; 16];
    for name in [sol_socket::SO_RCVTIMEO, sol_socket::SO_SNDTIMEO] {
        host.setsockopt(socket, sol_socket::LEVEL, name, &time).unwrap();
        assert_eq!(host.getsockopt(socket, sol_socket::LEVEL, name, &mut back), Ok(16));
        assert_eq!(back[..], time[..]);
        let wrong = [3i64.to_ne_bytes(), 1_000_000i64.to_ne_bytes()].concat();
        assert_eq!(host.setsockopt(socket, sol_socket::LEVEL, name, &wrong), Err(Errno::EDOM));
        assert_eq!(host.setsockopt(socket, sol_socket::LEVEL, name, &time[..8]), Err(Errno::EINVAL));
    }
}

#[test]
fn congestion_control_goes_by_name() {
    let mut host = host();
    let socket = host.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    let mut name = [0; 16];
    assert_eq!(host.getsockopt(socket, tcp::LEVEL, tcp::TCP_CONGESTION, &mut name), Ok(16));
    assert_eq!(&name[..6], b"cubic\0");
    host.setsockopt(socket, tcp::LEVEL, tcp::TCP_CONGESTION, b"reno").unwrap();
    host.getsockopt(socket, tcp::LEVEL, tcp::TCP_CONGESTION, &mut name).unwrap();
    assert_eq!(&name[..5], b"reno\0");
    assert_eq!(host.setsockopt(socket, tcp::LEVEL, tcp::TCP_CONGESTION, b"none"), Err(Errno::ENOENT));
    assert_eq!(host.setsockopt(socket, tcp::LEVEL, tcp::TCP_ULP, b"tls"), Err(Errno::ENOENT));
}

#[test]
fn links_go_by_name() {
    let mut host = host();
    let socket = host.socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    let mut name = [9; 16];
    assert_eq!(host.getsockopt(socket, 1, sol_socket::SO_BINDTODEVICE, &mut name), Ok(0));
    assert_eq!(host.setsockopt(socket, 1, sol_socket::SO_BINDTODEVICE, b"none"), Err(Errno::ENODEV));
    host.setsockopt(socket, 1, sol_socket::SO_BINDTODEVICE, b"lo\0").unwrap();
    assert_eq!(host.getsockopt(socket, 1, sol_socket::SO_BINDTODEVICE, &mut name), Ok(3));
    assert_eq!(&name[..3], b"lo\0");
    assert_eq!(get(&mut host, socket, 1, sol_socket::SO_BINDTOIFINDEX), Ok(1));
}

#[test]
fn every_option_of_every_level_answers_something() {
    let mut host = host();
    let kinds = [
        (AF_INET, SOCK_STREAM, 0),
        (AF_INET6, SOCK_STREAM, 0),
        (AF_INET, SOCK_DGRAM, 0),
        (AF_INET6, SOCK_DGRAM, 0),
        (AF_INET, SOCK_RAW, 1),
        (AF_INET6, SOCK_RAW, 58),
        (AF_UNIX, SOCK_STREAM, 0),
        (AF_UNIX, SOCK_DGRAM, 0),
    ];
    let mut known = 0;
    for (family, ty, protocol) in kinds {
        let socket = host.socket(family, ty, protocol).unwrap();
        for level in [0, 1, 6, 17, 41, 58, 255] {
            for name in -1..110 {
                let mut room = [0; 300];
                known += usize::from(host.getsockopt(socket, level, name, &mut room).is_ok());
                for value in [&[][..], &[1], &1i32.to_ne_bytes(), &[0; 8], &[0xff; 12], &[0; 136], &[2; 264]] {
                    let _ = host.setsockopt(socket, level, name, value);
                }
            }
        }
    }
    assert!(known > 400, "{known}");
}
