//! What the impairments of a link have had to do: how many packets crossed while each was in force, and how many it was to touch.

use super::terms::{Loss, Terms};

/// What happens to some of the packets, by chance or by a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Impairment {
    /// They are lost.
    Loss,
    /// They arrive twice.
    Duplicate,
    /// They arrive damaged.
    Corrupt,
    /// They overtake others.
    Reorder,
}

impl Impairment {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Loss, Self::Duplicate, Self::Corrupt, Self::Reorder];

    /// The key of a lab file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Duplicate => "duplicate",
            Self::Corrupt => "corrupt",
            Self::Reorder => "reorder",
        }
    }

    /// Which share of the packets it touches in the long run; none if the terms do not ask for it. A list of packets has no share: 0.
    fn share(self, terms: &Terms) -> Option<f64> {
        let chance = match self {
            Self::Loss => return terms.loss.as_ref().filter(|loss| can_lose(loss)).map(loss_share),
            Self::Duplicate => terms.duplicate,
            Self::Corrupt => terms.corrupt,
            Self::Reorder => terms.reorder?.chance,
        };
        Some(chance.probability).filter(|share| *share > 0.0)
    }
}

fn can_lose(loss: &Loss) -> bool {
    match loss {
        Loss::Independent(chance) => chance.probability > 0.0,
        Loss::GilbertElliott { enter, bad, good, .. } => *good > 0.0 || (*enter > 0.0 && *bad > 0.0),
        Loss::FourState { p13, p14, .. } => *p13 > 0.0 || *p14 > 0.0,
        Loss::Periodic { .. } => true,
        Loss::List(numbers) => !numbers.is_empty(),
    }
}

fn loss_share(loss: &Loss) -> f64 {
    match loss {
        Loss::Independent(chance) => chance.probability,
        Loss::GilbertElliott { enter, leave, bad, good } if enter + leave > 0.0 => (enter * bad + leave * good) / (enter + leave),
        Loss::GilbertElliott { good, .. } => *good,
        Loss::Periodic { every, .. } => 1.0 / (*every).max(1) as f64,
        // Of the four states the shares of leaving the first are a lower bound, which is what matters here.
        Loss::FourState { p13, p14, .. } => p13 + p14,
        Loss::List(_) => 0.0,
    }
}

/// How much an impairment has had to do.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Exposure {
    /// Packets that crossed while it was in force.
    pub packets: u64,
    /// How many of them it was to touch, on average.
    pub expected: f64,
    /// How many it touched.
    pub touched: u64,
}

impl Exposure {
    /// Both directions of a link together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            packets: self.packets + other.packets,
            expected: self.expected + other.expected,
            touched: self.touched + other.touched,
        }
    }
}

/// What the impairments of one direction have had to do. What hosts send of themselves does not count: programs do not notice it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exposures {
    past: [Option<Exposure>; 4],
    /// Packets that were sent, and touched, under the present terms.
    sent: u64,
    touched: [u64; 4],
}

impl Exposures {
    /// A packet is sent.
    pub(super) fn sent(&mut self) {
        self.sent_many(1);
    }

    /// So many packets are sent.
    pub(super) fn sent_many(&mut self, packets: u64) {
        self.sent += packets;
    }

    /// An impairment touched a packet.
    pub(super) fn touched(&mut self, impairment: Impairment) {
        self.touched[impairment as usize] += 1;
    }

    /// The terms that were in force until now are not any more.
    pub(super) fn change(&mut self, terms: &Terms) {
        *self = Self { past: Impairment::ALL.map(|impairment| self.of(impairment, terms)), ..Self::default() };
    }

    /// What one has had to do up to now; none if it was never in force.
    pub(super) fn of(&self, impairment: Impairment, terms: &Terms) -> Option<Exposure> {
        let touched = self.touched[impairment as usize];
        let exposure = |share: f64| Exposure { packets: self.sent, expected: share * self.sent as f64, touched };
        // What was already on its way when the terms changed may be touched without being in force any more.
        let present =
            impairment.share(terms).map(exposure).or((touched > 0).then(|| Exposure { touched, ..Exposure::default() }));
        match (self.past[impairment as usize], present) {
            (Some(past), Some(present)) => Some(past.and(present)),
            (past, present) => past.or(present),
        }
    }
}
