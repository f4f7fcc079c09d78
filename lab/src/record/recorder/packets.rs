//! A packet that is seen: its number in the run, what it is to its connection, and where that is written.

use loggia_stack::base::{Direction, Instant};
use loggia_stack::link::{Mac, packets};

use super::super::connections::Segment;
use super::super::dissect::{self, Heads, TcpHead};
use super::super::entry::{Dir, Entry, Fact, Packet};
use super::Inner;
use crate::capture::{Held, Piece, remarks};
use crate::link::{Fates, Marks, PacketId};
use crate::metrics::Datagram;
use crate::observe::{PipeId, Seen};
use crate::world::HostId;

/// What a packet that is seen is found to be.
struct Sight {
    /// Its number in the run.
    pkt: u64,
    forwarded: bool,
    damaged: bool,
    /// Some of it was sent before.
    again: bool,
    /// It is behind all that was sent before.
    fresh: bool,
    /// Its window in bytes, if it is a part of a connection.
    window: Option<u32>,
}

/// How many segments a packet is on a wire, and how many bytes those are.
fn segments(piece: &Piece<'_>) -> (u32, u32) {
    match piece {
        Piece::Frame(frame) => {
            let (segments, size) = packets(frame);
            (segments as u32, size as u32)
        }
        Piece::Segment { .. } => (1, piece.len() as u32),
    }
}

impl Inner {
    pub(super) fn frame(&mut self, seen: &Seen<'_>) {
        self.train(seen, &Fates::NONE);
    }

    /// A frame that is one packet or many, and fates that were decided when it was put: each packet is told of before its fate.
    pub(super) fn train(&mut self, seen: &Seen<'_>, fates: &Fates) {
        let heads = dissect::frame(seen.frame);
        let train = seen.train.filter(|_| seen.names > 1);
        if self.together(seen, train, &heads, fates) || train.is_some_and(|train| self.in_parts(seen, train, fates)) {
            return;
        }
        let mut fates = fates.iter().peekable();
        let mut fates_before = |inner: &mut Self, packet: u64| {
            while let Some(fate) = fates.next_if(|fate| fate.packet.0 < packet) {
                inner.fate(seen.pipe, &fate);
            }
        };
        fates_before(self, seen.packet.0);
        match train {
            None => self.packet(seen, &heads, &Piece::Frame(seen.frame)),
            Some(train) => {
                let mut of_packet = heads.clone();
                for n in 0..train.count() {
                    let packet = PacketId(seen.packet.0 + n as u64);
                    of_packet.go_on(train, n, &heads);
                    let piece = Piece::Segment { whole: seen.frame, train, n };
                    self.packet(&Seen { packet, names: 1, ..*seen }, &of_packet, &piece);
                    fates_before(self, packet.0 + 1);
                }
            }
        }
        fates_before(self, u64::MAX);
    }

    fn packet(&mut self, seen: &Seen<'_>, heads: &Heads, piece: &Piece<'_>) {
        self.now = seen.at;
        let name = (seen.pipe, seen.packet);
        let marks = if seen.direction == Direction::In { self.marks_of(name, seen.at) } else { None };
        let (pkt, forwarded) = match seen.direction {
            Direction::Out => self.leaves(seen, heads),
            Direction::In => {
                let for_another = self.is_overheard(seen) || self.is_for_another(seen.host, heads);
                (self.arrives(seen, heads), for_another)
            }
        };
        self.learn_address(seen, heads, forwarded);
        let damaged = marks.is_some_and(|marks| marks.corrupted.is_some()) || self.damaged.contains(&pkt);
        let mut sight = Sight { pkt, forwarded, damaged, again: false, fresh: false, window: None };
        self.measure(seen, heads, piece, &mut sight);
        self.capture(seen, heads, piece, &sight, marks);
        if self.wants_entries() {
            let packet = self.describe(seen, heads, piece, &sight);
            let host = self.hosts[seen.host.0].name.clone();
            self.put(Entry { t: seen.at.nanos(), host: Some(host), fact: Fact::Packet(Box::new(packet)) });
        }
    }

    /// What was done to a packet that arrives at `at`. A copy and its original have one name and arrive by themselves.
    pub(super) fn marks_of(&mut self, name: (PipeId, PacketId), at: Instant) -> Option<Marks> {
        let of_name = self.marks.get_mut(&name)?;
        let which = of_name.iter().position(|(arrives, _)| *arrives == at).unwrap_or(0);
        let (_, marks) = of_name.remove(which);
        if of_name.is_empty() {
            self.marks.remove(&name);
        }
        Some(marks)
    }

    /// A packet leaves a host: its number, and whether it came from elsewhere.
    fn leaves(&mut self, seen: &Seen<'_>, heads: &Heads) -> (u64, bool) {
        self.links[seen.pipe.wire].waiting[seen.pipe.end] += 1;
        let passed = self.passing[seen.host.0].as_mut().and_then(|passing| passing.leaves(heads));
        let pkt = passed.unwrap_or_else(|| self.trail.fresh());
        self.trail.name((seen.pipe, seen.packet), pkt, seen.at);
        (pkt, passed.is_some())
    }

