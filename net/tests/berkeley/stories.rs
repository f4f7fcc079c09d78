//! What the calls answer, whoever's they are. The process has descriptors of its own beside, so numbers are compared, never expected.

use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use loggia::berkeley::numbers::*;

use super::{Berkeley, PollFd};

const NOW: Option<Duration> = Some(Duration::ZERO);
const SOON: Option<Duration> = Some(Duration::from_secs(20));
const EBADF: i32 = 9;
const EAGAIN: i32 = 11;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;
const ENOENT: i32 = 2;
const EINPROGRESS: i32 = 115;

fn errno<T>(result: std::io::Result<T>) -> i32 {
    result.map(drop).expect_err("an error").raw_os_error().unwrap_or(0)
}

/// Two connected TCP sockets.
fn tcp(b: &Berkeley) -> (i32, i32) {
    let listener = b.socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
    b.bind(listener, &SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0).into()).expect("bind");
    b.listen(listener, 8).expect("listen");
    let here = b.socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
    b.connect(here, &b.getsockname(listener).expect("an address")).expect("connect");
    let (there, from) = b.accept(listener).expect("accept");
    assert_eq!(from.as_socket(), b.getsockname(here).expect("an address").as_socket());
    b.close(listener).expect("it is there");
    (here, there)
}

fn pair(b: &Berkeley, ty: i32) -> (i32, i32) {
    b.socketpair(AF_UNIX, ty).expect("a pair")
}

/// What `poll` tells of one descriptor now.
fn ready(b: &Berkeley, fd: i32, events: i16) -> i16 {
    let mut one = [PollFd { fd, events, revents: 0 }];
    b.poll(&mut one, NOW).expect("poll");
    one[0].revents
}

pub(super) fn descriptors_are_the_lowest_free_ones(b: &Berkeley) {
    // Other tests run beside, so this one takes a far corner for itself.
    let fd = b.socket(AF_UNIX, SOCK_DGRAM, 0).expect("a socket");
    let far = b.fcntl(fd, F_DUPFD, 700).expect("a number");
    assert_eq!(far, 700);
    assert_eq!(b.fcntl(fd, F_DUPFD, 700).expect("a number"), 701);
    b.close(700).expect("it is there");
    assert_eq!(b.fcntl(fd, F_DUPFD, 700).expect("a number"), 700);
    assert_eq!(b.dup2(fd, 710).expect("a number"), 710);
    assert_eq!(b.dup2(fd, fd).expect("itself"), fd);
    for number in [fd, 700, 701, 710] {
        b.close(number).expect("it is there");
    }
    assert_eq!(errno(b.close(710)), EBADF);
    assert_eq!(errno(b.recv(-1, &mut [0; 1], 0)), EBADF);
    assert_eq!(errno(b.dup(701)), EBADF);
}

pub(super) fn duplicates_share_the_socket(b: &Berkeley) {
    let (here, there) = tcp(b);
    let other = b.dup(here).expect("another");
    b.fcntl(here, F_SETFL, O_NONBLOCK).expect("a mode");
    assert_eq!(errno(b.recv(other, &mut [0; 1], 0)), EAGAIN, "the mode is the socket's");
    b.close(here).expect("it is there");
    assert_eq!(b.send(other, b"alive", 0).expect("send"), 5);
    b.close(other).expect("it is there");
    let mut room = [0; 9];
    assert_eq!(b.recv(there, &mut room, 0).expect("receive"), 5);
    assert_eq!(b.recv(there, &mut room, 0).expect("the end"), 0, "closed with the last of them");
}

