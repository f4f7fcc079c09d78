//! What was expected, and whether it held: findings, and from them the verdict and the exit code.
//!
//! - `chosen`: which series a check is about
//! - `evaluate`: thresholds of a check on the metrics of the run
//! - `fired`: whether the impairments that were described did anything
//! - `came`: whether the changes of the run had their moment
//!
//! | findings | verdict | exit code |
//! |---|---|---|
//! | one failed | failed | 1 |
//! | otherwise one inconclusive, or none at all | inconclusive | 3 |
//! | all held | held | 0 |

mod came;
mod chosen;
mod evaluate;
mod fired;

pub use came::never_came;
pub use chosen::Groups;
pub use evaluate::evaluate;
pub use fired::never_fired;

/// Whether something held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Verdict {
    /// It did.
    Held,
    /// The run does not say.
    Inconclusive,
    /// It did not.
    Failed,
}

impl Verdict {
    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Inconclusive => "inconclusive",
            Self::Failed => "failed",
        }
    }

    /// The exit code of a run with this verdict.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Failed => 1,
            Self::Inconclusive => 3,
        }
    }
}

/// What became of one expectation.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// What was expected: `tcp.request where host=client*: p(99) < 450ms`.
    pub expected: String,
    /// Whether it held.
    pub verdict: Verdict,
    /// What was found: `312ms, 903 samples`.
    pub found: String,
}

impl Finding {
    /// A finding of the caller's: of a program's state, say.
    pub fn new(expected: impl Into<String>, verdict: Verdict, found: impl Into<String>) -> Self {
        Self { expected: expected.into(), verdict, found: found.into() }
    }
}

/// The verdict on a run: the worst finding. A run in which nothing was checked is inconclusive.
pub fn verdict(findings: &[Finding]) -> Verdict {
    findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Inconclusive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_finding_decides_and_an_empty_run_never_passes() {
        let run = |verdicts: &[Verdict]| {
            let findings: Vec<_> = verdicts.iter().map(|verdict| Finding::new("x", *verdict, "y")).collect();
            verdict(&findings).exit_code()
        };
        use Verdict::*;
        assert_eq!(run(&[]), 3);
        assert_eq!(run(&[Held, Held]), 0);
        assert_eq!(run(&[Held, Inconclusive]), 3);
        assert_eq!(run(&[Held, Inconclusive, Failed]), 1);
    }
}
