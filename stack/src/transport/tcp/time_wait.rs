//! TIME-WAIT as small records, all of the same length in time, so that a queue and one timer serve them (RFC 9293 §3.6, §3.10.7.4; RFC 6191).

use alloc::collections::VecDeque;

use super::arrives::is_older;
use super::flows::{Flow, Tuple};
use super::header::{ACK, FIN, Header, Options, RST, SYN};
use super::near::Near;
use super::output::reset;
use super::seq::Seq;
use super::small_tuple::SmallTuple;
use super::tcb::{Sharing, Tcb};
use super::{Tcp, TcpConfig, window};
use crate::base::{Base, Discard, Duration, Instant, Key, Slab, Timer, TimerId, TimerOwner};
use crate::network::{Network, Packet};
use crate::transport::ports::Ports;

/// What is kept of a connection that closed first.
#[derive(Clone, Debug)]
pub(super) struct TimeWait {
    tuple: SmallTuple,
    expires: Near,
    pub(super) snd_nxt: Seq,
    pub(super) rcv_nxt: Seq,
    pub(super) ts_recent: u32,
    pub(super) ts_offset: u32,
    /// When a segment without data was answered last, in milliseconds; 0: never.
    pub(super) last_answer_ms: u32,
    /// The window as the header carries it.
    window: u16,
    pub(super) timestamps: bool,
    /// With what it holds its port.
    sharing: Sharing,
}

impl TimeWait {
    /// What one is charged to the budget.
    const CHARGE: usize = 128;

    /// The record of a connection that enters TIME-WAIT now.
    pub(super) fn of(tcb: &Tcb, config: &TcpConfig, now: Instant) -> Self {
        Self {
            tuple: tcb.tuple().into(),
            expires: Near::after(now, config.time_wait),
            snd_nxt: tcb.snd.nxt,
            rcv_nxt: tcb.rcv.nxt,
            window: window::on_wire(window::offered(tcb), tcb.rcv.wscale).0,
            ts_recent: tcb.rcv.ts_recent,
            ts_offset: tcb.ts_offset,
            last_answer_ms: 0,
            timestamps: tcb.timestamps,
            sharing: tcb.sharing(),
        }
    }

    pub(super) fn tuple(&self) -> Tuple {
        self.tuple.get()
    }

    /// It is about to be removed.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.expires(now) <= now
    }

    /// When it ends, or now if it should have ended before.
    pub(super) fn expires(&self, now: Instant) -> Instant {
        self.expires.at(now)
    }
}

/// The records in the order in which they end, and the timer of the first.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    queue: VecDeque<Key>,
    timer: Option<TimerId>,
}

/// By this part of its time a record may outlast it, so that those that began one after the other end together. A segment finds it over in time, and so do `connect` and `bind`.
const LATE: u32 = 256;

impl Waiting {
    /// RFC 9293 MUST-13: the connection closed first and both FINs are acknowledged: a record takes its place, and its port. None if there are
    /// too many.
    pub(super) fn enter(
        &mut self,
        tcb: &mut Tcb,
        records: &mut Slab<TimeWait>,
        ports: &mut Ports,
        config: &TcpConfig,
        base: &mut Base,
    ) -> Option<Key> {
        if records.len() >= config.max_tw_buckets as usize {
            base.counters.tcp_ext.tcp_time_wait_overflow += 1;
            return None;
        }
        base.budget.charge(TimeWait::CHARGE);
        // The record holds the port from now on: as the connection did, mostly, and then there is nothing to do.
        let sharing = tcb.sharing();
        if tcb.holds == Some(sharing) {
            tcb.holds = None;
        } else {
            tcb.hand_on_port(ports, sharing);
        }
        let key = self.push(TimeWait::of(tcb, config, base.now), records);
        if self.timer.is_none() {
            self.arm(records, base, config.time_wait);
        }
        Some(key)
    }

    /// It begins to wait now, behind all others.
    #[inline(always)]
    fn push(&mut self, record: TimeWait, records: &mut Slab<TimeWait>) -> Key {
        let key = records.insert(record);
        self.queue.push_back(key);
        // Records that ended early leave their place in the queue behind; they are swept out when they are the majority.
        if self.queue.len() > 1024 + 2 * records.len() {
            self.sweep(records);
        }
        key
    }

