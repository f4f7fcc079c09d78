//! How a test gets a network namespace of its own.

use std::env;
use std::process::{Command, Output};

/// Set in the process that is inside of the namespace.
const INSIDE: &str = "LOGGIA_TEST_INSIDE";

/// Runs `story` inside of a network namespace of its own, where the process may make interfaces. `name` is the full name of the test that
/// calls this.
pub(crate) fn inside(name: &str, story: fn()) {
    inside_of(&["--map-root-user", "--net"], name, story);
}

/// As [`inside`], with the rights of root on the whole machine where the tests are run by root: those of a namespace of users reach less far.
pub(crate) fn inside_with_all_rights(name: &str, story: fn()) {
    let kinds: &[&str] = if rustix::process::geteuid().is_root() { &["--net"] } else { &["--map-root-user", "--net"] };
    inside_of(kinds, name, story);
}

/// As [`inside`], with a `/sys` of the namespace.
pub(crate) fn inside_with_sys(name: &str, story: fn()) {
    inside_of(&["--map-root-user", "--net", "--mount"], name, || match attempt("mount -t sysfs sysfs /sys") {
        // A container may show only parts of its own, and then another cannot be had.
        Err(why) => println!("skipped: {why}"),
        Ok(_) => story(),
    });
}

fn inside_of(kinds: &[&str], name: &str, story: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        return story();
    }
    if let Some(why) = forbidden(kinds) {
        println!("skipped: {why}");
        return;
    }
    let own = env::current_exe().expect("this program has a name");
    let output = unshare(kinds).arg(own).args([name, "--exact", "--nocapture"]).env(INSIDE, "1").output().expect("unshare runs");
    print!("{}", text(&output));
    assert!(output.status.success(), "inside of the namespace: {}", output.status);
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn unshare(kinds: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(kinds).arg("--");
    command
}

/// Why a namespace with a TUN in it cannot be had here, if so.
fn forbidden(kinds: &[&str]) -> Option<String> {
    match unshare(kinds).args(["ip", "tuntap", "add", "dev", "probe", "mode", "tun"]).output() {
        Err(error) => Some(format!("unshare cannot be run: {error}")),
        Ok(output) if !output.status.success() => Some(format!("no namespace with a TUN: {}", text(&output).trim())),
        Ok(_) => None,
    }
}

/// Runs a command that must succeed.
pub(crate) fn run(command: &str) -> String {
    attempt(command).unwrap_or_else(|why| panic!("{why}"))
}

/// Runs a command; gives what it said, or why it failed.
pub(crate) fn attempt(command: &str) -> Result<String, String> {
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().expect("a command")).args(words).output();
    let output = output.map_err(|error| format!("{command}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command}: {}", text(&output)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// True if a program is there.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: {program} is not here");
    }
    found
}
