//! What the calls answer, whoever's they are. The process has descriptors of its own beside, so numbers are compared, never expected.

use std::io::{IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use loggia::berkeley::numbers::*;
use loggia::net::SockAddr;

use super::{Berkeley, FdSet, PollFd};

const NOW: Option<Duration> = Some(Duration::ZERO);
const SOON: Option<Duration> = Some(Duration::from_secs(20));
const EBADF: i32 = 9;
const EAGAIN: i32 = 11;
const EEXIST: i32 = 17;
const EINVAL: i32 = 22;
const ENOENT: i32 = 2;
const EINPROGRESS: i32 = 115;
const EISCONN: i32 = 106;
const ECONNREFUSED: i32 = 111;
const ELOOP: i32 = 40;

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
    let (here, there) = pair(b, SOCK_STREAM);
    b.setsockopt(here, sol_socket::LEVEL, sol_socket::SO_PASSCRED, &1i32.to_ne_bytes()).expect("an option");
    b.send(there, b"less", 0).expect("send");
    b.close(there).expect("it is there");
    let mut control = [0; 64];
    let received = b.recvmsg(here, &mut [IoSliceMut::new(&mut room)], &mut control, MSG_WAITALL).expect("what there was");
    assert_eq!((received.len, received.control), (4, 32), "with whom it came from");
}

pub(super) fn what_cuts_a_call_short_is_told_to_the_next(b: &Berkeley) {
    let reset = |fd| {
        b.setsockopt(fd, sol_socket::LEVEL, sol_socket::SO_LINGER, &[1i32.to_ne_bytes(), [0; 4]].concat()).expect("an option");
        b.close(fd).expect("it is there");
    };
    for message in [false, true] {
        let mut room = vec![0; 100];
        let (here, there) = tcp(b);
        b.send(there, b"less", 0).expect("send");
        reset(there);
        let received = if message {
            b.recvmsg(here, &mut [IoSliceMut::new(&mut room)], &mut [], MSG_WAITALL).map(|received| received.len)
        } else {
            b.recv(here, &mut room, MSG_WAITALL)
        };
        assert_eq!(received.expect("what there was"), 4);
        assert_eq!(errno(b.recv(here, &mut room, 0)), 104, "ECONNRESET");
    }
    let (here, there) = tcp(b);
    let sent = thread::scope(|scope| {
        scope.spawn(|| {
            b.recv(there, &mut [0; 100], MSG_WAITALL).expect("some");
            reset(there);
        });
        b.send(here, &vec![7; 64 << 20], 0).expect("as much as went")
    });
    assert!(sent < 64 << 20);
    assert_eq!(errno(b.send(here, b"x", 0)), 104, "ECONNRESET");
}

pub(super) fn bytes_that_wait_are_counted(b: &Berkeley) {
    let (here, there) = tcp(b);
    b.send(there, b"12345", 0).expect("send");
    assert_eq!(b.poll(&mut [PollFd { fd: here, events: POLLIN, revents: 0 }], SOON).expect("poll"), 1);
    let mut waiting = 0;
    b.ioctl(here, FIONREAD, &mut waiting).expect("a number");
    assert_eq!(waiting, 5);
}

pub(super) fn two_questions_about_one_socket(b: &Berkeley) {
    let (here, there) = tcp(b);
    let mut both = [PollFd { fd: here, events: POLLIN, revents: 0 }, PollFd { fd: here, events: POLLPRI, revents: 0 }];
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            b.send(there, b"x", 0).expect("send");
        });
        // A poll whose time is up looks once more, so this one has none.
        assert_eq!(b.poll(&mut both, None).expect("poll"), 1);
    });
    assert_eq!(both.map(|poll| poll.revents), [POLLIN, 0]);
}