    #[cold]
    #[inline(never)]
    fn sweep(&mut self, records: &Slab<TimeWait>) {
        self.queue.retain(|key| records.contains(*key));
    }

    /// Sees to it that the first one ends.
    #[inline(never)] // Once for many.
    fn arm(&mut self, records: &Slab<TimeWait>, base: &mut Base, time_wait: Duration) {
        if let Some(first) = self.queue.front() {
            let at = records.get(*first).map_or(base.now, |record| record.expires(base.now) + time_wait / LATE);
            self.timer = Some(base.timers.arm(at, Timer { owner: TimerOwner::TimeWait, key: 0 }));
        }
    }
}

/// What a segment does to a TIME-WAIT record.
enum Fate {
    /// It is dropped.
    Drop(Discard),
    /// It is acknowledged; the two segment lifetimes begin anew.
    Restart,
    /// It is acknowledged.
    Acknowledge,
    /// A RST ends the record.
    End,
    /// A new connection takes the place of the old one.
    Reuse,
}

impl Tcp {
    /// The first records have waited long enough.
    pub(super) fn time_wait_timeout(&mut self, net: &mut Network) {
        self.waiting.timer = None;
        self.end_those_over(net);
        self.waiting.arm(&self.records.time_wait, &mut net.links.base, self.common.config.time_wait);
    }

    /// Ends what has waited long enough, though its timer has not come yet.
    pub(super) fn end_those_over(&mut self, net: &mut Network) {
        let now = net.links.base.now;
        while let Some(&first) = self.waiting.queue.front() {
            match self.records.time_wait.get(first) {
                Some(record) if !record.is_over(now) => break,
                Some(_) => self.end_time_wait(net, first),
                None => {}
            }
            self.waiting.queue.pop_front();
        }
    }

    /// Two segment lifetimes from now: behind those that began to wait before.
    fn wait_anew(&mut self, now: Instant, key: Key) -> Key {
        let Some(mut record) = self.records.time_wait.remove(key) else { return key };
        record.expires = Near::after(now, self.common.config.time_wait);
        let tuple = record.tuple();
        let anew = self.waiting.push(record, &mut self.records.time_wait);
        self.flows.replace(&tuple, Flow::TimeWait(key), Flow::TimeWait(anew));
        anew
    }

    /// It has waited long enough.
    fn end_time_wait(&mut self, net: &mut Network, key: Key) {
        net.links.base.counters.tcp_ext.tw += 1;
        self.remove_time_wait(net, key);
    }

    pub(super) fn remove_time_wait(&mut self, net: &mut Network, key: Key) {
        if let Some(record) = self.records.time_wait.remove(key) {
            let tuple = record.tuple();
            net.links.base.budget.release(TimeWait::CHARGE);
            self.flows.remove(&tuple, Flow::TimeWait(key));
            self.ports.release(tuple.local_port, record.sharing.holder(tuple.local));
        }
    }

    /// A segment for a connection in TIME-WAIT.
    pub(super) fn segment_for_time_wait(
        &mut self,
        net: &mut Network,
        key: Key,
        packet: &Packet,
        header: &Header,
        header_len: usize,
    ) {
        let (payload_len, record) = (packet.len - header_len, &self.records.time_wait[key]);
        if record.is_over(net.links.base.now) {
            self.end_time_wait(net, key);
            return self.segment_without_connection(net, packet, header, header_len);
        }
        let fate = fate(record, header, payload_len as u32, self.common.config.rfc1337);
        match fate {
            Fate::Drop(reason) => net.links.base.discard(Some(packet.link), reason, payload_len),
            Fate::Restart => {
                let key = self.wait_anew(net.links.base.now, key);
                self.acknowledge_in_time_wait(net, key, packet, header, payload_len);
            }
            Fate::Acknowledge => self.acknowledge_in_time_wait(net, key, packet, header, payload_len),
            Fate::End => {
                net.links.base.counters.tcp_ext.tw_killed += 1;
                self.remove_time_wait(net, key);
            }
            Fate::Reuse => self.reuse(net, key, packet, header, header_len),
        }
    }

