//! Row 20: what a second core adds where each has a whole stack, and what it costs to bring packets to the right one.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use loggia::device::{Device, Packet, Properties};
use loggia::{Host, Interface, Shards};
use loggia_bench::pair::Wire;
use loggia_stack::base::checksum::checksum;
use rustix::event::{EventfdFlags, eventfd};

use super::{bulk, connections, ping_pong};
use crate::figure::{Sample, Unit};
use crate::probe::Effort;
use crate::timing::{on_two_cores, stay_on_core};

const SUBJECT: &str = "loggia";

/// Pairs of stacks that have nothing in common but the machine: its allocator, its caches, its memory.
pub(crate) fn stacks(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(40_000);
    let trips = effort.of(200_000);
    let amount = effort.of(1 << 29);
    let add = |what: &str, work: &(dyn Fn() -> Duration + Sync)| {
        Sample::new(20, format!("{what}, two cores over one"), SUBJECT, Unit::Times, on_both_over_one(work))
    };
    Ok(vec![
        add("connect, byte, close", &|| connections::took(count)),
        add("ping-pong", &|| ping_pong::took(trips)),
        add("bulk, MTU 1500", &|| bulk::took(Wire::Packets, amount)),
        add("bulk, 64 KiB segments", &|| bulk::took(Wire::Large, 2 * amount)),
    ])
}

/// How many times as much two cores do together as one alone.
fn on_both_over_one(work: &(dyn Fn() -> Duration + Sync)) -> f64 {
    let alone = std::thread::scope(|scope| {
        let one = scope.spawn(|| {
            stay_on_core(0);
            work()
        });
        one.join().expect("it does not panic")
    });
    let mut second = Duration::ZERO;
    let first = on_two_cores(work, || second = work());
    2.0 * alone.as_secs_f64() / first.max(second).as_secs_f64()
}

/// Flows, told apart by the identifications of their echo requests.
const FLOWS: u16 = 1024;
/// Requests without an answer at a time: what waits for a shard is bounded, and nothing is to be lost here.
const WINDOW: usize = 1024;
/// One looks at the window after so many.
const LOOK: usize = 64;

/// The library's shards behind a device of as many queues: requests come in, answers go out, by the thread of a shard alone.
pub(crate) fn echoes(effort: Effort) -> Result<Vec<Sample>, String> {
    let count = effort.of(1_000_000);
    let work = || -> io::Result<Vec<Sample>> {
        let figure = |what: &str, took| Sample::per_second(20, format!("echoes, {what}"), SUBJECT, count, took);
        let [one, two] = [Echoed::by(1)?, Echoed::by(2)?];
        let owners = two.owners()?;
        Ok(vec![
            figure("1 shard", one.all(count, |_, _| true)?),
            figure("2 shards, by their own queues", two.all(count, |queue, flow| owners[usize::from(flow)] == queue)?),
            figure("2 shards, half of all by the other's queue", two.all(count, |queue, flow| usize::from(flow) % 2 == queue)?),
        ])
    };
    work().map_err(|error| error.to_string())
}

/// Shards that answer echo requests.
struct Echoed {
    device: std::sync::Arc<Requests>,
    /// Ends with the measurement.
    _shards: Shards,
}

impl Echoed {
    fn by(shards: usize) -> io::Result<Self> {
        let device = std::sync::Arc::new(Requests::new(shards)?);
        let interface = Interface::new(device.clone()).autoconfigure(false).address("10.0.0.2/24");
        let shards = Host::builder().interface(interface).start_shards(shards)?;
        Ok(Self { device, _shards: shards })
    }

    /// By which queue each flow is answered.
    fn owners(&self) -> io::Result<Vec<usize>> {
        self.all(usize::from(FLOWS), |queue, _| queue == 0)?;
        let of = |owner: &AtomicU16| usize::from(owner.load(Ordering::Relaxed));
        Ok(self.device.answered_by.iter().map(of).collect())
    }

    /// How long `count` requests take, of flows that come by the queues that `comes_by` says.
    fn all(&self, count: usize, comes_by: impl Fn(usize, u16) -> bool) -> io::Result<Duration> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let device = &*self.device;
        let before = device.answered();
        let flows = |queue: usize| (0..FLOWS).filter(|flow| comes_by(queue, *flow)).map(request).collect::<Vec<_>>();
        for (number, queue) in device.queues.iter().enumerate() {
            *queue.flows.lock().expect("no panic") = flows(number);
        }
        let carrying = device.queues.iter().filter(|queue| !queue.flows.lock().expect("no panic").is_empty()).count();
        let began = Instant::now();
        for (number, queue) in device.queues.iter().enumerate() {
            let share = count / carrying + usize::from(number == 0) * (count % carrying);
            if !queue.flows.lock().expect("no panic").is_empty() {
                queue.left.store(share, Ordering::Release);
                rustix::io::write(&queue.bell, &1u64.to_ne_bytes())?;
            }
        }
        while device.answered() - before < count {
            if began.elapsed() > PATIENCE {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "echo requests were not answered"));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(began.elapsed())
    }
}

