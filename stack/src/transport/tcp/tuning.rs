//! Buffers that grow with what a connection carries, as Linux tunes them; the receive side is the dynamic right-sizing of Fisk and Feng.
//!
//! A buffer that the application did not fix (`SO_SNDBUF`, `SO_RCVBUF`) begins with the stack's default and grows up to the stack's
//! maximum, never under memory pressure; it does not shrink, so that no window is taken back (RFC 9293 SHLD-14).
//!
//! - The send buffer follows the congestion window: when a writer that found it full could have kept more in flight.
//! - The receive buffer follows the reader: when more was read within a round trip than ever before, the window becomes at least
//!   twice that, and as much more as the sender seems to speed up. Who reads slowly, or gets little, keeps what there is.
//!
//! The sizes, and what is measured, lie in a box that a connection gets with its first bulk data, or when something else than the network held it
//! back (see `busy`, whose times lie there too): an idle one, or one that said little, mostly has none.

use super::arrives::Arrival;
use super::busy::Held;
use super::calls::writing;
use super::cx::Cx;
use super::options::TcpConfig;
use super::output::decide;
use super::seq::Seq;
use super::tcb::Tcb;
use super::window;
use crate::base::{Instant, Pressure, TcpState};

/// While `SO_SNDBUF` is not set, the send buffer's size in bytes: what Linux's tuning starts a connection with.
const DEFAULT_SNDBUF: u32 = 87_040;
/// Segments of the first flight (RFC 6928): the least that a send buffer is for, and what a reader is expected to read at first.
const FIRST_FLIGHT: u32 = 10;
/// Segments that a window has beyond what was measured.
const SPARE: u64 = 16;

/// What a segment's headers and administration cost in Linux, which rounds them and the payload up to a power of two ...
const SEGMENT_OVERHEAD: u32 = 640;
/// ... and adds its descriptor.
const DESCRIPTOR: u32 = 256;
/// What a piece of what was written costs beside its bytes (the same of one whose bytes lie elsewhere).
pub(super) const PIECE: usize = (SEGMENT_OVERHEAD + DESCRIPTOR) as usize;

/// The buffers of a connection that grew, and how much is read.
#[derive(Debug, Default)]
pub(super) struct Tuning {
    /// The send buffer's size in bytes; 0: it did not grow.
    send: u32,
    /// The receive buffer's size likewise.
    receive: u32,
    /// How long something else than the network held it back.
    pub(super) held: Held,
    /// What its reader does, once bulk data came.
    intake: Option<Intake>,
}

/// How much the application reads in a round trip. Stream offsets are counted around 32 bits.
#[derive(Debug)]
struct Intake {
    /// When the present measurement began ...
    since: Instant,
    /// ... and the offset of the next byte to be read then.
    from: u32,
    /// The most that was read in one.
    most: u32,
    /// The round trip as the receiver sees it, in microseconds; 0: not known.
    round_trip_us: u32,
    /// The echo that gave the last sample (RFC 7323 §3).
    echo: u32,
    /// Without timestamps: a window is filled when this is reached ...
    window_end: Seq,
    /// ... and it was offered then.
    offered_at: Instant,
}

/// The send buffer's limit in bytes, as `getsockopt` gives it.
pub(super) fn send_buffer(tcb: &Tcb, config: &TcpConfig) -> u32 {
    if tcb.options.sndbuf != 0 {
        return tcb.options.sndbuf;
    }
    let grown = tcb.tuning.as_ref().map_or(0, |tuning| tuning.send);
    // What Linux makes of a first flight, as far as the path is no loopback.
    let first = || memory_of(FIRST_FLIGHT, tcb.snd.peer_mss).saturating_mul(2).min(DEFAULT_SNDBUF);
    if grown == 0 { config.wmem[1].max(first()) } else { grown }
}

/// The receive buffer's limit likewise.
pub(super) fn receive_buffer(tcb: &Tcb, config: &TcpConfig) -> u32 {
    let tuned = tcb.tuning.as_ref().map_or(0, |tuning| tuning.receive);
    if tuned == 0 || tcb.options.rcvbuf != 0 { window::initial_buffer(&tcb.options, config) } else { tuned }
}

