//! The captures of all hosts.

use loggia_stack::base::{Frame, Instant, Why};
use loggia_stack::link::pcapng::{self, LinkType, Packet};
use loggia_stack::link::{Train, complete_checksum, cut};

use super::hold::{Held, Hold, Kept, Place};
use super::piece::Piece;
use super::remarks;
use crate::record::{Folder, Name, Options, Sink};

/// The captures of all hosts.
#[derive(Debug, Default)]
pub struct Captures {
    hosts: Vec<Capture>,
}

/// The capture of one host.
#[derive(Debug)]
struct Capture {
    hold: Hold,
    sink: Sink,
    /// Packets written of each interface.
    packets: Vec<u64>,
    /// Nanoseconds from 1970 to moment zero.
    epoch: u64,
    snap: usize,
    /// Repetitions that were told of and have not left yet: they wait for the neighbour's address. The latest first.
    late: Vec<(u32, u32, Why)>,
}

/// Most repetitions that are waited for.
const LATE: usize = 64;

fn say_why(held: &mut Held, why: Why) {
    held.comments.retain(|comment| comment != remarks::AGAIN);
    held.comments.push(format!("{}: {}", remarks::AGAIN, why.text()));
}

impl Captures {
    /// A file for each of `hosts`, which are names with those of their interfaces. One that cannot be made is among the failures.
    pub fn new(folder: &mut dyn Folder, hosts: &[(Name, Vec<Name>)], options: &Options) -> Self {
        let of = |(host, ports): &(Name, Vec<Name>)| Capture::new(folder, host, ports, options);
        Self { hosts: hosts.iter().map(of).collect() }
    }

    /// True if frames of this host are wanted.
    pub fn is_on(&self, host: usize) -> bool {
        self.hosts.get(host).is_some_and(|capture| capture.sink.is_open())
    }

    /// A packet, or a super-segment that is as one, passed the border of a host.
    pub fn push(&mut self, host: usize, mut held: Held, piece: &Piece<'_>) -> Place {
        let capture = &mut self.hosts[host];
        capture.write_known(held.at);
        capture.explain(&mut held);
        match piece.begins(capture.snap) {
            Some(kept) => capture.hold.push_head(held, piece.len(), kept, |head| piece.fill(head)),
            None => capture.hold.push(held, Kept::Frame(piece.frame())),
        }
    }

    /// True if packets of a super-segment may be given together: only their first bytes are kept.
    pub fn takes_trains(&self, host: usize) -> bool {
        !self.is_on(host) || self.hosts[host].snap <= Piece::HEAD
    }

    /// The packets of a super-segment passed the border of a host, and there is nothing to say of any of them.
    pub fn push_train(&mut self, host: usize, held: Held, whole: &Frame, train: &Train) {
        let capture = &mut self.hosts[host];
        capture.write_known(held.at);
        let piece = |n| Piece::Segment { whole, train, n };
        let (count, snap) = (train.count(), capture.snap);
        let (len, last) = (piece(0).len(), piece(count - 1).len());
        let kept = (count - 1) * len.min(snap) + last.min(snap);
        let from = capture.hold.keep(kept, |heads| {
            for (n, head) in heads.chunks_mut(len.min(snap)).enumerate() {
                piece(n).fill(head);
            }
        });
        let (kept, count, len, last) = (kept as u32, count as u32, len as u32, last as u32);
        capture.hold.push(held, Kept::Run { from, kept, count, len, last });
    }

    /// Says something of a frame that is held.
    pub fn remark(&mut self, host: usize, place: Place, comments: impl IntoIterator<Item = String>) {
        self.hosts[host].hold.remark(place, comments);
    }

    /// A held frame's fate is known.
    pub fn close(&mut self, host: usize, place: Place) {
        self.hosts[host].hold.close(place);
    }

    /// What a host sent at `at` from `seq` on was sent before.
    pub fn sent_again(&mut self, host: usize, at: Instant, seq: u32, len: u32, why: Why) {
        let Some(capture) = self.hosts.get_mut(host) else { return };
        let mut any = false;
        for held in capture.hold.sent_at(at, seq, len) {
            say_why(held, why);
            any = true;
        }
        if !any {
            capture.late.truncate(LATE - 1);
            capture.late.insert(0, (seq, len, why));
        }
    }

    /// Writes what can be.
    pub fn flush(&mut self, now: Instant) {
        for capture in &mut self.hosts {
            capture.write_known(now);
            capture.sink.flush();
        }
    }

