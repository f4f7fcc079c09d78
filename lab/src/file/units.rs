//! Numbers with their units: `100ms`, `1%`, `20mbit`, `200kB`. A number without its unit is no value.

use loggia_stack::base::time::Duration;

use super::Unit;

/// Seconds of each unit of time.
const TIME: [(&str, f64); 7] = [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("h", 3600.0)];

/// Bits a second of each unit of rate, compared without case and without a `/s` behind.
const BITS: [(&str, f64); 5] = [("bit", 1.0), ("kbit", 1e3), ("mbit", 1e6), ("gbit", 1e9), ("tbit", 1e12)];

/// Bytes of each unit of size.
const BYTES: [(&str, f64); 8] =
    [("B", 1.0), ("kB", 1e3), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("KiB", 1024.0), ("MiB", 1048576.0), ("GiB", 1073741824.0)];

/// Longest time that anything may take: a thousand days.
const LONGEST: f64 = 86_400_000.0;

/// What is wrong with a value: what would be right.
pub(super) type Wrong = String;

/// A number and the unit behind it.
fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '_'))).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number = number.replace('_', "").parse::<f64>().ok()?;
    number.is_finite().then_some((number, unit.trim()))
}

fn factor(units: &[(&str, f64)], unit: &str) -> Option<f64> {
    units.iter().find(|(name, _)| *name == unit).map(|(_, factor)| *factor)
}

/// Bits a second that a unit of rate stands for, whether it counts bits or bytes.
fn rate_factor(unit: &str) -> Option<f64> {
    let bare = unit.strip_suffix("/s");
    if let Some(bytes) = bare.and_then(|bare| factor(&BYTES, bare)) {
        return Some(bytes * 8.0);
    }
    factor(&BITS, &bare.unwrap_or(unit).to_ascii_lowercase())
}

/// A time: `100ms`, `1.5s`, `2min`, `1h`, `20us`, `5ns`.
pub fn duration(text: &str) -> Result<Duration, Wrong> {
    let form = "expected a time with its unit (ns, us, ms, s, min, h)";
    match split(text) {
        Some((number, "")) => Err(format!("{form}; did you mean \"{number}s\" or \"{number}ms\"?")),
        Some((number, _)) if number < 0.0 => Err("a time is not negative".into()),
        Some((number, unit)) => match factor(&TIME, unit) {
            Some(factor) if number * factor <= LONGEST => Ok(seconds(number * factor)),
            Some(_) => Err("a time is at most a thousand days".into()),
            None => Err(near(form, unit, TIME.iter().map(|(name, _)| *name), number)),
        },
        None => Err(format!("{form}: \"100ms\"")),
    }
}

/// Whole nanoseconds, rounded, so that `0.1s` is exactly `100ms`.
fn seconds(seconds: f64) -> Duration {
    Duration::from_nanos((seconds * 1e9).round() as u64)
}

/// A share from 0 to 1: `1%`.
pub(super) fn share(text: &str) -> Result<f64, Wrong> {
    let form = "expected a percentage";
    match split(text) {
        Some((number, "%")) if (0.0..=100.0).contains(&number) => Ok(number / 100.0),
        Some((_, "%")) => Err("a percentage lies between 0% and 100%".into()),
        Some((number, "")) => Err(bare_share(number)),
        _ => Err(format!("{form}: \"1%\"")),
    }
}

/// What to write instead of a share without its unit.
pub(super) fn bare_share(number: f64) -> Wrong {
    let meant = |number: f64| format!("\"{}%\"", (number * 1e9).round() / 1e9);
    if number > 0.0 && number < 1.0 {
        return format!("expected a percentage; did you mean {} or {}?", meant(number * 100.0), meant(number));
    }
    format!("expected a percentage; did you mean {}?", meant(number))
}

/// Bits a second: `20mbit`, `2.5MB/s`.
pub fn rate(text: &str) -> Result<u64, Wrong> {
    let form = "expected a rate in bits (bit, kbit, mbit, gbit) or bytes a second (kB/s, MB/s)";
    match split(text) {
        Some((number, "")) => Err(format!("{form}; did you mean \"{number}mbit\"?")),
        Some((number, "bps" | "kbps" | "mbps" | "gbps" | "Mbps" | "Gbps")) => {
            Err(format!("{form}; bps means bits to some and bytes to others: \"{number}mbit\" or \"{number}MB/s\""))
        }
        Some((number, unit)) => match rate_factor(unit) {
            Some(factor) if number * factor >= 1.0 && number * factor <= 1e15 => Ok((number * factor).round() as u64),
            Some(_) => Err("a rate lies between 1bit and 1000tbit; without `rate` there is no limit".into()),
            None if factor(&BYTES, unit).is_some() => Err(format!("{form}; did you mean \"{number}{unit}/s\"?")),
            None => Err(near(form, unit, BITS.iter().map(|(name, _)| *name), number)),
        },
        None => Err(format!("{form}: \"20mbit\"")),
    }
}

