//! Where it was measured, and with what.

use std::process::Command;

/// Lines of name and value.
pub(crate) fn describe() -> Vec<(&'static str, String)> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    vec![
        ("machine", format!("{}, {cores} cores, {} GiB", processor(), memory() >> 20)),
        ("kernel", kernel()),
        ("compiler", said("rustc", &["--version"])),
        ("profile", if cfg!(debug_assertions) { "debug: the figures mean nothing".into() } else { "release".into() }),
        (
            "loggia",
            format!("{} {}", env!("CARGO_PKG_VERSION"), said("git", &["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always"])),
        ),
        ("peers", peers()),
    ]
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name")).and_then(|line| line.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

/// In KiB.
fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn kernel() -> String {
    let name = rustix::system::uname();
    format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy())
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default();
    if text.is_empty() { "unknown".into() } else { text }
}

/// Those built in as the lock file has them, and those that are installed.
fn peers() -> String {
    // netstack-smoltcp brings an older smoltcp of its own.
    let built_in = [("smoltcp", "0.14"), ("ipstack", ""), ("netstack-smoltcp", "")];
    let built_in = built_in.into_iter().filter_map(|(name, begins)| Some(format!("{name} {}", locked(name, begins)?)));
    let installed = [("pasta", "pasta"), ("slirp4netns", "slirp4netns")].into_iter().filter_map(|(name, program)| {
        let said = said(program, &["--version"]);
        let first = said.lines().next()?.to_owned();
        (first != "unknown").then(|| if first.starts_with(name) { first } else { format!("{name} {first}") })
    });
    built_in.chain(installed).collect::<Vec<_>>().join(", ")
}

/// The version in the lock file that begins so.
fn locked(name: &str, begins: &str) -> Option<&'static str> {
    let mut lines = include_str!("../../../Cargo.lock").lines();
    while let Some(line) = lines.next() {
        if line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"')) == Some(name) {
            let version = lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')?;
            if version.starts_with(begins) {
                return Some(version);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_lock_file() {
        assert!(locked("smoltcp", "0.14").is_some_and(|version| version.starts_with("0.14")));
        assert_eq!(locked("no-such-crate", ""), None);
        assert!(describe().iter().all(|(_, value)| !value.is_empty()));
    }
}
