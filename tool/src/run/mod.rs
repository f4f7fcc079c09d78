//! One run of a lab: who starts when, what passes between programs and world, how it ends and what is said of it.
//!
//! | module | what |
//! |---|---|
//! | [`perform`](mod@perform) | a plan performed: world, record, programs, findings |
//! | [`conductor`] | which program starts and stops when: decisions only |
//! | [`changes`] | what changes while a lab runs |
//! | [`real`], [`simulated`] | a run in real time, and in virtual time |
//! | [`live`], [`starter`], [`task`], [`place`] | programs that are alive, foreign and built-in; their streams |
//! | [`kick`], [`listening`], [`lag`] | waking the driver; who listens where; how late the world was |

pub mod changes;
pub mod conductor;
pub mod kick;
pub mod lag;
pub mod listening;
pub mod live;
pub mod perform;
pub mod place;
pub mod real;
pub mod simulated;
pub mod starter;
pub mod task;

use std::io::Write;

use loggia::Host;

fn built_in(
    name: String,
    args: Vec<String>,
    host: Host,
    streams: [Box<dyn Write + Send>; 2],
) -> impl Future<Output = u8> + Send + use<> {
    drop((name, args, host, streams));
    std::future::ready(127)
}

/// Names of the built-in programs.
pub const BUILT_IN: &[&str] = &[];
/// Those of them that serve until they are stopped.
pub const SERVERS: &[&str] = &[];
