//! How long a connection had something to send, and what held it back (Linux's `tcp_chrono`): times that `TCP_INFO` tells.
//!
//! | what is waited for | from | until |
//! |---|---|---|
//! | the network | data is queued | all of it is acknowledged |
//! | the peer's window | there is data that it does not take | it takes what is next |
//! | the send buffer | all is sent, the congestion window has room, and a writer found none in the buffer | a writer would find some |

use super::options::TcpConfig;
use super::output::decide;
use super::tcb::Tcb;
use super::{tuning, usage};
use crate::base::{Instant, TcpState};

/// Times are counted in ticks of 2^6 microseconds. 32 bits of them are three days and four hours, beyond which they stay there.
const TICK_SHIFT: u32 = 6;

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum For {
    /// There is nothing to send.
    #[default]
    Nothing,
    Network,
    Window,
    Buffer,
}

/// What a connection that has something to send waits for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wait {
    what: For,
    /// A writer found no room (`SOCK_NOSPACE`).
    refused: bool,
    /// Since when.
    since: Instant,
}

impl Wait {
    /// Something was written where nothing was.
    pub(super) fn for_network(now: Instant) -> Self {
        Self { what: For::Network, refused: false, since: now }
    }
}

/// Ticks that it was held back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held {
    window: u32,
    buffer: u32,
}

impl Held {
    fn add(&mut self, what: For, ticks: u32) {
        match what {
            For::Window => self.window = self.window.saturating_add(ticks),
            For::Buffer => self.buffer = self.buffer.saturating_add(ticks),
            For::Nothing | For::Network => {}
        }
    }
}

fn ticks(now: Instant) -> u64 {
    now.micros() >> TICK_SHIFT
}

fn micros(ticks: u32) -> u64 {
    u64::from(ticks) << TICK_SHIFT
}

/// Something was written, and it was all that the writer had or not.
pub(super) fn written(tcb: &mut Tcb, now: Instant, whole: bool) {
    let Some(sending) = &mut tcb.sending else { return };
    sending.wait.refused = !whole;
    let begins = sending.wait.what == For::Nothing && !sending.queue.is_empty();
    if begins || (whole && sending.wait.what == For::Buffer) {
        turn(tcb, now, For::Network);
    }
}

/// Output was made; so much is still `unsent`.
pub(super) fn after_output(tcb: &mut Tcb, now: Instant, unsent: u32) {
    let Some(wait) = tcb.sending.as_ref().map(|sending| sending.wait) else { return };
    if unsent == 0 {
        let starves = wait.refused && !usage::is_full(tcb);
        if starves && matches!(tcb.state, TcpState::Established | TcpState::CloseWait) {
            turn(tcb, now, For::Buffer);
        } else if wait.what == For::Window {
            turn(tcb, now, For::Network);
        }
    } else if wait.what != For::Buffer {
        let what = if decide::is_held_by_window(tcb) { For::Window } else { For::Network };
        turn(tcb, now, what);
    }
}

/// Something was acknowledged.
pub(super) fn acknowledged(tcb: &mut Tcb, now: Instant, config: &TcpConfig) {
    let Some(sending) = &tcb.sending else { return };
    if sending.queue.is_empty() {
        turn(tcb, now, For::Nothing);
    } else if sending.wait.refused && tuning::is_writable(tcb, config) {
        let starved = sending.wait.what == For::Buffer;
        tcb.sending_mut().wait.refused = false;
        if starved {
            turn(tcb, now, For::Network);
        }
    }
}

/// Nothing will be sent any more.
pub(super) fn ended(tcb: &mut Tcb, now: Instant) {
    turn(tcb, now, For::Nothing);
}

/// From now on this is waited for.
fn turn(tcb: &mut Tcb, now: Instant, what: For) {
    let Some(wait) = tcb.sending.as_mut().map(|sending| &mut sending.wait) else { return };
    if wait.what == what {
        return;
    }
    let before = core::mem::replace(wait, Wait { what, since: now, ..*wait });
    note(tcb, before, now);
}

/// All is acknowledged, and what it was kept in, with this, is taken away.
pub(super) fn waits_no_more(tcb: &mut Tcb, wait: Wait, now: Instant) {
    if wait.what != For::Nothing {
        note(tcb, wait, now);
    }
}

