//! Instructions, counted by valgrind's callgrind. Only our own code's: how the C library copies depends on the machine's vector registers, and
//! its allocator is counted as allocations.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// True if valgrind can be run here.
pub fn is_there() -> bool {
    let version = Command::new("valgrind").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

/// Runs `program scenario` under callgrind; gives the instructions of the measured part that the program's own code executed.
pub fn instructions(program: &Path, scenario: &str) -> Result<u64, String> {
    let out = std::env::temp_dir().join(format!("loggia-counts-{}-{scenario}", std::process::id()));
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--instr-atstart=no", "--dump-line=no"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program)
        .arg(scenario)
        .output();
    let profile = std::fs::read_to_string(&out);
    // It may not have been made.
    let _ = std::fs::remove_file(&out);
    let run = run.map_err(|error| format!("valgrind: {error}"))?;
    if !run.status.success() {
        return Err(format!("valgrind: {}: {}", run.status, String::from_utf8_lossy(&run.stderr)));
    }
    let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match of_object(&profile.map_err(|error| error.to_string())?, &name) {
        0 => Err(format!("{scenario}: nothing was counted")),
        count => Ok(count),
    }
}

/// The cost of an object file itself in callgrind's format: lines of cost below the `ob=` they belong to, without those that tell what a call
/// cost inside.
fn of_object(profile: &str, object: &str) -> u64 {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let (mut ours, mut inside, mut total) = (false, false, 0);
    for line in profile.lines() {
        if let Some((key, value)) = line.split_once('=') {
            if key == "ob" || key == "cob" {
                let (id, name) = value.split_once(' ').unwrap_or((value, ""));
                if !name.is_empty() {
                    names.insert(id, name);
                }
                if key == "ob" {
                    ours = names.get(id).is_some_and(|name| name.rsplit('/').next() == Some(object));
                }
            }
            inside |= key == "calls";
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or(0);
            total += if ours && !inside { cost } else { 0 };
            inside = false;
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_objects_own_lines_count() {
        let profile = "events: Ir\n\nob=(1) /x/counts\nfl=(1) a.rs\nfn=(1) main\n0 10\ncob=(2) /lib/libc.so.6\ncfn=(2) memcpy\n\
                       calls=3 0\n0 600\n0 5\n\nob=(2)\nfn=(2)\n0 600\n\nob=(1)\nfn=(3) f\n+3 7\n* 1\n\ntotals: 623\n";
        assert_eq!(of_object(profile, "counts"), 10 + 5 + 7 + 1);
        assert_eq!(of_object(profile, "libc.so.6"), 600);
        assert_eq!(of_object(profile, "other"), 0);
    }
}
