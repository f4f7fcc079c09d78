//! What the shards of one device share: the device, and a lane to each of them.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use loggia_stack::base::Frame;
use loggia_stack::transport::shard::Shards;

use super::fragments::Fragments;
use super::lane::Lane;
use super::port::ShardPort;
use super::steer::{Target, target};
use crate::device::{Device, Notified, Notifier, Packet};
use crate::host::Interface;

/// Whose turn it is. In cache lines of its own: else shards would wait for each other's cores at each packet, for no other reason than that
/// their queues' locks are neighbours.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Turn(Mutex<()>);

/// A device that several shards share.
pub(crate) struct Hub {
    pub(super) device: Arc<dyn Device>,
    ethernet: bool,
    rule: Shards,
    pub(super) lanes: Vec<Lane>,
    /// The shards that have let go of it.
    gone: Vec<AtomicBool>,
    /// Queues with descriptors; none: the device tells when it is ready.
    pub(super) queues: usize,
    /// One packet at a time goes by each queue.
    sending: Vec<Turn>,
    fragments: Mutex<Fragments>,
    /// The device is lost.
    lost: AtomicBool,
    /// How often a device without queues called since somebody began to see to it; 0: nobody is at it. One is at a time, so that packets
    /// keep their order.
    calls: AtomicUsize,
    /// Whoever was at it has left the rest to a shard's thread.
    handed_over: AtomicBool,
}

/// Packets read in one go, after which the device's other side is told that there is room.
const BATCH: usize = 256;
/// How often one goes on with what comes meanwhile before a shard's thread does: a lane has room for twice as much.
const ROUNDS: usize = 4;

impl Hub {
    /// What is shared, and an interface for each shard.
    pub(crate) fn share(interface: Interface, rule: &Shards) -> io::Result<(Arc<Self>, Vec<Interface>)> {
        let device = interface.device.clone();
        let properties = device.properties();
        let queues = if device.descriptor(0).is_some() { properties.queue_count() } else { 0 };
        let lanes: io::Result<Vec<Lane>> = (0..rule.count()).map(|_| Lane::new()).collect();
        let hub = Arc::new(Self {
            ethernet: properties.mac().is_some(),
            rule: *rule,
            lanes: lanes?,
            gone: (0..rule.count()).map(|_| AtomicBool::new(false)).collect(),
            queues,
            sending: (0..queues.max(1)).map(|_| Turn::default()).collect(),
            fragments: Mutex::default(),
            lost: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
            handed_over: AtomicBool::new(false),
            device,
        });
        if queues == 0 {
            let told: Arc<dyn Notified> = hub.clone();
            hub.device.attach(Notifier::new(Arc::downgrade(&told)));
        }
        let of = |index| interface.over(ShardPort::new(hub.clone(), index));
        let interfaces = (0..hub.lanes.len()).map(of).collect();
        Ok((hub, interfaces))
    }

    /// Reads a queue for shard `own`, up to `most` packets: gives its own next one and passes on what is others'. If there was only such:
    /// `Interrupted`.
    pub(super) fn receive(&self, queue: usize, own: usize, most: usize) -> io::Result<Packet> {
        for passed_on in 0..most {
            let packet = match self.device.receive(queue) {
                Ok(packet) => packet,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && passed_on > 0 => break,
                Err(error) => {
                    self.look_whether_lost(error.kind());
                    return Err(error);
                }
            };
            if let Some(packet) = self.steer(packet, Some(own)) {
                return Ok(packet);
            }
        }
        // Others' packets have a limit too; there is more, and the queue says so.
        Err(io::ErrorKind::Interrupted.into())
    }

    /// The next packet of a shard's lane. An empty one is the occasion to go on with what was left to the shards' threads.
    pub(super) fn next(&self, shard: usize) -> io::Result<Packet> {
        let lane = &self.lanes[shard];
        let taken = lane.take().or_else(|nothing| {
            if !self.handed_over.swap(false, Ordering::AcqRel) {
                return Err(nothing);
            }
            self.go_on();
            lane.take().map_err(|_| io::ErrorKind::Interrupted.into())
        });
        // Asked last: the bell that told of it may have been heard just now.
        taken.map_err(|nothing| self.nothing(nothing))
    }

    /// What a shard for which there is nothing is told.
    pub(super) fn nothing(&self, nothing: io::Error) -> io::Error {
        if self.lost.load(Ordering::Acquire) { io::ErrorKind::UnexpectedEof.into() } else { nothing }
    }

