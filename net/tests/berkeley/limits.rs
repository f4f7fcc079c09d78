//! What only ours has: a limit of a table's own, and a host that ends.

use std::io::{IoSlice, IoSliceMut};
use std::thread;
use std::time::Duration;

use loggia::Host;
use loggia::berkeley::numbers::*;
use loggia::berkeley::{Berkeley, FdSet, PollFd};
use loggia::net::SockAddr;

const EBADF: Option<i32> = Some(9);
const EMFILE: Option<i32> = Some(24);
const ENETDOWN: Option<i32> = Some(100);

fn host() -> Host {
    Host::builder().start().expect("a host")
}

fn errno<T>(result: std::io::Result<T>) -> Option<i32> {
    result.map(drop).expect_err("an error").raw_os_error()
}

fn open(b: &Berkeley) -> i32 {
    b.socket(AF_UNIX, SOCK_STREAM, 0).expect("a socket")
}

#[test]
fn two_numbers_or_none() {
    let b = Berkeley::limited(&host(), 6);
    let fd = open(&b);
    let two = open(&b);
    assert_eq!(errno(b.socketpair(AF_UNIX, SOCK_STREAM)), EMFILE);
    let three = open(&b);
    assert_eq!([fd, two, three], [3, 4, 5], "the one that there was is free again");
    assert_eq!(errno(b.socket(AF_UNIX, SOCK_STREAM, 0)), EMFILE);
    assert_eq!(errno(b.dup(fd)), EMFILE);
    assert_eq!(errno(b.dup2(fd, 6)), EBADF);
    assert_eq!(errno(b.fcntl(fd, F_DUPFD, 6)), Some(22));
    assert_eq!(errno(b.epoll_create()), EMFILE);
    b.close(two).expect("it is there");
    b.close(three).expect("it is there");
    assert_eq!(b.socketpair(AF_UNIX, SOCK_STREAM).expect("there is room"), (4, 5));
}

#[test]
fn a_connection_without_a_number_waits_to_be_accepted() {
    let b = Berkeley::limited(&host(), 5);
    let (listener, client) = (open(&b), open(&b));
    let at = SockAddr::unix("\0there").expect("a name");
    b.bind(listener, &at).expect("bind");
    b.listen(listener, 1).expect("listen");
    b.connect(client, &at).expect("connect");
    assert_eq!(errno(b.accept(listener)), EMFILE);
    b.send(client, b"still there", 0).expect("it is connected");
    b.close(client).expect("it is there");
    let (server, _) = b.accept(listener).expect("there is a number");
    assert_eq!(b.recv(server, &mut [0; 64], 0).expect("receive"), 11);
}

#[test]
fn sockets_that_come_without_a_number_are_closed_and_that_is_said() {
    let b = Berkeley::limited(&host(), 8);
    let (here, there) = b.socketpair(AF_UNIX, SOCK_STREAM).expect("a pair");
    let (one, other) = b.socketpair(AF_UNIX, SOCK_STREAM).expect("a pair");
    let fds = [one, one];
    let numbers = fds.map(i32::to_ne_bytes).concat();
    let control = [&24usize.to_ne_bytes()[..], &1i32.to_ne_bytes(), &1i32.to_ne_bytes(), &numbers].concat();
    for (free, came) in [(1, 24 - 4), (0, 0)] {
        b.sendmsg(here, &[IoSlice::new(b"two")], None, &control, 0).expect("send");
        let (mut room, mut into) = ([0; 3], [0; 64]);
        let received = b.recvmsg(there, &mut [IoSliceMut::new(&mut room)], &mut into, 0).expect("receive");
        assert_eq!((received.len, &room), (3, b"two"), "{free} numbers");
        assert_eq!(received.flags & MSG_CTRUNC, MSG_CTRUNC);
        assert_eq!(usize::from_ne_bytes(into[..8].try_into().expect("eight")), came);
    }
    assert_eq!(b.recv(other, &mut [0; 1], MSG_DONTWAIT).expect_err("it is open").raw_os_error(), Some(11));
    b.close(one).expect("it is there");
    b.close(7).expect("the one that came");
    assert_eq!(b.recv(other, &mut [0; 1], 0).expect("the end"), 0, "none is left");
}

#[test]
fn who_waits_for_several_is_told_of_the_hosts_end() {
    let host = host();
    let b = &Berkeley::on(&host);
    let here = b.socket(AF_INET, SOCK_DGRAM, 0).expect("a socket");
    b.bind(here, &"127.0.0.1:7".parse::<std::net::SocketAddr>().expect("an address").into()).expect("bind");
    let [empty, set, inner, outer] = [(); 4].map(|()| b.epoll_create().expect("a set"));
    b.epoll_ctl(set, EPOLL_CTL_ADD, here, EPOLLIN, 0).expect("an interest");
    b.epoll_ctl(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 0).expect("an interest");
    let poll = |fd| move || b.poll(&mut [PollFd { fd, events: POLLIN, revents: 0 }], None).map(drop);
    thread::scope(|scope| {
        let mut waiting = vec![
            scope.spawn(move || b.poll(&mut [], None).map(drop)),
            scope.spawn(poll(here)),
            scope.spawn(poll(set)),
            scope.spawn(move || b.select(here + 1, Some(&mut FdSet::from_iter([here])), None, None, None).map(drop)),
        ];
        waiting.extend([empty, set, outer].map(|set| scope.spawn(move || b.epoll_wait(set, 1, None).map(drop))));
        thread::sleep(Duration::from_millis(20));
        host.shutdown(Duration::from_secs(60)).expect("nothing is to be sent");
        for waiting in waiting {
            assert_eq!(errno(waiting.join().expect("no panic")), ENETDOWN);
        }
    });
    assert_eq!(errno(poll(here)()), ENETDOWN);
    assert_eq!(errno(b.epoll_wait(set, 1, None)), ENETDOWN);
    let late = b.epoll_create().expect("a set");
    assert_eq!(errno(b.epoll_wait(late, 1, None)), ENETDOWN);
}
