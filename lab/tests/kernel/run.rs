//! One thread, one namespace: the kernel on one side of the links, our stack on the other.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant as Clock};

use loggia_stack::base::{Frame, Instant};
use loggia_stack::link::{complete_checksum, cut};

use crate::ends::Role;
use crate::link::{Link, Segment, Sent};
use crate::ours::Ours;
use crate::plan::Transfer;
use crate::sys;
use crate::theirs::{self, Theirs};

/// The sender's address and the receiver's.
const ADDRESSES: [[u8; 4]; 2] = [[10, 77, 0, 1], [10, 77, 0, 2]];
/// Who waits longer waits for ever.
const PATIENCE: Duration = Duration::from_secs(240);

/// How a transfer went.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) number: u16,
    /// As seen on the link.
    pub(crate) sent: Sent,
    /// What the link lost of it.
    pub(crate) lost: u64,
    /// Segments sent again, as the sender's `TCP_INFO` has it.
    pub(crate) told: u32,
    /// The thread went before all others.
    pub(crate) prompt: bool,
}

struct Between {
    began: Clock,
    links: BTreeMap<u16, Link>,
    ours: Ours,
    theirs: Theirs,
    kernel: Role,
    prompt: bool,
}

/// Runs the transfers with the kernel as their sender or receiver. An error: the test is not permitted to.
pub(crate) fn run(transfers: &[Transfer], kernel: Role) -> io::Result<Vec<Outcome>> {
    let [sender, receiver] = ADDRESSES;
    let (own, us) = match kernel {
        Role::Sender => ([sender, receiver], Role::Receiver),
        Role::Receiver => ([receiver, sender], Role::Sender),
    };
    let tun = theirs::enter(own[0])?;
    let prompt = sys::hurry();
    // Who listens must be there first.
    let ours = Ours::new([own[1], own[0]], us, transfers);
    let theirs = Theirs::new(tun, own, kernel, transfers)?;
    let links = transfers.iter().map(|transfer| (transfer.number, Link::new(transfer))).collect();
    let mut between = Between { began: Clock::now(), links, ours, theirs, kernel, prompt };
    Ok(between.run(transfers))
}

impl Between {
    fn run(&mut self, transfers: &[Transfer]) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let mut open = [transfers.len(); 2];
        self.take_from_us(Instant::EPOCH);
        while open != [0, 0] {
            assert!(
                self.began.elapsed() < PATIENCE,
                "somebody waits for ever: {:?}\n{}",
                self.kernel,
                self.ours.host.stack.inspect()
            );
            self.take_from_kernel();
            let ours = self.at_us();
            self.give_to_kernel();
            let wait = self.next().since(self.now()).as_nanos().min(1_000_000_000) as u64;
            let theirs = self.theirs.act(transfers, wait);
            open[0] -= ours.len();
            open[1] -= theirs.len();
            let senders = if self.kernel == Role::Sender { theirs } else { ours };
            outcomes.extend(senders.into_iter().map(|(number, info)| self.outcome(number, &info)));
        }
        outcomes.sort_by_key(|outcome| outcome.number);
        outcomes
    }

    fn now(&self) -> Instant {
        Instant::EPOCH + self.began.elapsed()
    }

    fn outcome(&self, number: u16, info: &[u8; 256]) -> Outcome {
        let link = &self.links[&number];
        let told = u32::from_ne_bytes(info[100..104].try_into().expect("tcpi_total_retrans"));
        Outcome { number, sent: link.sent, lost: link.lost(), told, prompt: self.prompt }
    }

    /// The way of what the kernel sends: 0 to the receiver, 1 back.
    fn kernels_way(&self) -> usize {
        usize::from(self.kernel == Role::Receiver)
    }

    fn put(&mut self, now: Instant, way: usize, packet: &[u8]) {
        // The kernel also asks for routers.
        let Some(segment) = Segment::parse(packet) else { return };
        let Some((number, there)) = Transfer::of_ports(segment.src, segment.dst) else { return };
        assert_eq!(there, way == 0, "nobody sends in the other's name");
        if let Some(link) = self.links.get_mut(&number) {
            link.put(now, way, &segment, packet);
        }
    }

    fn take_from_kernel(&mut self) {
        let mut packet = [0; 2048];
        while let Ok(len) = self.theirs.tun.read(&mut packet) {
            self.put(self.now(), self.kernels_way(), &packet[..len]);
        }
    }

    fn take_from_us(&mut self, at: Instant) {
        while let Some(frame) = self.ours.host.transmit() {
            for mut packet in cut(frame) {
                complete_checksum(&mut packet);
                self.put(at, 1 - self.kernels_way(), &packet.to_vec());
            }
        }
    }

    fn give_to_kernel(&mut self) {
        let (now, way) = (self.now(), 1 - self.kernels_way());
        for link in self.links.values_mut() {
            while let Some(packet) = link.take(now, way) {
                let written = self.theirs.tun.write(&packet).expect("the kernel takes packets");
                assert_eq!(written, packet.len());
            }
        }
    }

    /// What arrives at our stack and what it waits for, each at its moment, however late this thread is. Gives the transfers that are
    /// over.
    fn at_us(&mut self) -> Vec<(u16, [u8; 256])> {
        let (now, way) = (self.now(), self.kernels_way());
        let mut over = Vec::new();
        loop {
            let at = self.next_at_us();
            if at > now {
                return over;
            }
            self.ours.host.advance(at);
            for link in self.links.values_mut() {
                while let Some(packet) = link.take(at, way) {
                    self.ours.host.receive(Frame::from(&packet[..]));
                }
            }
            over.extend(self.ours.act());
            self.take_from_us(at);
        }
    }

    fn next_at_us(&self) -> Instant {
        let way = self.kernels_way();
        let links = self.links.values().map(|link| link.next(way)).min().unwrap_or(Instant::NEVER);
        links.min(self.ours.host.next_deadline())
    }

    fn next(&self) -> Instant {
        let way = 1 - self.kernels_way();
        let links = self.links.values().map(|link| link.next(way)).min().unwrap_or(Instant::NEVER);
        links.min(self.next_at_us())
    }
}
