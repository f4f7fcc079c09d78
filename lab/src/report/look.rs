//! How text looks: its width, its characters, its colours; and figures as people read them.

/// How text looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Columns of the terminal; at least 60 are used.
    pub width: usize,
    /// With ANSI colours.
    pub color: bool,
    /// Only ASCII characters.
    pub ascii: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 100, color: false, ascii: false }
    }
}

/// What a piece of text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    /// A heading.
    Title,
    /// Of less importance.
    Faint,
    /// It went wrong.
    Bad,
    /// It needs attention.
    Warn,
    /// It is as it should be.
    Good,
}

impl Look {
    /// The text in a colour. Widths are counted before: colours have none.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        if !self.color || text.is_empty() {
            return text.into();
        }
        let code = match tone {
            Tone::Title => "1",
            Tone::Faint => "2",
            Tone::Bad => "31",
            Tone::Warn => "33",
            Tone::Good => "32",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// One of two characters.
    pub(super) const fn either(&self, fine: char, plain: char) -> char {
        if self.ascii { plain } else { fine }
    }

    /// From one end to the other.
    pub(super) const fn arrow(&self) -> &'static str {
        if self.ascii { "->" } else { "→" }
    }

    /// Columns that are used.
    pub(super) fn columns(&self) -> usize {
        self.width.clamp(60, 200)
    }
}

/// Milliseconds of nanoseconds, three digits behind the point.
pub(super) fn millis(nanos: u64) -> String {
    let micros = nanos.saturating_add(500) / 1000;
    format!("{}.{:03}", micros / 1000, micros % 1000)
}

/// A length of time, in the unit that fits.
pub(super) fn time(nanos: u64) -> String {
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{:.1} µs", nanos as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", nanos as f64 / 1e6),
        _ => format!("{:.3} s", nanos as f64 / 1e9),
    }
}

/// A number with thousands set apart.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things.
pub(super) fn count(value: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// Exactly `width` columns: filled with blanks, or cut with a mark.
pub(super) fn fit(text: &str, width: usize) -> String {
    let len = text.chars().count();
    if len <= width {
        return format!("{text:<width$}");
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}~")
}

/// Columns set under each other; columns whose heading begins with `>` are set to the right.
pub(super) fn columns(look: &Look, headings: &[&str], rows: &[Vec<String>]) -> String {
    let plain = |heading: &str| heading.trim_start_matches('>').to_owned();
    let wide = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([plain(headings[column]).chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(wide).collect();
    let set = |cells: &[String]| {
        let each = cells.iter().zip(&widths).zip(headings).map(|((cell, width), heading)| {
            if heading.starts_with('>') { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        each.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let heading: Vec<String> = headings.iter().map(|heading| plain(heading)).collect();
    let mut text = look.paint(Tone::Faint, &set(&heading));
    for row in rows {
        text.push('\n');
        text.push_str(&set(row));
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_people_read_them() {
        assert_eq!((number(0), number(999), number(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
        assert_eq!((millis(1_234_567_890), millis(499)), ("1234.568".into(), "0.000".into()));
        assert_eq!((time(80_000_000), time(2_500_000_000), time(1500)), ("80.0 ms".into(), "2.500 s".into(), "1.5 µs".into()));
        assert_eq!((fit("abc", 5), fit("abcdef", 4)), ("abc  ".into(), "abc~".into()));
    }
}