/// A writer finds no room: less than a third of a buffer that may grow is free.
pub(super) fn is_crowded(tcb: &Tcb, config: &TcpConfig) -> bool {
    if tcb.options.sndbuf != 0 {
        return false;
    }
    let (limit, used) = (send_buffer(tcb, config) as usize, tcb.send_charge());
    limit < used + used / 2
}

/// Linux's `sk_stream_is_writeable`: a third of the buffer is free; and `TCP_NOTSENT_LOWAT`.
pub(super) fn is_writable(tcb: &Tcb, config: &TcpConfig) -> bool {
    if tcb.state == TcpState::Closed {
        return true;
    }
    let (limit, used) = (send_buffer(tcb, config) as usize, tcb.send_charge());
    // Half of the mark, so that who waits for room does not come for every segment.
    let below_mark = u64::from(tcb.unsent_len()) * 2 < u64::from(writing::notsent_lowat(tcb, config));
    limit.saturating_sub(used) >= used / 2 && used < limit && below_mark && !tcb.starved
}

/// A crowded send buffer and an acknowledgement: it grows if all that is in it fits into both windows, so that it is what holds
/// the connection back.
pub(super) fn acknowledged(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    let outstanding = decide::in_flight(tcb).saturating_add(tcb.unsent_len());
    if outstanding >= tcb.congestion.cwnd() || tcb.unacked_len() >= tcb.snd.wnd || !may_grow(cx) {
        return;
    }
    let wanted = memory_of(segments_of(tcb, &cx.common.config), tcb.snd.mss).saturating_mul(2).min(cx.common.config.wmem[2]);
    if wanted > send_buffer(tcb, &cx.common.config) {
        tcb.tuning.get_or_insert_default().send = wanted;
        tcb.notify(cx.base());
    }
}

/// The segments a send buffer is to be for: those of the congestion window, and no fewer than a first flight or what it takes to
/// notice a loss.
fn segments_of(tcb: &Tcb, config: &TcpConfig) -> u32 {
    let window = tcb.congestion.cwnd() / u32::from(tcb.snd.mss.max(1));
    window.max(FIRST_FLIGHT).max(u32::from(config.reordering) + 1)
}

/// Memory of segments as Linux counts it.
fn memory_of(segments: u32, mss: u16) -> u32 {
    segments.saturating_mul((u32::from(mss) + SEGMENT_OVERHEAD).next_power_of_two() + DESCRIPTOR)
}

fn may_grow(cx: &mut Cx<'_>) -> bool {
    cx.base().budget.pressure() == Pressure::Low
}

/// True if the receive buffer is ours to choose.
fn follows_reader(tcb: &Tcb, config: &TcpConfig) -> bool {
    tcb.options.rcvbuf == 0 && config.moderate_rcvbuf
}

/// Data arrives: measures the round trip.
pub(super) fn arrived(tcb: &mut Tcb, cx: &mut Cx<'_>, arrival: &Arrival<'_>) {
    if !follows_reader(tcb, &cx.common.config) {
        return;
    }
    let (now, nxt, offered) = (cx.now(), tcb.rcv.nxt, window::offered(tcb));
    let echo = if tcb.timestamps { Some(fresh_echo(tcb, arrival)) } else { None };
    let now_ts = cx.now_ms().wrapping_add(tcb.ts_offset);
    let Some(intake) = intake_of_bulk(tcb, now) else { return };
    match echo {
        Some(Some(echo)) => intake.take_echo(echo, now_ts),
        Some(None) => {}
        None => intake.watch_window(nxt, offered, now),
    }
}

/// The reader's measurements; they begin when a first flight has arrived.
fn intake_of_bulk(tcb: &mut Tcb, now: Instant) -> Option<&mut Intake> {
    if tcb.tuning.as_ref().is_none_or(|tuning| tuning.intake.is_none()) {
        if tcb.rcv.received < u64::from(first_flight(tcb)) {
            return None;
        }
        let intake = Intake::new(now, read_offset(tcb), first_flight(tcb), tcb.rcv.nxt, window::offered(tcb));
        tcb.tuning.get_or_insert_default().intake = Some(intake);
    }
    tcb.tuning.as_mut()?.intake.as_mut()
}

