//! AF_UNIX through the calls, within one stack.

use loggia_stack::base::{MsgFlags, Ready};
use loggia_stack::engine::Stack;
use loggia_stack::socket::numbers::{AF_INET, AF_UNIX, SHUT_WR, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, sol_socket};
use loggia_stack::socket::{Address, Control, Message};
use loggia_stack::transport::unix::{Credentials, Right, UnixAddress};
use loggia_stack::{Errno, Instant, Seed, SocketId};

use crate::common::{addr, config, set};

fn host() -> Stack {
    Stack::new(config(), Seed::from(1), Instant::EPOCH)
}

fn path(text: &str) -> Address {
    UnixAddress::path(text.as_bytes()).unwrap().into()
}

fn connected(host: &mut Stack, ty: i32) -> (SocketId, SocketId) {
    let listener = host.socket(AF_UNIX, ty, 0).unwrap();
    host.bind(listener, &path("/run/service")).unwrap();
    host.listen(listener, 4).unwrap();
    let client = host.socket(AF_UNIX, ty, 0).unwrap();
    host.connect(client, &path("/run/service")).unwrap();
    assert!(host.readiness(listener).unwrap().contains(Ready::IN));
    let (server, peer) = host.accept(listener).unwrap();
    assert_eq!(peer, Address::Unix(UnixAddress::Unnamed));
    assert_eq!(host.getpeername(client), Ok(path("/run/service")));
    (client, server)
}

#[test]
fn a_stream_talks_and_ends() {
    let mut host = host();
    let (client, server) = connected(&mut host, SOCK_STREAM);
    assert_eq!(host.send(client, b"hello ", MsgFlags::NONE), Ok(6));
    assert_eq!(host.send(client, b"world", MsgFlags::NONE), Ok(5));
    let mut room = [0; 32];
    assert_eq!(host.recv(server, &mut room, MsgFlags::NONE), Ok(11), "no boundaries");
    host.shutdown(client, SHUT_WR).unwrap();
    assert_eq!(host.recv(server, &mut room, MsgFlags::NONE), Ok(0));
    assert_eq!(host.send(server, b"bye", MsgFlags::NONE), Ok(3));
    assert_eq!(host.recv(client, &mut room, MsgFlags::NONE), Ok(3));
    host.close(server).unwrap();
    assert_eq!(host.send(client, b"x", MsgFlags::NONE), Err(Errno::EPIPE));
}

#[test]
fn a_seqpacket_socket_keeps_boundaries() {
    let mut host = host();
    let (client, server) = connected(&mut host, SOCK_SEQPACKET);
    host.send(client, b"one", MsgFlags::NONE).unwrap();
    host.send(client, b"three", MsgFlags::NONE).unwrap();
    let mut room = [0; 3];
    assert_eq!(host.recv(server, &mut room, MsgFlags::NONE), Ok(3));
    let got = host.recvmsg(server, &mut [&mut room], 0, MsgFlags::TRUNC).unwrap();
    assert_eq!((got.len, got.flags.contains(MsgFlags::TRUNC)), (5, true));
}

#[test]
fn datagrams_find_a_path() {
    let mut host = host();
    let service = host.socket(AF_UNIX, SOCK_DGRAM, 0).unwrap();
    host.bind(service, &path("/run/log")).unwrap();
    let client = host.socket(AF_UNIX, SOCK_DGRAM, 0).unwrap();
    assert_eq!(host.send(client, b"x", MsgFlags::NONE), Err(Errno::ENOTCONN));
    assert_eq!(host.sendto(client, b"line", MsgFlags::NONE, &path("/run/log")), Ok(4));
    assert_eq!(host.sendto(client, b"line", MsgFlags::NONE, &path("/run/none")), Err(Errno::ENOENT));
    let mut room = [0; 8];
    assert_eq!(host.recvfrom(service, &mut room, MsgFlags::NONE), Ok((4, Address::Unspecified)));
    assert_eq!(host.recvfrom(service, &mut room, MsgFlags::NONE), Err(Errno::EAGAIN));
    host.unlink(b"/run/log").unwrap();
    assert_eq!(host.sendto(client, b"line", MsgFlags::NONE, &path("/run/log")), Err(Errno::ENOENT));
}

#[test]
fn a_pair_passes_sockets_and_credentials() {
    let mut host = host();
    let (a, b) = host.socketpair(AF_UNIX, SOCK_STREAM, 0).unwrap();
    let passed = host.socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    host.bind(passed, &addr("127.0.0.1:7")).unwrap();
    let me = Credentials { pid: 42, uid: 1000, gid: 1000 };
    for socket in [a, b] {
        host.set_credentials(socket, me).unwrap();
    }
    set(&mut host, b, sol_socket::LEVEL, sol_socket::SO_PASSCRED, 1).unwrap();
    let rights = [Control::Rights(vec![Right::Socket(passed), Right::Foreign(9)])];
    let message = Message { data: &[b"take it"], control: &rights, ..Message::default() };
    assert_eq!(host.sendmsg(a, &message), Ok(7));
    host.close(passed).unwrap();
    assert_eq!(host.getsockname(passed), Ok(addr("127.0.0.1:7")), "it lives on in the queue");
    let mut room = [0; 16];
    let got = host.recvmsg(b, &mut [&mut room], 256, MsgFlags::NONE).unwrap();
    let rights = got.control.iter().find_map(|item| match item {
        Control::Rights(rights) => Some(rights.clone()),
        _ => None,
    });
    assert_eq!(rights, Some(vec![Right::Socket(passed), Right::Foreign(9)]));
    assert!(got.control.iter().any(|item| matches!(item, Control::Credentials(who) if *who == me)), "{:?}", got.control);
    host.close(passed).unwrap();
    assert_eq!(host.getsockname(passed), Err(Errno::EBADF));
}

#[test]
fn rights_nobody_takes_are_given_up() {
    let mut host = host();
    let (a, b) = host.socketpair(AF_UNIX, SOCK_STREAM, 0).unwrap();
    let passed = host.socket(AF_INET, SOCK_DGRAM, 0).unwrap();
    let rights = [Control::Rights(vec![Right::Socket(passed), Right::Foreign(9)])];
    host.sendmsg(a, &Message { data: &[b"x"], control: &rights, ..Message::default() }).unwrap();
    host.close(passed).unwrap();
    // No room for ancillary data: what was passed is closed, and that is told.
    let got = host.recvmsg(b, &mut [&mut [0; 4]], 0, MsgFlags::NONE).unwrap();
    assert!(got.flags.contains(MsgFlags::CTRUNC) && got.control.is_empty());
    assert_eq!(host.getsockname(passed), Err(Errno::EBADF));
    assert_eq!(host.dropped_handle(), Some(9));
    // A socket in nobody's but its own queue.
    let itself = [Control::Rights(vec![Right::Socket(b)])];
    host.sendmsg(a, &Message { data: &[b"x"], control: &itself, ..Message::default() }).unwrap();
    host.close(b).unwrap();
    host.close(a).unwrap();
    assert!(host.socket_rows().is_empty(), "{}", host.inspect());
}
