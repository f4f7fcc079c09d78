//! When written data left and when the peer had it (`SO_TIMESTAMPING` of what is sent, as Linux tells it): of each write that wants it the
//! moment at which its last byte was handed down for the first time, and the one at which that byte was acknowledged.
//!
//! Links take what is handed down at once, so that both moments of Linux's sending side, before the queue (`SCHED`) and in the driver
//! (`SND`), are one here.

use alloc::collections::VecDeque;

use super::spare::Spare;
use super::tcb::{Sending, Tcb};
use crate::base::{Base, Instant};

/// So many writes are watched, and so much news is kept; what is more is not told.
const MOST: usize = 1024;

/// What a watched write is charged: itself, and all that may be told of it.
const WATCHED: usize = size_of::<Watched>() + 3 * size_of::<Stamp>();

/// What a write wants to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// That it is about to be queued (`SOF_TIMESTAMPING_TX_SCHED`).
    pub scheduled: bool,
    /// That it leaves (`SOF_TIMESTAMPING_TX_SOFTWARE`).
    pub sent: bool,
    /// That the peer has it (`SOF_TIMESTAMPING_TX_ACK`).
    pub acked: bool,
}

/// What happened, by Linux's numbers (`SCM_TSTAMP_*`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Happened {
    /// It left.
    Sent = 0,
    /// It was queued.
    Scheduled = 1,
    /// The peer has it.
    Acked = 2,
}

/// News of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// The offset in the stream of the byte behind it.
    pub end: u64,
    /// What happened ...
    pub happened: Happened,
    /// ... and when.
    pub at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Watched {
    end: u64,
    wanted: Wanted,
    left: bool,
}

/// The writes of a connection that are watched.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    watched: VecDeque<Watched>,
    news: VecDeque<Stamp>,
}

impl Stamps {
    fn watch(&mut self, end: u64, wanted: Wanted) {
        if self.watched.len() < MOST {
            self.watched.push_back(Watched { end, wanted, left: false });
        }
    }

    /// Everything before `sent` left, everything before `acked` arrived, as of now; says whether that is news.
    fn note(&mut self, sent: u64, acked: u64, now: Instant) -> bool {
        let before = self.news.len();
        for watched in self.watched.iter_mut().take_while(|watched| watched.end <= sent).filter(|watched| !watched.left) {
            watched.left = true;
            let Watched { end, wanted, .. } = *watched;
            for (wants, happened) in [(wanted.scheduled, Happened::Scheduled), (wanted.sent, Happened::Sent)] {
                if wants && self.news.len() < MOST {
                    self.news.push_back(Stamp { end, happened, at: now });
                }
            }
        }
        while let Some(watched) = self.watched.front().filter(|watched| watched.end <= acked) {
            if watched.wanted.acked && self.news.len() < MOST {
                self.news.push_back(Stamp { end: watched.end, happened: Happened::Acked, at: now });
            }
            self.watched.pop_front();
        }
        self.news.len() > before
    }

    /// What has not happened never will.
    pub(super) fn watch_no_more(&mut self) {
        self.watched.clear();
    }

    /// Memory held; what is watched has all its news paid for.
    #[cold]
    #[inline(never)]
    pub(super) fn charge(&self) -> usize {
        self.watched.len() * WATCHED + self.news.len() * size_of::<Stamp>()
    }

    /// Nothing is watched, nothing is to be told.
    #[cold]
    #[inline(never)]
    pub(super) fn is_idle(&self) -> bool {
        self.watched.is_empty() && self.news.is_empty()
    }

    /// There is something to be told.
    pub(super) fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    fn take(&mut self) -> Option<Stamp> {
        self.news.pop_front()
    }
}

/// What was written up to now is watched.
pub(super) fn watch(tcb: &mut Tcb, base: &mut Base, wanted: Wanted) {
    let end = tcb.snd.acked + u64::from(tcb.unacked_len());
    if base.budget.allows(WATCHED) {
        tcb.sending_mut().account(base, |sending| sending.stamps.get_or_insert_default().watch(end, wanted));
    }
    note(tcb, base);
}

/// Something was sent or acknowledged.
pub(super) fn note(tcb: &mut Tcb, base: &mut Base) {
    if tcb.sending.as_ref().is_none_or(|sending| sending.stamps.is_none()) {
        return;
    }
    let acked = tcb.snd.acked;
    let sent = acked + u64::from(tcb.unacked_len() - tcb.unsent_len());
    let now = base.now;
    let note = |sending: &mut Sending| sending.stamps.as_mut().is_some_and(|stamps| stamps.note(sent, acked, now));
    if tcb.sending_mut().account(base, note) {
        tcb.notify(base);
    }
}

/// The oldest news.
pub(super) fn take(tcb: &mut Tcb, base: &mut Base, spare: &mut Spare) -> Option<Stamp> {
    let stamp = tcb.sending.as_mut()?.account(base, |sending| sending.stamps.as_mut()?.take());
    tcb.shrink_sending(spare);
    stamp
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_write_is_told_of_when_its_last_byte_goes_and_arrives() {
        let all = Wanted { scheduled: true, sent: true, acked: true };
        let mut stamps = Stamps::default();
        stamps.watch(1000, all);
        stamps.watch(3000, Wanted { acked: true, ..Wanted::default() });
        assert!(!stamps.note(999, 0, Instant::from_secs(1)));
        assert!(stamps.note(2000, 999, Instant::from_secs(2)));
        assert!(!stamps.note(3000, 999, Instant::from_secs(3)), "nobody asked for that");
        assert!(stamps.note(3000, 3000, Instant::from_secs(4)));
        let told: Vec<_> = core::iter::from_fn(|| stamps.take()).map(|one| (one.end, one.happened, one.at)).collect();
        let at = Instant::from_secs;
        assert_eq!(
            told,
            [
                (1000, Happened::Scheduled, at(2)),
                (1000, Happened::Sent, at(2)),
                (1000, Happened::Acked, at(4)),
                (3000, Happened::Acked, at(4))
            ]
        );
        assert!(stamps.is_idle());
    }

    #[test]
    fn who_never_fetches_news_does_not_grow_it() {
        let mut stamps = Stamps::default();
        for end in 1..10_000 {
            stamps.watch(end, Wanted { sent: true, ..Wanted::default() });
            stamps.note(end, end, Instant::EPOCH);
        }
        assert_eq!((stamps.watched.len(), stamps.news.len()), (0, MOST));
    }
}