pub(super) fn some_calls_never_wait(b: &Berkeley) {
    let (here, _there) = tcp(b);
    let udp = b.socket(AF_INET, SOCK_DGRAM, 0).expect("a socket");
    let mut room = [0; 9];
    for fd in [here, udp] {
        assert_eq!(errno(b.recv(fd, &mut room, MSG_ERRQUEUE)), EAGAIN);
        assert_eq!(errno(b.recvmsg(fd, &mut [IoSliceMut::new(&mut room)], &mut [0; 64], MSG_ERRQUEUE)), EAGAIN);
    }
    assert_eq!(errno(b.recv(here, &mut room, MSG_OOB)), EINVAL);
    let (unix, _other) = pair(b, SOCK_STREAM);
    assert_eq!(errno(b.recv(unix, &mut room, MSG_OOB)), EINVAL);
}

/// A timeout's option, in `struct timeval`.
fn timeout(b: &Berkeley, fd: i32, name: i32, millis: i64) {
    let value = [0i64.to_ne_bytes(), (millis * 1000).to_ne_bytes()].concat();
    b.setsockopt(fd, sol_socket::LEVEL, name, &value).expect("an option");
}

pub(super) fn the_time_is_up_and_there_is_less_than_asked_for(b: &Berkeley) {
    for (here, there) in [tcp(b), pair(b, SOCK_STREAM)] {
        let mut room = [0; 64];
        timeout(b, here, sol_socket::SO_RCVTIMEO, 30);
        assert_eq!(errno(b.recv(here, &mut room, 0)), EAGAIN);
        b.send(there, b"less", 0).expect("send");
        assert_eq!(b.recv(here, &mut room, MSG_WAITALL).expect("what there is"), 4);
        b.setsockopt(here, sol_socket::LEVEL, sol_socket::SO_RCVLOWAT, &32i32.to_ne_bytes()).expect("an option");
        b.send(there, b"little", 0).expect("send");
        assert_eq!(b.recv(here, &mut room, 0).expect("what there is"), 6);
        b.send(there, b"none", 0).expect("send");
        let received = b.recvmsg(here, &mut [IoSliceMut::new(&mut room)], &mut [], MSG_WAITALL).expect("what there is");
        assert_eq!(received.len, 4);
    }
}

pub(super) fn a_timeout_is_for_the_whole_call(b: &Berkeley) {
    let (here, there) = tcp(b);
    timeout(b, here, sol_socket::SO_SNDTIMEO, 200);
    let (data, over) = (vec![7; 50_000_000], AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut room = vec![0; 65_536];
            // Always a little, so that there is always progress.
            while !over.load(Ordering::Relaxed) {
                b.recv(there, &mut room, 0).expect("receive");
                thread::sleep(Duration::from_millis(20));
            }
        });
        let sent = b.send(here, &data, 0).expect("a part of it");
        over.store(true, Ordering::Relaxed);
        assert!(sent < data.len(), "all of it takes many times as long");
    });
}

pub(super) fn a_connect_that_was_begun_is_waited_for(b: &Berkeley) {
    let listener = b.socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
    b.bind(listener, &SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0).into()).expect("bind");
    b.listen(listener, 1).expect("listen");
    let to = b.getsockname(listener).expect("an address");
    let here = b.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0).expect("a socket");
    assert_eq!(errno(b.connect(here, &to)), EINPROGRESS);
    b.fcntl(here, F_SETFL, 0).expect("a mode");
    b.connect(here, &to).expect("its end");
    assert_eq!(errno(b.connect(here, &to)), EISCONN);
    // One that waited from the beginning is told of the same, and a socket that was refused can try again.
    let other = b.socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
    b.connect(other, &to).expect("connect");
    assert_eq!(errno(b.connect(other, &to)), EISCONN);
    let third = b.socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
    let nobody = b.socket(AF_INET, SOCK_STREAM, 0).expect("a socket");
    b.bind(nobody, &SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0).into()).expect("bind");
    assert_eq!(errno(b.connect(third, &b.getsockname(nobody).expect("an address"))), ECONNREFUSED);
    b.accept(listener).expect("accept");
    b.connect(third, &to).expect("connect");
}

