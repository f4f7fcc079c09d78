//! What two threads do to one set, in an order that is chosen.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use loggia::berkeley::Berkeley;
use loggia::berkeley::numbers::*;

use turns::Turns;

#[path = "../common/turns.rs"]
mod turns;

const NOW: Option<Duration> = Some(Duration::ZERO);

/// A set with an interest that is told once, in a socket where something is.
fn one_shot() -> (Arc<Turns>, Berkeley, [i32; 3]) {
    let (turns, host) = Turns::new();
    let b = Berkeley::on(&host);
    let (here, there) = b.socketpair(AF_UNIX, SOCK_STREAM).expect("a pair");
    let set = b.epoll_create().expect("a set");
    b.epoll_ctl(set, EPOLL_CTL_ADD, here, EPOLLIN | EPOLLONESHOT, 1).expect("an interest");
    b.send(there, b"x", 0).expect("send");
    (turns, b, [set, here, there])
}

#[test]
fn a_wish_that_comes_while_somebody_looks_is_not_lost() {
    let (turns, b, [set, here, _]) = one_shot();
    let other = b.clone();
    turns.in_between(move || {
        other.epoll_ctl(set, EPOLL_CTL_MOD, here, EPOLLIN | EPOLLONESHOT, 2).expect("another wish");
        false
    });
    let told: Vec<u64> = b.epoll_wait(set, 8, NOW).expect("wait").iter().map(|event| event.data).collect();
    assert_eq!(told, [2], "the one that is valid when it is told");
}

#[test]
fn what_is_told_once_is_told_to_one() {
    let (turns, b, [set, _, there]) = one_shot();
    let other = b.clone();
    let (tell, told) = mpsc::channel();
    turns.in_between(move || {
        other.send(there, b"y", 0).expect("send");
        tell.send(other.epoll_wait(set, 8, NOW).expect("wait").len()).expect("somebody listens");
        false
    });
    let first = b.epoll_wait(set, 8, NOW).expect("wait").len();
    assert_eq!(first + told.recv().expect("it has had its turn"), 1);
}
