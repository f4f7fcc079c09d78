//! `docs/compliance.md` is generated from the RFC tags in code and tests, and this test keeps it so.
//!
//! It fails when the committed file is out of date (`LOGGIA_BLESS=1 cargo test -p loggia-stack --test compliance` writes it anew), when a
//! tag names a requirement that RFC 9293 does not have, and when a MUST of RFC 9293 has neither a test nor a reason.

mod requirements;
mod tags;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use requirements::{REASONS, REQUIREMENTS, TITLES};
use tags::{Tag, tags};

/// Where a requirement is met and where that is proven.
#[derive(Default)]
struct Places {
    code: BTreeSet<String>,
    tests: BTreeSet<String>,
}

type Index = BTreeMap<Tag, Places>;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for path in entries.map(|entry| entry.expect("a directory entry").path()) {
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

fn index() -> Index {
    let root = workspace();
    let mut files = Vec::new();
    sources(&root.join("stack/src"), &mut files);
    sources(&root.join("stack/tests"), &mut files);
    files.sort();
    let own = root.join("stack/tests/compliance");
    let mut index = Index::new();
    for file in files.iter().filter(|file| !file.starts_with(&own)) {
        let text = fs::read_to_string(file).expect("readable source");
        let name = file.strip_prefix(&root).expect("in the workspace").to_string_lossy().into_owned();
        read_file(&name, &text, &mut index);
    }
    index
}

/// Adds the tags of one file. Tests are named by file and function, code by file alone so that the table does not change with every edit.
fn read_file(name: &str, text: &str, index: &mut Index) {
    let lines: Vec<&str> = text.lines().collect();
    let mut in_tests = name.starts_with("stack/tests/") || name.ends_with("/tests.rs") || name.contains("/tests/");
    for (at, line) in lines.iter().enumerate() {
        in_tests |= line.trim_start().starts_with("#[cfg(test)]");
        let Some((_, comment)) = line.split_once("//") else { continue };
        for tag in tags(comment) {
            let places = index.entry(tag).or_default();
            match test_around(&lines, at) {
                Some(function) if in_tests => places.tests.insert(format!("`{}` {function}", short(name))),
                _ if in_tests => false,
                _ => places.code.insert(format!("`{}`", short(name))),
            };
        }
    }
}

fn short(name: &str) -> &str {
    name.trim_start_matches("stack/src/").trim_start_matches("stack/")
}

/// The function that a comment stands above or in.
fn test_around(lines: &[&str], at: usize) -> Option<String> {
    let function = |line: &str| {
        let line = line.trim_start().trim_start_matches("pub(super) ").trim_start_matches("pub ");
        let name = line.strip_prefix("fn ")?;
        Some(name.split(['(', '<']).next().unwrap_or(name).to_owned())
    };
    let heading = |line: &&&str| {
        let line = line.trim_start();
        line.starts_with("//") || line.starts_with("#[")
    };
    let below = lines[at..].iter().take_while(heading).count();
    lines.get(at + below).and_then(|line| function(line)).or_else(|| lines[..at].iter().rev().find_map(|line| function(line)))
}

/// The numbers of RFC 9293 without a test, with the reason if there is one.
fn unproven(index: &Index) -> Vec<(&'static str, Option<&'static str>)> {
    let proven: BTreeSet<String> = index
        .iter()
        .filter(|(tag, places)| matches!(tag, Tag::Numbered(9293, ..)) && !places.tests.is_empty())
        .map(|(tag, _)| tag.to_string())
        .collect();
    let reason = |id: &str| REASONS.iter().find(|(named, _)| *named == id).map(|(_, reason)| *reason);
    REQUIREMENTS.iter().filter(|(id, _)| !proven.contains(*id)).map(|(id, _)| (*id, reason(id))).collect()
}

fn list(places: &BTreeSet<String>) -> String {
    if places.is_empty() { "-".into() } else { places.iter().cloned().collect::<Vec<_>>().join("<br>") }
}

fn numbered_table(index: &Index, out: &mut String) {
    let unproven: BTreeMap<&str, Option<&str>> = unproven(index).into_iter().collect();
    for (prefix, heading) in [("MUST", "MUST"), ("SHLD", "SHOULD"), ("REC", "RECOMMENDED"), ("MAY", "MAY")] {
        let rows: Vec<_> = REQUIREMENTS.iter().filter(|(id, _)| id.split('-').next() == Some(prefix)).collect();
        let proven = rows.iter().filter(|(id, _)| !unproven.contains_key(id)).count();
        let reasoned = rows.iter().filter(|(id, _)| matches!(unproven.get(id), Some(Some(_)))).count();
        let _ = write!(out, "\n### {heading}: {proven} of {} proven by a test", rows.len());
        let _ = writeln!(out, "{}\n", if reasoned > 0 { format!(", {reasoned} with a reason why not") } else { String::new() });
        out.push_str("| number | what | code | proven by |\n|---|---|---|---|\n");
        for (id, gist) in rows {
            let tag = index.iter().find(|(tag, _)| matches!(tag, Tag::Numbered(9293, ..)) && tag.to_string() == *id);
            let code = tag.map_or("-".into(), |(_, places)| list(&places.code));
            let tests = match (unproven.get(id), tag) {
                (Some(Some(reason)), _) => format!("_{reason}_"),
                // A MAY that is not listed is simply not taken.
                (Some(None), _) => if prefix == "MAY" { "-" } else { "**missing**" }.into(),
                (None, Some((_, places))) => list(&places.tests),
                (None, None) => unreachable!("proven without a place"),
            };
            let _ = writeln!(out, "| {id} | {gist} | {code} | {tests} |");
        }
    }
}

fn section_tables(index: &Index, out: &mut String) {
    let rfcs: BTreeSet<u16> =
        index.keys().filter_map(|tag| if let Tag::Section(rfc, _) = tag { Some(*rfc) } else { None }).collect();
    for rfc in rfcs {
        let title = TITLES.iter().find(|(number, _)| *number == rfc).map_or(String::new(), |(_, title)| format!(": {title}"));
        let _ = write!(out, "\n### RFC {rfc}{title}\n\n| section | code | proven by |\n|---|---|---|\n");
        for (tag, places) in index {
            if matches!(tag, Tag::Section(number, _) if *number == rfc) {
                let _ = writeln!(out, "| {tag} | {} | {} |", list(&places.code), list(&places.tests));
            }
        }
    }
}

fn document(index: &Index) -> String {
    let mut out = String::from(
        "# Compliance\n\n\
         Generated from the RFC tags in code and tests; do not edit. `LOGGIA_BLESS=1 cargo test -p loggia-stack --test compliance` writes it\n\
         anew. A tag stands at the code that meets a requirement and at the test that proves it. Files are below `stack/src/` or `stack/`;\n\
         tests are named by file and function. What is not listed is not claimed.\n\n\
         ## RFC 9293 by its own numbers\n\n\
         All requirements of its appendix B, in our words.\n",
    );
    numbered_table(index, &mut out);
    out.push_str("\n## By section\n\nA section without a test is implemented but not yet proven by a test that says so.\n");
    section_tables(index, &mut out);
    out
}

#[test]
fn the_document_is_up_to_date() {
    let path = workspace().join("docs/compliance.md");
    let fresh = document(&index());
    if std::env::var_os("LOGGIA_BLESS").is_some() {
        fs::write(&path, &fresh).expect("docs/compliance.md can be written");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    let differs = committed.lines().zip(fresh.lines()).find(|(old, new)| old != new);
    assert!(
        committed == fresh,
        "docs/compliance.md is out of date; first difference: {differs:?}\n\
         write it anew: LOGGIA_BLESS=1 cargo test -p loggia-stack --test compliance"
    );
}

#[test]
fn every_tag_names_a_requirement_that_exists() {
    for tag in index().keys() {
        if let Tag::Numbered(rfc, ..) = tag {
            assert_eq!(*rfc, 9293, "only RFC 9293 numbers its requirements: RFC {rfc} {tag}");
            assert!(REQUIREMENTS.iter().any(|(id, _)| *id == tag.to_string()), "RFC 9293 has no {tag}");
        }
    }
}

#[test]
fn every_must_has_a_test_or_a_reason() {
    let missing: Vec<&str> = unproven(&index())
        .into_iter()
        .filter(|(id, reason)| id.starts_with("MUST") && reason.is_none())
        .map(|(id, _)| id)
        .collect();
    assert!(missing.is_empty(), "no test and no reason (requirements.rs, REASONS): {missing:?}");
}

#[test]
fn a_reason_is_well_formed_and_needed() {
    let unproven: BTreeSet<&str> = unproven(&index()).into_iter().map(|(id, _)| id).collect();
    for (id, reason) in REASONS {
        assert!(reason.starts_with("not applicable because ") || reason.starts_with("later: "), "{id}: {reason}");
        assert!(unproven.contains(id), "{id} is proven by a test: take its reason away");
    }
}

#[test]
fn the_list_is_that_of_the_appendix() {
    let count = |weight: &str| REQUIREMENTS.iter().filter(|(id, _)| id.split('-').next() == Some(weight)).count();
    assert_eq!([count("MUST"), count("SHLD"), count("REC"), count("MAY")], [69, 31, 1, 18]);
    let distinct: BTreeSet<_> = REQUIREMENTS.iter().map(|(id, _)| id).collect();
    assert_eq!(distinct.len(), REQUIREMENTS.len());
}

#[test]
fn places_are_found_in_code_and_tests() {
    let text = "// RFC 9293 MUST-2\nfn send() {}\n#[cfg(test)]\nmod tests {\n    /// RFC 9293 MUST-3\n    #[test]\n    fn bad_sum() {}\n\n    \
                #[test]\n    fn other() {\n        // RFC 9293 MUST-6\n    }\n}\n";
    let mut index = Index::new();
    read_file("stack/src/tcp.rs", text, &mut index);
    let row = |number| &index[&Tag::Numbered(9293, "MUST".into(), number)];
    assert_eq!(list(&row(2).code), "`tcp.rs`");
    assert_eq!((list(&row(3).tests), list(&row(3).code)), ("`tcp.rs` bad_sum".into(), "-".into()));
    assert_eq!(list(&row(6).tests), "`tcp.rs` other");
}