pub(super) fn calls_that_do_not_wait(b: &Berkeley) {
    let (here, there) = tcp(b);
    let mut room = [0; 9];
    assert_eq!(errno(b.recv(here, &mut room, MSG_DONTWAIT)), EAGAIN);
    b.send(there, b"hello", 0).expect("send");
    assert_eq!(b.poll(&mut [PollFd { fd: here, events: POLLIN, revents: 0 }], SOON).expect("poll"), 1);
    assert_eq!(b.recv(here, &mut room, MSG_DONTWAIT | MSG_PEEK).expect("it is there"), 5);
    assert_eq!(b.recv(here, &mut room, MSG_DONTWAIT).expect("it stayed"), 5);
    let fresh = b.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0).expect("a socket");
    let listener = b.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0).expect("a socket");
    b.bind(listener, &SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0).into()).expect("bind");
    b.listen(listener, 1).expect("listen");
    assert_eq!(errno(b.accept(listener)), EAGAIN);
    assert_eq!(errno(b.connect(fresh, &b.getsockname(listener).expect("an address"))), EINPROGRESS);
    assert_eq!(b.poll(&mut [PollFd { fd: fresh, events: POLLOUT, revents: 0 }], SOON).expect("poll"), 1);
}

pub(super) fn modes_are_told_and_set(b: &Berkeley) {
    let (here, _there) = pair(b, SOCK_STREAM);
    assert_eq!(b.fcntl(here, F_GETFL, 0).expect("a mode"), O_RDWR);
    b.fcntl(here, F_SETFL, O_NONBLOCK).expect("a mode");
    assert_eq!(b.fcntl(here, F_GETFL, 0).expect("a mode"), O_RDWR | O_NONBLOCK);
    b.ioctl(here, FIONBIO, &mut 0).expect("a mode");
    assert_eq!(b.fcntl(here, F_GETFL, 0).expect("a mode"), O_RDWR);
    let (other, _keep) = pair(b, SOCK_STREAM | SOCK_NONBLOCK);
    assert_eq!(b.fcntl(other, F_GETFL, 0).expect("a mode"), O_RDWR | O_NONBLOCK);
}

pub(super) fn poll_tells_what_is_there(b: &Berkeley) {
    let (here, there) = tcp(b);
    assert_eq!(ready(b, here, POLLIN | POLLOUT), POLLOUT);
    b.send(there, b"x", 0).expect("send");
    assert_eq!(b.poll(&mut [PollFd { fd: here, events: POLLIN, revents: 0 }], SOON).expect("poll"), 1);
    assert_eq!(ready(b, here, POLLIN | POLLOUT), POLLIN | POLLOUT);
    b.close(there).expect("it is there");
    assert_eq!(b.poll(&mut [PollFd { fd: here, events: POLLRDHUP, revents: 0 }], SOON).expect("poll"), 1);
    assert_eq!(ready(b, here, POLLRDHUP | POLLIN), POLLRDHUP | POLLIN);
    let mut several = [
        PollFd { fd: -1, events: POLLIN, revents: 7 },
        PollFd { fd: 1_000_000, events: POLLIN, revents: 0 },
        PollFd { fd: here, events: 0, revents: 0 },
    ];
    assert_eq!(b.poll(&mut several, NOW).expect("poll"), 1);
    assert_eq!(several.map(|poll| poll.revents), [0, POLLNVAL, 0]);
}

pub(super) fn poll_waits_for_what_comes(b: &Berkeley) {
    let (here, there) = tcp(b);
    let (one, two) = pair(b, SOCK_DGRAM);
    let mut both = [PollFd { fd: here, events: POLLIN, revents: 0 }, PollFd { fd: one, events: POLLIN, revents: 0 }];
    assert_eq!(b.poll(&mut both, Some(Duration::from_millis(20))).expect("poll"), 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            b.send(two, b"datagram", 0).expect("send");
        });
        assert_eq!(b.poll(&mut both, None).expect("poll"), 1);
    });
    assert_eq!(both.map(|poll| poll.revents), [0, POLLIN]);
    b.close(there).expect("it is there");
}

/// A set with one interest.
fn set_of(b: &Berkeley, fd: i32, events: u32) -> i32 {
    let set = b.epoll_create().expect("a set");
    b.epoll_ctl(set, EPOLL_CTL_ADD, fd, events, 7).expect("an interest");
    set
}

