//! `counts.toml`: what each scenario took when somebody last looked and agreed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

/// A count may grow by so many hundredths before the gate closes.
pub const TOLERANCE: u64 = 3;

/// The counts of one kind by scenario.
pub type Counts = BTreeMap<String, u64>;

/// The file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Baseline {
    /// With which compiler instructions were counted.
    pub rustc: String,
    /// Of our own code, in the release profile.
    pub instructions: Counts,
    /// The same in all profiles.
    pub allocations: Counts,
}

const HEAD: &str = "\
# What the fixed scenarios of bench/src/counts/ take. `./check counts` fails when one takes 3 % more.
# A change of performance changes this file in the same commit, with its reason there:
#   LOGGIA_BLESS=1 ./check counts
";

/// Where it is.
pub fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("counts.toml")
}

impl Baseline {
    /// Reads it; what is not there is empty.
    pub fn read() -> Self {
        std::fs::read_to_string(path()).map(|text| Self::parse(&text)).unwrap_or_default()
    }

    /// Writes it.
    pub fn write(&self) -> io::Result<()> {
        std::fs::write(path(), self.text())
    }

    fn parse(text: &str) -> Self {
        let mut baseline = Self::default();
        let mut section = "";
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name;
            } else if let Some((key, value)) = line.split_once(" = ") {
                let into = match section {
                    "instructions" => &mut baseline.instructions,
                    "allocations" => &mut baseline.allocations,
                    _ => {
                        baseline.rustc = value.trim_matches('"').to_owned();
                        continue;
                    }
                };
                into.extend(value.replace('_', "").parse().ok().map(|count: u64| (key.to_owned(), count)));
            }
        }
        baseline
    }

    fn text(&self) -> String {
        let mut out = format!("{HEAD}rustc = \"{}\"\n", self.rustc);
        for (name, counts) in [("instructions", &self.instructions), ("allocations", &self.allocations)] {
            let _ = writeln!(out, "\n[{name}]");
            for (scenario, count) in counts {
                let _ = writeln!(out, "{scenario} = {}", grouped(*count));
            }
        }
        out
    }
}

/// A number with its thousands apart, as TOML has it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}

/// What is wrong with `now`: what grew beyond the tolerance, and what nobody agreed on.
pub fn grown(baseline: &Counts, now: &Counts) -> Vec<String> {
    let judge = |(name, count): (&String, &u64)| match baseline.get(name) {
        None => Some(format!("{name}: {count}, of which the baseline says nothing")),
        Some(agreed) if count * 100 > agreed * (100 + TOLERANCE) => {
            let percent = (*count as f64 / *agreed as f64 - 1.0) * 100.0;
            Some(format!("{name}: {} instead of {}, {percent:.1} % more", grouped(*count), grouped(*agreed)))
        }
        Some(_) => None,
    };
    now.iter().filter_map(judge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(entries: &[(&str, u64)]) -> Counts {
        entries.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let baseline = Baseline {
            rustc: "1.95.0".into(),
            instructions: counts(&[("a", 12), ("b", 1_234_567)]),
            allocations: counts(&[("a", 0)]),
        };
        assert_eq!(Baseline::parse(&baseline.text()), baseline);
        assert!(baseline.text().contains("b = 1_234_567"));
    }

    #[test]
    fn growth_beyond_the_tolerance_is_told_and_nothing_else() {
        let agreed = counts(&[("a", 1000), ("b", 0)]);
        assert!(grown(&agreed, &counts(&[("a", 1030), ("b", 0)])).is_empty());
        assert!(grown(&agreed, &counts(&[("a", 10)])).is_empty());
        assert_eq!(grown(&agreed, &counts(&[("a", 1031), ("b", 1), ("c", 1)])).len(), 3);
    }
}