    /// Writes all, and how much it was.
    pub fn end(&mut self, now: Instant) {
        self.hosts.iter_mut().for_each(|capture| capture.end(now));
    }

    /// The files.
    pub fn sinks(&self) -> impl Iterator<Item = &Sink> {
        self.hosts.iter().map(|capture| &capture.sink)
    }
}

impl Capture {
    fn new(folder: &mut dyn Folder, host: &Name, ports: &[Name], options: &Options) -> Self {
        let name = format!("hosts/{host}/eth0.pcapng");
        let mut sink = match folder.create(&name) {
            Ok(output) => Sink::new(&name, output, options.capture_limit),
            Err(error) => Sink::failed(&name, &error),
        };
        sink.put(&pcapng::section(concat!("loggia ", env!("CARGO_PKG_VERSION")), &format!("host {host}")));
        ports
            .iter()
            .for_each(|port| sink.put(&pcapng::interface(port, &format!("{port} of {host}"), LinkType::Ethernet, options.snap)));
        let snap = if options.snap == 0 { usize::MAX } else { options.snap as usize };
        let epoch = options.epoch.as_nanos() as u64;
        Self { hold: Hold::default(), sink, packets: vec![0; ports.len()], epoch, snap, late: Vec::new() }
    }

    /// A repetition leaves that was told of before.
    fn explain(&mut self, held: &mut Held) {
        let Some(first) = held.seq.filter(|_| held.comments.iter().any(|comment| comment == remarks::AGAIN)) else { return };
        let told = self.late.iter().position(|(seq, len, _)| first.wrapping_sub(*seq) < *len);
        if let Some((_, _, why)) = told.map(|at| self.late.remove(at)) {
            say_why(held, why);
        }
    }

    fn write_known(&mut self, now: Instant) {
        while let Some((held, kept)) = self.hold.pop(now) {
            self.write(&held, kept);
        }
    }

    /// Writes a frame as a wire would carry it: a super-segment as its segments, checksums complete. Where bytes of a packet are left
    /// out that its checksum is about, it stays as the host left it to the device: nobody can tell from what is written whether it is right.
    fn write(&mut self, held: &Held, kept: Kept) {
        let Self { hold, sink, packets, epoch, snap, .. } = self;
        let Held { at, port, direction, comments, .. } = held;
        let count = match kept {
            Kept::Head { from, kept, len } => {
                let (data, at) = (hold.head(from, kept), *epoch + at.nanos());
                let packet = Packet { interface: *port as u32, at, data, len: len as usize, direction: *direction, comments };
                sink.put_with(|into| pcapng::append_packet(into, &packet, data.len(), |room| room.copy_from_slice(data)));
                1
            }
            Kept::Run { from, kept, count, len, last } => {
                let (interface, at) = (*port as u32, *epoch + at.nanos());
                let heads = hold.head(from, kept).chunks((len as usize).min(*snap));
                for (n, data) in (1..).zip(heads) {
                    let len = if n == count { last } else { len } as usize;
                    let packet = Packet { interface, at, data, len, direction: *direction, comments };
                    sink.put_with(|into| pcapng::append_packet(into, &packet, data.len(), |room| room.copy_from_slice(data)));
                }
                u64::from(count)
            }
            Kept::Frame(frame) => {
                let mut count = 0;
                for mut frame in cut(frame) {
                    let (len, kept) = (frame.len(), frame.len().min(*snap));
                    if kept == len {
                        complete_checksum(&mut frame);
                    }
                    let (interface, at) = (*port as u32, *epoch + at.nanos());
                    let packet = Packet { interface, at, data: &[], len, direction: *direction, comments };
                    sink.put_with(|into| {
                        pcapng::append_packet(into, &packet, kept, |room| {
                            frame.copy_to(0, room);
                        });
                    });
                    count += 1;
                }
                count
            }
        };
        if let Some(all) = packets.get_mut(*port) {
            *all += count;
        }
    }

    fn end(&mut self, now: Instant) {
        self.write_known(Instant::NEVER);
        while let Some((held, kept)) = self.hold.pop_any() {
            self.write(&held, kept);
        }
        for (port, packets) in self.packets.iter().enumerate() {
            self.sink.put(&pcapng::statistics(port as u32, self.epoch, self.epoch + now.nanos(), *packets, 0));
        }
        self.sink.flush();
    }
}