pub(super) fn a_full_backlog_is_waited_for(b: &Berkeley) {
    let at = SockAddr::unix(format!("\0loggia-backlog-{}-{:p}", std::process::id(), b)).expect("a name");
    let listener = b.socket(AF_UNIX, SOCK_STREAM, 0).expect("a socket");
    b.bind(listener, &at).expect("bind");
    b.listen(listener, 0).expect("listen");
    let socket = || b.socket(AF_UNIX, SOCK_STREAM, 0).expect("a socket");
    b.connect(socket(), &at).expect("there is room for one");
    let late = socket();
    timeout(b, late, sol_socket::SO_SNDTIMEO, 30);
    assert_eq!(errno(b.connect(late, &at)), EAGAIN, "as long as the option says");
    let hasty = socket();
    b.fcntl(hasty, F_SETFL, O_NONBLOCK).expect("a mode");
    assert_eq!(errno(b.connect(hasty, &at)), EAGAIN);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| b.connect(socket(), &at));
        thread::sleep(Duration::from_millis(20));
        b.accept(listener).expect("accept");
        waiting.join().expect("no panic").expect("there is room again");
        let waiting = scope.spawn(|| b.connect(socket(), &at));
        thread::sleep(Duration::from_millis(20));
        b.close(listener).expect("it is there");
        assert_eq!(errno(waiting.join().expect("no panic")), ECONNREFUSED);
    });
}

pub(super) fn a_name_is_its_listeners(b: &Berkeley) {
    let at = SockAddr::unix(format!("\0loggia-name-{}-{:p}", std::process::id(), b)).expect("a name");
    let listener = b.socket(AF_UNIX, SOCK_STREAM, 0).expect("a socket");
    b.bind(listener, &at).expect("bind");
    b.listen(listener, 8).expect("listen");
    for _ in 0..3 {
        let client = b.socket(AF_UNIX, SOCK_STREAM, 0).expect("a socket");
        b.connect(client, &at).expect("connect");
        let (server, _) = b.accept(listener).expect("accept");
        b.close(server).expect("it is there");
        b.close(client).expect("it is there");
    }
    b.close(listener).expect("it is there");
    let late = b.socket(AF_UNIX, SOCK_STREAM, 0).expect("a socket");
    assert_eq!(errno(b.connect(late, &at)), ECONNREFUSED);
}

/// Sends a descriptor along with a byte, and gives what number it has at the other end.
fn passed(b: &Berkeley, (here, there): (i32, i32), fd: i32) -> i32 {
    let control = [&20usize.to_ne_bytes()[..], &1i32.to_ne_bytes(), &1i32.to_ne_bytes(), &fd.to_ne_bytes(), &[0; 4]].concat();
    assert_eq!(b.sendmsg(here, &[IoSlice::new(b"!")], None, &control, 0).expect("send"), 1);
    let (mut room, mut control) = ([0; 1], [0u8; 24]);
    b.recvmsg(there, &mut [IoSliceMut::new(&mut room)], &mut control, 0).expect("receive");
    i32::from_ne_bytes([control[16], control[17], control[18], control[19]])
}

pub(super) fn modes_go_along_with_sockets(b: &Berkeley) {
    let way = pair(b, SOCK_STREAM);
    let (fd, _other) = pair(b, SOCK_STREAM | SOCK_NONBLOCK);
    let came = passed(b, way, fd);
    assert_eq!(b.fcntl(came, F_GETFL, 0).expect("a mode"), O_RDWR | O_NONBLOCK);
    assert_eq!(errno(b.recv(came, &mut [0; 1], 0)), EAGAIN);
    b.fcntl(came, F_SETFL, 0).expect("a mode");
    assert_eq!(b.fcntl(fd, F_GETFL, 0).expect("a mode"), O_RDWR, "it is the very same socket");
    b.close(fd).expect("it is there");
    let again = passed(b, way, came);
    b.fcntl(again, F_SETFL, O_NONBLOCK).expect("a mode");
    assert_eq!(b.fcntl(came, F_GETFL, 0).expect("a mode"), O_RDWR | O_NONBLOCK);
}

