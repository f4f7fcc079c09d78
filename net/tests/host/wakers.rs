//! Wakers of tasks that own sockets: with the last waker the task goes, and with it its sockets.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use loggia::Host;
use loggia::net::UdpSocket;
use loggia::time::{Sleep, interval, sleep};

const LONG: Duration = Duration::from_secs(3600);

/// A task that nobody has but its waker.
struct Task {
    _socket: UdpSocket,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

fn task(host: &Host) -> Waker {
    Waker::from(Arc::new(Task { _socket: UdpSocket::bind_on(host, "127.0.0.1:0").expect("bind") }))
}

/// Runs what may never end.
fn ends(work: impl FnOnce(&Host) + Send + 'static) {
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        work(&Host::builder().start().expect("a host"));
        // Nobody may listen any more.
        let _ = tell.send(());
    });
    told.recv_timeout(Duration::from_secs(60)).expect("it hangs");
}

/// Polls with the task's only waker.
fn poll(host: &Host, sleep: &mut Sleep) -> Poll<()> {
    pin!(sleep).poll(&mut Context::from_waker(&task(host)))
}

#[test]
fn another_task_takes_the_place_of_one() {
    ends(|host| {
        let mut sleep = sleep(host, LONG);
        assert!(poll(host, &mut sleep).is_pending() && poll(host, &mut sleep).is_pending());
    });
}

#[test]
fn a_sleep_is_put_off_and_given_up() {
    ends(|host| {
        let mut sleep = sleep(host, LONG);
        assert!(poll(host, &mut sleep).is_pending());
        sleep.reset(host.now() + LONG);
        assert!(poll(host, &mut sleep).is_pending());
        drop(sleep);
    });
}

#[test]
fn nobody_sleeps_on_when_the_host_has_ended() {
    ends(|host| {
        let (tell, told) = mpsc::channel();
        struct Told(mpsc::Sender<()>);
        impl Wake for Told {
            fn wake(self: Arc<Self>) {
                self.0.send(()).expect("somebody listens");
            }
        }
        let waker = Waker::from(Arc::new(Told(tell)));
        let mut cx = Context::from_waker(&waker);
        let mut sleep = pin!(sleep(host, LONG));
        assert!(sleep.as_mut().poll(&mut cx).is_pending());
        host.shutdown(LONG).expect("nothing is to be sent");
        told.recv().expect("it is woken");
        assert!(sleep.as_mut().poll(&mut cx).is_ready());
        let mut ticks = interval(host, LONG);
        assert!((0..3).all(|_| pin!(ticks.tick()).poll(&mut cx).is_ready()), "there is no time that would pass");
    });
}
