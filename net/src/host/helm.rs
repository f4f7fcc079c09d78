//! Who is at the helm of a host: who waits for its devices, reads them and keeps time.
//!
//! That is the host's thread, unless one caller alone waits for something: then that caller is at the helm while it waits, so that what comes
//! need not go from one thread to another, and one that writes much looks in between what has come. When the caller has what it waited for it
//! leaves the helm to nobody, for most come again soon. The thread meanwhile takes naps, and at the end of one in which nobody came again it
//! takes the helm itself:
//!
//! ```text
//!          a caller was woken, or has written much, and nobody else waits
//!   Thread ──────────────────────────────────────────────────────────────> Nobody <───────> Caller
//!      ^        a nap is over and nobody came; another waits too; something is due            │
//!      └──────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! The naps are short at first and longer while callers come again, and of those who did not come again the thread is wary: so it is never
//! awake more than a thousand times a second for nothing, and what comes while nobody is there waits a millisecond at most.

use std::task::Waker;

use loggia_stack::base::{Duration, Instant};

/// The first nap, and the longest: each is twice as long as the one before if somebody came meanwhile.
pub(super) const NAP: Duration = Duration::from_micros(100);
const LONGEST_NAP: Duration = Duration::from_millis(1);

/// So often at most the thread stays after somebody did not come again.
const MOST_REFUSALS: u32 = 63;

/// Who is at the helm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum At {
    /// The host's thread, or it is about to be.
    Thread,
    /// A caller who waits, or who looks what has come.
    Caller,
    /// The thread will be when its nap is over.
    Nobody,
}

/// What the thread does that is not at the helm.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Watch {
    /// It takes the helm: it has it now.
    Takes,
    /// It looks again then, or when it is roused.
    Naps(Instant),
    /// It looks again when it is roused.
    Sleeps,
}

/// A caller who waits alone: at the helm, or until the thread has something for it.
#[derive(Debug)]
struct Alone {
    waker: Waker,
    /// For how many things at once.
    count: usize,
    /// How many of them have come.
    called: usize,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Helm {
    at: At,
    alone: Option<Alone>,
    /// Somebody has sent much since the thread took the helm.
    much_sent: bool,
    /// How often callers were at the helm.
    tenures: u64,
    /// When a caller took it, or left it to nobody.
    since: Instant,
    nap: Duration,
    /// When the thread's nap is over; never if it sleeps.
    nap_end: Instant,
    /// `tenures` when its nap began.
    seen: u64,
    /// How often the thread stays before it trusts callers again, and how often it did the last time.
    refusals: u32,
    wariness: u32,
}

impl Default for Helm {
    fn default() -> Self {
        Self {
            at: At::Thread,
            alone: None,
            much_sent: false,
            tenures: 0,
            since: Instant::EPOCH,
            nap: NAP,
            nap_end: Instant::EPOCH,
            seen: 0,
            refusals: 0,
            wariness: 0,
        }
    }
}

impl Helm {
    pub(super) fn at(&self) -> At {
        self.at
    }

    /// When the thread looks by itself while nobody is there.
    pub(super) fn nap_end(&self) -> Instant {
        self.nap_end
    }

    /// Of those who wait, how many are not others to the one who waited alone and has been called, or is at the helm.
    pub(super) fn of_the_same(&self) -> usize {
        let same = self.alone.as_ref().filter(|alone| alone.called > 0 || self.at == At::Caller);
        same.map_or(0, |alone| alone.count.saturating_sub(alone.called))
    }

    /// One is woken. True if it is at the helm: then there is nothing to wake, but who polls must hear of it.
    pub(super) fn calls(&mut self, waker: &Waker) -> bool {
        let Some(alone) = self.alone.as_mut().filter(|alone| alone.waker.will_wake(waker)) else { return false };
        alone.called += 1;
        self.at == At::Caller
    }

