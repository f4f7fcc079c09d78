//! What the interface of the library shows of the core: nothing but what is listed here. Reads the sources: a public signature must not name
//! what its file imports from `loggia_stack`, whose version is not this crate's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What may be seen, by file, and why.
const SHOWN: [(&str, &[&str]); 10] = [
    // The door for those who run a stack themselves, which follows the core.
    ("driver.rs", &["Instant", "Ready", "SocketId"]),
    ("host/mod.rs", &["Stack", "Instant"]),
    // A moment in a host's own time, which std has no type for: `loggia::time::Instant`.
    ("events/what.rs", &["Instant"]),
    ("time/interval.rs", &["Instant"]),
    ("time/sleep.rs", &["Instant"]),
    ("time/timeout.rs", &["Instant"]),
    ("time/mod.rs", &["Instant"]),
    // Congestion controls of one's own: `loggia::congestion`.
    ("congestion.rs", &["Ack", "BbrInfo", "Control", "Info", "Lost", "Own", "Sample", "Start", "Window"]),
    ("host/builder.rs", &["Own"]),
    // Linux's numbers: `loggia::berkeley::numbers`.
    ("berkeley/numbers.rs", &[]),
];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Statements of a source without its tests and comments, each from its first line to where it opens or ends.
fn statements(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut statements = vec![String::new()];
    for line in code.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.starts_with("#[")) {
        let last = statements.last_mut().expect("there is one");
        *last += line;
        last.push(' ');
        let list = last.starts_with("use ") || last.starts_with("pub use ");
        let open = last.matches('(').count() > last.matches(')').count();
        if line.ends_with([';', '}']) || line.is_empty() || !list && !open && line.ends_with(['{', ',']) {
            statements.push(String::new());
        }
    }
    statements
}

/// What public signatures of a source name of the core.
fn shown(source: &str) -> BTreeSet<String> {
    let statements = statements(source);
    let of_the_core = |statement: &&String| words(statement).any(|word| word == "loggia_stack");
    // Constants are numbers.
    let is_type = |word: &&str| word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase);
    let types = |statement: &str| words(statement).filter(is_type).map(str::to_owned).collect();
    let imports: Vec<BTreeSet<String>> = statements
        .iter()
        .filter(of_the_core)
        .filter(|statement| statement.starts_with("use "))
        .map(|import| types(import))
        .collect();
    let public = |statement: &&String| statement.starts_with("pub ") || statement.starts_with("impl From<");
    let named = |statement: &String| -> BTreeSet<String> {
        let names: BTreeSet<String> = types(statement);
        let whole = of_the_core(&statement);
        names.into_iter().filter(|name| whole || imports.iter().any(|import| import.contains(name))).collect()
    };
    // The fields of a tuple are its own, but for those that say otherwise; none does.
    let seen = |statement: &String| match statement.split_once('(') {
        Some((name, _)) if name.starts_with("pub struct ") => name.to_owned(),
        _ => statement.clone(),
    };
    statements.iter().filter(public).map(seen).flat_map(|statement| named(&statement)).collect()
}

fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn nothing_of_the_core_is_shown_but_what_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let (mut found, mut wrong) = (0, Vec::new());
    for file in &files {
        let name = file.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
        let listed = SHOWN.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, listed)| listed);
        let shown = shown(&fs::read_to_string(file).expect("a source"));
        found += shown.len();
        let leaked: Vec<_> = shown.iter().filter(|name| !listed.contains(&name.as_str())).collect();
        if !leaked.is_empty() {
            wrong.push(format!("net/src/{name} shows {leaked:?} of the core: give std's types, or own ones"));
        }
        let gone: Vec<_> = listed.iter().filter(|name| !shown.contains(**name)).collect();
        if !gone.is_empty() {
            wrong.push(format!("net/src/{name} no longer shows {gone:?}: strike it off the list"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
    assert!(found > 10, "the scan sees what is listed");
}

#[test]
fn the_scan_sees_through_lines_and_paths() {
    let source = "use loggia_stack::base::{\n    Addr,\n    Frame,\n};\npub fn one(\n    it: &Addr,\n) -> u8 {\n    Frame::new()\n}\n\
                  impl From<Frame> for Packet {\n    fn from(x: Frame) {}\n}\npub(crate) fn own(it: Cidr) {}\n\
                  pub struct It {\n    pub at: loggia_stack::Moment,\n    at: Seed,\n}\n#[cfg(test)]\nmod tests { pub fn it(x: Addr) {} }\n";
    assert_eq!(shown(source).into_iter().collect::<Vec<_>>(), ["Addr", "Frame", "Moment"]);
}