    /// Answers to segments without data are limited (`tcp_invalid_ratelimit`), lest two confused ends answer each other for ever.
    fn acknowledge_in_time_wait(&mut self, net: &mut Network, key: Key, packet: &Packet, header: &Header, payload_len: usize) {
        let now = (net.links.base.now.millis() as u32).max(1);
        let limit = self.common.config.invalid_ratelimit.as_millis() as u32;
        let record = &mut self.records.time_wait[key];
        if payload_len == 0 || header.flags & SYN != 0 {
            if record.last_answer_ms != 0 && now.wrapping_sub(record.last_answer_ms) < limit {
                net.links.base.counters.tcp_ext.tcp_ack_skipped += 1;
                return;
            }
            record.last_answer_ms = now;
        }
        acknowledge(net, record, packet);
    }

    /// Removes a record whose place a new connection takes now.
    pub(super) fn make_way(&mut self, net: &mut Network, key: Key) {
        let record = &self.records.time_wait[key];
        self.isn.follow(record.tuple(), record.snd_nxt);
        self.remove_time_wait(net, key);
    }

    /// RFC 6191 §2, RFC 9293 MAY-2: a listener takes the SYN; without one the old connection's rules hold.
    fn reuse(&mut self, net: &mut Network, key: Key, packet: &Packet, header: &Header, header_len: usize) {
        let Some(listener) = self.listener_for(packet, header) else {
            return acknowledge(net, &self.records.time_wait[key], packet);
        };
        net.links.base.counters.tcp_ext.tw_recycled += 1;
        self.make_way(net, key);
        self.segment_for_listener(net, listener, packet, header, header_len);
    }
}

/// RFC 9293 §3.10.7.4 for TIME-WAIT, RFC 6191, and RFC 1337 if it is set.
fn fate(record: &TimeWait, header: &Header, len: u32, rfc1337: bool) -> Fate {
    let stamp = if record.timestamps { header.options.timestamps } else { None };
    let paws_rejects = stamp.is_some_and(|(value, _)| is_older(value, record.ts_recent));
    if header.flags & RST != 0 {
        // As Linux: an exact RST ends TIME-WAIT unless `tcp_rfc1337` forbids the assassination.
        let exact = header.seq == record.rcv_nxt && !paws_rejects;
        return if exact && !rfc1337 { Fate::End } else { Fate::Drop(Discard::TcpOutOfWindow) };
    }
    if header.flags & SYN != 0 && header.flags & ACK == 0 {
        let newer = stamp.is_some_and(|(value, _)| is_older(record.ts_recent, value));
        let fresh = header.seq.after(record.rcv_nxt) && !paws_rejects;
        return if newer || fresh { Fate::Reuse } else { Fate::Acknowledge };
    }
    // As Linux: whatever is more than a bare acknowledgement in its place is answered, for the peer may have lost our last one; and if it
    // is the peer's for sure, the wait begins anew.
    let space = len + u32::from(header.flags & (FIN | SYN) != 0);
    if space == 0 && header.seq == record.rcv_nxt && !paws_rejects {
        return Fate::Drop(Discard::TcpAfterClose);
    }
    if header.flags & ACK != 0 || paws_rejects { Fate::Restart } else { Fate::Acknowledge }
}

fn acknowledge(net: &mut Network, record: &TimeWait, packet: &Packet) {
    let clock = (net.links.base.now.millis() as u32).wrapping_add(record.ts_offset);
    let tuple = record.tuple();
    let header = Header {
        src_port: tuple.local_port,
        dst_port: tuple.remote_port,
        seq: record.snd_nxt,
        ack: record.rcv_nxt,
        flags: ACK,
        ae: false,
        window: record.window,
        urgent: 0,
        options: Options { timestamps: record.timestamps.then_some((clock, record.ts_recent)), ..Options::default() },
    };
    reset::stateless(net, packet, &header);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_wait_record_is_small() {
        assert!(size_of::<TimeWait>() <= 48, "{}", size_of::<TimeWait>());
    }
}
