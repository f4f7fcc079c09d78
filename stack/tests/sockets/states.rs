//! The errno of every call in every state, a row each.

use loggia_stack::base::MsgFlags;
use loggia_stack::engine::{Config, Stack};
use loggia_stack::socket::Address;
use loggia_stack::socket::numbers::*;
use loggia_stack::{Errno, Instant, Seed, SocketId};

use crate::common::{Net, addr, config};

#[test]
fn sockets_that_do_not_exist() {
    let mut host = Stack::new(config(), Seed::from(1), Instant::EPOCH);
    let rows = [
        (-1, SOCK_STREAM, 0, Errno::EAFNOSUPPORT),
        (AF_UNSPEC, SOCK_STREAM, 0, Errno::EAFNOSUPPORT),
        (200, SOCK_STREAM, 0, Errno::EAFNOSUPPORT),
        (AF_INET, 0, 0, Errno::ESOCKTNOSUPPORT),
        (AF_INET, SOCK_SEQPACKET, 0, Errno::ESOCKTNOSUPPORT),
        (AF_INET, SOCK_MAX, 0, Errno::EINVAL),
        (AF_INET, SOCK_STREAM | 0x100, 0, Errno::EINVAL),
        (AF_INET, SOCK_STREAM, IPPROTO_UDP, Errno::EPROTONOSUPPORT),
        (AF_INET, SOCK_DGRAM, IPPROTO_TCP, Errno::EPROTONOSUPPORT),
        (AF_INET, SOCK_RAW, 0, Errno::EPROTONOSUPPORT),
        (AF_INET, SOCK_STREAM, -1, Errno::EINVAL),
        (AF_INET, SOCK_STREAM, IPPROTO_MAX, Errno::EINVAL),
        (AF_UNIX, SOCK_STREAM, 7, Errno::EPROTONOSUPPORT),
        (AF_UNIX, SOCK_RDM, 0, Errno::ESOCKTNOSUPPORT),
    ];
    for (family, ty, protocol, errno) in rows {
        assert_eq!(host.socket(family, ty, protocol), Err(errno), "socket({family}, {ty}, {protocol})");
    }
    assert_eq!(host.socketpair(AF_INET, SOCK_STREAM, 0), Err(Errno::EOPNOTSUPP));
}

#[test]
fn raw_sockets_need_permission() {
    let mut host = Stack::new(Config::default(), Seed::from(1), Instant::EPOCH);
    assert_eq!(host.socket(AF_INET, SOCK_RAW, 1), Err(Errno::EPERM));
    let mut config = Config::default();
    config.socket.ip_unprivileged_port_start = 1024;
    config.socket.max_sockets = 1;
    let mut host = Stack::new(config, Seed::from(1), Instant::EPOCH);
    let socket = host.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    assert_eq!(host.bind(socket, &addr("0.0.0.0:80")), Err(Errno::EACCES));
    assert_eq!(host.bind(socket, &addr("0.0.0.0:1024")), Ok(()));
    assert_eq!(host.socket(AF_INET, SOCK_STREAM, 0), Err(Errno::ENFILE));
}

