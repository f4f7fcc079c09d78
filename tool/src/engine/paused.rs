//! Virtual time. The programs run on a tokio runtime of one thread whose clock is paused: tokio moves such a clock only when every task
//! waits and no blocking call is under way. So a sleep on that clock ends exactly when nobody has anything left to do at this moment, and
//! that is all the clock is used for. Then the world goes to its next moment, and those whom it concerns are woken.
//!
//! Programs wait with [`loggia::time`] and never with `tokio::time`.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use loggia_stack::base::Instant;

use super::shared::{Inner, Shared};

/// Real time between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// How a run in virtual time ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// The programs ended with this.
    Done(T),
    /// It was as late as this before they did.
    Deadline,
    /// Everybody waits, and nothing will ever happen.
    Stuck,
}

/// Runs `programs` in virtual time until they end, or the world is at `deadline`, or nothing can happen any more. Everything that is
/// spawned within goes with the end. `look` is called every few milliseconds of real time: for signals, say.
pub fn run<T>(
    shared: &Arc<Shared>,
    deadline: Instant,
    look: impl FnMut(),
    programs: impl Future<Output = T>,
) -> io::Result<Outcome<T>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        // Blocking calls end in the order in which they began.
        .max_blocking_threads(1)
        .build()?;
    Ok(runtime.block_on(async {
        tokio::select! {
            biased;
            result = programs => Outcome::Done(result),
            ended = drive(shared, deadline, look) => ended,
        }
    }))
}

/// Moves the world whenever everybody waits.
async fn drive<T>(shared: &Shared, deadline: Instant, mut look: impl FnMut()) -> Outcome<T> {
    let mut looked = std::time::Instant::now();
    loop {
        everybody_waits().await;
        if looked.elapsed() > LOOK {
            look();
            looked = std::time::Instant::now();
        }
        match next_moment(&mut shared.lock(), deadline) {
            Moment::Come => {}
            Moment::TooLate => return Outcome::Deadline,
            Moment::Never => return Outcome::Stuck,
        }
    }
}

async fn everybody_waits() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

enum Moment {
    /// Somebody was woken.
    Come,
    TooLate,
    Never,
}

/// Lets the world go on until somebody is woken.
fn next_moment(inner: &mut Inner, deadline: Instant) -> Moment {
    loop {
        let next = inner.next_deadline();
        if !next.is_set() {
            return Moment::Never;
        }
        if next > deadline {
            inner.world.advance(deadline);
            return Moment::TooLate;
        }
        if inner.step(next) {
            return Moment::Come;
        }
    }
}
