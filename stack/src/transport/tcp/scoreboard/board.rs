//! The records of a flight of which something is known.
//!
//! ```text
//!   una                        lost_end                          highest SACKed        end
//!    │ lost, perhaps resent       │ in flight, perhaps resent           │   in flight    │
//!    ├──────┬────┬─▒▒▒▒▒▒▒▒▒▒─┬───┼──────┬─▒▒▒▒▒▒▒─┬───────┬─▒▒▒▒▒▒▒▒▒▒▒▒┼───────┬────────┤
//!    │record│ .. │ SACKed run │   │record│   run   │       │     run     │       │ record │
//!              ▲ resend_hint             ▲ hole_hint
//! ```
//!
//! Records and SACKed runs lie in two trees keyed by their place in the stream and together cover `[una, end)` without gap or
//! overlap. Two runs never touch, so their number is that of RFC 6675's "discontiguous sequences". Everything before `lost_end`
//! is lost or SACKed, nothing after it is lost: a loss mark moves forward only. The two hints say where to look for what is to be
//! sent next; they go forward with it and back only when something before them is marked, so that looking costs nothing in the mean.

use alloc::collections::BTreeMap;

use super::Delivered;
use crate::base::Instant;
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
    /// Between `lost_end` and it everything is resent.
    hole_hint: Place,
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
            hole_hint: una,
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

    pub(super) fn highest_sacked(&self) -> Option<Seq> {
        self.highest().map(Seq::at_place)
    }

    pub(super) fn reneged(&self) -> bool {
        self.runs.first_key_value().is_some_and(|(&begin, _)| begin == self.una)
    }

    pub(super) fn first_sent_at(&self) -> Option<Instant> {
        self.records.first_key_value().map(|(_, record)| record.sent_at)
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
        self.settle();
    }

    pub(super) fn acked(&mut self, una: Seq) -> Delivered {
        let una = una.place(self.una).clamp(self.una, self.end);
        let mut delivered = Delivered::default();
        self.split(una);
        while let Some(first) = self.records.first_entry()
            && *first.key() < una
        {
            let record = first.remove();
            self.deliver(&record, &mut delivered);
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
            self.deliver(&record, delivered);
            self.sacked += record.len;
            delivered.sacked += record.len;
        }
        self.join_run(begin, end);
        self.settle();
    }

    /// RFC 6675 §4 `IsLost`: for all bytes of a hole the answer is the same, and it is yes for all holes below one where it is yes.
    pub(super) fn mark_lost(&mut self, dup_thresh: u32, mss: u32) -> u32 {
        let enough = u64::from(dup_thresh.saturating_sub(1)) * u64::from(mss);
        let (mut count, mut bytes) = (0, 0);
        let reached = self.runs.iter().rev().find(|&(&begin, &end)| {
            count += 1;
            bytes += end - begin;
            count >= dup_thresh || bytes > enough
        });
        reached.map(|(&begin, _)| begin).map_or(0, |limit| self.mark_until(limit))
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
        self.resend_hint = self.una;
        self.mark_until(self.end);
    }

    pub(super) fn next_lost(&self, max: u32) -> Option<(Seq, u32)> {
        self.collect(self.resend_hint, self.lost_end, max)
    }

    pub(super) fn next_hole(&self, max: u32) -> Option<(Seq, u32)> {
        self.collect(self.lost_end.max(self.hole_hint), self.highest()?, max)
    }

    /// The first range of records not resent between `from` and `until`, at most `max` bytes; records that touch are taken together.
    fn collect(&self, from: Place, until: Place, max: u32) -> Option<(Seq, u32)> {
        let mut range = self.records.range(from..until.max(from)).filter(|(_, record)| !record.resent);
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
    fn deliver(&mut self, record: &Record, delivered: &mut Delivered) {
        self.lost -= if record.lost { record.len } else { 0 };
        self.resent -= if record.resent { record.len } else { 0 };
        delivered.add(record);
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
        for (&place, record) in self.records.range_mut(self.lost_end.min(limit)..limit) {
            if !record.lost {
                record.lost = true;
                marked += record.len;
                self.resend_hint = self.resend_hint.min(place);
            }
        }
        self.lost += marked;
        self.lost_end = self.lost_end.max(limit);
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

    /// Moves the hints to what they look for.
    fn settle(&mut self) {
        let skip = |records: &BTreeMap<Place, Record>, from: Place, until: Place| {
            let mut range = records.range(from..until.max(from));
            range.find(|(_, record)| !record.resent).map_or(until.max(from), |(&place, _)| place)
        };
        self.resend_hint = skip(&self.records, self.resend_hint, self.lost_end);
        let until = self.highest().unwrap_or(self.lost_end);
        self.hole_hint = skip(&self.records, self.hole_hint.max(self.lost_end), until);
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
    fn add(&mut self, record: &Record) {
        let clean = record.sends == 1 && !record.told;
        // The first record sets the time, an ambiguous one takes it away for good (Karn).
        if self.bytes == 0 {
            self.sent_at = clean.then_some(record.sent_at);
        } else {
            self.sent_at = self.sent_at.filter(|_| clean).map(|sent_at| sent_at.max(record.sent_at));
        }
        self.bytes += record.len;
        self.retransmitted |= record.sends > 1;
    }
}
