//! What is wrong with a lab file, told so that it can be mended at once.

use std::fmt;

use super::source::{Source, Span};

/// Most errors told at once.
const MOST: usize = 20;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What: `unknown key "dealy" in [link.wan]`.
    pub message: String,
    /// What would be right, or what to do: `did you mean "delay"?`.
    pub remedy: String,
}

/// All that is wrong, in the order of the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Errors {
    source: Source,
    problems: Vec<Problem>,
}

impl Errors {
    /// None yet, of what was read from `source`. For the reader, and for those who look at what a file names: a program, say.
    pub fn new(source: Source) -> Self {
        Self { source, problems: Vec::new() }
    }

    /// One more.
    pub fn add(&mut self, span: Span, message: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(Problem { span, message: message.into(), remedy: remedy.into() });
    }

    /// Those of somebody else about the same text as well.
    pub fn join(&mut self, others: Self) {
        self.problems.extend(others.problems);
    }

    /// `value` if there are none; otherwise all of them in the order of the text, each once.
    pub fn or<T>(mut self, value: T) -> Result<T, Self> {
        if self.problems.is_empty() {
            return Ok(value);
        }
        self.problems.sort_by(|one, other| (one.span, &one.message).cmp(&(other.span, &other.message)));
        self.problems.dedup_by(|one, other| one.span == other.span && one.message == other.message);
        Err(self)
    }

    /// All of them.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// What they are about.
    pub fn source(&self) -> &Source {
        &self.source
    }

    fn show(&self, problem: &Problem, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { span, message, remedy } = problem;
        writeln!(f, "{}: {message}", self.source.place(*span))?;
        if self.source.name.is_empty() && *span == Span::default() {
            return writeln!(f, "  = {remedy}");
        }
        let (number, column) = self.source.position(span.start);
        let line = self.source.line(number);
        let label = if self.source.name.is_empty() { String::new() } else { number.to_string() };
        let width = label.len();
        let rest = line.chars().count() + 1 - column.min(line.chars().count() + 1);
        let carets =
            self.source.text.get(span.start..span.end).map_or(1, |text| text.lines().next().unwrap_or("").chars().count());
        // A tab stays a tab, so that the carets stand below what they mean.
        let lead: String = line.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        writeln!(f, " {label} | {line}")?;
        writeln!(f, " {:width$} | {lead}{}", "", "^".repeat(carets.clamp(1, rest.max(1))))?;
        if !remedy.is_empty() {
            writeln!(f, " {:width$} = {remedy}", "")?;
        }
        Ok(())
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().take(MOST).enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            self.show(problem, f)?;
        }
        match self.problems.len().saturating_sub(MOST) {
            0 => Ok(()),
            more => writeln!(f, "\nand {more} more"),
        }
    }
}

impl std::error::Error for Errors {}