    /// True if the caller at the helm has been called.
    pub(super) fn is_called(&self) -> bool {
        self.alone.as_ref().is_some_and(|alone| alone.called > 0)
    }
}

/// Callers.
impl Helm {
    /// A caller who waits alone, for `count` things, takes the helm, which nobody has.
    pub(super) fn take(&mut self, waker: Waker, count: usize, now: Instant) {
        self.begin(now);
        self.alone = Some(Alone { waker, count, called: 0 });
    }

    /// A caller takes the helm, which nobody has, only to look what has come.
    pub(super) fn look(&mut self, now: Instant) {
        self.begin(now);
        self.alone = None;
    }

    fn begin(&mut self, now: Instant) {
        self.at = At::Caller;
        self.tenures += 1;
        self.since = now;
    }

    /// The caller leaves it to nobody; true if the thread sleeps and must be roused to take naps.
    pub(super) fn leave(&mut self, now: Instant) -> bool {
        (self.at, self.alone, self.since) = (At::Nobody, None, now);
        let sleeps = !self.nap_end.is_set();
        if sleeps {
            self.nap_end = now + self.nap;
        }
        sleeps
    }

    /// A caller who waits alone for `count` things is not at the helm, but would be.
    pub(super) fn wish(&mut self, waker: Waker, count: usize) {
        self.alone = Some(Alone { waker, count, called: 0 });
    }

    /// It does not wait any more.
    pub(super) fn give_up(&mut self, waker: &Waker) {
        if self.at != At::Caller {
            self.alone.take_if(|alone| alone.waker.will_wake(waker));
        }
    }

    /// Somebody has sent much.
    pub(super) fn much_sent(&mut self) {
        self.much_sent = true;
    }
}

/// The thread.
impl Helm {
    /// Whoever has it gives it to the thread, which must be roused if it is not there.
    pub(super) fn give_to_thread(&mut self) {
        (self.at, self.alone, self.nap_end) = (At::Thread, None, Instant::EPOCH);
    }

    /// True if somebody may want it whom the thread trusts. Each time this is asked in vain the thread trusts a little more.
    pub(super) fn is_wanted(&mut self) -> bool {
        let wanted = std::mem::take(&mut self.much_sent) || self.is_called();
        if wanted && self.refusals > 0 {
            self.refusals -= 1;
            return false;
        }
        wanted
    }

    /// The thread leaves it to nobody.
    pub(super) fn stand_back(&mut self, now: Instant) {
        (self.at, self.alone, self.since) = (At::Nobody, None, now);
        (self.nap, self.seen, self.nap_end) = (NAP, self.tenures, now + NAP);
    }

