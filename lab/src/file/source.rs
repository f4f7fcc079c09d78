//! Where something was written.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// A piece of a [`Source`], in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last one.
    pub end: usize,
}

impl From<Range<usize>> for Span {
    fn from(Range { start, end }: Range<usize>) -> Self {
        Self { start, end }
    }
}

/// Something, and where it was written.
#[derive(Clone, Debug, Default)]
pub struct Spanned<T> {
    /// What.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same place with what became of the value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), span: self.span }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// What places are compared for is never equality of what stands there.
impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// The text a description was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// What errors call it: the name of the file. Empty for command line options, of which each has a line of its own here.
    pub name: String,
    /// All of it.
    pub text: Arc<str>,
}

impl Source {
    /// The text of a file.
    pub fn file(name: &str, text: &str) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Options of a command line, one a line: `--rtt 100ms`.
    pub fn options(text: &str) -> Self {
        Self { name: String::new(), text: text.into() }
    }

    /// Line and column of a byte, both counted from 1; columns are characters.
    pub fn position(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..self.floor(at)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// The nearest border of a character at or before `at`.
    fn floor(&self, at: usize) -> usize {
        (0..=at.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }

    /// A line without its end, counted from 1.
    pub fn line(&self, number: usize) -> &str {
        self.text.split('\n').nth(number - 1).unwrap_or_default().trim_end_matches('\r')
    }

    /// Where an error is, as errors begin: `lab.toml:12:8`, or the option `--rtt`.
    pub fn place(&self, span: Span) -> String {
        let (line, column) = self.position(span.start);
        // An option whose value is empty has a place, after it; what no option says is at the beginning.
        if self.name.is_empty() && span == Span::default() {
            return "command line".into();
        }
        if self.name.is_empty() {
            return self.line(line).split_whitespace().next().unwrap_or("command line").into();
        }
        format!("{}:{line}:{column}", self.name)
    }
}
