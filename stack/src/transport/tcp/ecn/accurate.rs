//! Accurate feedback (AccECN, RFC 9768): the receiver counts marked packets in three bits of every header (ACE), and the bytes that came with
//! each of the codepoints in an option.
//!
//! Bleached or mangled bits are found out, as far as they can be.

use super::counters::{self, Bytes, Told};
use super::option::{self, AccurateOption};
use super::{CE, ECT_0, ECT_1, NOT_ECT, negotiate};
use crate::base::Duration;
use crate::transport::tcp::arrives::Arrival;
use crate::transport::tcp::cx::Cx;
use crate::transport::tcp::header::{ACK, Header, MAX_OPTIONS, RST, SYN};
use crate::transport::tcp::options::TcpConfig;
use crate::transport::tcp::recovery::News;
use crate::transport::tcp::seq::Seq;
use crate::transport::tcp::tcb::{Phase, Tcb};

/// RFC 9768 §3.2.1: the counter of marked packets begins with 5, so that the first acknowledgement is told from classic ones.
const FIRST: u32 = 5;
/// An acknowledgement is due before so many marked packets are untold that the three bits could go around (RFC 9768 §3.2.2.5.1).
const MOST_UNTOLD: u32 = 6;
/// Who has sent so much without having seen an option cannot trust its 24 bits any more.
const TOO_LATE: u64 = (1 << 23) - 1;
/// An average in 1/64, of which a new value makes 1/64; more than four packets an acknowledgement are many.
const WEIGHT: u32 = 64;
const MANY: u32 = 4 * WEIGHT;

/// What was seen of the peer's option (Linux's `tcpi_accecn_opt_seen`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(in crate::transport::tcp) enum Seen {
    #[default]
    Nothing,
    /// One without a field.
    Empty,
    /// One with counters.
    Counters,
    /// One whose counters had been zeroed.
    Broken,
}

/// What does not work on this path (Linux's `tcpi_accecn_fail_mode`).
pub(in crate::transport::tcp) mod fail {
    /// Our bits do not arrive.
    pub(in crate::transport::tcp) const BITS_OUT: u8 = 1;
    /// The peer's bits do not arrive, or it changes our codepoints: nothing is sent as capable.
    pub(in crate::transport::tcp) const BITS_IN: u8 = 2;
    /// Our option does not arrive.
    pub(in crate::transport::tcp) const OPTION_OUT: u8 = 4;
    /// The peer's option does not, or is mangled.
    pub(in crate::transport::tcp) const OPTION_IN: u8 = 8;
}

/// Both directions of the counting.
#[derive(Debug, Default)]
pub(in crate::transport::tcp) struct Accurate {
    /// Marked packets that came, and their bytes by codepoint.
    pub(in crate::transport::tcp) received: u32,
    pub(in crate::transport::tcp) received_bytes: Bytes,
    /// What the peer told of ours.
    pub(in crate::transport::tcp) delivered: u32,
    pub(in crate::transport::tcp) delivered_bytes: Bytes,
    pub(in crate::transport::tcp) failed: u8,
    pub(in crate::transport::tcp) seen: Seen,
    /// Marked packets that no segment of ours has told of.
    untold: u32,
    /// How many packets an acknowledgement tells of, on average, in 1/64; 0: none came.
    thinning: u32,
    /// When our option was sent last, in milliseconds since the epoch.
    option_sent_ms: u32,
    /// Codepoint of the last segment that came.
    last: u8,
    /// Codepoint of the peer's SYN or SYN-ACK, which the last segment of the handshake tells back; taken when told.
    pub(super) reflect: Option<u8>,
    /// The kind of delivered bytes that grew last; 0: not clear.
    growing: u8,
    /// So many of the option's fields have news.
    least_fields: u8,
    /// The option is to be sent with so many segments, whatever else.
    demand: u8,
    /// It goes with the next segment.
    due: bool,
    /// The last one went with the acknowledgement of a duplicate that begins here.
    told_with_duplicate: Option<Seq>,
    /// A segment of the peer's came whose bits were looked at.
    pub(super) is_judged: bool,
}

impl Accurate {
    /// The peer's SYN or SYN-ACK came with this codepoint.
    pub(super) fn new(codepoint: u8) -> Self {
        Self { reflect: Some(codepoint), ..Self::default() }
    }

    /// What we send is capable: nothing is known against it.
    pub(super) fn is_marking(&self) -> bool {
        self.failed & fail::BITS_IN == 0
    }

    pub(super) fn fails(&mut self, what: u8) {
        self.failed |= what;
    }

    /// RFC 9768 §3.2.1: the value of the three bits.
    fn ace(&self) -> u8 {
        (self.received.wrapping_add(FIRST) & 7) as u8
    }

    /// The first look at the peer's option (RFC 9768 §3.2.3.2.4): two counters begin with 1, so that zeros are a sign of mangling.
    pub(super) fn judge_option(&mut self, option: &AccurateOption) {
        if self.seen >= Seen::Counters {
            return;
        }
        let fields = &option.fields[..usize::from(option.count)];
        self.seen = match fields {
            [] => Seen::Empty,
            [0, ..] | [_, _, 0] => Seen::Broken,
            _ => Seen::Counters,
        };
        if self.seen == Seen::Broken {
            self.fails(fail::OPTION_IN);
        }
    }

