//! Random numbers that belong to a packet: a hash of the pipe's seed, the purpose, the flow and the packet's number in it.
//!
//! Nothing is drawn in sequence, so no packet of another flow, no earlier impairment that is switched off or on, and no timing can
//! change what a packet draws.

use loggia_stack::base::Sip;

use super::pipe::PipeSeed;

/// What is drawn for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    Loss,
    /// In which state of a chain a flow begins.
    LossStart,
    /// To which state a chain goes.
    LossStep,
    Duplicate,
    Corrupt,
    CorruptBit,
    Reorder,
    Jitter,
    Red,
    CopyCorrupt,
    CopyCorruptBit,
    CopyReorder,
    CopyJitter,
}

/// Purposes of repetition lie behind those.
const REPEAT: u8 = 0x80;

/// The numbers of one direction of a link.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draws {
    sip: Sip<1, 3>,
}

impl Draws {
    pub(super) fn new(seed: PipeSeed) -> Self {
        let both = u128::from_le_bytes(seed.0);
        Self { sip: Sip::new(both as u64, (both >> 64) as u64) }
    }

    /// 64 random bits of the flow's packet.
    pub(super) fn draw(&self, purpose: Purpose, flow: u64, number: u64) -> u64 {
        self.hash(purpose as u8, flow, number)
    }

    /// [`Draws::draw`] for many packets of a flow.
    pub(super) fn of_flow(&self, purpose: Purpose, flow: u64) -> FlowDraws {
        self.flow(purpose as u8, flow)
    }

    /// The same, but with probability `repeat` what the packet before drew, which is remembered in `last`.
    ///
    /// This is how neighbours are correlated: the correlation of two neighbours is `repeat`, and how often anything happens does not
    /// change. (netem mixes the two numbers instead, which makes rare events rarer the more they are correlated.)
    pub(super) fn draw_after(&self, purpose: Purpose, flow: u64, number: u64, repeat: Odds, last: &mut u64) -> u64 {
        let again = number > 1 && repeat != Odds::Never && repeat.hit(self.hash(purpose as u8 | REPEAT, flow, number));
        if !again {
            *last = self.draw(purpose, flow, number);
        }
        *last
    }

    fn hash(&self, purpose: u8, flow: u64, number: u64) -> u64 {
        self.flow(purpose, flow).draw(number)
    }

    fn flow(&self, purpose: u8, flow: u64) -> FlowDraws {
        let mut sip = self.sip;
        sip.word(flow.to_le_bytes());
        FlowDraws { sip, purpose: u64::from(purpose) << 56 }
    }
}

/// The numbers of one flow for one purpose.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlowDraws {
    sip: Sip<1, 3>,
    purpose: u64,
}

impl FlowDraws {
    /// 64 random bits of the flow's packet.
    #[inline]
    pub(super) fn draw(&self, number: u64) -> u64 {
        let mut sip = self.sip;
        sip.word((number | self.purpose).to_le_bytes());
        sip.finish([0; 4], 16)
    }
}

/// A probability, to be compared with 64 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Odds {
    #[default]
    Never,
    Below(u64),
    Always,
}

impl Odds {
    /// What is not between 0 and 1 counts as the nearer of them, what is no number as 0.
    pub(super) fn new(probability: f64) -> Self {
        if probability >= 1.0 {
            Self::Always
        } else if probability > 0.0 {
            Self::Below(fraction(probability))
        } else {
            Self::Never
        }
    }

    pub(super) fn hit(self, draw: u64) -> bool {
        match self {
            Self::Never => false,
            Self::Below(bound) => draw < bound,
            Self::Always => true,
        }
    }
}

/// A number between 0 and 1 in units of 2^-64. Multiplying by a power of two is exact, on every machine.
pub(super) fn fraction(number: f64) -> u64 {
    (number * 18_446_744_073_709_551_616.0) as u64
}

/// A number below `bound`.
pub(super) fn below(draw: u64, bound: u64) -> u64 {
    ((u128::from(draw) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ_by_seed_purpose_flow_and_number_and_by_nothing_else() {
        let draws = Draws::new(PipeSeed([7; 16]));
        let one = draws.draw(Purpose::Loss, 1, 1);
        assert_eq!(one, Draws::new(PipeSeed([7; 16])).draw(Purpose::Loss, 1, 1));
        assert_ne!(one, Draws::new(PipeSeed([8; 16])).draw(Purpose::Loss, 1, 1));
        assert_ne!(one, draws.draw(Purpose::Jitter, 1, 1));
        assert_ne!(one, draws.draw(Purpose::Loss, 2, 1));
        assert_ne!(one, draws.draw(Purpose::Loss, 1, 2));
    }

    /// A change of these would change the fates of every lab in the world.
    #[test]
    fn the_numbers_are_the_same_on_every_machine() {
        let draws = Draws::new(PipeSeed(*b"0123456789abcdef"));
        assert_eq!(draws.draw(Purpose::Loss, 1, 1), 6_461_743_231_443_232_160);
        assert_eq!(draws.draw(Purpose::Jitter, u64::MAX, 77), 836_807_184_327_499_960);
        assert_eq!(draws.of_flow(Purpose::Jitter, u64::MAX).draw(77), 836_807_184_327_499_960);
    }

    #[test]
    fn odds_are_right_at_their_ends() {
        assert!(!Odds::new(0.0).hit(0) && !Odds::new(-1.0).hit(0) && !Odds::new(f64::NAN).hit(0));
        assert!(Odds::new(1.0).hit(u64::MAX) && Odds::new(7.0).hit(u64::MAX));
        assert!(Odds::new(0.5).hit((1 << 63) - 1) && !Odds::new(0.5).hit(1 << 63));
        assert_eq!((below(u64::MAX, 6), below(0, 6)), (5, 0));
    }
}