pub(super) fn all_of_a_message_in_pieces(b: &Berkeley) {
    for (here, there) in [tcp(b), pair(b, SOCK_STREAM)] {
        let (mut first, mut second) = (vec![0; 100_000], vec![0; 200_000]);
        thread::scope(|scope| {
            scope.spawn(|| (0..300).for_each(|_| assert_eq!(b.send(there, &[7; 1000], 0).expect("send"), 1000)));
            let mut into = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
            assert_eq!(b.recvmsg(here, &mut into, &mut [], MSG_WAITALL).expect("receive").len, 300_000);
        });
        assert!(first.iter().chain(&second).all(|&byte| byte == 7));
    }
}

fn only(fd: i32) -> FdSet {
    FdSet::from_iter([fd])
}

pub(super) fn select_tells_what_is_there(b: &Berkeley) {
    let (here, there) = tcp(b);
    let count = here.max(there) + 1;
    let (mut read, mut write) = (FdSet::from_iter([here, there]), FdSet::from_iter([here, there]));
    assert_eq!(b.select(count, Some(&mut read), Some(&mut write), None, NOW).expect("select"), 2);
    assert_eq!((read.contains(here), write.contains(here), write.contains(there)), (false, true, true));
    b.send(there, b"x", 0).expect("send");
    let mut read = FdSet::from_iter([here, there]);
    assert_eq!(b.select(count, Some(&mut read), None, None, SOON).expect("select"), 1);
    assert_eq!((read.contains(here), read.contains(there)), (true, false));
    let (mut read, mut write) = (only(here), only(here));
    assert_eq!(b.select(count, Some(&mut read), Some(&mut write), None, SOON).expect("select"), 2, "one counts twice");
    let mut read = only(here);
    assert_eq!(b.select(here, Some(&mut read), None, None, NOW).expect("select"), 0, "it is not below the count");
    b.send(there, b"!", MSG_OOB).expect("send");
    let mut except = only(here);
    assert_eq!(b.select(count, None, None, Some(&mut except), SOON).expect("select"), 1);
    assert!(except.contains(here));
    assert_eq!(errno(b.select(-1, None, None, None, NOW)), EINVAL);
    let gone = b.fcntl(here, F_DUPFD, 720).expect("a number");
    b.close(gone).expect("it is there");
    let mut unknown = only(gone);
    assert_eq!(errno(b.select(gone + 1, Some(&mut unknown), None, None, NOW)), EBADF);
    assert!(unknown.contains(gone), "what was asked stays");
}

pub(super) fn select_waits_for_what_comes(b: &Berkeley) {
    let (here, there) = tcp(b);
    let mut read = only(here);
    assert_eq!(b.select(here + 1, Some(&mut read), None, None, Some(Duration::from_millis(20))).expect("select"), 0);
    assert!(!read.contains(here));
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            b.send(there, b"x", 0).expect("send");
        });
        let mut read = only(here);
        assert_eq!(b.select(here + 1, Some(&mut read), None, None, None).expect("select"), 1);
        assert!(read.contains(here));
    });
}

pub(super) fn ends_and_errors_for_select(b: &Berkeley) {
    let (here, there) = pair(b, SOCK_STREAM);
    b.close(there).expect("it is there");
    let (mut read, mut write, mut except) = (only(here), only(here), only(here));
    assert_eq!(b.select(here + 1, Some(&mut read), Some(&mut write), Some(&mut except), SOON).expect("select"), 2);
    assert_eq!((read.contains(here), write.contains(here), except.contains(here)), (true, true, false));
    // A hang-up alone is nothing to one who waits for something urgent.
    let mut except = only(here);
    assert_eq!(b.select(here + 1, None, None, Some(&mut except), Some(Duration::from_millis(20))).expect("select"), 0);
}

