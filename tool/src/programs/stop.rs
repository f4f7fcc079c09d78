//! Being told to end, as SIGTERM tells a process: a program finishes what it is at. Whoever takes longer than his grace is ended where he
//! stands.

use std::future::Future;

use tokio::sync::watch;

/// Hears whether the program was told to end.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

/// Tells a program to end.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stop {
    /// One for a program, and who tells it.
    pub fn new() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Self(receiver))
    }

    /// True once it was told.
    pub fn is_told(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is told; for ever if nobody will.
    pub async fn told(&self) {
        if self.0.clone().wait_for(|told| *told).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// What `work` comes to, unless it is told before.
    pub async fn unless_told<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = self.told() => None,
        }
    }
}

impl Stopper {
    /// Tells it.
    pub fn tell(&self) {
        self.0.send_replace(true);
    }
}
