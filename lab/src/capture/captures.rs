//! The captures of all hosts.

use loggia_stack::base::{Frame, Instant, Why};
use loggia_stack::link::pcapng::{self, LinkType, Packet};
use loggia_stack::link::{Train, complete_checksum, cut};

use super::hold::{Held, Hold, Kept, Place};
use super::piece::Piece;
use super::remarks;
use super::run::Run;
use super::snap::Snap;
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
    snap: Snap,
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

    /// A packet, or a super-segment that is as one, passed the border of a host. Says where it is held, unless nothing more can be said of it.
    ///
    /// It begins with `headers` bytes of headers.
    pub fn push(&mut self, host: usize, mut held: Held, piece: &Piece<'_>, headers: usize) -> Option<Place> {
        let capture = &mut self.hosts[host];
        capture.write_known(held.at);
        capture.explain(&mut held);
        let Some(kept) = piece.begins(capture.snap.of(headers)) else {
            return Some(capture.hold.push(held, Kept::Frame { frame: piece.frame(), headers }));
        };
        let packet = capture.packet(&held, piece.len());
        if capture.is_next(&held) {
            let packet = Packet { comments: &held.comments, ..packet };
            capture.sink.put_with(|into| pcapng::append_packet(into, &packet, kept, |room| piece.fill(room)));
            capture.count(held.port, 1);
            return None;
        }
        let append = |into: &mut Vec<u8>| pcapng::append_times(into, &packet, kept, 1, |room| piece.fill(room));
        Some(capture.hold.push_blocks(held, piece.len(), append))
    }

    /// True if packets of a super-segment may be given together: only their first bytes are kept.
    pub fn takes_trains(&self, host: usize) -> bool {
        !self.is_on(host) || self.hosts[host].snap.of(Piece::HEAD) <= Piece::HEAD
    }

    /// The packets of a super-segment passed the border of a host, and there is nothing to say of any of them.
    pub fn push_train(&mut self, host: usize, held: Held, whole: &Frame, train: &Train) {
        let capture = &mut self.hosts[host];
        capture.write_known(held.at);
        let run = Run { whole, train, snap: capture.snap.of(train.headers()) };
        let like = capture.packet(&held, 0);
        if capture.is_next(&held) {
            capture.sink.put_run_with(|into| run.append(into, &like));
            capture.count(held.port, train.count() as u64);
        } else {
            capture.hold.push_blocks(held, run.len(), |into| run.append(into, &like));
        }
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
        for port in ports {
            sink.put(&pcapng::interface(port, &format!("{port} of {host}"), LinkType::Ethernet, options.snap.limit()));
        }
        let epoch = options.epoch.as_nanos() as u64;
        Self { hold: Hold::default(), sink, packets: vec![0; ports.len()], epoch, snap: options.snap, late: Vec::new() }
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

    /// True if a packet may be written at once: nothing more can be said of it, nor of any before it.
    fn is_next(&self, held: &Held) -> bool {
        held.is_settled(held.at) && self.hold.is_empty()
    }

    /// A packet of `len` bytes, without comments and data.
    fn packet(&self, held: &Held, len: usize) -> Packet<'static> {
        let at = self.epoch + held.at.nanos();
        Packet { interface: held.port as u32, at, data: &[], len, direction: held.direction, comments: &[] }
    }

    /// Writes a frame as a wire would carry it: a super-segment as its segments, checksums complete. Where bytes of a packet are left
    /// out that its checksum is about, it stays as the host left it to the device: nobody can tell from what is written whether it is right.
    fn write(&mut self, held: &Held, kept: Kept) {
        let packet = self.packet(held, 0);
        let Self { hold, sink, snap, .. } = self;
        let comments = &held.comments;
        let count = match kept {
            Kept::Blocks { from, kept, block, .. } => {
                let blocks = hold.blocks(from, kept);
                if comments.is_empty() {
                    sink.put_run(blocks, block as usize);
                } else {
                    let each = blocks.chunks(block as usize);
                    each.for_each(|block| sink.put_with(|into| pcapng::append_commented(into, block, comments)));
                }
                u64::from(kept.div_ceil(block))
            }
            Kept::Frame { frame, headers } => {
                let mut count = 0;
                for mut frame in cut(frame) {
                    let (len, kept) = (frame.len(), frame.len().min(snap.of(headers)));
                    if kept == len {
                        complete_checksum(&mut frame);
                    }
                    let packet = Packet { len, comments, ..packet };
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
        self.count(held.port, count);
    }

    /// So many packets of an interface were written.
    fn count(&mut self, port: usize, packets: u64) {
        if let Some(all) = self.packets.get_mut(port) {
            *all += packets;
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
