//! Interleaved rounds.

use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use crate::figure::Figures;
use crate::probe::{Effort, Probe};

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) figures: Figures,
    /// What could not be measured here, and why; each once.
    pub(crate) skipped: Vec<String>,
    /// Seconds that each probe took in all rounds together.
    pub(crate) took: Vec<(&'static str, f64)>,
}

/// Runs all probes `rounds` times, one after the other in each round. Those whose first round says that they cannot be run are left out of
/// the others, and told aloud.
pub(crate) fn run(probes: &[Probe], rounds: usize, effort: Effort) -> Outcome {
    let mut outcome = Outcome { took: probes.iter().map(|probe| (probe.name, 0.0)).collect(), ..Outcome::default() };
    let mut failed = vec![false; probes.len()];
    for round in 0..rounds {
        for (at, probe) in probes.iter().enumerate() {
            if failed[at] || !probe.is_due(round, effort.quick) {
                continue;
            }
            progress(&format!("round {} of {rounds}: {}", round + 1, probe.name));
            let began = Instant::now();
            match (probe.run)(effort) {
                Ok(samples) => samples.into_iter().for_each(|sample| outcome.figures.add(sample)),
                Err(why) => {
                    // What can be run at all is tried again.
                    failed[at] = round == 0;
                    let why = format!("{}, round {}: {why}", probe.name, round + 1);
                    progress("");
                    eprintln!("SKIPPED: {why}");
                    outcome.skipped.push(why);
                }
            }
            outcome.took[at].1 += began.elapsed().as_secs_f64();
        }
    }
    progress("");
    outcome
}

/// Says where it is.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
        // It does not matter if it is not seen.
        let _ = std::io::stderr().flush();
    } else if !text.is_empty() {
        eprintln!("{text}");
    }
}