    /// RFC 9768 §3.2.3.2: whether the option goes with the next segment. With `tcp_ecn_option` 2 it goes with all, once the peer's was seen.
    fn wants_option(&self, config: &TcpConfig, now_ms: u32, round_trip: Duration) -> bool {
        if config.ecn_option == 0 || self.seen == Seen::Nothing || self.failed & fail::OPTION_OUT != 0 {
            return false;
        }
        let quiet = u64::from(now_ms.wrapping_sub(self.option_sent_ms)) * u64::from(config.ecn_option_beacon);
        let beacon = config.ecn_option_beacon > 0 && u128::from(quiet) >= round_trip.as_millis();
        config.ecn_option >= 2 || self.demand > 0 || beacon
    }

    pub(super) fn demand_option(&mut self, times: u8) {
        self.demand = self.demand.max(times);
    }

    /// A segment without SYN left.
    pub(super) fn left(&mut self, header: &Header, has_data: bool, duplicate: Option<Seq>, now_ms: u32) {
        let reflected = self.reflect.take().is_some() && !has_data;
        if self.failed & fail::BITS_OUT == 0 && !reflected {
            self.untold = 0;
        }
        if header.options.accurate.is_some() {
            self.demand = self.demand.saturating_sub(1);
            self.least_fields = 0;
            self.option_sent_ms = now_ms;
            self.told_with_duplicate = duplicate;
        }
    }

    /// The option with so many fields, ECT(1) first, as Linux has it.
    fn option(&self, count: u8) -> AccurateOption {
        let mut fields = [0; 3];
        for (field, codepoint) in fields.iter_mut().zip([ECT_1, CE, ECT_0]).take(usize::from(count)) {
            *field = option::field(self.received_bytes.get(codepoint), codepoint);
        }
        AccurateOption { order: 1, count, fields }
    }
}

/// A segment is about to be made: is the option part of it? Decisions about its size ask for that.
#[cold]
#[inline(never)]
pub(in crate::transport::tcp) fn refresh(tcb: &mut Tcb, cx: &Cx<'_>) {
    let round_trip = tcb.round_trip.smoothed().unwrap_or_default();
    if let Some(accurate) = tcb.accurate_mut() {
        accurate.due = accurate.wants_option(&cx.common.config, cx.now_ms(), round_trip);
    }
}

/// Bytes that the option takes in each segment now.
pub(in crate::transport::tcp) fn option_room(tcb: &Tcb) -> u32 {
    if tcb.accurate().is_some_and(|accurate| accurate.due) { 12 } else { 0 }
}

/// Puts the three bits and perhaps the option into the header of a segment without SYN.
#[cold]
#[inline(never)]
pub(in crate::transport::tcp) fn fill(tcb: &mut Tcb, cx: &Cx<'_>, header: &mut Header, has_data: bool) {
    if tcb.accurate().is_none() || header.flags & (SYN | RST) != 0 {
        return;
    }
    refresh(tcb, cx);
    let Some(accurate) = tcb.accurate() else { return };
    if accurate.failed & fail::BITS_OUT == 0 {
        let reflected = accurate.reflect.filter(|_| !has_data).map(negotiate::reflection);
        header.set_ace(reflected.unwrap_or(accurate.ace()));
    }
    if accurate.due {
        add_option(accurate, header);
    }
}

/// RFC 9768 §3.2.3.3: as many fields as fit, at least those with news; if these do not fit, a block of SACK gives way, but two stay.
fn add_option(accurate: &Accurate, header: &mut Header) {
    let least = accurate.least_fields;
    let all = header.options.sack;
    loop {
        for count in (least..=3).rev() {
            header.options.accurate = Some(accurate.option(count));
            if header.options.wanted_len() <= MAX_OPTIONS {
                return;
            }
        }
        if least == 0 || header.options.sack.as_slice().len() <= 2 {
            break;
        }
        header.options.sack.pop();
    }
    header.options.accurate = None;
    header.options.sack = all;
}

/// A segment of the peer's, acceptable, as it came: its codepoint is counted (RFC 9768 §3.2.2.1, §3.2.3).
pub(super) fn arrived(tcb: &mut Tcb, arrival: &Arrival<'_>) {
    let Some(accurate) = tcb.accurate_mut() else { return };
    let (codepoint, bytes) = (arrival.codepoint, arrival.payload.len() as u32);
    let packets = if arrival.segment_size == 0 { 1 } else { bytes.div_ceil(u32::from(arrival.segment_size)).max(1) };
    if codepoint == CE {
        accurate.received = accurate.received.wrapping_add(packets);
        accurate.untold += packets;
    }
    if codepoint != NOT_ECT && bytes > 0 {
        let before = accurate.received_bytes.get(codepoint);
        accurate.received_bytes.add(codepoint, bytes);
        accurate.least_fields = accurate.least_fields.max(place(codepoint));
        // RFC 9768 §3.2.3.2: at least once while a counter of 24 bits goes a quarter around.
        if (before ^ accurate.received_bytes.get(codepoint)) >> 22 != 0 {
            accurate.demand_option(1);
        }
    }
    let changed = accurate.last != codepoint;
    if changed || codepoint == CE {
        accurate.last = codepoint;
        accurate.demand_option(2);
    }
    // RFC 9768 §3.2.2.5.1: a change is told at once, and so are many marks.
    if bytes > 0 && (changed || accurate.untold >= MOST_UNTOLD) {
        tcb.rcv.ack_now = true;
    }
}

