//! The records of a flight of which something is known.
//!
//! ```text
//!   una                        lost_end                          highest SACKed        end
//!    │ lost, perhaps resent       │ in flight                           │   in flight    │
//!    ├──────┬────┬─▒▒▒▒▒▒▒▒▒▒─┬───┼──────┬─▒▒▒▒▒▒▒─┬───────┬─▒▒▒▒▒▒▒▒▒▒▒▒┼───────┬────────┤
//!    │record│ .. │ SACKed run │   │record│   run   │       │     run     │       │ record │
//!              ▲ resend_hint
//! ```
//!
//! Records and SACKed runs lie in two trees keyed by their place in the stream and together cover `[una, end)` without gap or
//! overlap. Everything before `lost_end` is lost or SACKed, nothing after it is lost: what was sent once lies in the order of its
//! times, so that what RACK finds lost is what comes first. The hint says where to look for what is to be sent next; it goes forward
//! with it and back only when something before it is marked, so that looking costs nothing in the mean. What was sent again stands in
//! a list of its own in the order of its times, so that a retransmission that was lost is found at its head.

use alloc::collections::{BTreeMap, VecDeque};

use super::{Delivered, Detected};
use crate::base::{Duration, Instant};
use crate::transport::tcp::seq::Seq;

/// A place in the stream (see [`Seq::place`]).
type Place = u64;

/// So many records a peer may make of ours by SACKing odd ranges, and one more for each [`BYTES_A_SPLIT`] in flight. Beyond that a
/// record is SACKed whole or not at all, as in Linux, which cuts at segments only.
const MOST_SPLIT: u64 = 1024;
const BYTES_A_SPLIT: u64 = 512;

/// Bytes sent at one time with one fate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Record {
    len: u32,
    /// How often it was sent, as far as a byte counts.
    sends: u8,
    lost: bool,
    /// It was sent again, and that is not known to be lost.
    resent: bool,
    /// The peer had it and told so: what acknowledges it later says nothing of the round trip.
    told: bool,
    /// When it was sent last.
    sent_at: Instant,
}

/// What was sent again at one time.
#[derive(Clone, Copy, Debug)]
struct Resend {
    sent_at: Instant,
    begin: Place,
    end: Place,
}

/// RFC 8985 §5.2: the most recently sent of what was delivered (`RACK.xmit_ts`, `RACK.end_seq`), and its round trip (`RACK.rtt`).
#[derive(Clone, Copy, Debug)]
struct Rack {
    sent_at: Instant,
    end: Place,
    rtt: Duration,
}

impl Rack {
    /// RFC 8985 §6.2 `RACK_sent_after`.
    fn sent_after(&self, sent_at: Instant, end: Place) -> bool {
        (self.sent_at, self.end) > (sent_at, end)
    }

    /// Its time is over: it is lost.
    fn is_over(&self, record: &Record, end: Place, now: Instant, window: Duration) -> bool {
        self.sent_after(record.sent_at, end) && self.left(record.sent_at, now, window).is_zero()
    }

    /// How long until what was sent at this time counts as lost; zero: it does.
    fn left(&self, sent_at: Instant, now: Instant, window: Duration) -> Duration {
        (self.rtt + window).saturating_sub(now - sent_at)
    }
}

#[derive(Debug)]
pub(super) struct Board {
    records: BTreeMap<Place, Record>,
    /// SACKed runs: begin and end.
    runs: BTreeMap<Place, Place>,
    una: Place,
    end: Place,
    lost_end: Place,
    /// Before it nothing is lost and not resent.
    resend_hint: Place,
    /// What was sent again, in order of time; some of it may be delivered.
    resends: VecDeque<Resend>,
    rack: Rack,
    /// RFC 8985 §5.2 `RACK.fack`: the end of the highest that was delivered before this acknowledgement.
    fack: Place,
    sacked: u32,
    lost: u32,
    resent: u32,
}