    /// A packet arrives: its number. Whatever link it was on last has said all it will.
    fn arrives(&mut self, seen: &Seen<'_>, heads: &Heads) -> u64 {
        let pkt = match self.trail.number((seen.pipe, seen.packet)) {
            0 => self.trail.fresh(),
            known => known,
        };
        self.settle(pkt);
        if let Some(passing) = &mut self.passing[seen.host.0] {
            passing.arrived(heads, pkt);
        }
        pkt
    }

    /// True if a frame is addressed to another interface: a switch that does not know yet where that one is sends it to all.
    pub(super) fn is_overheard(&self, seen: &Seen<'_>) -> bool {
        let to = seen.frame.read::<6>(0).map(Mac);
        let own = self.hosts[seen.host.0].macs.get(seen.port).copied().flatten();
        to.zip(own).is_some_and(|(to, own)| to != own && to.0[0] & 1 == 0)
    }

    /// True if a host with several interfaces is to forward what arrives.
    fn is_for_another(&self, host: HostId, heads: &Heads) -> bool {
        let (names, to) = (&self.hosts[host.0], heads.dst.addr);
        names.ports.len() > 1
            && !names.own.contains(&to)
            && !to.is_multicast()
            && !to.is_limited_broadcast()
            && heads.proto != "arp"
    }

    /// What a host sends by itself comes from an address of its own.
    pub(super) fn learn_address(&mut self, seen: &Seen<'_>, heads: &Heads, forwarded: bool) {
        let (host, from) = (&mut self.hosts[seen.host.0], heads.src.addr);
        if seen.direction == Direction::In || forwarded || from == host.last || from.is_unspecified() {
            return;
        }
        host.last = from;
        if host.own.insert(from) {
            self.collector.address(from, &host.name);
        }
    }

    /// What connections and metrics learn from a packet, and what it is to its connection.
    fn measure(&mut self, seen: &Seen<'_>, heads: &Heads, piece: &Piece<'_>, sight: &mut Sight) {
        let (t, host) = (seen.at.nanos(), &self.hosts[seen.host.0].name);
        let &mut Sight { pkt, forwarded, damaged, .. } = sight;
        let (dir, src, dst) = (Dir::from(seen.direction), heads.src, heads.dst);
        if let Some(&TcpHead { seq, ack, flags, window, wscale, .. }) = heads.tcp.as_ref() {
            let segments = segments(piece).0;
            let (window, len) = (u32::from(window), heads.len);
            let segment = Segment { dir, src, dst, flags, seq, ack, window, wscale, len, segments, damaged, forwarded };
            if let Some(part) = self.connections.segment(t, host, &segment) {
                (sight.again, sight.fresh, sight.window) = (part.again, part.fresh, Some(part.window));
                if !self.measured {
                    self.collector.segment(t, &segment, &part, &self.connections);
                }
            }
        } else if heads.proto == "udp" && src.port != 0 && !self.measured {
            self.collector.datagram(t, host, &Datagram { pkt, dir, src, dst, forwarded });
        }
    }

    fn describe(&self, seen: &Seen<'_>, heads: &Heads, piece: &Piece<'_>, sight: &Sight) -> Packet {
        let host = &self.hosts[seen.host.0];
        let Heads { proto, src, dst, tcp, len, info, .. } = heads.clone();
        let tcp = tcp.unwrap_or_default();
        let is_tcp = proto == "tcp";
        let (segments, size) = segments(piece);
        let &Sight { pkt, forwarded, damaged, again, window, .. } = sight;
        Packet {
            dir: seen.direction.into(),
            port: host.ports.get(seen.port).cloned().unwrap_or_default(),
            link: self.links[seen.pipe.wire].name.clone(),
            pkt,
            proto,
            src,
            dst,
            seq: is_tcp.then_some(tcp.seq),
            ack: is_tcp.then_some(tcp.ack),
            flags: is_tcp.then_some(tcp.flags),
            win: is_tcp.then(|| window.unwrap_or_else(|| u32::from(tcp.window))),
            mss: tcp.mss,
            wscale: tcp.wscale,
            sack: tcp.sack,
            len,
            size,
            segments,
            segment: (segments > 1).then(|| u32::from(seen.frame.segment_size)),
            again,
            damaged,
            forwarded,
            info,
        }
    }

    /// Hands the packet to the capture of its host. One that leaves waits there for its fate.
    fn capture(&mut self, seen: &Seen<'_>, heads: &Heads, piece: &Piece<'_>, sight: &Sight, marks: Option<Marks>) {
        if !self.captures.is_on(seen.host.0) {
            return;
        }
        let leaves = seen.direction == Direction::Out;
        let link = &self.links[seen.pipe.wire].name;
        let mut comments = marks.map_or_else(Vec::new, |marks| remarks::marked(link, &marks));
        if sight.again && leaves {
            comments.push(remarks::AGAIN.into());
        }
        // What the wire has not seen before a host may have sent before, if it discarded that.
        let may_be_again = leaves && (!sight.fresh || self.hosts[seen.host.0].discards);
        let seq = heads.tcp.as_ref().filter(|_| may_be_again).map(|tcp| tcp.seq);
        let held = Held { at: seen.at, port: seen.port, direction: seen.direction, seq, comments, open: leaves };
        if let Some(place) = self.captures.push(seen.host.0, held, piece, heads.headers as usize).filter(|_| leaves) {
            self.pending.insert(sight.pkt, seen.host.0, place);
        }
    }
}
