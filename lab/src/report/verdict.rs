//! What was expected, and whether it held.

use super::look::{Look, Tone, count};
use crate::check::{Finding, Verdict, verdict as verdict_of};

/// The findings, a line each, and the verdict.
pub fn verdict(findings: &[Finding], look: &Look) -> String {
    let mut text = String::new();
    let width = findings.iter().map(|finding| finding.expected.chars().count()).max().unwrap_or(0).min(look.columns() / 2 + 10);
    for finding in findings {
        let line = format!("{:<width$}  {}", finding.expected, finding.found);
        text += &format!("{} {line}\n", look.paint(tone(finding.verdict), mark(finding.verdict, look)));
    }
    let of = |wanted: Verdict| findings.iter().filter(|finding| finding.verdict == wanted).count() as u64;
    let sums = [(Verdict::Failed, "failed"), (Verdict::Inconclusive, "inconclusive"), (Verdict::Held, "held")];
    let sums: Vec<_> =
        sums.iter().filter(|(which, _)| of(*which) > 0).map(|(which, name)| format!("{} {name}", of(*which))).collect();
    let all = verdict_of(findings);
    let sum = if findings.is_empty() {
        "nothing was checked: a run without checks does not pass".into()
    } else {
        format!("{}: {}", count(findings.len() as u64, "expectation", "expectations"), sums.join(", "))
    };
    text + &format!("{} {sum}\n", look.paint(tone(all), &all.name().to_uppercase()))
}

const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Held => Tone::Good,
        Verdict::Inconclusive => Tone::Warn,
        Verdict::Failed => Tone::Bad,
    }
}

const fn mark(verdict: Verdict, look: &Look) -> &'static str {
    match (verdict, look.ascii) {
        (Verdict::Held, false) => "✓",
        (Verdict::Failed, false) => "✗",
        (Verdict::Held, true) => "+",
        (Verdict::Failed, true) => "x",
        (Verdict::Inconclusive, _) => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expectation_has_its_line() {
        let findings = [
            Finding::new("tcp.request: p(99) < 450ms", Verdict::Held, "312ms, 903 samples"),
            Finding::new("client exits with 0", Verdict::Failed, "exited with 7"),
        ];
        let text = verdict(&findings, &Look::default());
        assert_eq!(
            text,
            "✓ tcp.request: p(99) < 450ms  312ms, 903 samples\n\
             ✗ client exits with 0         exited with 7\n\
             FAILED 2 expectations: 1 failed, 1 held\n"
        );
        assert_eq!(verdict(&[], &Look::default()), "INCONCLUSIVE nothing was checked: a run without checks does not pass\n");
    }
}