type Row = (&'static str, fn(&mut Stack, SocketId) -> Option<Errno>, Option<Errno>);

fn check(host: &mut Stack, socket: SocketId, rows: &[Row]) {
    for (name, call, errno) in rows {
        assert_eq!(call(host, socket), *errno, "{name}");
    }
}

#[test]
fn a_fresh_stream() {
    let mut host = Stack::new(config(), Seed::from(1), Instant::EPOCH);
    let socket = host.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    check(
        &mut host,
        socket,
        &[
            ("send", |h, s| h.send(s, b"x", MsgFlags::NONE).err(), Some(Errno::EPIPE)),
            ("recv", |h, s| h.recv(s, &mut [0], MsgFlags::NONE).err(), Some(Errno::ENOTCONN)),
            ("recv OOB", |h, s| h.recv(s, &mut [0], MsgFlags::OOB).err(), Some(Errno::EINVAL)),
            ("accept", |h, s| h.accept(s).err(), Some(Errno::EINVAL)),
            ("getpeername", |h, s| h.getpeername(s).err(), Some(Errno::ENOTCONN)),
            ("shutdown 3", |h, s| h.shutdown(s, 3).err(), Some(Errno::EINVAL)),
            ("shutdown", |h, s| h.shutdown(s, SHUT_WR).err(), Some(Errno::ENOTCONN)),
            ("SIOCINQ", |h, s| h.query(s, SIOCINQ).err(), None),
            ("unknown query", |h, s| h.query(s, 7).err(), Some(Errno::ENOTTY)),
            ("bind v6", |h, s| h.bind(s, &addr("[::1]:1")).err(), Some(Errno::EAFNOSUPPORT)),
            ("bind elsewhere", |h, s| h.bind(s, &addr("192.0.2.1:1")).err(), Some(Errno::EADDRNOTAVAIL)),
            ("connect v6", |h, s| h.connect(s, &addr("[::1]:1")).err(), Some(Errno::EAFNOSUPPORT)),
            ("connect nowhere", |h, s| h.connect(s, &addr("192.0.2.1:1")).err(), Some(Errno::ENETUNREACH)),
            ("connect unspecified", |h, s| h.connect(s, &Address::Unspecified).err(), None),
        ],
    );
}

#[test]
fn a_listener() {
    let mut host = Stack::new(config(), Seed::from(1), Instant::EPOCH);
    let socket = host.socket(AF_INET, SOCK_STREAM, 0).unwrap();
    host.listen(socket, 1).unwrap();
    check(
        &mut host,
        socket,
        &[
            ("listen again", |h, s| h.listen(s, 5).err(), None),
            ("accept", |h, s| h.accept(s).err(), Some(Errno::EAGAIN)),
            ("send", |h, s| h.send(s, b"x", MsgFlags::NONE).err(), Some(Errno::EPIPE)),
            ("recv", |h, s| h.recv(s, &mut [0], MsgFlags::NONE).err(), Some(Errno::ENOTCONN)),
            ("connect", |h, s| h.connect(s, &addr("127.0.0.1:1")).err(), Some(Errno::EISCONN)),
            ("bind", |h, s| h.bind(s, &addr("127.0.0.1:1")).err(), Some(Errno::EINVAL)),
            ("SIOCINQ", |h, s| h.query(s, SIOCINQ).err(), Some(Errno::EINVAL)),
        ],
    );
}

#[test]
fn a_connected_stream() {
    let mut net = Net::single();
    let (client, _, _) = net.connect_tcp("127.0.0.1:80");
    check(
        &mut net.hosts[0],
        client,
        &[
            ("connect", |h, s| h.connect(s, &addr("127.0.0.1:80")).err(), Some(Errno::EISCONN)),
            ("listen", |h, s| h.listen(s, 1).err(), Some(Errno::EINVAL)),
            ("accept", |h, s| h.accept(s).err(), Some(Errno::EINVAL)),
            ("recv", |h, s| h.recv(s, &mut [0], MsgFlags::NONE).err(), Some(Errno::EAGAIN)),
            ("sendto elsewhere", |h, s| h.sendto(s, b"x", MsgFlags::NONE, &addr("127.0.0.1:9")).err(), None),
            ("shutdown", |h, s| h.shutdown(s, SHUT_WR).err(), None),
            ("send", |h, s| h.send(s, b"x", MsgFlags::NONE).err(), Some(Errno::EPIPE)),
            ("connect unspecified", |h, s| h.connect(s, &Address::Unspecified).err(), None),
            ("getpeername", |h, s| h.getpeername(s).err(), Some(Errno::ENOTCONN)),
            ("listen", |h, s| h.listen(s, 1).err(), None),
        ],
    );
}

#[test]
fn a_datagram_socket() {
    let mut host = Stack::new(config(), Seed::from(1), Instant::EPOCH);
    let socket = host.socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    check(
        &mut host,
        socket,
        &[
            ("listen", |h, s| h.listen(s, 1).err(), Some(Errno::EOPNOTSUPP)),
            ("accept", |h, s| h.accept(s).err(), Some(Errno::EOPNOTSUPP)),
            ("send", |h, s| h.send(s, b"x", MsgFlags::NONE).err(), Some(Errno::EDESTADDRREQ)),
            ("send OOB", |h, s| h.send(s, b"x", MsgFlags::OOB).err(), Some(Errno::EOPNOTSUPP)),
            ("sendto port 0", |h, s| h.sendto(s, b"x", MsgFlags::NONE, &addr("127.0.0.1:0")).err(), Some(Errno::EINVAL)),
            ("sendto v6", |h, s| h.sendto(s, b"x", MsgFlags::NONE, &addr("[::1]:1")).err(), Some(Errno::EAFNOSUPPORT)),
            ("too long", |h, s| h.sendto(s, &vec![0; 65508], MsgFlags::NONE, &addr("127.0.0.1:1")).err(), Some(Errno::EMSGSIZE)),
            ("recv", |h, s| h.recv(s, &mut [0], MsgFlags::NONE).err(), Some(Errno::EAGAIN)),
            ("getpeername", |h, s| h.getpeername(s).err(), Some(Errno::ENOTCONN)),
            ("shutdown", |h, s| h.shutdown(s, SHUT_RDWR).err(), Some(Errno::ENOTCONN)),
        ],
    );
}
