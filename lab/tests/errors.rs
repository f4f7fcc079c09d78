//! What is wrong with a lab file is told so that it can be mended at once: `errors.md` has wrong files, each with all that is said about it.
//! `LOGGIA_BLESS=1` writes what is said now into it.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use loggia_lab::file::{Options, Surroundings, Unit, describe, parse};
use loggia_lab::plan::plan;

const METRICS: [(&str, Unit); 7] = [
    ("tcp.connect", Unit::Time),
    ("tcp.request", Unit::Time),
    ("tcp.goodput", Unit::Rate),
    ("tcp.retransmit_ratio", Unit::Ratio),
    ("link.*.sent", Unit::Count),
    ("link.*.loss", Unit::Ratio),
    ("link.*.utilisation", Unit::Ratio),
];

fn files(path: &Path) -> io::Result<Vec<u8>> {
    match path.to_str() {
        Some("lte.trace") => Ok(b"1\n5\n5\n20\n".to_vec()),
        Some("backwards.trace") => Ok(b"1\n20\n5\n".to_vec()),
        Some("bare.delays") => Ok(b"10ms\n20\n".to_vec()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// All that is said about a file, or about the options of a command line, one a line.
fn said(language: &str, text: &str) -> String {
    let around = Surroundings {
        programs: &["web", "get", "echo"],
        servers: &["web", "echo"],
        metrics: &METRICS,
        labels: &["host", "link", "program"],
        files: &files,
    };
    let description = match language {
        "toml" => parse(text, "lab.toml", &around),
        _ => describe(&options(text), &around),
    };
    match description.and_then(|description| plan(&description)) {
        Ok(_) => "nothing\n".into(),
        Err(errors) => errors.to_string(),
    }
}

fn options(text: &str) -> Options {
    let mut options = Options::default();
    for line in text.lines() {
        match line.strip_prefix("-- ") {
            Some(command) => options.command = command.split(' ').map(str::to_owned).collect(),
            None => {
                let (name, value) = line.trim_start_matches('-').split_once(' ').unwrap_or((line, ""));
                options.given.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    options
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors.md")
}

/// The page with what is said now below each file.
fn renewed(page: &str) -> String {
    let mut lines = page.lines().peekable();
    let mut out = String::new();
    while let Some(line) = lines.next() {
        out += line;
        out.push('\n');
        let Some(language) = line.strip_prefix("```").filter(|language| matches!(*language, "toml" | "options")) else {
            continue;
        };
        let text: String = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
        let _ = write!(out, "{text}```\n\n```text\n{}```\n", said(language, &text));
        while lines.next_if(|line| line.is_empty()).is_some() {}
        if lines.next_if_eq(&"```text").is_some() {
            lines.by_ref().find(|line| *line == "```");
        }
    }
    out
}

#[test]
fn every_error_says_where_what_and_what_instead() {
    let page = std::fs::read_to_string(path()).expect("errors.md");
    let now = renewed(&page);
    if std::env::var_os("LOGGIA_BLESS").is_some() {
        std::fs::write(path(), &now).expect("errors.md can be written");
        return;
    }
    let first = page.lines().zip(now.lines()).find(|(was, is)| was != is);
    assert!(
        page == now,
        "lab/tests/errors.md is not what is said now; first difference: {first:?}; LOGGIA_BLESS=1 writes it anew"
    );
}

#[test]
fn no_wrong_file_is_taken() {
    let page = std::fs::read_to_string(path()).expect("errors.md");
    assert!(!page.contains("\n```text\nnothing\n"), "a file of errors.md has no error");
    assert!(page.matches("\n## ").count() >= 40);
}