/// Bytes: `200kB`, `1MiB`.
pub fn size(text: &str) -> Result<u64, Wrong> {
    let form = "expected a size in bytes (B, kB, MB, GB, KiB, MiB, GiB)";
    match split(text) {
        Some((number, "")) => Err(format!("{form}; did you mean \"{number}B\" or \"{number}kB\"?")),
        Some((number, unit)) => match factor(&BYTES, unit) {
            Some(factor) if number >= 0.0 && number * factor <= 1e15 => Ok((number * factor).round() as u64),
            Some(_) => Err("a size lies between 0B and 1000000GB".into()),
            None => Err(near(form, unit, BYTES.iter().map(|(name, _)| *name), number)),
        },
        None => Err(format!("{form}: \"200kB\"")),
    }
}

/// A number of packets: `1000packets`; `None` if it is something else.
pub(super) fn packets(text: &str) -> Option<u64> {
    match split(text)? {
        (number, "packets" | "packet" | "p") if number >= 1.0 && number.fract() == 0.0 => Some(number as u64),
        _ => None,
    }
}

/// Any value, in seconds, bits a second, bytes or a share.
pub(super) fn quantity(text: &str) -> Option<(f64, Unit)> {
    let (number, unit) = split(text)?;
    let of = |factor: f64, unit| Some((number * factor, unit));
    match unit {
        "" => Some((number, Unit::Count)),
        "%" => Some((number / 100.0, Unit::Ratio)),
        _ => None
            .or_else(|| factor(&TIME, unit).and_then(|factor| of(factor, Unit::Time)))
            .or_else(|| factor(&BYTES, unit).and_then(|factor| of(factor, Unit::Bytes)))
            .or_else(|| rate_factor(unit).and_then(|factor| of(factor, Unit::Rate))),
    }
}

/// `form`, and the unit that was probably meant.
fn near<'a>(form: &str, unit: &str, known: impl Iterator<Item = &'a str>, number: f64) -> Wrong {
    match super::nearest(unit, known) {
        Some(meant) => format!("{form}; did you mean \"{number}{meant}\"?"),
        None => form.into(),
    }
}

/// A value as one would write it: `0.45` seconds are `450ms`.
pub fn show(value: f64, unit: Unit) -> String {
    let scaled = |steps: &[(f64, &str)]| {
        let step = steps.iter().find(|(least, _)| value.abs() >= *least).or(steps.last());
        step.map_or_else(String::new, |(least, name)| format!("{}{name}", round(value / least)))
    };
    match unit {
        Unit::Count => round(value),
        Unit::Ratio => format!("{}%", round(value * 100.0)),
        Unit::Time if value == 0.0 => "0s".into(),
        Unit::Time => scaled(&[(1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")]),
        Unit::Rate => scaled(&[(1e9, "gbit"), (1e6, "mbit"), (1e3, "kbit"), (1.0, "bit")]),
        Unit::Bytes => scaled(&[(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")]),
    }
}

/// Six significant digits, and no more than are needed.
fn round(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let digits = (5 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_are_exact() {
        for (text, nanos) in [("100ms", 100_000_000), ("1.5s", 1_500_000_000), ("2min", 120_000_000_000), ("0.1s", 100_000_000)] {
            assert_eq!(duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
        assert_eq!(duration("20 us"), Ok(Duration::from_micros(20)));
        assert!(duration("60").is_err_and(|wrong| wrong.contains("did you mean \"60s\" or \"60ms\"?")));
        assert!(duration("5sec").is_err());
        assert!(duration("-1s").is_err());
        assert!(duration("").is_err());
        assert!(duration("1e9h").is_err());
    }

    #[test]
    fn shares_are_percentages() {
        assert_eq!(share("1%"), Ok(0.01));
        assert_eq!(share("0.01 %"), Ok(0.0001));
        assert_eq!(share("0.01"), Err("expected a percentage; did you mean \"1%\" or \"0.01%\"?".into()));
        assert!(share("101%").is_err());
    }

    #[test]
    fn rates_count_bits_and_sizes_bytes() {
        assert_eq!(rate("20mbit"), Ok(20_000_000));
        assert_eq!(rate("20 Mbit/s"), Ok(20_000_000));
        assert_eq!(rate("2.5MB/s"), Ok(20_000_000));
        assert!(rate("5MB").is_err_and(|wrong| wrong.contains("5MB/s")));
        assert!(rate("5mbps").is_err_and(|wrong| wrong.contains("MB/s")));
        assert!(rate("0bit").is_err());
        assert_eq!(size("200kB"), Ok(200_000));
        assert_eq!(size("1MiB"), Ok(1 << 20));
        assert!(size("200").is_err());
        assert_eq!(packets("1000packets"), Some(1000));
        assert_eq!(packets("0packets"), None);
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in ["450ms", "1.5s", "20mbit", "200kB", "1%", "0.05%", "42", "3.25"] {
            let (value, unit) = quantity(text).expect(text);
            assert_eq!(show(value, unit), text);
        }
    }
}
