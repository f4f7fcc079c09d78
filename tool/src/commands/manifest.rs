//! What a run was: `manifest.json`, `lab.toml` and `replay.sh` in its folder.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use loggia_lab::file::Command;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::load::Lab;
use crate::process::lookup::candidates;
use crate::run::perform::{Options, Outcome};

/// Writes what is known before the run: a run that is killed can be repeated too. Its manifest has no verdict.
pub(super) fn begin(lab: &Lab, options: &Options, folder: &Path) -> io::Result<()> {
    write_manifest(&begun(lab, options), folder)?;
    fs::write(folder.join("lab.toml"), &lab.text)?;
    let script = "#!/bin/sh\n# Runs this lab again with the same seed.\nexec loggia replay \"$(dirname \"$0\")\" \"$@\"\n";
    let path = folder.join("replay.sh");
    fs::write(&path, script)?;
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

/// Writes what came of it.
pub(super) fn finish(lab: &Lab, options: &Options, outcome: &Outcome, folder: &Path) -> io::Result<()> {
    let mut manifest = begun(lab, options);
    if let (Value::Object(manifest), Value::Object(ended)) = (&mut manifest, ended(lab, outcome)) {
        manifest.extend(ended);
    }
    write_manifest(&manifest, folder)
}

fn write_manifest(manifest: &Value, folder: &Path) -> io::Result<()> {
    fs::write(folder.join("manifest.json"), format!("{manifest:#}\n"))
}

fn begun(lab: &Lab, options: &Options) -> Value {
    json!({
        "schema": 1,
        "loggia": env!("CARGO_PKG_VERSION"),
        "lab": lab.name,
        "lab_hash": hash(lab.text.as_bytes()),
        "folder": fs::canonicalize(&lab.folder).unwrap_or_else(|_| lab.folder.clone()),
        "seed": options.seed,
        "precise": lab.plan.precise,
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        "machine": std::env::consts::ARCH,
    })
}

fn ended(lab: &Lab, outcome: &Outcome) -> Value {
    let began = outcome.began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let programs: Vec<Value> = outcome
        .parts
        .iter()
        .zip(&lab.plan.programs)
        .map(|(part, program)| {
            json!({
                "name": part.name,
                "command": part.command,
                "file": executable(&program.command).as_deref().map(Path::to_string_lossy),
                "hash": executable(&program.command).and_then(|path| fs::read(path).ok()).map(|bytes| hash(&bytes)),
                "expected": part.finding.expected,
                "verdict": part.finding.verdict.name(),
                "found": part.finding.found,
                "restarts": part.restarts,
            })
        })
        .collect();
    let findings: Vec<Value> = outcome
        .findings
        .iter()
        .map(|finding| json!({ "expected": finding.expected, "verdict": finding.verdict.name(), "found": finding.found }))
        .collect();
    json!({
        "determinism": outcome.level,
        "escaped": escaped(outcome),
        "began": began.as_secs_f64(),
        "lasted": outcome.lasted.as_secs_f64(),
        "over": format!("{:?}", outcome.over).to_lowercase(),
        "verdict": loggia_lab::check::verdict(&outcome.findings()).name(),
        "exit": outcome.exit().code(),
        "lag": outcome.lag,
        "programs": programs,
        "findings": findings,
        "record": outcome.failures,
    })
}

/// What the seed did not decide.
fn escaped(outcome: &Outcome) -> Vec<&'static str> {
    if outcome.level == "full" {
        return Vec::new();
    }
    vec!["time", "scheduling of programs", "their own randomness", "ephemeral order of connections"]
}

fn executable(command: &Command) -> Option<std::path::PathBuf> {
    let Command::Run(words) = command else { return None };
    let path = std::env::var_os("PATH");
    candidates(words[0].as_ref(), path.as_deref()).into_iter().map(Into::into).find(|path: &std::path::PathBuf| path.is_file())
}

/// SHA-256 of the bytes.
fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256-".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// Copies each host's captures to a folder.
pub(super) fn copy_captures(run: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for host in fs::read_dir(run.join("hosts"))? {
        let host = host?;
        for file in fs::read_dir(host.path())? {
            let file = file?.path();
            if file.extension().is_some_and(|ending| ending == "pcapng") {
                let interface = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let name = host.file_name().to_string_lossy().into_owned();
                let name = if interface == "eth0" { name } else { format!("{name}-{interface}") };
                fs::copy(&file, to.join(format!("{name}.pcapng")))?;
            }
        }
    }
    Ok(())
}