/// What a set tells, as events alone.
fn told(b: &Berkeley, set: i32, timeout: Option<Duration>) -> Vec<u32> {
    let events = b.epoll_wait(set, 8, timeout).expect("wait");
    assert!(events.iter().all(|event| event.data == 7));
    events.iter().map(|event| event.events).collect()
}

pub(super) fn level_triggered_events_stay(b: &Berkeley) {
    let (here, there) = pair(b, SOCK_STREAM);
    let set = set_of(b, here, EPOLLIN);
    assert_eq!(told(b, set, NOW), []);
    b.send(there, b"xy", 0).expect("send");
    assert_eq!(told(b, set, SOON), [EPOLLIN]);
    assert_eq!(told(b, set, NOW), [EPOLLIN], "as long as something is there");
    b.recv(here, &mut [0; 1], 0).expect("receive");
    assert_eq!(told(b, set, NOW), [EPOLLIN]);
    b.recv(here, &mut [0; 1], 0).expect("receive");
    assert_eq!(told(b, set, NOW), []);
    b.epoll_ctl(set, EPOLL_CTL_MOD, here, EPOLLOUT, 7).expect("another interest");
    assert_eq!(told(b, set, NOW), [EPOLLOUT]);
    b.close(there).expect("it is there");
    assert_eq!(told(b, set, NOW), [EPOLLOUT | EPOLLHUP], "an end is always told");
}

pub(super) fn edge_triggered_events_come_once_each(b: &Berkeley) {
    let (here, there) = pair(b, SOCK_STREAM);
    let set = set_of(b, here, EPOLLIN | EPOLLET);
    b.send(there, b"x", 0).expect("send");
    assert_eq!(told(b, set, SOON), [EPOLLIN]);
    assert_eq!(told(b, set, NOW), [], "though it is there still");
    b.send(there, b"y", 0).expect("send");
    assert_eq!(told(b, set, SOON), [EPOLLIN], "something new has come");
    b.epoll_ctl(set, EPOLL_CTL_MOD, here, EPOLLIN | EPOLLET, 7).expect("a new interest");
    assert_eq!(told(b, set, NOW), [EPOLLIN], "which looks anew");
}

pub(super) fn one_shot_events_need_another_wish(b: &Berkeley) {
    let (here, there) = pair(b, SOCK_STREAM);
    let set = set_of(b, here, EPOLLIN | EPOLLONESHOT);
    b.send(there, b"x", 0).expect("send");
    assert_eq!(told(b, set, SOON), [EPOLLIN]);
    b.send(there, b"y", 0).expect("send");
    assert_eq!(told(b, set, NOW), []);
    b.epoll_ctl(set, EPOLL_CTL_MOD, here, EPOLLIN | EPOLLONESHOT, 7).expect("another wish");
    assert_eq!(told(b, set, NOW), [EPOLLIN]);
}

pub(super) fn sets_know_their_sockets(b: &Berkeley) {
    let (here, _there) = pair(b, SOCK_STREAM);
    let set = set_of(b, here, EPOLLIN);
    assert_eq!(errno(b.epoll_ctl(set, EPOLL_CTL_ADD, here, EPOLLIN, 7)), EEXIST);
    b.epoll_ctl(set, EPOLL_CTL_DEL, here, 0, 0).expect("it is there");
    assert_eq!(errno(b.epoll_ctl(set, EPOLL_CTL_DEL, here, 0, 0)), ENOENT);
    assert_eq!(errno(b.epoll_ctl(set, EPOLL_CTL_MOD, here, EPOLLIN, 7)), ENOENT);
    assert_eq!(errno(b.epoll_ctl(set, EPOLL_CTL_ADD, 1_000_000, EPOLLIN, 7)), EBADF);
    assert_eq!(errno(b.epoll_wait(set, 0, NOW)), EINVAL);
    assert_eq!(errno(b.epoll_wait(here, 1, NOW)), EINVAL);
}

