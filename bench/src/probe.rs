//! A thing to be measured: run once a round, it gives some samples.

use crate::figure::Sample;

/// How much work a measurement does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Times the full form's amount.
    pub(crate) scale: f64,
    /// The form of about two minutes.
    pub(crate) quick: bool,
}

impl Effort {
    /// `full` scaled, at least 1.
    pub(crate) fn of(self, full: usize) -> usize {
        ((full as f64 * self.scale) as usize).max(1)
    }
}

/// How often a probe is run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Often {
    /// In each round.
    EachRound,
    /// In the first three rounds of the full form, once in the quick one: it takes long, and interleaves by itself what it compares.
    Seldom,
    /// Once: it comes out the same each time, or has rounds of its own.
    Once,
}

/// Something that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    /// For progress and errors.
    pub(crate) name: &'static str,
    /// The rows for which its figures are wanted.
    pub(crate) rows: &'static [u8],
    pub(crate) often: Often,
    /// Measures once. An error says why it cannot be done here.
    pub(crate) run: fn(Effort) -> Result<Vec<Sample>, String>,
}

impl Probe {
    /// True if it is to run in `round`, counted from 0.
    pub(crate) fn is_due(&self, round: usize, quick: bool) -> bool {
        match self.often {
            Often::EachRound => true,
            Often::Seldom => round < if quick { 1 } else { 3 },
            Often::Once => round == 0,
        }
    }
}