pub(super) fn sets_in_sets(b: &Berkeley) {
    let (here, there) = pair(b, SOCK_STREAM);
    let inner = set_of(b, here, EPOLLIN);
    let outer = set_of(b, inner, EPOLLIN);
    assert_eq!((told(b, outer, NOW), ready(b, outer, POLLIN)), (vec![], 0));
    b.send(there, b"x", 0).expect("send");
    assert_eq!(told(b, outer, SOON), [EPOLLIN]);
    assert_eq!(told(b, outer, NOW), [EPOLLIN], "as long as something is there");
    assert_eq!((ready(b, outer, POLLIN), ready(b, inner, POLLIN | POLLOUT)), (POLLIN, POLLIN));
    assert_eq!(told(b, inner, NOW), [EPOLLIN], "nobody has taken it");
    b.recv(here, &mut [0; 1], 0).expect("receive");
    assert_eq!((told(b, outer, NOW), ready(b, outer, POLLIN)), (vec![], 0));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| told(b, outer, SOON));
        let polling = scope.spawn(|| b.poll(&mut [PollFd { fd: inner, events: POLLIN, revents: 0 }], SOON).expect("poll"));
        thread::sleep(Duration::from_millis(20));
        b.send(there, b"y", 0).expect("send");
        assert_eq!((waiting.join().expect("no panic"), polling.join().expect("no panic")), (vec![EPOLLIN], 1));
    });
    b.close(inner).expect("it is there");
    assert_eq!(told(b, outer, NOW), [], "a set that is closed leaves");
}

pub(super) fn sets_in_sets_with_edges(b: &Berkeley) {
    let (here, there) = pair(b, SOCK_STREAM);
    let inner = set_of(b, here, EPOLLIN);
    let outer = set_of(b, inner, EPOLLIN | EPOLLET);
    b.send(there, b"x", 0).expect("send");
    assert_eq!(told(b, outer, SOON), [EPOLLIN]);
    assert_eq!(told(b, outer, NOW), [], "though it is there still");
    b.send(there, b"y", 0).expect("send");
    assert_eq!(told(b, outer, SOON), [EPOLLIN], "something new has come");
    assert_eq!(told(b, inner, NOW), [EPOLLIN]);
}

pub(super) fn sets_in_circles(b: &Berkeley) {
    let sets: Vec<i32> = (0..3).map(|_| b.epoll_create().expect("a set")).collect();
    assert_eq!(errno(b.epoll_ctl(sets[0], EPOLL_CTL_ADD, sets[0], EPOLLIN, 0)), EINVAL);
    b.epoll_ctl(sets[0], EPOLL_CTL_ADD, sets[1], EPOLLIN, 0).expect("an interest");
    b.epoll_ctl(sets[1], EPOLL_CTL_ADD, sets[2], EPOLLIN, 0).expect("an interest");
    assert_eq!(errno(b.epoll_ctl(sets[2], EPOLL_CTL_ADD, sets[0], EPOLLIN, 0)), ELOOP);
    b.epoll_ctl(sets[0], EPOLL_CTL_DEL, sets[1], 0, 0).expect("it is there");
    b.epoll_ctl(sets[2], EPOLL_CTL_ADD, sets[0], EPOLLIN, 0).expect("it is no circle any more");
    // And not too deep.
    let chain: Vec<i32> = (0..12).map(|_| b.epoll_create().expect("a set")).collect();
    let deep = chain.windows(2).find_map(|two| b.epoll_ctl(two[1], EPOLL_CTL_ADD, two[0], EPOLLIN, 0).err());
    assert_eq!(deep.and_then(|error| error.raw_os_error()), Some(ELOOP));
}