    /// The device said this. If that means that it is lost all shards are told: not each of them reads.
    fn look_whether_lost(&self, kind: io::ErrorKind) {
        let lost = !matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted);
        if lost && !self.lost.swap(true, Ordering::AcqRel) {
            self.lanes.iter().for_each(Lane::ring);
        }
    }

    /// Who reads this queue now.
    pub(super) fn is_reader(&self, queue: usize, shard: usize) -> bool {
        self.stand_in(queue % self.lanes.len()) == Some(shard)
    }

    /// A shard; if it is gone the next one in the circle that is there does its work.
    fn stand_in(&self, shard: usize) -> Option<usize> {
        (shard..self.gone.len()).chain(0..shard).find(|shard| !self.gone[*shard].load(Ordering::Acquire))
    }

    /// A shard lets go of the device. Another has its queues to read from now on, and is woken to see it.
    pub(super) fn leave(&self, shard: usize) {
        self.gone[shard].store(true, Ordering::Release);
        self.lanes[shard].close();
        self.lanes.iter().for_each(Lane::ring);
    }

    /// Sends by a queue.
    pub(super) fn send(&self, queue: usize, packet: &Packet) -> io::Result<()> {
        let _turn = self.sending[queue].0.lock().unwrap_or_else(PoisonError::into_inner);
        if self.queues == 0 { self.device.send(packet) } else { self.device.send_by(queue, packet) }
    }

    /// Gives a packet to whom it is for; back, if that is `own`.
    fn steer(&self, packet: Packet, own: Option<usize>) -> Option<Packet> {
        let frame: &Frame = packet.frame();
        match target(&self.rule, frame, self.ethernet) {
            Target::One(shard) => {
                let shard = self.stand_in(shard.into())?;
                if own == Some(shard) {
                    return Some(packet);
                }
                self.lanes[shard].put([packet]);
                None
            }
            Target::All => {
                let others = self.lanes.iter().enumerate().filter(|(shard, _)| own != Some(*shard));
                others.for_each(|(_, lane)| lane.put([packet.clone()]));
                own.map(|_| packet)
            }
            Target::Piece(identity, shard) => {
                let mut fragments = self.fragments.lock().unwrap_or_else(PoisonError::into_inner);
                let (shard, packets) = fragments.piece(identity, shard, packet)?;
                // Under the lock, so that the pieces keep their order.
                self.lanes[self.stand_in(shard.into())?].put(packets);
                None
            }
        }
    }

    /// Packets that a shard was too slow for.
    pub(super) fn dropped(&self) -> u64 {
        self.lanes.iter().map(Lane::dropped).sum()
    }
}

/// The device has something, or room. Whoever says so steers; the shards' own threads do the rest.
impl Notified for Hub {
    fn device_ready(&self) {
        if self.calls.fetch_add(1, Ordering::AcqRel) == 0 {
            self.go_on();
        }
    }
}

/// A device without queues, which calls.
impl Hub {
    /// Sees to the device, and goes on if it calls meanwhile: one thread at a time, whoever came first. Those whom this tells that there is
    /// room may call back; they find somebody at it, so it never goes deeper than once a hub.
    fn go_on(&self) {
        let unfinished = Unfinished(self);
        if self.rounds() {
            std::mem::forget(unfinished);
        }
    }

    /// True once it does not call any more.
    fn rounds(&self) -> bool {
        let mut seen = self.calls.load(Ordering::Acquire);
        for _ in 0..ROUNDS {
            if self.round() {
                // There may be more.
                self.calls.fetch_add(1, Ordering::AcqRel);
            }
            match self.calls.compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(more) => seen = more,
            }
        }
        false
    }

    /// Reads as much as goes in one go and tells the other side and the shards that there may be room; true if there may be more.
    fn round(&self) -> bool {
        let (mut count, mut end) = (0, None);
        while count < BATCH && end.is_none() {
            match self.device.receive(0) {
                Ok(packet) => {
                    count += 1;
                    self.steer(packet, None);
                }
                Err(error) => end = Some(error.kind()),
            }
        }
        if count > 0 {
            self.device.flush();
        }
        if let Some(kind) = end {
            self.look_whether_lost(kind);
        }
        self.lanes.iter().for_each(Lane::unblock);
        end.is_none()
    }
}

