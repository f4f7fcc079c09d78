//! Measurements in a process of their own: memory that is not spoiled by what was measured before, or a network namespace. The child prints
//! its samples as lines of JSON.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::figure::Sample;
use crate::probe::Effort;

/// Longest time that one child may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a child measures.
pub(crate) struct Errand {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Effort) -> Result<Vec<Sample>, String>,
}

/// Runs this program as `child NAME`, under `before` (as `unshare ...`), and reads its samples.
pub(crate) fn send(before: &[&str], name: &str, effort: Effort) -> Result<Vec<Sample>, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = match before {
        [] => Command::new(&own),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(&own);
            command
        }
    };
    command.args(["child", name, &effort.scale.to_string(), if effort.quick { "quick" } else { "full" }]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?;
    let id = rustix::process::Pid::from_child(&child);
    let (done, over) = std::sync::mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if over.recv_timeout(PATIENCE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            // It may have ended just now.
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
    });
    let began = Instant::now();
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    drop(done);
    // It says nothing.
    let _ = watch.join();
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("{} after {:.0} s: {words}", output.status, began.elapsed().as_secs_f64()));
    }
    // What a child says aloud is for people.
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))).collect()
}

/// The child's side.
pub(crate) fn main(errands: &[Errand], words: &[String]) -> ExitCode {
    let [name, scale, form] = words else { return ExitCode::from(2) };
    let Some(errand) = errands.iter().find(|errand| errand.name == name) else { return ExitCode::from(2) };
    let effort = Effort { scale: scale.parse().unwrap_or(1.0), quick: form == "quick" };
    match (errand.run)(effort) {
        Ok(samples) => {
            for sample in samples {
                println!("{}", serde_json::to_string(&sample).expect("a sample is text"));
            }
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
