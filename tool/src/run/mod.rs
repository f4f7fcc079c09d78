//! One run of a lab: who starts when, what passes between programs and world, how it ends and what is said of it.
//!
//! | module | what |
//! |---|---|
//! | [`perform`](mod@perform) | a plan performed: world, record, programs, findings |
//! | [`conductor`] | which program starts and stops when: decisions only |
//! | [`changes`] | what changes while a lab runs |
//! | [`real`], [`simulated`] | a run in real time, and in virtual time |
//! | [`live`], [`starter`], [`task`], [`place`] | programs that are alive, foreign and built-in; their streams |
//! | [`aloud`], [`allowance`] | what built-in programs write, shown as it comes; how much of a program is shown |
//! | [`shower`] | what programs write and how far they are, told to whoever looks |
//! | [`kick`], `awake`, `warm`, [`listening`], [`lag`] | waking the driver, and not letting it sleep, nor the processors; who listens where; how late the world was |

pub mod allowance;
pub mod aloud;
mod awake;
pub mod changes;
pub mod conductor;
pub mod kick;
pub mod lag;
pub mod listening;
pub mod live;
pub mod perform;
pub mod place;
pub mod real;
pub mod shower;
pub mod simulated;
pub mod starter;
pub mod task;
mod warm;

use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use loggia::Host;

use crate::programs::{self, Running, Setting, Stop, Stopper};

fn built_in(
    name: &str,
    args: Vec<String>,
    host: Host,
    [out, error]: [Box<dyn Write + Send>; 2],
    directory: PathBuf,
    epoch: SystemTime,
) -> (Running, Stopper) {
    let (stopper, stop) = Stop::new();
    let setting = Setting { host, out: programs::Output::new(out, error), directory, epoch, stop };
    let program = programs::by_name(name).expect("the lab file was read with their names");
    ((program.run)(args, setting), stopper)
}

/// Names of the built-in programs.
pub const BUILT_IN: &[&str] = programs::NAMES;
/// Those of them that serve until they are stopped.
pub const SERVERS: &[&str] = programs::SERVERS;