/// Somebody was at the device and has not come to an end, or has panicked: the first shard's thread to wake up goes on.
struct Unfinished<'a>(&'a Hub);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.0.handed_over.store(true, Ordering::Release);
        self.0.lanes.iter().for_each(Lane::ring);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::{AsFd, BorrowedFd};
    use std::os::unix::net::UnixDatagram;
    use std::sync::atomic::AtomicUsize;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;
    use crate::device::{Properties, pair};

    const SHARDS: u16 = 4;

    fn share(device: impl Device) -> (Arc<Hub>, Vec<Interface>) {
        Hub::share(Interface::new(device), &Shards::new(1.into(), SHARDS, (32768, 60999))).expect("a hub")
    }

    /// A datagram from one of many ports.
    fn datagram(port: u16) -> Packet {
        let [high, low] = port.to_be_bytes();
        vec![0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, high, low, 0, 9, 0, 8, 0, 0].into()
    }

    /// Counts how often it is told.
    #[derive(Default)]
    struct Told(AtomicUsize);

    impl Notified for Told {
        fn device_ready(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn taken(hub: &Hub) -> usize {
        (0..hub.lanes.len()).map(|shard| std::iter::from_fn(|| hub.next(shard).ok()).count()).sum()
    }

    #[test]
    fn the_other_end_is_told_that_there_is_room() {
        let [one, two] = pair(Properties::ip(1500));
        let (hub, _interfaces) = share(one);
        let told = Arc::new(Told::default());
        let whom: Arc<dyn Notified> = told.clone();
        two.attach(Notifier::new(Arc::downgrade(&whom)));
        let sent = (0..u16::MAX).take_while(|port| two.send(&datagram(*port)).is_ok()).count();
        let before = told.0.load(Ordering::Relaxed);
        two.flush();
        assert_eq!(told.0.load(Ordering::Relaxed), before + 1);
        assert!(two.send(&datagram(0)).is_ok());
        assert_eq!(taken(&hub), sent + 1);
    }

    /// Has so many packets, by either of two queues, if it has queues, and then says this.
    struct Full {
        packets: AtomicUsize,
        queues: Option<UnixDatagram>,
        then: io::ErrorKind,
    }

    impl Device for Full {
        fn properties(&self) -> Properties {
            Properties::ip(1500).queues(2)
        }

        fn receive(&self, _: usize) -> io::Result<Packet> {
            let left = self.packets.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            left.map(|left| datagram(left as u16)).map_err(|_| self.then.into())
        }

        fn send(&self, _: &Packet) -> io::Result<()> {
            Ok(())
        }

        fn descriptor(&self, _: usize) -> Option<BorrowedFd<'_>> {
            self.queues.as_ref().map(AsFd::as_fd)
        }
    }

    /// What one who is told reads before a shard's thread goes on.
    const MOST: usize = ROUNDS * BATCH;

    fn called(packets: usize, then: io::ErrorKind) -> Full {
        Full { packets: packets.into(), queues: None, then }
    }

    #[test]
    fn one_who_is_told_reads_so_much_and_a_shard_goes_on() {
        let (hub, _interfaces) = share(called(2 * MOST + 1, io::ErrorKind::WouldBlock));
        hub.device_ready();
        let waiting: usize = hub.lanes.iter().map(|lane| std::iter::from_fn(|| lane.take().ok()).count()).sum();
        assert_eq!(waiting, MOST);
        assert_eq!(taken(&hub) + taken(&hub), MOST + 1);
        assert_eq!(hub.calls.load(Ordering::Relaxed), 0, "the next who is told begins");
    }

    /// Calls whenever it is told that there is room, as another host does that has more to send.
    #[derive(Default)]
    struct Eager {
        left: AtomicUsize,
        notifier: Mutex<Option<Notifier>>,
        depth: AtomicUsize,
        deepest: AtomicUsize,
    }

    impl Device for Eager {
        fn properties(&self) -> Properties {
            Properties::ip(1500)
        }

        fn receive(&self, _: usize) -> io::Result<Packet> {
            let left = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            // Each time there is one.
            left.ok().filter(|left| left % 2 == 0).map(|_| datagram(7)).ok_or_else(|| io::ErrorKind::WouldBlock.into())
        }

        fn send(&self, _: &Packet) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) {
            let depth = self.depth.fetch_add(1, Ordering::Relaxed) + 1;
            self.deepest.fetch_max(depth, Ordering::Relaxed);
            self.notifier.lock().expect("nobody panicked").clone().expect("it was attached").ready();
            self.depth.fetch_sub(1, Ordering::Relaxed);
        }

        fn attach(&self, notifier: Notifier) {
            *self.notifier.lock().expect("nobody panicked") = Some(notifier);
        }
    }

    #[test]
    fn who_is_told_that_there_is_room_may_call_back() {
        let device = Arc::new(Eager::default());
        let (hub, _interfaces) = share(device.clone());
        device.left.store(100, Ordering::Relaxed);
        hub.device_ready();
        while hub.handed_over.load(Ordering::Relaxed) {
            taken(&hub);
        }
        assert_eq!((device.left.load(Ordering::Relaxed), device.deepest.load(Ordering::Relaxed)), (0, 1));
    }

    /// The first error of a shard that takes what is in its lane.
    fn end_of(hub: &Hub, shard: usize) -> io::ErrorKind {
        loop {
            if let Err(error) = hub.next(shard) {
                return error.kind();
            }
        }
    }

    #[test]
    fn a_shard_that_goes_on_and_finds_the_device_lost_is_told_itself() {
        let (hub, _interfaces) = share(called(MOST, io::ErrorKind::UnexpectedEof));
        hub.device_ready();
        let told: Vec<_> = (0..hub.lanes.len()).map(|shard| end_of(&hub, shard)).collect();
        assert_eq!(told, [io::ErrorKind::UnexpectedEof; SHARDS as usize], "it has heard the bell that told of it");
    }

    fn queues(packets: usize) -> Full {
        let queues = Some(UnixDatagram::unbound().expect("a descriptor"));
        Full { packets: packets.into(), queues, then: io::ErrorKind::WouldBlock }
    }

    #[test]
    fn one_who_reads_and_finds_the_device_lost_tells_those_who_do_not() {
        let (hub, interfaces) = share(Full { then: io::ErrorKind::NotFound, ..queues(0) });
        assert_eq!(end_of(&hub, 3), io::ErrorKind::WouldBlock);
        assert_eq!(interfaces[0].device.receive(0).expect_err("it is lost").kind(), io::ErrorKind::NotFound);
        assert!(hub.lanes.iter().all(rung), "they are woken");
        assert!((0..hub.lanes.len()).all(|shard| end_of(&hub, shard) == io::ErrorKind::UnexpectedEof));
        assert_eq!(interfaces[3].device.receive(0).expect_err("it is lost").kind(), io::ErrorKind::UnexpectedEof);
    }

    /// True if a thread that sleeps at this lane wakes up.
    fn rung(lane: &Lane) -> bool {
        let mut fds = [PollFd::new(lane, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).expect("a descriptor") == 1
    }

    /// The device's queues that a shard's thread waits for, by their place at its end.
    fn waits_for(end: &dyn Device) -> Vec<usize> {
        let lane = end.properties().queue_count() - 1;
        let first = usize::from(end.properties().only_sends());
        (first..lane).filter(|place| end.descriptor(*place).is_some()).collect()
    }

    #[test]
    fn the_queues_of_a_shard_that_has_gone_are_read_by_the_next() {
        let (hub, mut interfaces) = share(queues(1000));
        let waits = |interfaces: &[Interface]| -> Vec<usize> {
            interfaces.iter().map(|interface| waits_for(&*interface.device).len()).collect()
        };
        assert_eq!(waits(&interfaces), [1, 1, 0, 0]);
        drop(interfaces.remove(0));
        assert_eq!(waits(&interfaces), [2, 0, 0], "one has both");
        assert!(hub.lanes[1..].iter().all(rung), "it is woken to see it");
        drop(interfaces.remove(0));
        assert_eq!(waits(&interfaces), [2, 0]);
        let end = &*interfaces[0].device;
        let places = waits_for(end);
        let received = std::iter::repeat_n(places, 1000).flatten().filter(|place| end.receive(*place).is_ok()).count();
        let passed_on = std::iter::from_fn(|| hub.next(3).ok()).count();
        assert_eq!(received + passed_on, 1000, "what was for the others is for it too");
        assert!(received > passed_on);
        assert_eq!(end.receive(0).expect_err("it is there to send by").kind(), io::ErrorKind::WouldBlock);
        interfaces.clear();
        assert_eq!(hub.stand_in(0), None);
    }

    #[test]
    fn what_was_passed_on_was_not_called_for_in_vain() {
        let (hub, _interfaces) = share(queues(300));
        let mut said = Vec::new();
        while said.last() != Some(&io::ErrorKind::WouldBlock) {
            said.extend(hub.receive(0, 0, 64).err().map(|error| error.kind()));
        }
        assert!(said.len() > 1, "the last of so many are not all for one");
        assert!(said.iter().rev().skip(1).all(|kind| *kind == io::ErrorKind::Interrupted), "{said:?}");
    }

    #[test]
    fn each_queue_is_read_by_one_shard() {
        let (hub, interfaces) = share(queues(1000));
        let ends: Vec<_> = interfaces.iter().map(|interface| &interface.device).collect();
        for end in &ends[2..] {
            assert!(end.descriptor(0).is_some() && end.properties().only_sends(), "it waits for room");
            assert_eq!(end.receive(0).expect_err("nothing").kind(), io::ErrorKind::WouldBlock);
        }
        assert_eq!(taken(&hub), 0);
        assert!(ends[..2].iter().all(|end| !end.properties().only_sends() && end.receive(0).is_ok()));
        assert!(taken(&hub) > 0, "the others have their lanes");
    }
}