fn first_flight(tcb: &Tcb) -> u32 {
    FIRST_FLIGHT * u32::from(tcb.rcv.mss)
}

/// The offset of the next byte to be read.
fn read_offset(tcb: &Tcb) -> u32 {
    (tcb.rcv.received as u32).wrapping_sub(tcb.readable_len())
}

/// The timestamp of ours that a full segment echoes: a smaller one may have waited for its application.
fn fresh_echo(tcb: &Tcb, arrival: &Arrival<'_>) -> Option<u32> {
    let (_, echo) = arrival.header.options.timestamps?;
    (echo != 0 && arrival.payload.len() >= usize::from(tcb.rcv.mss)).then_some(echo)
}

/// The application read: if a round trip passed since it was last looked at, the buffer may grow.
pub(super) fn was_read(tcb: &mut Tcb, cx: &mut Cx<'_>) {
    if tcb.tuning.is_none() || !follows_reader(tcb, &cx.common.config) || !may_grow(cx) {
        return;
    }
    let (now, offset, mss) = (cx.now(), read_offset(tcb), tcb.rcv.mss);
    let Some(intake) = tcb.tuning.as_mut().and_then(|tuning| tuning.intake.as_mut()) else { return };
    if let Some(window) = intake.was_read(now, offset, mss) {
        grow_receive(tcb, &cx.common.config, window);
    }
}

/// `SO_RCVLOWAT` asks for so much to lie there at once: the buffer must hold it, as in Linux.
#[inline(always)]
pub(super) fn hold_low_water(tcb: &mut Tcb, config: &TcpConfig) {
    if tcb.options.rcvbuf == 0 && tcb.options.rcvlowat > window::full_space(tcb, config) {
        grow_receive(tcb, config, tcb.options.rcvlowat);
    }
}

/// The receive buffer becomes as large as such a window needs it, and no larger than the stack allows.
fn grow_receive(tcb: &mut Tcb, config: &TcpConfig, window: u32) {
    let wanted = window::buffer_for(window, config).min(config.rmem[2]);
    if wanted > receive_buffer(tcb, config) {
        tcb.tuning.get_or_insert_default().receive = wanted;
    }
}

/// What `TCP_INFO` tells of the reader: the most that was read in a round trip, in bytes, and the round trip in microseconds.
pub(super) fn reader(tcb: &Tcb) -> (u32, u32) {
    match tcb.tuning.as_ref().and_then(|tuning| tuning.intake.as_ref()) {
        Some(intake) => (intake.most, intake.round_trip_us),
        None => (first_flight(tcb).min(window::offered(tcb)), 0),
    }
}

impl Intake {
    fn new(now: Instant, from: u32, most: u32, nxt: Seq, offered: u32) -> Self {
        Self { since: now, from, most, round_trip_us: 0, echo: 0, window_end: nxt + offered, offered_at: now }
    }

    /// RFC 7323 §3: from the echo of our timestamp to now. The clock is coarse: less than its step is not nothing.
    fn take_echo(&mut self, echo: u32, now: u32) {
        let elapsed = now.wrapping_sub(echo);
        if echo == self.echo || elapsed > i32::MAX as u32 {
            return;
        }
        self.echo = echo;
        let sample = elapsed.max(1).saturating_mul(1000);
        self.round_trip_us = match self.round_trip_us {
            0 => sample,
            smoothed => smoothed - smoothed / 8 + sample / 8,
        };
    }

    /// Without timestamps: a window cannot be filled in less than a round trip, so the shortest time it took is the nearest.
    fn watch_window(&mut self, nxt: Seq, offered: u32, now: Instant) {
        if nxt.before(self.window_end) {
            return;
        }
        let sample = now.since(self.offered_at).as_micros().clamp(1, u128::from(u32::MAX)) as u32;
        self.round_trip_us = if self.round_trip_us == 0 { sample } else { self.round_trip_us.min(sample) };
        self.window_end = nxt + offered;
        self.offered_at = now;
    }

