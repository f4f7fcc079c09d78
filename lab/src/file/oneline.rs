//! A lab in one line: the options of a command line say the same as a file.

use super::errors::Errors;
use super::node::{Entry, Node, NodeKind};
use super::reader::Reader;
use super::schema;
use super::source::{Source, Span, Spanned};
use super::{Description, Draft, Surroundings, complete, words};

/// Options that are flags for the whole lab or for its links, as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Each option with its value, in the order of the command line: `("rtt", "100ms")`, `("host", "server=./srv -p 8080")`.
    pub given: Vec<(String, String)>,
    /// What follows `--`: the one program of a lab that has only this one and the machine.
    pub command: Vec<String>,
}

/// Names of the options that [`describe`] understands, each with a value: those of the lab, then all keys of a link.
pub fn options() -> Vec<String> {
    let lab = ["host", "check", "at", "seed", "deadline", "publish", "uplink", "rtt", "mtu", "arp", "must_fire"];
    let link = schema::CONDITIONS.iter().map(|key| key.name).filter(|name| *name != "down");
    lab.into_iter().chain(link).map(|name| name.replace('_', "-")).collect()
}

/// What the options describe; errors name the option.
pub fn describe(options: &Options, surroundings: &Surroundings<'_>) -> Result<Description, Errors> {
    complete(describe_draft(options, surroundings))
}

/// What the options describe as far as they can be understood.
pub fn describe_draft(options: &Options, surroundings: &Surroundings<'_>) -> Draft {
    let line = Line::of(options);
    let mut reader = Reader::new(Source::options(&line.text), surroundings);
    let root = line.root(options, &mut reader.errors);
    // What an option does not say at all is missing everywhere else.
    if reader.errors.problems().is_empty() { reader.checked(&root) } else { (None, reader.errors) }
}

/// The options as a text, one a line, and where in it each value is.
struct Line {
    text: String,
    values: Vec<(String, Span)>,
}

/// A host as an option says it: `client*3=./cli http://server/`.
struct HostOption {
    name: Spanned<String>,
    count: Option<Node>,
    command: Node,
    words: Vec<String>,
}

impl Line {
    fn of(options: &Options) -> Self {
        let mut line = Self { text: String::new(), values: Vec::new() };
        for (name, value) in &options.given {
            line.add(&format!("--{name} "), name, value);
        }
        if !options.command.is_empty() {
            line.add("-- ", "", &options.command.join(" "));
        }
        line
    }

    fn add(&mut self, lead: &str, name: &str, value: &str) {
        self.text += lead;
        let start = self.text.len();
        // A line is an option: what would break it stays where it is in the value, and is no break here.
        self.text += &value.replace('\n', " ");
        self.values.push((name.to_owned(), Span { start, end: self.text.len() }));
        self.text.push('\n');
    }

    fn root(&self, options: &Options, errors: &mut Errors) -> Node {
        let given: Vec<(String, String, Span)> = options
            .given
            .iter()
            .zip(&self.values)
            .map(|((name, value), (_, span))| (name.replace('-', "_"), value.clone(), *span))
            .collect();
        let all = |wanted: &'static str| {
            given.iter().filter(move |(name, ..)| name == wanted).map(|(_, value, span)| (value.as_str(), *span))
        };
        let hosts: Vec<HostOption> = all("host").filter_map(|(value, span)| host(value, span, errors)).collect();
        let mut top = vec![entry("schema", Span::default(), NodeKind::Whole(1))];
        for name in ["seed", "deadline"] {
            top.extend(all(name).next_back().map(|(value, span)| Entry { key: key(name, span), node: scalar(value, span) }));
        }
        let link = link_entries(&given);
        let at = all("at").filter_map(|(value, span)| change(value, span, errors)).collect::<Vec<_>>();
        let (hosts, links) = if options.command.is_empty() {
            (several(&hosts, errors), star(&hosts, &link))
        } else {
            let span = self.values.last().map_or(Span::default(), |(_, span)| *span);
            (
                alone(&options.command, span, &given),
                vec![link_of("wan", ["machine", "program"].map(|name| Spanned::new(name.to_owned(), span)), &link)],
            )
        };
        let names: Vec<Node> = links.iter().map(|link| Node::text(link.key.span, &link.key.value)).collect();
        let at = at.into_iter().map(|(span, mut entries)| {
            let says_where = |entry: &Entry| matches!(entry.key.as_str(), "link" | "host" | "partition");
            if !entries.iter().any(says_where) {
                entries.push(entry("link", span, NodeKind::List(names.clone())));
            }
            Node::new(span, NodeKind::Table(entries))
        });
        top.push(entry("at", Span::default(), NodeKind::List(at.collect())));
        top.push(entry(
            "check",
            Span::default(),
            NodeKind::List(all("check").filter_map(|(value, span)| check(value, span, errors)).collect()),
        ));
        top.push(entry("host", Span::default(), NodeKind::Table(hosts)));
        top.push(entry("link", Span::default(), NodeKind::Table(links)));
        Node::new(Span::default(), NodeKind::Table(top))
    }
}

