//! What the command line says.

use crate::report::ROWS;

/// What is to be measured, and what is told of it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Arguments {
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) scale: f64,
    /// Rows; none: all.
    pub(crate) only: Vec<u8>,
    pub(crate) json: Option<String>,
    pub(crate) svg: Option<String>,
}

pub(crate) const USAGE: &str = "usage: loggia-bench [--quick] [--only ROW...] [--rounds N] [--scale X] [--json FILE] [--svg FILE]

  --quick        about two minutes: three rounds of a fifth of the work
  --only ROW...  only these rows of the table of goals (1 to 20; 0: the floors)
  --rounds N     interleaved rounds (5)
  --scale X      amount of work of each measurement (1; 0.2 with --quick)
  --json FILE    also write all figures there
  --svg FILE     also draw the growth curves there

With LOGGIA_BENCH_UNPINNED=1 threads are not kept on a core each.";

impl Arguments {
    /// Reads the words after the program's name; an error is for people.
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut arguments = Self { quick: false, rounds: 0, scale: 0.0, only: Vec::new(), json: None, svg: None };
        let mut words = words.iter().peekable();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--quick" => arguments.quick = true,
                "--only" => {
                    while let Some(row) = words.next_if(|word| !word.starts_with('-')) {
                        let rows = row.split(',').map(|row| row.parse().ok().filter(|row| usize::from(*row) < ROWS.len()));
                        arguments.only.extend(rows.collect::<Option<Vec<u8>>>().ok_or_else(|| format!("{row} is no row"))?);
                    }
                }
                "--rounds" => arguments.rounds = number(word, words.next())?,
                "--scale" => arguments.scale = number(word, words.next())?,
                "--json" => arguments.json = Some(number(word, words.next())?),
                "--svg" => arguments.svg = Some(number(word, words.next())?),
                _ => return Err(format!("unknown: {word}")),
            }
        }
        if arguments.rounds == 0 {
            arguments.rounds = if arguments.quick { 3 } else { 5 };
        }
        if arguments.scale <= 0.0 {
            arguments.scale = if arguments.quick { 0.2 } else { 1.0 };
        }
        Ok(arguments)
    }

    /// True if a row is wanted.
    pub(crate) fn wants(&self, row: u8) -> bool {
        self.only.is_empty() || self.only.contains(&row)
    }
}

fn number<T: std::str::FromStr>(word: &str, value: Option<&String>) -> Result<T, String> {
    let value = value.ok_or_else(|| format!("{word} wants a value"))?;
    value.parse().map_err(|_| format!("{word}: what is {value}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Arguments, String> {
        Arguments::parse(&text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn rows_may_be_said_in_any_way() {
        assert_eq!(
            parse("--only 12 13,14 --quick").map(|arguments| (arguments.only, arguments.rounds)),
            Ok((vec![12, 13, 14], 3))
        );
        assert!(parse("").is_ok_and(|arguments| arguments.wants(7) && arguments.rounds == 5));
        assert!(
            parse("--only 21").is_err() && parse("--rounds x").is_err() && parse("--json").is_err() && parse("fast").is_err()
        );
    }
}