    /// The window that what was read in the round trip that is over asks for, if it was more than ever before.
    fn was_read(&mut self, now: Instant, offset: u32, mss: u16) -> Option<u32> {
        if self.round_trip_us == 0 || now.since(self.since).as_micros() < u128::from(self.round_trip_us) {
            return None;
        }
        let read = offset.wrapping_sub(self.from);
        self.from = offset;
        self.since = now;
        if read <= self.most {
            return None;
        }
        let window = wanted_window(read, self.most, mss);
        self.most = read;
        Some(window)
    }
}

/// Twice what was read in a round trip, and twice the growth since the last time in proportion: before the next look a sender in slow
/// start doubles its window, and doubles it again until the answer is with it.
fn wanted_window(read: u32, before: u32, mss: u16) -> u32 {
    let (read, before) = (u64::from(read), u64::from(before.max(1)));
    let steady = 2 * read + SPARE * u64::from(mss);
    let faster = u128::from(steady) * 2 * u128::from(read.saturating_sub(before)) / u128::from(before);
    (u128::from(steady) + faster).min(u128::from(u32::MAX)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const MSS: u16 = 1448;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn intake() -> Intake {
        Intake::new(at(0), 0, 14_480, Seq(0), 65_536)
    }

    #[test]
    fn it_is_small() {
        assert!(size_of::<Tuning>() <= 64, "{}", size_of::<Tuning>());
    }

    /// What `getsockopt` gives on Linux after `connect` over Ethernet and over loopback.
    #[test]
    fn a_first_flight_takes_the_memory_that_linux_says() {
        assert_eq!(2 * memory_of(FIRST_FLIGHT, 1460), DEFAULT_SNDBUF);
        assert_eq!(2 * memory_of(FIRST_FLIGHT, 65_483), 2_626_560);
    }

    #[test]
    fn a_steady_reader_gets_twice_what_it_reads_and_one_that_speeds_up_more() {
        let spare = 16 * u32::from(MSS);
        assert_eq!(wanted_window(100_000, 100_000, MSS), 200_000 + spare);
        assert_eq!(wanted_window(200_000, 100_000, MSS), 3 * (400_000 + spare));
        assert_eq!(wanted_window(u32::MAX, 0, MSS), u32::MAX);
    }

    #[test]
    fn what_is_read_is_counted_by_round_trips() {
        let mut intake = intake();
        assert_eq!(intake.was_read(at(1000), 50_000, MSS), None, "no round trip is known");
        intake.take_echo(900, 1000);
        assert_eq!(intake.round_trip_us, 100_000);
        assert_eq!(intake.was_read(at(99), 50_000, MSS), None, "the round trip is not over");
        assert!(intake.was_read(at(100), 50_000, MSS).is_some_and(|window| window > 100_000));
        assert_eq!(intake.was_read(at(199), 90_000, MSS), None);
        assert_eq!(intake.was_read(at(200), 90_000, MSS), None, "40,000 bytes are not more than 50,000");
        assert!(intake.was_read(at(300), 150_000, MSS).is_some());
    }

    /// RFC 7323 §3: an echo that was seen before tells nothing new, one from the future nothing at all.
    #[test]
    fn a_round_trip_is_smoothed_over_new_echoes() {
        let mut intake = intake();
        intake.take_echo(100, 100);
        assert_eq!(intake.round_trip_us, 1000, "less than the clock's step is a step");
        for _ in 0..10 {
            intake.take_echo(100, 500);
            intake.take_echo(600, 500);
        }
        assert_eq!(intake.round_trip_us, 1000);
        intake.take_echo(492, 501);
        assert_eq!(intake.round_trip_us, 2000);
    }

    #[test]
    fn without_timestamps_a_filled_window_gives_the_round_trip() {
        let mut intake = intake();
        intake.watch_window(Seq(60_000), 65_536, at(90));
        assert_eq!(intake.round_trip_us, 0);
        intake.watch_window(Seq(66_000), 65_536, at(250));
        assert_eq!(intake.round_trip_us, 250_000);
        intake.watch_window(Seq(132_000), 65_536, at(350));
        assert_eq!(intake.round_trip_us, 100_000);
        intake.watch_window(Seq(200_000), 65_536, at(1350));
        assert_eq!(intake.round_trip_us, 100_000, "the sender was slower than the path");
    }
}