fn key(name: &str, span: Span) -> Spanned<String> {
    Spanned::new(name.to_owned(), span)
}

fn entry(name: &str, span: Span, kind: NodeKind) -> Entry {
    Entry { key: key(name, span), node: Node::new(span, kind) }
}

/// `client*3=./cli http://server/`
fn host(value: &str, span: Span, errors: &mut Errors) -> Option<HostOption> {
    let form = "expected NAME=COMMAND or NAME*COUNT=COMMAND: --host 'client*3=./cli http://server/'";
    let Some((name, command)) = value.split_once('=') else {
        errors.add(span, format!("{value:?} is no host"), form);
        return None;
    };
    let at = |start: usize, length: usize| Span { start: span.start + start, end: span.start + start + length };
    let (name, count) = match name.split_once('*') {
        Some((name, count)) => (name, Some(scalar(count, at(name.len() + 1, count.len())))),
        None => (name, None),
    };
    let here = at(value.len() - command.len(), command.len());
    match words::split(command) {
        Ok(words) => Some(HostOption {
            name: Spanned::new(name.to_owned(), at(0, name.len())),
            count,
            command: Node::text(here, command),
            words,
        }),
        Err(wrong) => {
            errors.add(here, format!("the command of {name:?} cannot be split into words: {wrong}"), form);
            None
        }
    }
}

/// A value that is one word: a number if it is one.
fn scalar(value: &str, span: Span) -> Node {
    value.parse::<i64>().map_or_else(|_| Node::text(span, value), |number| Node::new(span, NodeKind::Whole(number)))
}

/// `kind,limit=200kB` is a table whose first key is `selector`; what has no `=` is a plain value.
fn value_of(name: &str, value: &str, span: Span) -> Node {
    let selector = match name {
        "queue" => "kind",
        "loss" => "model",
        _ => "",
    };
    if !value.contains('=') {
        return scalar(value, span);
    }
    let mut entries = Vec::new();
    let mut at = span.start;
    for piece in value.split(',') {
        let here = Span { start: at, end: at + piece.len() };
        at += piece.len() + 1;
        entries.push(match piece.split_once('=') {
            Some((name, value)) => {
                Entry { key: key(name, here), node: scalar(value, Span { start: here.end - value.len(), end: here.end }) }
            }
            None => Entry { key: key(selector, here), node: Node::text(here, piece) },
        });
    }
    Node::new(span, NodeKind::Table(entries))
}

/// Keys of the links that options state.
fn link_entries(given: &[(String, String, Span)]) -> Vec<Entry> {
    let of_link = |name: &str| schema::LINK.key(name).is_some();
    let entry =
        |(name, value, span): &(String, String, Span)| Entry { key: key(name, *span), node: value_of(name, value, *span) };
    given.iter().filter(|(name, ..)| of_link(name)).map(entry).collect()
}

fn link_of(name: &str, ends: [Spanned<String>; 2], entries: &[Entry]) -> Entry {
    let span = ends[1].span;
    let mut table = vec![entry("ends", span, NodeKind::List(ends.iter().map(|end| Node::text(end.span, &end.value)).collect()))];
    table.extend_from_slice(entries);
    entry(name, span, NodeKind::Table(table))
}

/// The links from the first host to each other.
fn star(hosts: &[HostOption], entries: &[Entry]) -> Vec<Entry> {
    let Some((first, others)) = hosts.split_first() else { return Vec::new() };
    let name = |other: &HostOption| if others.len() == 1 { "wan".to_owned() } else { format!("wan-{}", other.name.value) };
    others.iter().map(|other| link_of(&name(other), [first.name.clone(), other.name.clone()], entries)).collect()
}

