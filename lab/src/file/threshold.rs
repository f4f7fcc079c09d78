//! What a check expects, in k6's words: `p(99) < 450ms`.

use std::fmt;

use super::Unit;
use super::units;

/// A bound on a statistic of a metric.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Threshold {
    /// Which statistic.
    pub stat: Stat,
    /// How it must compare.
    pub op: Op,
    /// With what.
    pub bound: Bound,
}

/// A statistic of the samples of a metric.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Stat {
    /// `p(99)`: the value that so many percent of the samples do not exceed; 0 to 100.
    Percentile(f64),
    /// `min`
    Min,
    /// `max`
    Max,
    /// `avg`: the arithmetic mean.
    Avg,
    /// `med`: the same as `p(50)`.
    Med,
    /// `count`: how many samples there are; of a counter, what it stands at.
    Count,
    /// `rate`: samples a second of lab time; of a counter, its growth a second; of a share, the share.
    Rate,
    /// `value`: what a metric stands at in the end.
    Value,
}

impl Stat {
    /// Those that are a bare word.
    const WORDS: [(&'static str, Self); 7] = [
        ("avg", Self::Avg),
        ("count", Self::Count),
        ("max", Self::Max),
        ("med", Self::Med),
        ("min", Self::Min),
        ("rate", Self::Rate),
        ("value", Self::Value),
    ];

    /// The unit of this statistic of a metric; `None` if a bound may have any that is a number or a share.
    fn unit(self, of: Unit) -> Option<Unit> {
        match self {
            Self::Count if of != Unit::Bytes => Some(Unit::Count),
            Self::Rate => None,
            _ => Some(of),
        }
    }
}

/// How two values compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl Op {
    /// By sign; the longer ones first.
    const SIGNS: [(&'static str, Self); 6] = [
        ("<=", Self::LessOrEqual),
        (">=", Self::GreaterOrEqual),
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    /// True if `value` holds against `bound`.
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
            Self::Equal => alike(value, bound),
            Self::NotEqual => !alike(value, bound),
        }
    }
}

/// Equal to nine digits: a bound that is written in decimal is not the value that was computed, bit by bit.
fn alike(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs())
}

/// A number with its unit.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Bound {
    /// In seconds, bits a second, bytes, or from 0 to 1, as the unit says.
    pub value: f64,
    /// Its unit.
    pub unit: Unit,
}

impl Threshold {
    /// Reads `p(99) < 450ms`; an error says what is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        let form = || "write a statistic, a comparison and a value: \"p(99) < 450ms\"".to_owned();
        let found = Op::SIGNS.iter().filter_map(|(sign, op)| Some((text.find(sign)?, *sign, *op))).min_by_key(|(at, ..)| *at);
        let Some((at, sign, op)) = found else {
            return Err((format!("no comparison in {text:?}"), format!("{}; one of < <= > >= == !=", form())));
        };
        let stat = Self::stat(text[..at].trim())?;
        let value = text[at + sign.len()..].trim();
        if value.is_empty() {
            return Err((format!("nothing to compare with in {text:?}"), form()));
        }
        Ok(Self { stat, op, bound: Self::bound(value)? })
    }

    fn stat(text: &str) -> Result<Stat, (String, String)> {
        let known = "expected p(N), min, max, avg, med, count, rate or value";
        if let Some(inner) = text.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')')) {
            return match inner.trim().parse::<f64>() {
                Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Stat::Percentile(percent)),
                _ => Err((format!("{inner:?} is no percentile"), "p(N) with N from 0 to 100: p(99), p(99.9)".into())),
            };
        }
        let word = Stat::WORDS.iter().find(|(word, _)| *word == text).map(|(_, stat)| *stat);
        word.ok_or_else(|| (format!("unknown statistic {text:?}"), known.into()))
    }

    fn bound(text: &str) -> Result<Bound, (String, String)> {
        units::quantity(text).map(|(value, unit)| Bound { value, unit }).ok_or_else(|| {
            (format!("{text:?} is no value"), "a number with its unit: 450ms, 1%, 20mbit, 200kB; or a bare count".into())
        })
    }

    /// The bound has the unit that values of a metric have; otherwise says which one is wanted.
    pub fn fits(&self, metric: Unit) -> Result<(), &'static str> {
        let wanted = match self.stat.unit(metric) {
            Some(unit) => unit,
            None if matches!(self.bound.unit, Unit::Count | Unit::Ratio) => return Ok(()),
            None => Unit::Count,
        };
        if wanted == self.bound.unit || wanted == Unit::Bytes && self.bound.unit == Unit::Count && self.stat == Stat::Count {
            return Ok(());
        }
        Err(match wanted {
            Unit::Time => "a time, as 450ms",
            Unit::Ratio => "a share, as 1%",
            Unit::Rate => "a rate, as 20mbit",
            Unit::Bytes => "bytes, as 200kB",
            Unit::Count => "a bare number",
        })
    }

    /// How many samples it takes for this to mean anything: `3 / (1 - N/100)` for `p(N)`, otherwise 1 (none for `count`).
    pub fn min_samples(&self) -> u64 {
        match self.stat {
            Stat::Percentile(percent) if percent < 100.0 => (3.0 / (1.0 - percent / 100.0)).round().max(1.0) as u64,
            Stat::Count | Stat::Rate | Stat::Value => 0,
            _ => 1,
        }
    }
}

impl fmt::Display for Stat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Percentile(percent) = self {
            return write!(f, "p({percent})");
        }
        f.write_str(Self::WORDS.iter().find(|(_, stat)| stat == self).map_or("", |(word, _)| word))
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::SIGNS.iter().find(|(_, op)| op == self).map_or("", |(sign, _)| sign))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&units::show(self.value, self.unit))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stat, op, bound } = self;
        write!(f, "{stat} {op} {bound}")
    }
}
