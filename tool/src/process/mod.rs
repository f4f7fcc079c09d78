//! Programs that somebody else wrote: started under a filter, watched, stopped, and ended together with everything they have started.
//!
//! ```text
//!  loggia (many threads)          forked before any thread           one for each program
//!  ┌─────────┐  order + stdio      ┌────────┐   fork    ┌────────┐   fork + exec   ┌─────────┐
//!  │ Spawner │────────────────────>│ warden │──────────>│ keeper │────────────────>│ program │──> whatever it starts
//!  │ Program │<───────────────────────────────────────->│        │<── orphans, daemons ───────────┘
//!  └─────────┘  wishes, reports, the filter's listener  └────────┘
//! ```
//!
//! * [`Spawner`] starts the warden, asks it for programs; [`Program`] is what came of it: wishes in, [`Event`]s out, a descriptor to poll.
//! * [`Command`]: what to run, as whom, where, with which streams. [`lookup`]: where a program's name leads.
//! * [`warden`] and [`keeper`]: the two kinds of forked processes. `order`, `report`, `wire`: what is said between them.
//! * [`Signals`]: what is sent to loggia itself. [`Follower`]: a log as it grows, line by line.
//!
//! Invariants: the warden and the keepers have one thread each, hold `/dev/null` as standard streams and block every signal. A keeper is
//! the reaper of all that its program starts, daemons too, so when it has no child left the tree is gone; that is the only proof it
//! accepts. It ends the tree as soon as loggia's end of its socket closes, for whatever reason. If a keeper itself is killed the warden
//! inherits the tree and kills it; if the warden is killed the keepers go on.

mod command;
mod error;
mod follow;
mod keeper;
pub mod lookup;
mod order;
mod program;
mod report;
mod signals;
mod spawner;
mod status;
mod warden;
mod wire;

pub use crate::sys::process::{Usage, open_files, raise_open_files};
pub use crate::sys::signal::{Arrived, Sender};
pub use command::{Command, Input, Log, Output, Seat};
pub use error::SpawnError;
pub use follow::{Follower, printable};
pub use program::{Event, Program, Survivor, TreeEnd};
pub use signals::{Signals, suspend};
pub use spawner::{Spawned, Spawner, can_run_as};
pub use status::{Status, signal_by_name, signal_name};