impl Board {
    /// An empty board; `una` is the next to be sent.
    pub(super) fn new(una: Seq) -> Self {
        let una = 1 << 32 | Place::from(una.0);
        Self {
            records: BTreeMap::new(),
            runs: BTreeMap::new(),
            una,
            end: una,
            lost_end: una,
            resend_hint: una,
            resends: VecDeque::new(),
            rack: Rack { sent_at: Instant::EPOCH, end: una, rtt: Duration::ZERO },
            fack: una,
            sacked: 0,
            lost: 0,
            resent: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.una == self.end
    }

    pub(super) fn pipe(&self) -> u32 {
        (self.end - self.una) as u32 - self.sacked - self.lost + self.resent
    }

    pub(super) fn sacked_bytes(&self) -> u32 {
        self.sacked
    }

    pub(super) fn lost_bytes(&self) -> u32 {
        self.lost
    }

    pub(super) fn resent_bytes(&self) -> u32 {
        self.resent
    }

    pub(super) fn sacked_segments(&self, mss: u32) -> u32 {
        (self.runs.len() as u32).max(self.sacked.div_ceil(mss))
    }

    /// The last segment of what the peer does not have.
    pub(super) fn tail(&self, mss: u32) -> Option<(Seq, u32)> {
        let (&begin, record) = self.records.last_key_value()?;
        let len = (record.len - 1) % mss + 1;
        Some((Seq::at_place(begin + u64::from(record.len - len)), len))
    }

    pub(super) fn highest_sacked(&self) -> Option<Seq> {
        self.highest().map(Seq::at_place)
    }

    pub(super) fn reneged(&self) -> bool {
        self.runs.first_key_value().is_some_and(|(&begin, _)| begin == self.una)
    }

    pub(super) fn first_sent_at(&self) -> Option<Instant> {
        self.records.first_key_value().map(|(_, record)| record.sent_at)
    }

    /// What was sent once lies in the order of its times, what was sent again has its list: the first of each.
    pub(super) fn oldest_sent_at(&self) -> Option<Instant> {
        let sent_at =
            |from: Place| self.records.range(from..).find(|(_, record)| !record.resent).map(|(_, record)| record.sent_at);
        let originals = [sent_at(self.una), sent_at(self.resend_hint), sent_at(self.lost_end)];
        originals.into_iter().flatten().chain(self.resends.front().map(|resend| resend.sent_at)).min()
    }

    pub(super) fn sent(&mut self, seq: Seq, len: u32, now: Instant) {
        let (begin, end) = self.places(seq, len);
        debug_assert_eq!(begin, self.end, "what is sent continues what was sent");
        if begin < self.end {
            self.resent(seq, (self.end - begin) as u32, now);
        }
        if end <= self.end {
            return;
        }
        let len = (end - self.end) as u32;
        let record = Record { len, sends: 1, lost: false, resent: false, told: false, sent_at: now };
        self.append(self.end, record);
        self.end = end;
    }

    pub(super) fn resent(&mut self, seq: Seq, len: u32, now: Instant) {
        let (begin, end) = self.places(seq, len);
        let (begin, end) = (begin.max(self.una), end.min(self.end));
        self.split(begin);
        self.split(end);
        let mut at = begin;
        while let Some((&place, &record)) = self.records.range(at..end).next() {
            at = place + u64::from(record.len);
            self.records.remove(&place);
            self.resent += if record.resent { 0 } else { record.len };
            self.append(place, Record { resent: true, sends: record.sends.saturating_add(1), sent_at: now, ..record });
        }
        self.note_resend(begin, end, now);
        self.settle();
    }

    fn note_resend(&mut self, begin: Place, end: Place, now: Instant) {
        match self.resends.back_mut() {
            Some(last) if last.sent_at == now && last.end == begin => last.end = end,
            _ if begin < end => self.resends.push_back(Resend { sent_at: now, begin, end }),
            _ => {}
        }
    }

    pub(super) fn acked(&mut self, una: Seq) -> Delivered {
        let una = una.place(self.una).clamp(self.una, self.end);
        let mut delivered = Delivered::default();
        self.split(una);
        while let Some(first) = self.records.first_entry()
            && *first.key() < una
        {
            let (place, record) = first.remove_entry();
            self.deliver(place, &record, &mut delivered);
        }
        while let Some(first) = self.runs.first_entry()
            && *first.key() < una
        {
            let (begin, end) = first.remove_entry();
            self.sacked -= (end.min(una) - begin) as u32;
            if end > una {
                self.runs.insert(una, end);
            }
        }
        self.una = una;
        while self.resends.front().is_some_and(|resend| resend.end <= una) {
            self.resends.pop_front();
        }
        self.settle();
        delivered
    }

    pub(super) fn sacked(&mut self, start: Seq, end: Seq, delivered: &mut Delivered) {
        let (begin, end) = (start.place(self.una).max(self.una), end.place(self.una).min(self.end));
        if begin >= end || self.runs.range(..=begin).next_back().is_some_and(|(_, &until)| until >= end) {
            return;
        }
        let begin = if self.may_split() { self.split(begin) } else { self.edge_after(begin) };
        let end = if self.may_split() { self.split(end) } else { self.edge_before(end) };
        if begin >= end {
            return;
        }
        while let Some((&place, &record)) = self.records.range(begin..end).next() {
            self.records.remove(&place);
            self.deliver(place, &record, delivered);
            self.sacked += record.len;
            delivered.sacked += record.len;
        }
        self.join_run(begin, end);
        self.settle();
    }

    /// RFC 8985 §6.2 step 2. A retransmission acknowledged sooner than any round trip ever was: its original was acknowledged. The
    /// round trip is that of what was delivered now, and of that what lies last in the stream, also if something that was sent later had
    /// arrived before: so what was sent with it is given as long. The cumulative part is the first of `delivered`, and as in Linux counts
    /// as the last.
    pub(super) fn advance(&mut self, delivered: &[&Delivered], now: Instant, lowest: Duration) {
        let is_plausible = |(sent_at, _): &(Instant, Seq)| now - *sent_at >= lowest;
        for one in delivered.iter().rev() {
            let resent = [one.latest_resent, one.last_resent].map(|resent| resent.filter(is_plausible));
            let mut last = 0;
            for (sent_at, end) in one.latest.into_iter().chain(resent.into_iter().flatten()) {
                let end = end.place(self.una);
                (self.rack.sent_at, self.rack.end) = (sent_at, end).max((self.rack.sent_at, self.rack.end));
                if end > last {
                    (last, self.rack.rtt) = (end, now - sent_at);
                }
            }
        }
        self.cut_resends();
        self.fack = self.highest().unwrap_or(self.una).max(self.fack);
    }

    /// RFC 8985 §6.2 step 5: what was sent long enough before something that was delivered is lost.
    pub(super) fn detect(&mut self, now: Instant, window: Duration) -> Detected {
        let mut found = Detected::default();
        self.detect_originals(now, window, &mut found);
        self.detect_resends(now, window, &mut found);
        self.settle();
        found
    }

    /// What was sent once lies in the order of its times: those that are lost come first.
    fn detect_originals(&mut self, now: Instant, window: Duration, found: &mut Detected) {
        let (rack, from) = (self.rack, self.lost_end);
        let mut limit = from;
        for (&place, record) in self.records.range(from..) {
            let end = place + u64::from(record.len);
            if !rack.is_over(record, end, now, window) {
                // What was sent again and is not lost after all (see `unmark_lost`) stands before what was sent earlier.
                if record.resent {
                    continue;
                }
                break;
            }
            limit = end;
            found.sent_at = found.sent_at.max(Some(record.sent_at));
        }
        found.lost = self.mark_until(limit);
        if limit > from {
            self.forget_probes(from, limit, now, window);
        }
        let probe = self.records.last_key_value().filter(|(place, record)| **place >= limit && record.resent);
        let probe = probe.filter(|(place, record)| rack.sent_after(record.sent_at, **place + u64::from(record.len)));
        let latest = self.last_sent_before(limit).max(probe.map(|(_, record)| record.sent_at));
        if let Some(sent_at) = latest {
            found.wait_for(rack.left(sent_at, now, window));
        }
    }

    /// A probe of the tail that is lost too is to be sent anew.
    fn forget_probes(&mut self, from: Place, limit: Place, now: Instant, window: Duration) {
        let rack = self.rack;
        for (&place, record) in self.records.range_mut(from..limit).filter(|(_, record)| record.resent) {
            if rack.is_over(record, place + u64::from(record.len), now, window) {
                record.resent = false;
                self.resent -= record.len;
                self.resend_hint = self.resend_hint.min(place);
            }
        }
    }

    /// When the last of what was sent once was sent, of that from `from` on that was sent before the latest that was delivered. It lies in the
    /// order of its times.
    fn last_sent_before(&self, from: Place) -> Option<Instant> {
        let (mut from, mut until, mut found) = (from, self.end, None);
        // Where nothing was overtaken, which is nearly always, the first was sent after it, and so were all.
        let mut middle = from;
        while from < until {
            match self.records.range(middle..until).find(|(_, record)| !record.resent) {
                Some((&place, record)) if self.rack.sent_after(record.sent_at, place + u64::from(record.len)) => {
                    found = Some(record.sent_at);
                    from = place + u64::from(record.len);
                }
                _ => until = middle,
            }
            middle = from + until.saturating_sub(from) / 2;
        }
        found
    }

    fn detect_resends(&mut self, now: Instant, window: Duration, found: &mut Detected) {
        let rack = self.rack;
        // Where no time passes on the way (loopback), what goes and is delivered in one instant is no evidence against what is sent again in
        // that instant, perhaps because of it: that would go again, be dropped again, and so on for ever.
        while let Some(&Resend { sent_at, begin, end }) = self.resends.front()
            && sent_at < now
            && rack.sent_after(sent_at, end)
            && rack.left(sent_at, now, window).is_zero()
        {
            self.resends.pop_front();
            let still_out = |record: &Record| record.lost && record.resent && record.sent_at == sent_at;
            for (&place, record) in self.records.range_mut(begin..end).filter(|(_, record)| still_out(record)) {
                record.resent = false;
                self.resent -= record.len;
                self.resend_hint = self.resend_hint.min(place);
                found.again += record.len;
                found.sent_at = found.sent_at.max(Some(sent_at));
            }
        }
        let before = self.resends.partition_point(|resend| rack.sent_after(resend.sent_at, resend.end));
        if let Some(last) = self.resends.range(..before).rev().find(|resend| self.is_out(resend)) {
            found.wait_for(rack.left(last.sent_at, now, window));
        }
    }

    /// Of what was sent again together with the latest that was delivered, what lies before that is earlier.
    fn cut_resends(&mut self) {
        let rack = self.rack;
        let place = self.resends.partition_point(|resend| rack.sent_after(resend.sent_at, resend.end));
        if let Some(resend) = self.resends.get_mut(place)
            && resend.sent_at == rack.sent_at
            && resend.begin < rack.end
        {
            let after = Resend { begin: rack.end, ..*resend };
            // The byte before `rack.end` is the delivered one's.
            resend.end = rack.end - 1;
            if after.begin < after.end {
                self.resends.insert(place + 1, after);
            }
        }
    }

    /// Something of it is not delivered, nor sent again since.
    fn is_out(&self, resend: &Resend) -> bool {
        self.records.range(resend.begin..resend.end).any(|(_, record)| record.resent && record.sent_at == resend.sent_at)
    }

    /// It was a false alarm: nothing is lost.
    pub(super) fn unmark_lost(&mut self) {
        for (_, record) in self.records.range_mut(..self.lost_end) {
            record.lost = false;
        }
        self.lost = 0;
        self.lost_end = self.una;
        self.resend_hint = self.una;
        self.settle();
    }

    pub(super) fn mark_first_lost(&mut self, mss: u32) -> u32 {
        let Some((&begin, first)) = self.records.first_key_value() else { return 0 };
        let end = begin + u64::from(first.len.min(mss));
        self.split(end);
        self.mark_until(end)
    }

    pub(super) fn mark_all_lost(&mut self, forget_sack: bool) {
        if forget_sack {
            self.forget_runs();
        }
        for record in self.records.values_mut() {
            record.resent = false;
        }
        self.resent = 0;
        self.resends.clear();
        self.resend_hint = self.una;
        self.mark_until(self.end);
    }

    pub(super) fn next_lost(&self, max: u32) -> Option<(Seq, u32)> {
        self.collect(self.resend_hint, self.lost_end, max)
    }

    /// The first range of records not resent between `from` and `until`, at most `max` bytes; records that touch are taken together.
    fn collect(&self, from: Place, until: Place, max: u32) -> Option<(Seq, u32)> {
        if from >= until {
            return None;
        }
        let mut range = self.records.range(from..until).filter(|(_, record)| !record.resent);
        let (&begin, first) = range.next()?;
        let mut end = begin + u64::from(first.len);
        for (&place, record) in range {
            if place != end || end - begin >= u64::from(max) {
                break;
            }
            end += u64::from(record.len);
        }
        Some((Seq::at_place(begin), (end - begin).min(u64::from(max)) as u32))
    }

    fn highest(&self) -> Option<Place> {
        self.runs.last_key_value().map(|(_, &end)| end)
    }

    fn places(&self, seq: Seq, len: u32) -> (Place, Place) {
        let begin = seq.place(self.end);
        (begin, begin + u64::from(len))
    }

    /// Puts a record after those before it: into the last of them if that has the same fate.
    fn append(&mut self, place: Place, record: Record) {
        if let Some((&before, last)) = self.records.range_mut(..place).next_back()
            && before + u64::from(last.len) == place
            && *last == (Record { len: last.len, ..record })
        {
            last.len += record.len;
        } else {
            self.records.insert(place, record);
        }
    }

    /// Sees to it that no record lies across `at`; gives `at` back.
    fn split(&mut self, at: Place) -> Place {
        if let Some((&begin, record)) = self.records.range_mut(..at).next_back()
            && begin + u64::from(record.len) > at
        {
            let after = (begin + u64::from(record.len) - at) as u32;
            record.len -= after;
            let after = Record { len: after, ..*record };
            self.records.insert(at, after);
        }
        at
    }

    fn may_split(&self) -> bool {
        let limit = MOST_SPLIT + (self.end - self.una) / BYTES_A_SPLIT;
        ((self.records.len() + self.runs.len()) as u64) < limit
    }

    /// The end of the record that lies across `at`, or `at`.
    fn edge_after(&self, at: Place) -> Place {
        let before = self.records.range(..at).next_back();
        before.map_or(at, |(begin, record)| at.max(begin + u64::from(record.len)))
    }

    /// The begin of the record that lies across `at`, or `at`.
    fn edge_before(&self, at: Place) -> Place {
        let before = self.records.range(..at).next_back();
        before.filter(|(begin, record)| *begin + u64::from(record.len) > at).map_or(at, |(&begin, _)| begin)
    }

    /// A record is gone from the flight: the peer has it.
    fn deliver(&mut self, place: Place, record: &Record, delivered: &mut Delivered) {
        self.lost -= if record.lost { record.len } else { 0 };
        self.resent -= if record.resent { record.len } else { 0 };
        let end = place + u64::from(record.len);
        delivered.add(record, Seq::at_place(end));
        if record.sends == 1 && !record.told && end < self.fack {
            delivered.reordered = true;
            delivered.reordered_by = delivered.reordered_by.max((self.fack - place) as u32);
        }
    }

    /// Adds a run and joins it with those it touches.
    fn join_run(&mut self, begin: Place, end: Place) {
        let mut run = (begin, end);
        if let Some((&before, &until)) = self.runs.range(..begin).next_back()
            && until >= begin
        {
            run = (before, end.max(until));
        }
        while let Some((&other, &until)) = self.runs.range(begin..=end).next() {
            self.runs.remove(&other);
            run.1 = run.1.max(until);
        }
        self.runs.insert(run.0, run.1);
    }

    /// Marks everything before `limit` lost; `limit` is no earlier than any mark there is.
    fn mark_until(&mut self, limit: Place) -> u32 {
        let mut marked = 0;
        if limit > self.lost_end {
            for (&place, record) in self.records.range_mut(self.lost_end..limit).filter(|(_, record)| !record.lost) {
                record.lost = true;
                marked += record.len;
                self.resend_hint = self.resend_hint.min(place);
            }
            self.lost += marked;
            self.lost_end = limit;
        }
        self.settle();
        marked
    }

    /// What was SACKed is only sent again; when it was sent is forgotten, and what acknowledges it is no measure.
    fn forget_runs(&mut self) {
        let sent_at = self.first_sent_at().unwrap_or_default();
        for (begin, end) in core::mem::take(&mut self.runs) {
            let record = Record { len: (end - begin) as u32, sends: 1, lost: false, resent: false, told: true, sent_at };
            self.records.insert(begin, record);
        }
        self.sacked = 0;
        self.lost_end = self.una;
    }

    /// Moves the hint to what it looks for.
    fn settle(&mut self) {
        let (from, until) = (self.resend_hint.max(self.una), self.lost_end);
        self.resend_hint = from;
        // Nothing is lost, nearly always.
        if from < until {
            let mut range = self.records.range(from..until);
            self.resend_hint = range.find(|(_, record)| !record.resent).map_or(until, |(&place, _)| place);
        }
    }

    /// What must hold after every step.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let mut at = self.una;
        let (mut records, mut runs) = (self.records.iter().peekable(), self.runs.iter().peekable());
        let mut run_before = false;
        while at < self.end {
            if let Some((&place, record)) = records.next_if(|(place, _)| **place == at) {
                assert!(record.len > 0 && (!record.lost || place < self.lost_end) && (record.lost || place >= self.lost_end));
                at += u64::from(record.len);
                run_before = false;
            } else {
                let (_, &end) = runs.next_if(|(begin, _)| **begin == at && !run_before).expect("no gap, no overlap");
                at = end;
                run_before = true;
            }
        }
        assert!(at == self.end && records.next().is_none() && runs.next().is_none());
    }

    #[cfg(test)]
    pub(super) fn record_count(&self) -> usize {
        self.records.len() + self.runs.len()
    }
}

impl Delivered {
    fn add(&mut self, record: &Record, end: Seq) {
        let clean = record.sends == 1 && !record.told;
        // The first record sets the time, an ambiguous one takes it away for good (Karn).
        if self.bytes == 0 {
            self.sent_at = clean.then_some(record.sent_at);
        } else {
            self.sent_at = self.sent_at.filter(|_| clean).map(|sent_at| sent_at.max(record.sent_at));
        }
        self.bytes += record.len;
        self.retransmitted |= record.sends > 1;
        if record.told {
            return;
        }
        let latest = if clean { &mut self.latest } else { &mut self.latest_resent };
        if latest.is_none_or(|(sent_at, before)| record.sent_at > sent_at || record.sent_at == sent_at && end.after(before)) {
            *latest = Some((record.sent_at, end));
        }
        if !clean && self.last_resent.is_none_or(|(_, before)| end.after(before)) {
            self.last_resent = Some((record.sent_at, end));
        }
        if clean && self.original.is_none_or(|before| end.before(before)) {
            self.original = Some(end);
        }
    }
}
