//! What was written, value by value, with the place of each: the same tree for a file and for the options of a command line.

use toml_edit::{Array, Document, Item, Key, TableLike, Value};

use super::errors::Errors;
use super::source::{Span, Spanned};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// Where it was written.
    pub(super) span: Span,
    /// What it is.
    pub(super) kind: NodeKind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum NodeKind {
    Text(String),
    Whole(i64),
    Real(f64),
    Truth(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// A date or a time of day, which a lab has no use for.
    Date(String),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: Spanned<String>,
    pub(super) node: Node,
}

impl Node {
    pub(super) fn new(span: Span, kind: NodeKind) -> Self {
        Self { span, kind }
    }

    /// A text as somebody wrote it.
    pub(super) fn text(span: Span, text: &str) -> Self {
        Self::new(span, NodeKind::Text(text.into()))
    }

    /// The tree of a TOML file. Syntax stops at its first error.
    pub(super) fn of_toml(text: &str, errors: &mut Errors) -> Option<Self> {
        match Document::parse(text) {
            Ok(document) => {
                let entries = entries(document.as_table(), Span::default());
                Some(Self::new(Span { start: 0, end: 0 }, NodeKind::Table(entries)))
            }
            Err(error) => {
                let span = error.span().map_or(Span::default(), Span::from);
                let message = error.message().lines().next().unwrap_or("no TOML").to_owned();
                let more = error.message().lines().skip(1).collect::<Vec<_>>().join("; ");
                errors.add(span, format!("this is not TOML: {message}"), more);
                None
            }
        }
    }

    /// How an error calls it.
    pub(super) fn shown(&self) -> String {
        match &self.kind {
            NodeKind::Text(text) => format!("{text:?}"),
            NodeKind::Whole(number) => number.to_string(),
            NodeKind::Real(number) => number.to_string(),
            NodeKind::Truth(truth) => truth.to_string(),
            NodeKind::List(nodes) if nodes.is_empty() => "an empty list".into(),
            NodeKind::List(_) => "a list".into(),
            NodeKind::Table(_) => "a table".into(),
            NodeKind::Date(date) => format!("the date {date}"),
        }
    }
}

fn entries(table: &dyn TableLike, above: Span) -> Vec<Entry> {
    let entry = |(name, item): (&str, &Item)| {
        let key = table.key(name);
        let span = key.and_then(Key::span).map_or(above, Span::from);
        Some(Entry { key: Spanned::new(name.into(), span), node: of_item(item, span)? })
    };
    table.iter().filter_map(entry).collect()
}

fn of_item(item: &Item, above: Span) -> Option<Node> {
    let span = item.span().map_or(above, Span::from);
    match item {
        Item::None => None,
        Item::Value(value) => Some(of_value(value, above)),
        Item::Table(table) => Some(Node::new(span, NodeKind::Table(entries(table, span)))),
        Item::ArrayOfTables(tables) => {
            let node = |table: &toml_edit::Table| {
                let span = table.span().map_or(above, Span::from);
                Node::new(span, NodeKind::Table(entries(table, span)))
            };
            Some(Node::new(span, NodeKind::List(tables.iter().map(node).collect())))
        }
    }
}

fn of_value(value: &Value, above: Span) -> Node {
    let span = value.span().map_or(above, Span::from);
    let kind = match value {
        Value::String(text) => NodeKind::Text(text.value().clone()),
        Value::Integer(number) => NodeKind::Whole(*number.value()),
        Value::Float(number) => NodeKind::Real(*number.value()),
        Value::Boolean(truth) => NodeKind::Truth(*truth.value()),
        Value::Datetime(date) => NodeKind::Date(date.value().to_string()),
        Value::Array(array) => NodeKind::List(of_array(array, span)),
        Value::InlineTable(table) => NodeKind::Table(entries(table, span)),
    };
    Node::new(span, kind)
}

fn of_array(array: &Array, above: Span) -> Vec<Node> {
    array.iter().map(|value| of_value(value, above)).collect()
}
