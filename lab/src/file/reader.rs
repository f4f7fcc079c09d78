//! Reading values by the tables of the schema. Whatever is wrong is noted, and reading goes on.

use std::fmt::Write as _;

use loggia_stack::base::time::Duration;

use super::errors::Errors;
use super::node::{Entry, Node, NodeKind};
use super::schema::Section;
use super::source::{Source, Span, Spanned};
use super::units::{self, Wrong};
use super::{Description, Surroundings, names, nearest, one_of};

/// What reads a file: collects what is wrong.
pub(super) struct Reader<'a> {
    pub(super) errors: Errors,
    pub(super) around: &'a Surroundings<'a>,
    /// Names of all links, also of those that are not understood.
    pub(super) links: Vec<String>,
}

/// The keys of one table that the file has.
pub(super) struct Fields<'n> {
    section: &'static Section,
    /// How errors call the table: `[link.wan]`.
    pub(super) title: String,
    /// Where the table is.
    pub(super) span: Span,
    entries: &'n [Entry],
}

impl<'n> Fields<'n> {
    /// The value of a key. Only keys of the schema may be asked for.
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        debug_assert!(self.section.key(name).is_some(), "{name} is not in the schema of {}", self.section.title);
        self.entry(name).map(|entry| &entry.node)
    }

    /// The place of a key, or of the table if it is not there.
    pub(super) fn place(&self, name: &str) -> Span {
        self.entry(name).map_or(self.span, |entry| entry.key.span)
    }

    /// The keys that are there.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'n Spanned<String>> + use<'n> {
        self.entries.iter().map(|entry| &entry.key)
    }

    /// True if the table has this key.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    fn entry(&self, name: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key.value == name)
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: Source, around: &'a Surroundings<'a>) -> Self {
        Self { errors: Errors::new(source), around, links: Vec::new() }
    }

    /// The description that a tree of values gives, as far as it is understood, and what is wrong with it.
    pub(super) fn checked(mut self, root: &Node) -> (Option<Description>, Errors) {
        let description = self.description(root);
        if let Some(description) = &description {
            names::check(description, &self.links, &mut self.errors);
        }
        (description, self.errors)
    }
}