fn note(tcb: &mut Tcb, wait: Wait, now: Instant) {
    let passed = passed(wait, now);
    tcb.snd.busy = tcb.snd.busy.saturating_add(passed);
    if matches!(wait.what, For::Window | For::Buffer) && passed > 0 {
        tcb.tuning.get_or_insert_default().held.add(wait.what, passed);
    }
}

fn passed(wait: Wait, now: Instant) -> u32 {
    if wait.what == For::Nothing { 0 } else { ticks(now).saturating_sub(ticks(wait.since)).min(u64::from(u32::MAX)) as u32 }
}

/// Microseconds that it had something to send, that of them the peer's window held it back, and that its own buffer did.
pub(super) fn told(tcb: &Tcb, now: Instant) -> (u64, u64, u64) {
    let wait = tcb.sending.as_ref().map_or_else(Wait::default, |sending| sending.wait);
    let mut held = tcb.tuning.as_ref().map_or_else(Held::default, |tuning| tuning.held);
    let passed = passed(wait, now);
    held.add(wait.what, passed);
    (micros(tcb.snd.busy.saturating_add(passed)), micros(held.window), micros(held.buffer))
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use super::*;
    use crate::base::Version;
    use crate::transport::inet::Inet;
    use crate::transport::tcp::congestion::{Algorithm, Congestion};
    use crate::transport::tcp::options::TcpOptions;

    const SECOND: u64 = 1_000_000;
    const DAY: u64 = 24 * 3600 * SECOND;
    /// What can be counted, in microseconds.
    const MOST: u64 = (u32::MAX as u64) << TICK_SHIFT;

    fn at(micros: u64) -> Instant {
        Instant::from_nanos(micros * 1000)
    }

    fn connection() -> Tcb {
        let congestion = Congestion::new(Algorithm::default(), 536);
        let mut tcb = Tcb::new(Inet::new(Version::V4, None), Arc::new(TcpOptions::default()), congestion);
        tcb.sending_mut();
        tcb
    }

    #[test]
    fn a_wait_is_small() {
        assert!(size_of::<Wait>() <= 16);
    }

    #[test]
    fn times_are_told_apart_by_what_is_waited_for() {
        let mut tcb = connection();
        turn(&mut tcb, at(SECOND), For::Network);
        turn(&mut tcb, at(2 * SECOND), For::Window);
        turn(&mut tcb, at(4 * SECOND), For::Buffer);
        assert_eq!(told(&tcb, at(5 * SECOND)), (4 * SECOND, 2 * SECOND, SECOND), "the present one counts");
        turn(&mut tcb, at(7 * SECOND), For::Nothing);
        assert_eq!(told(&tcb, at(9 * SECOND)), (6 * SECOND, 2 * SECOND, 3 * SECOND));
    }

    /// Waits shorter than a tick count on average for as long as they take.
    #[test]
    fn short_waits_add_up() {
        let mut tcb = connection();
        for turns in 0..1000 {
            turn(&mut tcb, at(100 * turns), For::Network);
            turn(&mut tcb, at(100 * turns + 50), For::Window);
        }
        let (busy, window, _) = told(&tcb, at(100_000));
        assert!(busy.abs_diff(100_000) < 64 && window.abs_diff(50_000) < 3_000, "{busy} {window}");
    }

    /// Four days of one wait, and then of others: no time is ever shorter than it was.
    #[test]
    fn what_is_too_long_to_be_counted_stays() {
        for what in [For::Window, For::Buffer] {
            let mut tcb = connection();
            turn(&mut tcb, at(SECOND), what);
            let held = |tcb: &Tcb, now: Instant| {
                let (busy, window, buffer) = told(tcb, now);
                (busy, if what == For::Window { window } else { buffer })
            };
            assert_eq!(held(&tcb, at(SECOND + 3 * DAY)), (3 * DAY, 3 * DAY));
            assert_eq!(held(&tcb, at(4 * DAY)), (MOST, MOST));
            turn(&mut tcb, at(5 * DAY), For::Network);
            assert_eq!(held(&tcb, at(6 * DAY)), (MOST, MOST));
        }
    }
}
