//! Row 6: smoltcp on a TUN device, in one thread that sleeps when nothing comes.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Clock};

use loggia::device::{Device as _, Tun};
use loggia_bench::pair::{WRITE, pattern};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::IpAddress;

use super::host::{Host, PORT};
use crate::timing::stay_on_core;

const OURS: IpAddress = IpAddress::v4(10, 0, 0, 2);
const MTU: usize = 1500;

/// The device, read and written by one buffer each.
struct Wire<'a> {
    fd: BorrowedFd<'a>,
    room: Box<[u8; 2048]>,
}

struct Arrived<'a>(&'a [u8]);
struct Leaving<'a>(BorrowedFd<'a>);

impl RxToken for Arrived<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(self.0)
    }
}

impl TxToken for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut room = [0; 2048];
        let result = write(&mut room[..len]);
        // A packet that the device does not take is lost, as packets are.
        let _ = rustix::io::write(self.0, &room[..len]);
        result
    }
}

impl Device for Wire<'_> {
    type RxToken<'a>
        = Arrived<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = Leaving<'a>
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Arrived<'_>, Leaving<'_>)> {
        let len = rustix::io::read(self.fd, &mut self.room[..]).ok()?;
        Some((Arrived(&self.room[..len]), Leaving(self.fd)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Leaving<'_>> {
        Some(Leaving(self.fd))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = MTU;
        capabilities
    }
}

/// Polls until `work` says that it is over; sleeps when it says that it did nothing.
fn run(tun: &Tun, mut work: impl FnMut(&mut smoltcp::socket::tcp::Socket<'static>) -> Option<bool>) {
    stay_on_core(1);
    let fd = tun.descriptor(0).expect("a TUN has a descriptor");
    let mut host = Host::new(OURS, Wire { fd, room: Box::new([0; 2048]) });
    host.socket().listen(PORT).expect("listen");
    let began = Clock::now();
    while let Some(did) = {
        let now = Instant::from_micros(began.elapsed().as_micros() as i64);
        host.poll(now);
        work(host.socket())
    } {
        if !did {
            let limit = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };
            // Whatever it says, it is looked again.
            let _ = poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&limit));
        }
    }
}

pub(crate) fn sink(tun: Tun, _: bool, amount: usize) -> Result<Duration, String> {
    let mut room = vec![0; WRITE];
    let (mut received, mut began, mut took) = (0, None, Duration::ZERO);
    run(&tun, |socket| {
        let mut any = false;
        while socket.can_recv() {
            received += socket.recv_slice(&mut room).expect("open");
            let began = began.get_or_insert_with(Clock::now);
            took = began.elapsed();
            any = true;
        }
        (received < amount).then_some(any)
    });
    Ok(took)
}

pub(crate) fn source(tun: Tun, _: bool, enough: &AtomicBool, _: usize) -> Result<(), String> {
    let source = pattern(WRITE);
    run(&tun, |socket| {
        let any = socket.can_send() && socket.send_slice(&source).expect("open") > 0;
        (!enough.load(Ordering::Acquire)).then_some(any)
    });
    Ok(())
}