/// A device that gives requests and counts answers.
struct Requests {
    queues: Vec<Queue>,
    /// The queue by which each flow was answered last.
    answered_by: Vec<AtomicU16>,
}

/// Apart from each other, in lines of their own.
#[repr(align(128))]
struct Queue {
    /// Rings as long as there is something.
    bell: OwnedFd,
    left: AtomicUsize,
    given: AtomicUsize,
    answered: AtomicUsize,
    flows: Mutex<Vec<Packet>>,
}

impl Queue {
    /// How many are left, if there are any.
    fn left(&self) -> io::Result<usize> {
        let left = self.left.load(Ordering::Acquire);
        if left > 0 {
            return Ok(left);
        }
        // Not an error if somebody else has heard it.
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        // It may have been for what has come since we looked, and then has to ring on.
        match self.left.load(Ordering::Acquire) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            left => {
                rustix::io::write(&self.bell, &1u64.to_ne_bytes())?;
                Ok(left)
            }
        }
    }
}

impl Requests {
    fn new(queues: usize) -> io::Result<Self> {
        let queue = |_| {
            let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
            let [left, given, answered] = [(); 3].map(|()| AtomicUsize::new(0));
            Ok(Queue { bell, left, given, answered, flows: Mutex::default() })
        };
        Ok(Self {
            queues: (0..queues).map(queue).collect::<io::Result<_>>()?,
            answered_by: (0..FLOWS).map(|_| AtomicU16::new(0)).collect(),
        })
    }

    fn answered(&self) -> usize {
        self.queues.iter().map(|queue| queue.answered.load(Ordering::Acquire)).sum()
    }

    fn under_way(&self) -> usize {
        // First those given: an answer that comes meanwhile makes it less, not more.
        let given: usize = self.queues.iter().map(|queue| queue.given.load(Ordering::Acquire)).sum();
        given.saturating_sub(self.answered())
    }
}

impl Device for Requests {
    fn properties(&self) -> Properties {
        // As a network card does it, which has checked what it gives.
        Properties::ip(1500).queues(self.queues.len()).checksum_offload(true)
    }

    fn receive(&self, queue: usize) -> io::Result<Packet> {
        let queue = &self.queues[queue];
        let left = queue.left()?;
        // Not each time: it would have the cores wait for each other's counts.
        if left.is_multiple_of(LOOK) && self.under_way() + LOOK * self.queues.len() > WINDOW {
            return Err(io::ErrorKind::Interrupted.into());
        }
        queue.given.fetch_add(1, Ordering::AcqRel);
        queue.left.store(left - 1, Ordering::Release);
        let flows = queue.flows.lock().expect("no panic");
        Ok(flows[left % flows.len()].clone())
    }

    fn send(&self, packet: &Packet) -> io::Result<()> {
        self.send_by(0, packet)
    }

    fn send_by(&self, queue: usize, packet: &Packet) -> io::Result<()> {
        let flow = flow_of(packet);
        let owner = &self.answered_by[usize::from(flow)];
        if owner.load(Ordering::Relaxed) != queue as u16 {
            owner.store(queue as u16, Ordering::Relaxed);
        }
        self.queues[queue].answered.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    fn descriptor(&self, queue: usize) -> Option<BorrowedFd<'_>> {
        self.queues.get(queue).map(|queue| queue.bell.as_fd())
    }
}

/// An echo request of 64 bytes from 10.0.0.1 to 10.0.0.2.
fn request(flow: u16) -> Packet {
    let mut bytes = vec![0x45, 0, 0, 64, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 8, 0, 0, 0];
    bytes.extend(flow.to_be_bytes());
    bytes.resize(64, 0);
    let header = checksum(&bytes[..20]);
    bytes[10..12].copy_from_slice(&header.to_be_bytes());
    let message = checksum(&bytes[20..]);
    bytes[22..24].copy_from_slice(&message.to_be_bytes());
    Packet::from(bytes)
}

/// The identification of an answer.
fn flow_of(packet: &Packet) -> u16 {
    let mut ident = [0; 2];
    let bytes = packet.chunks().flatten().skip(24);
    ident.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    u16::from_be_bytes(ident).min(FLOWS - 1)
}