impl Reader<'_> {
    /// The keys of a table; those that the section does not have are errors.
    pub(super) fn fields<'n>(&mut self, section: &'static Section, title: String, node: &'n Node) -> Option<Fields<'n>> {
        let entries = self.table(&title, node)?;
        for entry in entries {
            if section.key(&entry.key.value).is_none() {
                self.unknown_key(section, &title, &entry.key);
            }
        }
        Some(Fields { section, title, span: node.span, entries })
    }

    fn unknown_key(&mut self, section: &Section, title: &str, key: &Spanned<String>) {
        let names: Vec<_> = section.all().map(|key| key.name).collect();
        let message = format!("unknown key {:?} in {title}", key.value);
        let remedy = if names.is_empty() { "it has no keys".to_owned() } else { one_of("expected one of", &key.value, names) };
        self.errors.add(key.span, message, remedy);
    }

    /// The entries of what must be a table.
    pub(super) fn table<'n>(&mut self, title: &str, node: &'n Node) -> Option<&'n [Entry]> {
        match &node.kind {
            NodeKind::Table(entries) => Some(entries),
            _ => {
                self.errors.add(
                    node.span,
                    format!("{title} cannot be {}", node.shown()),
                    "expected a table: `[...]` on a line of its own, or `{ key = value }`",
                );
                None
            }
        }
    }

    /// Notes that a value cannot be, and what it could be.
    pub(super) fn refuse(&mut self, name: &str, node: &Node, remedy: impl Into<String>) {
        self.errors.add(node.span, format!("{name} cannot be {}", node.shown()), remedy);
    }

    /// Notes that a value cannot be; what it could be is in the schema.
    pub(super) fn refuse_by_schema(&mut self, fields: &Fields<'_>, name: &str, node: &Node) {
        let remedy = fields
            .section
            .key(name)
            .map_or(String::new(), |key| format!("expected {}: {name} = {}", key.kind.words(), key.example));
        self.refuse(name, node, remedy);
    }

    /// Notes that a required key is missing.
    pub(super) fn missing(&mut self, fields: &Fields<'_>, name: &str) {
        let key = fields.section.key(name);
        let remedy = key.map_or(String::new(), |key| format!("expected {}: {name} = {}", key.kind.words(), key.example));
        self.errors.add(fields.span, format!("{} lacks {name}", fields.title), remedy);
    }

    /// A value that is one word with a number in it, as `read` understands it. A bare number is shown to `read` as well: it knows the remedy.
    pub(super) fn quantity<T>(
        &mut self,
        name: &str,
        node: &Node,
        read: impl FnOnce(&str) -> Result<T, Wrong>,
    ) -> Option<Spanned<T>> {
        let text = match &node.kind {
            NodeKind::Text(text) => text.clone(),
            NodeKind::Whole(number) => number.to_string(),
            NodeKind::Real(number) => number.to_string(),
            _ => String::new(),
        };
        match read(&text) {
            Ok(value) => Some(Spanned::new(value, node.span)),
            Err(remedy) => {
                self.refuse(name, node, remedy);
                None
            }
        }
    }

    /// The time of a key.
    pub(super) fn time(&mut self, fields: &Fields<'_>, name: &str) -> Option<Spanned<Duration>> {
        self.quantity(name, fields.get(name)?, units::duration)
    }

    /// The share of a key, from 0 to 1.
    pub(super) fn share(&mut self, fields: &Fields<'_>, name: &str) -> Option<f64> {
        self.quantity(name, fields.get(name)?, units::share).map(|share| share.value)
    }

    /// The bytes of a key.
    pub(super) fn size(&mut self, fields: &Fields<'_>, name: &str) -> Option<u64> {
        self.quantity(name, fields.get(name)?, units::size).map(|size| size.value)
    }

    /// The whole number of a key, within a range. Options of the command line are texts.
    pub(super) fn whole(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<Spanned<i64>> {
        let node = fields.get(name)?;
        let number = match &node.kind {
            NodeKind::Whole(number) => Some(*number),
            NodeKind::Text(text) => text.parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if range.contains(&number) => Some(Spanned::new(number, node.span)),
            Some(_) => {
                let (least, most) = (range.start(), range.end());
                let remedy = match *most {
                    most if most > u32::MAX as i64 => format!("expected at least {least}"),
                    most if most == *least => format!("expected {least}"),
                    most => format!("expected {least} to {most}"),
                };
                self.refuse(name, node, remedy);
                None
            }
            None => {
                self.refuse_by_schema(fields, name, node);
                None
            }
        }
    }

    /// The truth of a key.
    pub(super) fn truth(&mut self, fields: &Fields<'_>, name: &str) -> Option<Spanned<bool>> {
        let node = fields.get(name)?;
        match &node.kind {
            NodeKind::Truth(truth) => Some(Spanned::new(*truth, node.span)),
            NodeKind::Text(text) if text == "true" || text == "false" => Some(Spanned::new(text == "true", node.span)),
            _ => {
                self.refuse_by_schema(fields, name, node);
                None
            }
        }
    }

    /// The text of a key.
    pub(super) fn text(&mut self, fields: &Fields<'_>, name: &str) -> Option<Spanned<String>> {
        let node = fields.get(name)?;
        match &node.kind {
            NodeKind::Text(text) if !text.contains('\0') => Some(Spanned::new(text.clone(), node.span)),
            _ => {
                self.refuse_by_schema(fields, name, node);
                None
            }
        }
    }

    /// The text or the texts of a key.
    pub(super) fn texts(&mut self, fields: &Fields<'_>, name: &str) -> Option<Vec<Spanned<String>>> {
        let node = fields.get(name)?;
        let texts = texts_of(node);
        if texts.is_none() {
            self.refuse_by_schema(fields, name, node);
        }
        texts
    }

    /// One of several words, by the key's name.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let text = match &node.kind {
            NodeKind::Text(text) => text.as_str(),
            _ => "",
        };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let all: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
            let mut remedy = format!("expected {}", all.join(", "));
            if let Some(meant) = nearest(text, words.iter().map(|(word, _)| *word)) {
                let _ = write!(remedy, "; did you mean {meant:?}?");
            }
            self.refuse(name, node, remedy);
        }
        found
    }
}

/// A text, or a list of nothing but texts.
pub(super) fn texts_of(node: &Node) -> Option<Vec<Spanned<String>>> {
    match &node.kind {
        NodeKind::Text(_) => Some(vec![text_of(node)?]),
        NodeKind::List(nodes) => nodes.iter().map(text_of).collect(),
        _ => None,
    }
}

/// A text.
pub(super) fn text_of(node: &Node) -> Option<Spanned<String>> {
    match &node.kind {
        NodeKind::Text(text) if !text.contains('\0') => Some(Spanned::new(text.clone(), node.span)),
        _ => None,
    }
}