/// The hosts of a lab of several. Whoever is named in another's command is its server.
fn several(hosts: &[HostOption], errors: &mut Errors) -> Vec<Entry> {
    if hosts.is_empty() {
        let remedy = "state at least one: --host server='./srv -p 8080', a lab file, or -- and a command";
        errors.add(Span::default(), "the lab has no host", remedy);
    }
    let mut all = Vec::new();
    for host in hosts {
        let span = host.command.span;
        let serves = hosts.iter().any(|other| waits(other, host));
        let mut entries = vec![Entry { key: key("run", span), node: host.command.clone() }];
        entries.extend(host.count.clone().map(|node| Entry { key: key("count", node.span), node }));
        if serves {
            entries.push(entry("ready", span, NodeKind::Text("listen".into())));
        }
        let after: Vec<Node> =
            hosts.iter().filter(|other| waits(host, other)).map(|other| Node::text(span, &other.name.value)).collect();
        if !after.is_empty() {
            entries.push(entry("after", span, NodeKind::List(after)));
        }
        all.push(Entry { key: host.name.clone(), node: Node::new(host.name.span, NodeKind::Table(entries)) });
    }
    all
}

/// One waits for another whose name is in its command, unless that one's command has its own.
fn waits(one: &HostOption, other: &HostOption) -> bool {
    mentions(one, &other.name.value) && !mentions(other, &one.name.value)
}

/// True if a name stands in the arguments of a command as a word, as in `http://server:8080/`, also with a number (`server-2`).
fn mentions(host: &HostOption, name: &str) -> bool {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    let is_it = |word: &str| {
        let number = word.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
        word == name || number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    host.words.iter().skip(1).flat_map(|word| word.split(|c| !of_name(c))).any(is_it)
}

/// One program, and the machine on the other end of its link.
fn alone(command: &[String], span: Span, given: &[(String, String, Span)]) -> Vec<Entry> {
    let words = command.iter().map(|word| Node::text(span, word)).collect();
    let run = entry("run", span, NodeKind::List(words));
    let publish = given.iter().filter(|(name, ..)| name == "publish");
    let publish: Vec<Node> = publish.map(|(_, value, span)| Node::text(*span, &to_program(value))).collect();
    let place = publish.first().map_or(span, |node| node.span);
    let uplink = given.iter().any(|(name, value, _)| name == "uplink" && value != "false");
    let machine = vec![entry("uplink", span, NodeKind::Truth(uplink)), entry("publish", place, NodeKind::List(publish))];
    vec![
        Entry { key: key("program", span), node: Node::new(span, NodeKind::Table(vec![run])) },
        Entry { key: key("machine", span), node: Node::new(span, NodeKind::Table(machine)) },
    ]
}

/// `8080:80` of the command line means the one program: `8080:program:80`.
fn to_program(value: &str) -> String {
    match value.rsplit_once(':') {
        Some((machine, port)) => format!("{machine}:program:{port}"),
        None => value.into(),
    }
}

/// `10s down=2s loss=5%`
fn change(value: &str, span: Span, errors: &mut Errors) -> Option<(Span, Vec<Entry>)> {
    let mut entries = Vec::new();
    let mut at = span.start;
    for piece in value.split(' ') {
        let here = Span { start: at, end: at + piece.len() };
        at += piece.len() + 1;
        match piece.split_once('=') {
            _ if piece.is_empty() => {}
            Some((name, value)) => {
                let name = name.replace('-', "_");
                let of_value = Span { start: here.end - value.len(), end: here.end };
                let node = if matches!(value, "true" | "false") {
                    Node::new(of_value, NodeKind::Truth(value == "true"))
                } else {
                    value_of(&name, value, of_value)
                };
                entries.push(Entry { key: key(&name, here), node });
            }
            None if entries.is_empty() => entries.push(Entry { key: key("t", here), node: Node::text(here, piece) }),
            None => {
                errors.add(here, format!("{piece:?} is no change"), "expected a moment, then KEY=VALUE: --at '10s down=2s'");
                return None;
            }
        }
    }
    Some((span, entries))
}

/// `tcp.request p(99)<450ms`; several bounds are separated by commas.
fn check(value: &str, span: Span, errors: &mut Errors) -> Option<Node> {
    let Some((metric, bounds)) = value.trim().split_once(char::is_whitespace) else {
        errors.add(span, format!("{value:?} is no check"), "expected a metric and a bound: --check 'tcp.request p(99)<450ms'");
        return None;
    };
    let start = |piece: &str| span.start + (piece.as_ptr() as usize - value.as_ptr() as usize);
    let node = |piece: &str| Node::text(Span { start: start(piece), end: start(piece) + piece.len() }, piece.trim());
    let entries = vec![
        Entry { key: key("metric", span), node: node(metric) },
        Entry { key: key("expect", span), node: Node::new(span, NodeKind::List(bounds.split(',').map(node).collect())) },
    ];
    Some(Node::new(span, NodeKind::Table(entries)))
}
