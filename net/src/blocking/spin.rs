//! For how long a thread stays awake before it sleeps.
//!
//! To be woken takes longer than to answer a short question: some ten microseconds, in a virtual machine thirty. A thread whose waits were short
//! stays awake for as long; one whose waits are long tries that less and less, and costs nothing.

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

/// What is tried now and then: who answers may have to be woken first.
const TRY: Duration = Duration::from_micros(60);
/// What is waited awake by who was woken in time the last time.
const SHORT: Duration = Duration::from_micros(50);
/// So many waits lie between two tries at first, and at most.
const PAUSE: u16 = 16;
const LONGEST_PAUSE: u16 = 1024;
/// So often in a row it may be in vain before one only tries again.
const VAIN: u8 = 2;

/// What a thread has learnt of its waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spin {
    /// How often in vain it may still be.
    credit: u8,
    /// Waits until the next try, and between tries.
    left: u16,
    pause: u16,
}

impl Spin {
    pub(super) const NEW: Self = Self { credit: 0, left: PAUSE, pause: PAUSE };

    /// How long the next wait is awake, if it is.
    pub(super) fn next(&mut self) -> Option<Duration> {
        if self.credit > 0 {
            return Some(SHORT);
        }
        self.left = self.left.saturating_sub(1);
        (self.left == 0 && has_cores()).then_some(TRY)
    }

    /// It was, and was woken meanwhile or not.
    pub(super) fn ended(&mut self, woken: bool) {
        if woken {
            *self = Self { credit: VAIN, ..Self::NEW };
        } else if self.credit > 0 {
            self.credit -= 1;
        } else {
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
            self.left = self.pause;
        }
    }
}

/// True if somebody else can run while one waits awake. Asked first when a host is made: a thread that is kept on one core counts that one.
pub(crate) fn has_cores() -> bool {
    static CORES: OnceLock<bool> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().is_ok_and(|cores| cores.get() > 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of so many waits are awake, if each is as this says.
    fn awake(spin: &mut Spin, waits: usize, woken: bool) -> usize {
        let mut count = 0;
        for _ in 0..waits {
            if spin.next().is_some() {
                count += 1;
                spin.ended(woken);
            }
        }
        count
    }

    #[test]
    fn who_waits_long_sleeps_and_who_waits_shortly_stays_awake() {
        if !has_cores() {
            return;
        }
        let mut spin = Spin::NEW;
        let tries = awake(&mut spin, 100_000, false);
        assert!((90..120).contains(&tries), "{tries} in a hundred thousand");
        let mut spin = Spin::NEW;
        assert_eq!(awake(&mut spin, 1000, true), 985, "all from the first try on");
        assert_eq!((spin.next(), awake(&mut spin, 10, false)), (Some(SHORT), usize::from(VAIN)));
    }
}