    /// What the thread does that has no turn; `due` is when it must have.
    pub(super) fn watch(&mut self, now: Instant, due: Instant) -> Watch {
        if self.tenures != self.seen {
            (self.seen, self.wariness) = (self.tenures, 0);
            self.nap = (self.nap * 2).min(LONGEST_NAP);
        }
        match self.at {
            At::Thread => Watch::Takes,
            At::Nobody => {
                self.nap_end = self.since + self.nap;
                if now >= self.nap_end {
                    self.wariness = (self.wariness * 2 + 1).min(MOST_REFUSALS);
                    self.refusals = self.wariness;
                } else if due >= self.nap_end {
                    return Watch::Naps(self.nap_end);
                }
                self.give_to_thread();
                Watch::Takes
            }
            // One who is there so long will be there for longer.
            At::Caller if now.since(self.since) >= self.nap / 2 => {
                self.nap_end = Instant::NEVER;
                Watch::Sleeps
            }
            At::Caller => {
                self.nap_end = now + self.nap;
                Watch::Naps(self.nap_end)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::waiting::testing::waker;

    const NOTHING: Instant = Instant::NEVER;

    fn micros(micros: u64) -> Instant {
        Instant::from_micros(micros)
    }

    /// The thread has stood back for a caller that it has woken.
    fn stood_back() -> Helm {
        let mut helm = Helm::default();
        let (one, _) = waker();
        helm.wish(one.clone(), 1);
        assert!(!helm.is_wanted(), "nothing has come for it");
        assert!(!helm.calls(&one), "it is to be woken");
        assert!(helm.is_wanted());
        helm.stand_back(micros(1000));
        assert_eq!((helm.at(), helm.nap_end()), (At::Nobody, micros(1000) + NAP));
        helm
    }

    #[test]
    fn who_does_not_come_is_waited_for_once_and_then_less_and_less() {
        let mut helm = stood_back();
        let (one, _) = waker();
        assert_eq!(helm.watch(micros(1050), NOTHING), Watch::Naps(micros(1100)));
        assert_eq!((helm.watch(micros(1100), NOTHING), helm.at()), (Watch::Takes, At::Thread));
        for refusals in [1, 3, 7, 15, 31, 63, 63] {
            for _ in 0..refusals {
                helm.wish(one.clone(), 1);
                helm.calls(&one);
                assert!(!helm.is_wanted());
            }
            helm.wish(one.clone(), 1);
            helm.calls(&one);
            assert!(helm.is_wanted());
            helm.stand_back(micros(2000));
            assert_eq!(helm.watch(micros(2100), NOTHING), Watch::Takes);
        }
    }

    #[test]
    fn naps_grow_while_callers_come_again() {
        let mut helm = stood_back();
        let (one, _) = waker();
        let mut now = micros(1000);
        for nap in [200, 400, 800, 1000, 1000] {
            helm.take(one.clone(), 1, now);
            let left = now + Duration::from_micros(10);
            assert!(!helm.leave(left), "the thread is awake by itself");
            now += NAP;
            assert_eq!(helm.watch(now, NOTHING), Watch::Naps(left + Duration::from_micros(nap)));
        }
        assert_eq!(helm.watch(now + LONGEST_NAP, NOTHING), Watch::Takes);
    }

    #[test]
    fn beside_one_who_waits_long_the_thread_sleeps_until_he_leaves() {
        let mut helm = stood_back();
        let (one, _) = waker();
        helm.take(one, 1, micros(1010));
        assert_eq!(helm.watch(micros(1100), NOTHING), Watch::Naps(micros(1300)), "he may be there only now and then");
        assert_eq!(helm.watch(micros(1300), NOTHING), Watch::Sleeps);
        assert!(helm.leave(micros(90_000)), "now it must look whether he comes again");
        assert_eq!(helm.watch(micros(90_001), NOTHING), Watch::Naps(micros(90_200)));
    }

    #[test]
    fn what_is_due_is_not_slept_over() {
        let mut helm = stood_back();
        assert_eq!(helm.watch(micros(1010), micros(1050)), Watch::Takes);
        let mut helm = stood_back();
        helm.look(micros(1010));
        assert_eq!(helm.watch(micros(1020), micros(1050)), Watch::Naps(micros(1220)), "who is at the helm sees to it");
    }

    #[test]
    fn one_who_waits_for_several_is_one() {
        let mut helm = stood_back();
        let ((one, _), (other, _)) = (waker(), waker());
        helm.take(one.clone(), 3, micros(1010));
        assert_eq!(helm.of_the_same(), 3);
        assert!(helm.calls(&one) && !helm.calls(&other) && helm.is_called());
        assert_eq!(helm.of_the_same(), 2, "it will not wait for what has come");
        helm.leave(micros(1020));
        assert_eq!(helm.of_the_same(), 0);
    }

    #[test]
    fn who_gave_up_is_forgotten() {
        let mut helm = Helm::default();
        let ((one, _), (other, _)) = (waker(), waker());
        helm.wish(one.clone(), 1);
        helm.give_up(&other);
        helm.calls(&one);
        helm.give_up(&one);
        assert!(!helm.is_wanted() && !helm.is_called());
        helm.much_sent();
        assert!(helm.is_wanted() && !helm.is_wanted(), "once");
    }
}
