//! What happens to a packet on the wire, drawn when it is put.

use super::draw::{Draws, Odds, Purpose};
use super::flows::Flow;
use super::loss::Model;
use super::quantile::deviation;
use super::terms::{Chance, Distribution, Terms};

/// What was drawn for a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Lot {
    pub(super) lost: bool,
    pub(super) ride: Ride,
    /// That of the copy, if the link makes one.
    pub(super) copy: Option<Ride>,
}

/// How a packet, or its copy, crosses the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Ride {
    /// One bit is flipped: 64 random bits choose which.
    pub(super) damage: Option<u64>,
    /// Nanoseconds more or less than the delay.
    pub(super) deviation: i64,
    /// It overtakes.
    pub(super) early: bool,
}

/// The terms as far as anything is drawn for them.
#[derive(Debug)]
pub(super) struct Lots {
    loss: Model,
    duplicate: Coupled,
    corrupt: Coupled,
    reorder: Coupled,
    jitter: Option<super::terms::Jitter>,
    /// How often a deviation is that of the packet before.
    jitter_repeat: Odds,
    /// Packets are lost or go on, and nothing else happens to them.
    only_loss: bool,
}

/// A chance, ready to be drawn.
#[derive(Clone, Copy, Debug, Default)]
struct Coupled {
    odds: Odds,
    repeat: Odds,
}

impl From<Chance> for Coupled {
    fn from(chance: Chance) -> Self {
        Self { odds: Odds::new(chance.probability), repeat: Odds::new(chance.correlation) }
    }
}

impl Coupled {
    fn hit(&self, draws: &Draws, purpose: Purpose, key: u64, number: u64, last: &mut u64) -> bool {
        self.odds != Odds::Never && self.odds.hit(draws.draw_after(purpose, key, number, self.repeat, last))
    }
}

impl Lots {
    pub(super) fn new(terms: &Terms) -> Self {
        let Terms { duplicate, corrupt, reorder, jitter, .. } = terms;
        let only_loss = [*duplicate, *corrupt].iter().all(|chance| Coupled::from(*chance).odds == Odds::Never)
            && reorder.is_none()
            && jitter.is_none();
        Self {
            only_loss,
            loss: Model::new(terms.loss.as_ref()),
            duplicate: terms.duplicate.into(),
            corrupt: terms.corrupt.into(),
            reorder: terms.reorder.map(|reorder| reorder.chance.into()).unwrap_or_default(),
            jitter: terms.jitter.clone(),
            jitter_repeat: Odds::new(terms.jitter.as_ref().map_or(0.0, |jitter| jitter.correlation)),
        }
    }

    /// Draws the lots of packets as long as nothing happens to them, for `count` packets at most; then that of the one to which something does.
    /// Says how many went on, and the lot of the next.
    pub(super) fn draw_until(&self, draws: &Draws, key: u64, flow: &mut Flow, count: usize) -> (usize, Option<Lot>) {
        if self.only_loss {
            let lost = self.loss.first_lost(draws, key, flow, count);
            return (lost.unwrap_or(count), lost.map(|_| Lot { lost: true, ..Lot::default() }));
        }
        for n in 0..count {
            flow.number += 1;
            let lot = self.draw(draws, key, flow);
            if lot != Lot::default() {
                return (n, Some(lot));
            }
        }
        (count, None)
    }

    /// The lot of the packet that `flow.number` counts. To be drawn once a packet, in order.
    pub(super) fn draw(&self, draws: &Draws, key: u64, flow: &mut Flow) -> Lot {
        let lost = self.loss.loses(draws, key, flow);
        let number = flow.number;
        let last = &mut flow.last;
        let copied = self.duplicate.hit(draws, Purpose::Duplicate, key, number, &mut last.duplicate);
        let damaged = self.corrupt.hit(draws, Purpose::Corrupt, key, number, &mut last.corrupt);
        let ride = Ride {
            damage: damaged.then(|| draws.draw(Purpose::CorruptBit, key, number)),
            deviation: self
                .deviation(number, || draws.draw_after(Purpose::Jitter, key, number, self.jitter_repeat, &mut last.jitter)),
            early: self.reorder.hit(draws, Purpose::Reorder, key, number, &mut last.reorder),
        };
        Lot { lost, ride, copy: copied.then(|| self.copy(draws, key, number)) }
    }

    /// A copy's own; it takes no part in the correlation of the flow's packets.
    fn copy(&self, draws: &Draws, key: u64, number: u64) -> Ride {
        let hit = |chance: Coupled, purpose| chance.odds.hit(draws.draw(purpose, key, number));
        Ride {
            damage: hit(self.corrupt, Purpose::CopyCorrupt).then(|| draws.draw(Purpose::CopyCorruptBit, key, number)),
            deviation: self.deviation(number, || draws.draw(Purpose::CopyJitter, key, number)),
            early: hit(self.reorder, Purpose::CopyReorder),
        }
    }

    fn deviation(&self, number: u64, draw: impl FnOnce() -> u64) -> i64 {
        let Some(jitter) = &self.jitter else { return 0 };
        match &jitter.distribution {
            Distribution::Trace(delays) if delays.is_empty() => 0,
            Distribution::Trace(delays) => {
                let turn = (number - 1) % delays.len() as u64;
                i64::try_from(delays[turn as usize]).unwrap_or(i64::MAX)
            }
            other => deviation(other, jitter.spread, draw()),
        }
    }
}