pub(super) fn closed_sockets_leave_their_sets(b: &Berkeley) {
    let (here, there) = pair(b, SOCK_STREAM);
    let set = set_of(b, here, EPOLLIN);
    b.send(there, b"x", 0).expect("send");
    b.close(here).expect("it is there");
    assert_eq!(told(b, set, NOW), []);
    let again = b.dup2(there, here).expect("the number is free");
    b.epoll_ctl(set, EPOLL_CTL_ADD, again, EPOLLOUT, 7).expect("it is another socket");
}

pub(super) fn events_take_turns(b: &Berkeley) {
    let set = b.epoll_create().expect("a set");
    let pairs: Vec<_> = (0..3).map(|_| pair(b, SOCK_STREAM)).collect();
    for (number, (here, there)) in (0..).zip(&pairs) {
        b.epoll_ctl(set, EPOLL_CTL_ADD, *here, EPOLLIN, number).expect("an interest");
        b.send(*there, b"x", 0).expect("send");
    }
    let mut seen: Vec<u64> = (0..3).map(|_| b.epoll_wait(set, 1, SOON).expect("wait")[0].data).collect();
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2], "each has its turn");
}

pub(super) fn rights_come_along(b: &Berkeley) {
    let (here, there) = pair(b, SOCK_DGRAM);
    let (passed, other) = pair(b, SOCK_STREAM);
    let control = [&20usize.to_ne_bytes()[..], &1i32.to_ne_bytes(), &1i32.to_ne_bytes(), &passed.to_ne_bytes(), &[0; 4]].concat();
    assert_eq!(b.sendmsg(here, &[IoSlice::new(b"take it")], None, &control, 0).expect("send"), 7);
    b.close(passed).expect("it lives on in the message");
    let (mut room, mut control) = ([0; 16], [0u8; 24]);
    let received = b.recvmsg(there, &mut [IoSliceMut::new(&mut room)], &mut control, 0).expect("receive");
    assert_eq!((received.len, received.control, received.flags & MSG_CTRUNC), (7, 24, 0));
    let came = i32::from_ne_bytes([control[16], control[17], control[18], control[19]]);
    b.send(other, b"through it", 0).expect("send");
    assert_eq!(b.recv(came, &mut room, 0).expect("receive"), 10);
    b.close(came).expect("it is ours");
    assert_eq!(b.recv(other, &mut room, 0).expect("the end"), 0, "the message's was the last");
}

pub(super) fn messages_in_pieces(b: &Berkeley) {
    let (here, there) = pair(b, SOCK_DGRAM);
    let pieces = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"message")];
    assert_eq!(b.sendmsg(here, &pieces, None, &[], 0).expect("send"), 11);
    let (mut first, mut second) = ([0; 3], [0; 5]);
    let mut into = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
    let received = b.recvmsg(there, &mut into, &mut [], 0).expect("receive");
    assert_eq!((received.len, received.flags & MSG_TRUNC), (8, MSG_TRUNC));
    assert_eq!((&first[..], &second[..]), (&b"one"[..], &b" mess"[..]));
}

pub(super) fn waiting_for_all(b: &Berkeley) {
    let (here, there) = tcp(b);
    let mut room = vec![0; 300_000];
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..300 {
                b.send(there, &[7; 1000], 0).expect("send");
            }
        });
        assert_eq!(b.recv(here, &mut room, MSG_WAITALL).expect("receive"), room.len());
    });
    assert!(room.iter().all(|&byte| byte == 7));
    b.send(there, b"less", 0).expect("send");
    b.close(there).expect("it is there");
    assert_eq!(b.recv(here, &mut room, MSG_WAITALL).expect("what there was before the end"), 4);
}

pub(super) fn bytes_that_wait_are_counted(b: &Berkeley) {
    let (here, there) = tcp(b);
    b.send(there, b"12345", 0).expect("send");
    assert_eq!(b.poll(&mut [PollFd { fd: here, events: POLLIN, revents: 0 }], SOON).expect("poll"), 1);
    let mut waiting = 0;
    b.ioctl(here, FIONREAD, &mut waiting).expect("a number");
    assert_eq!(waiting, 5);
}
