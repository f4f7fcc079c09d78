//! How fast a connection sends and how fast the path delivers: pacing and delivery rate samples.
//!
//! Both live in a box that only a connection has whose congestion control wants it (BBR, one's own), or whose application bounds the
//! rate (`SO_MAX_PACING_RATE`).
//!
//! | file | what | source |
//! |---|---|---|
//! | `delivery` | rate samples, and whether the application limited them | draft-ietf-ccwg-bbr §4.1 |
//! | `meter` | the rate, once a round trip, of connections without samples |  |
//! | `pacer` | when the next (super-)segment may leave | draft-ietf-ccwg-bbr §5.6.2 |
//!
//! A paced connection that has something to send and may not yet has its next departure in the timer wheel, like every other deadline.

mod delivery;
mod meter;
mod pacer;

use alloc::boxed::Box;
use core::hint::cold_path;

use super::congestion::{Lost, Sample, Start};
use super::cx::Cx;
use super::options::TcpConfig;
use super::output::{burst, decide};
use super::recovery::News;
use super::scoreboard::Delivered;
use super::seq::Seq;
use super::tcb::{Phase, Sending, Tcb};
use crate::base::{Duration, Instant};
use delivery::{Delivery, Measured};
pub(super) use meter::{Meter, Metered};
use pacer::Pacer;

/// The box.
#[derive(Debug)]
pub(super) struct Rate {
    pub(super) delivery: Delivery,
    pub(super) pacer: Pacer,
}

/// A connection is established, or its congestion control is another one.
#[inline(always)]
pub(super) fn begin(tcb: &mut Tcb, now: Instant) {
    if tcb.congestion.is_modelled() {
        begin_model(tcb, now);
    }
    adapt(tcb, now);
}

#[cold]
#[inline(never)]
fn begin_model(tcb: &mut Tcb, now: Instant) {
    let seed = tcb.ts_offset ^ tcb.snd.nxt.0 ^ u32::from(tcb.inet.local_port) << 16;
    let start = Start { now, round_trip: tcb.round_trip.smoothed(), sack: tcb.sack, seed };
    tcb.congestion.begin(&start);
}

/// Makes the box if it is needed, drops it if it is not: the application's bound on the rate may have changed.
pub(super) fn adapt(tcb: &mut Tcb, now: Instant) {
    let wanted = tcb.congestion.is_modelled() | (bound(tcb) != u64::MAX);
    if wanted != tcb.rate.is_some() {
        measure(tcb, wanted, now);
    }
}

#[cold]
#[inline(never)]
fn measure(tcb: &mut Tcb, wanted: bool, now: Instant) {
    tcb.rate = wanted.then(|| Box::new(Rate { delivery: Delivery::new(now), pacer: Pacer::new() }));
}

/// What the application allows; all ones: everything.
fn bound(tcb: &Tcb) -> u64 {
    match tcb.options.max_pacing_rate {
        0 => u64::MAX,
        rate => rate,
    }
}

/// Bytes a second at which the connection is to send; none: it is not paced.
pub(super) fn pacing(tcb: &Tcb, config: &TcpConfig) -> Option<u64> {
    tcb.rate.as_ref()?;
    let bound = bound(tcb);
    let rate = tcb.congestion.pacing_rate();
    if rate.is_none() && bound == u64::MAX {
        return None;
    }
    Some(rate.or_else(|| burst::rate(tcb, config)).map_or(bound, |rate| rate.min(bound)))
}

/// There is something to send: true if it must wait for its time, at which the wheel wakes the connection.
pub(super) fn holds(tcb: &mut Tcb, now: Instant) -> bool {
    tcb.rate.as_mut().is_some_and(|rate| rate.pacer.holds(now))
}

/// Nothing waits to be sent.
pub(super) fn rest(tcb: &mut Tcb) {
    if let Some(rate) = &mut tcb.rate {
        cold_path();
        rate.pacer.rest();
    }
}

/// When what waits for its time goes out.
pub(super) fn wake(tcb: &Tcb) -> Instant {
    let Some(rate) = &tcb.rate else { return Instant::NEVER };
    cold_path();
    rate.pacer.wake()
}

/// The retransmission timer fired: what is sent again does not wait behind what was sent before.
pub(super) fn timed_out(tcb: &mut Tcb) {
    if let Some(rate) = &mut tcb.rate {
        rate.pacer.release();
    }
}

/// Before something is sent: after silence congestion control may want to know (`HandleRestartFromIdle`).
pub(super) fn before_sending(tcb: &mut Tcb, now: Instant) {
    if let Some(rate) = &tcb.rate
        && rate.delivery.is_app_limited()
        && decide::in_flight(tcb) == 0
    {
        tcb.congestion.restarts(now);
    }
}

/// `bytes` in so many `segments` were sent, new or again; so much was in flight before.
pub(super) fn sent(tcb: &mut Tcb, cx: &Cx<'_>, before: u32, bytes: u32, segments: u32) {
    if tcb.rate.is_none() {
        return meter_sent(tcb, cx.now(), before);
    }
    let pace = pacing(tcb, &cx.common.config).unwrap_or(u64::MAX);
    let (now, in_flight) = (cx.now(), decide::in_flight(tcb));
    let Some(rate) = &mut tcb.rate else { return };
    rate.delivery.sent(now, before, in_flight);
    if pace != u64::MAX {
        rate.pacer.sent(now, bytes, segments, pace);
    }
}