/// Up to which field an option must go to tell of a codepoint.
fn place(codepoint: u8) -> u8 {
    match codepoint {
        ECT_1 => 1,
        CE => 2,
        ECT_0 => 3,
        _ => 0,
    }
}

/// An acknowledgement: how many of our packets were marked? Says whether any was (RFC 9768 §3.2.2.2).
pub(super) fn acknowledged(tcb: &mut Tcb, cx: &Cx<'_>, arrival: &Arrival<'_>, news: &News) -> bool {
    let (mss, sent) = (news.mss, tcb.snd.acked);
    let is_precise = tcb.sack || tcb.recovery.phase == Phase::Open;
    let bytes = news.delivered.bytes + news.sacked.bytes;
    let (fallback, una) = (cx.common.config.ecn_fallback, tcb.snd.una);
    let Some(accurate) = tcb.accurate_mut() else { return false };
    let bits = arrival.header.ace();
    // RFC 9768 §3.2.2.5: one that was overtaken has old counters, whatever its SACK blocks tell.
    if arrival.has(SYN) || arrival.header.ack.before(una) {
        return false;
    }
    if !core::mem::replace(&mut accurate.is_judged, true) && bits == 0 && fallback {
        // RFC 9768 §3.2.2.4: the first one after the handshake cannot be 0, so somebody cleared it.
        accurate.fails(fail::BITS_IN);
    }
    // RFC 9768 §3.2.2.5: what has no news is late, and its counters old.
    if bytes == 0 && news.acked == 0 && (!news.later || is_of_handshake(sent, bits)) {
        return false;
    }
    let packets = bytes.div_ceil(mss);
    let before = counters::marked(&accurate.delivered_bytes);
    let reliable = take_option(accurate, arrival.header.options.accurate.as_ref(), bytes, sent);
    note_thinning(accurate, packets);
    let told = Told {
        delta: u32::from(bits).wrapping_sub(FIRST).wrapping_sub(accurate.delivered) & 7,
        packets,
        bytes,
        marked_bytes: reliable.then(|| counters::marked(&accurate.delivered_bytes).wrapping_sub(before)),
        mss,
        is_precise,
        is_thinned: accurate.thinning > MANY,
    };
    if accurate.failed & fail::BITS_IN != 0 {
        // Nothing was sent that could be marked.
        return false;
    }
    let marked = counters::marked_packets(&told);
    accurate.delivered = accurate.delivered.wrapping_add(marked);
    marked > 0
}

/// As long as nothing was acknowledged, the last segment of the handshake may come again; our SYN-ACK was not capable.
fn is_of_handshake(sent: u64, bits: u8) -> bool {
    sent == 0 && bits == negotiate::reflection(NOT_ECT)
}

fn take_option(accurate: &mut Accurate, option: Option<&AccurateOption>, bytes: u32, sent: u64) -> bool {
    if accurate.failed & fail::OPTION_IN != 0 {
        return false;
    }
    let Some(option) = option else {
        if accurate.seen == Seen::Nothing {
            if sent >= TOO_LATE {
                accurate.seen = Seen::Broken;
                accurate.fails(fail::OPTION_IN);
            }
            return false;
        }
        return counters::estimate(&mut accurate.delivered_bytes, accurate.growing, bytes);
    };
    accurate.judge_option(option);
    if accurate.seen == Seen::Broken {
        return false;
    }
    counters::take(&mut accurate.delivered_bytes, &mut accurate.growing, option)
}

fn note_thinning(accurate: &mut Accurate, packets: u32) {
    let now = packets.min(1 << 16) * WEIGHT;
    accurate.thinning = match (accurate.thinning, packets) {
        (before, 0) => before,
        (0, _) => now,
        (before, _) => (before * (WEIGHT - 1) + now) / WEIGHT,
    };
}

/// A SYN-ACK came that had come before: the answer tells of its codepoint, as the first one did.
pub(in crate::transport::tcp) fn syn_came_again(tcb: &mut Tcb, arrival: &Arrival<'_>) {
    if let Some(accurate) = tcb.accurate_mut()
        && arrival.has(ACK)
    {
        accurate.reflect = Some(arrival.codepoint);
    }
}

/// Something came that had come before. If the acknowledgement that told so of the very same took our option along, the option may be what does
/// not get through (RFC 9768 §3.2.3.2.2).
pub(in crate::transport::tcp) fn came_again(tcb: &mut Tcb, start: Seq) {
    if let Some(accurate) = tcb.accurate_mut()
        && accurate.told_with_duplicate == Some(start)
    {
        accurate.fails(fail::OPTION_OUT);
    }
}
