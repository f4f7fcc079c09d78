//! The layering of the core: reads its sources and fails on an upward path, on `std`, on `unsafe`.
//!
//! Paths go downwards only: `engine -> socket -> transport -> network -> link -> base`. Comments and strings do not count, tests
//! inside the modules do.

mod scan;

use std::path::{Path, PathBuf};

use scan::{Finding, scan};

/// All Rust sources below `directory`.
fn sources(directory: &Path, into: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(directory)
        .unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        .map(|entry| entry.expect("a directory entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// `network/ipv4/mod.rs` is the module `[network, ipv4]`; `lib.rs` is the root.
fn module_of(relative: &Path) -> Vec<String> {
    let mut module: Vec<String> =
        relative.with_extension("").components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib") {
        module.pop();
    }
    module
}

#[test]
fn the_core_imports_downwards_only_and_knows_neither_std_nor_unsafe() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 30, "the scan sees the core: {} files", files.len());
    let mut findings = Vec::new();
    for file in &files {
        let relative = file.strip_prefix(&root).expect("below src");
        let text = std::fs::read_to_string(file).expect("readable source");
        for Finding { line, what } in scan(&module_of(relative), &text) {
            findings.push(format!("stack/src/{}:{line}: {what}", relative.display()));
        }
    }
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn the_core_says_so_itself() {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("lib.rs");
    assert!(lib.contains("#![no_std]") && lib.contains("#![forbid(unsafe_code)]"));
}

/// What the scanner finds in `text` as the module `module`, as text.
fn found(module: &str, text: &str) -> Vec<String> {
    let module: Vec<String> = module.split("::").map(str::to_owned).collect();
    scan(&module, text).into_iter().map(|finding| format!("{}: {}", finding.line, finding.what)).collect()
}

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    let upward = [
        "use crate::transport::tcp::Seq;",
        "use crate::{base::Addr, transport};",
        "use crate::{\n    base::{Addr, Key},\n    socket::Sockets,\n};",
        "fn f() { crate::engine::go(); }",
        "use super::super::engine::Stack;",
        "mod tests { use super::super::super::socket; }",
        "use crate::network::packet::{Packet}; use crate :: socket;",
        "use super::super::{base::Addr, transport::tcp};",
    ];
    for text in upward {
        assert_eq!(found("network::packet", text).len(), 1, "{text}: {:?}", found("network::packet", text));
    }
    assert_eq!(found("network", "\n\nuse crate::engine::Stack;"), ["3: `network` names `engine`, which lies above it"]);
}

#[test]
fn downward_and_own_imports_are_not_found() {
    let fine = [
        "use crate::base::{Addr, Key};\nuse crate::link::{Hop, Links};",
        "use super::protocol;\nuse super::super::link::Mac;",
        "use crate::network::Route; mod tests { use super::*; use super::super::protocol; }",
        "/// See [`Stack`](crate::engine::Stack).\n// use crate::engine\n/* crate::socket /* nested */ std::io */ fn f() {}",
        "const T: &str = \"crate::engine std::time unsafe\"; const R: &str = r#\"crate::engine \"std::\"\"#; const Q: char = '\"';",
        "fn f<'a>(x: &'a str) -> &'a str { x } // std::",
    ];
    for text in fine {
        assert_eq!(found("network::packet", text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn names_of_the_crate_root_are_refused_because_they_hide_their_layer() {
    assert_eq!(found("base::addr", "use crate::Stack;").len(), 1);
}

#[test]
fn std_and_unsafe_are_found() {
    for text in ["use std::time::Instant;", "extern crate std;", "fn f() { unsafe { g() } }", "type T = ::std::string::String;"] {
        assert_eq!(found("base::time", text).len(), 1, "{text}");
    }
    assert!(found("base::time", "let std_dev = my::unsafe_count;").is_empty());
}