/// `CheckIfApplicationLimited`, after output that left so much `in_flight` and so much `unsent`: all that was written is out, and there would be
/// room for more.
pub(super) fn check_app_limited(tcb: &mut Tcb, in_flight: u32, unsent: u32) {
    let mss = u32::from(tcb.snd.mss);
    let is_lost = |sending: &Sending| sending.board.next_lost(1).is_some();
    let app_limited =
        unsent < mss && in_flight.saturating_add(mss) <= tcb.congestion.cwnd() && !tcb.sending.as_deref().is_some_and(is_lost);
    match (&mut tcb.rate, &mut tcb.sending) {
        (Some(rate), _) if app_limited => rate.delivery.mark_app_limited(in_flight),
        (None, Some(sending)) => sending.meter.output_ended(app_limited),
        _ => {}
    }
}

/// Bytes a second at which the path delivered last, and whether the application limited that; 0: not known.
pub(super) fn delivery_rate(tcb: &Tcb) -> (u64, bool) {
    tcb.rate.as_ref().map_or_else(|| tcb.tally.delivery_rate.get(), |rate| rate.delivery.rate())
}

/// Something was sent on a connection without samples.
fn meter_sent(tcb: &mut Tcb, now: Instant, before: u32) {
    let (end, delivered) = (tcb.snd.nxt, tcb.tally.delivered);
    if let Some(sending) = &mut tcb.sending
        && before > 0
    {
        sending.meter.sent(now, end, delivered);
    }
}

/// Something is acknowledged on a connection without samples.
pub(super) fn meter_acknowledged(tcb: &mut Tcb, now: Instant) {
    let (una, delivered, mss, known) = (tcb.snd.una, tcb.tally.delivered, u32::from(tcb.snd.mss), tcb.tally.delivery_rate);
    if let Some(sending) = &mut tcb.sending
        && let Some(rate) = sending.meter.acknowledged(now, una, delivered, mss, known)
    {
        tcb.tally.delivery_rate = rate;
    }
}

/// What was found lost: so many bytes, the latest of which was sent at `sent_at`.
pub(super) fn lost(tcb: &mut Tcb, bytes: u32, sent_at: Option<Instant>) {
    let Some(rate) = &mut tcb.rate else { return };
    if bytes == 0 {
        return;
    }
    let measured = rate.delivery.lost(bytes, sent_at);
    let total = rate.delivery.delivered();
    let known = measured.unwrap_or_default();
    tcb.congestion.lost(&Lost {
        bytes,
        total_delivered: total,
        sent_in_flight: known.sent_in_flight,
        lost: known.lost,
        app_limited: known.app_limited,
    });
}

/// The first half of an acknowledgement, before losses are looked for: what was delivered, and at what rate.
pub(super) fn acknowledged(tcb: &mut Tcb, cx: &Cx<'_>, news: &News) -> Option<Arrived> {
    let lowest = tcb.round_trip.lowest().unwrap_or_default();
    let Some(rate) = &mut tcb.rate else {
        meter_acknowledged(tcb, cx.now());
        return None;
    };
    let bytes = news.delivered.bytes + news.sacked.bytes;
    if bytes == 0 {
        return None;
    }
    let newest = newest(&[&news.delivered, &news.sacked]);
    let now = cx.now();
    let measured = rate.delivery.acknowledged(now, bytes, newest.map(|(at, _)| at), lowest)?;
    let oldest = tcb.sending.as_ref().and_then(|sending| sending.board.oldest_sent_at());
    rate.delivery.forget_before(oldest);
    let round_trip = newest.and_then(|(at, once)| once.then_some(now - at));
    Some(Arrived { bytes, measured, round_trip })
}

/// What [`acknowledged`] found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    bytes: u32,
    measured: Measured,
    round_trip: Option<Duration>,
}

/// The second half: congestion control is told.
pub(super) fn tell(tcb: &mut Tcb, cx: &mut Cx<'_>, arrived: &Arrived, news: &News) {
    let Some(rate) = &tcb.rate else { return };
    let Arrived { bytes, measured, round_trip } = *arrived;
    let sample = Sample {
        now: cx.now(),
        rate: measured.rate,
        delivered: measured.delivered,
        prior_delivered: measured.prior_delivered,
        total_delivered: rate.delivery.delivered(),
        newly_acked: bytes,
        lost: measured.lost,
        sent_in_flight: measured.sent_in_flight,
        in_flight: decide::in_flight(tcb),
        round_trip,
        app_limited: measured.app_limited,
        window_limited: news.full,
        recovering: tcb.recovery.phase != Phase::Open,
    };
    tcb.congestion.sampled(&sample);
    if tcb.congestion.holds_back()
        && let Some(rate) = &mut tcb.rate
    {
        rate.delivery.mark_app_limited(sample.in_flight);
    }
}

/// When the latest-sent of what was delivered was sent, and whether it was sent once.
fn newest(delivered: &[&Delivered]) -> Option<(Instant, bool)> {
    let once = delivered.iter().filter_map(|one| one.latest).max_by_key(|(at, _)| *at);
    let again = delivered.iter().filter_map(|one| one.latest_resent).max_by_key(|(at, _)| *at);
    let (once, again) = (once.map(at), again.map(at));
    if once >= again { once.map(|at| (at, true)) } else { again.map(|at| (at, false)) }
}

fn at((at, _): (Instant, Seq)) -> Instant {
    at
}
