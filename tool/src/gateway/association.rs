//! Datagrams that belong together: those between one sender and one destination, until nothing was sent for a while.

use std::collections::HashMap;
use std::hash::Hash;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The largest datagram.
pub(super) const DATAGRAM: usize = 65_535;
/// Associations at one gateway or publication at most.
const MOST: usize = 1024;

/// When an association was last used.
#[derive(Debug)]
pub(super) struct Used(Mutex<Instant>);

impl Used {
    pub(super) fn now() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(super) fn touch(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Waits until it was not used for `idle`.
    pub(super) async fn idle_for(&self, idle: Duration) {
        loop {
            let end = *self.0.lock().unwrap_or_else(PoisonError::into_inner) + idle;
            if end <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(end).await;
        }
    }
}

/// The associations there are.
#[derive(Debug)]
pub(super) struct Associations<K, V>(Arc<Mutex<HashMap<K, V>>>);

impl<K, V> Clone for Associations<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Default for Associations<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Associations<K, V> {
    /// The one of this name.
    pub(super) fn find(&self, name: &K) -> Option<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// A new one. An error if there are too many.
    pub(super) fn add(&self, name: &K, one: &V) -> io::Result<()> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            return Err(io::Error::other(format!("more than {MOST} associations of UDP at a time")));
        }
        all.insert(name.clone(), one.clone());
        Ok(())
    }

    /// It is over.
    pub(super) fn forget(&self, name: &K) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// True for errors that one datagram has caused, this one or an earlier one (by ICMP): the socket goes on.
pub(super) fn is_of_one_datagram(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    let told = matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable | ConnectionReset);
    told || error.raw_os_error() == Some(libc::EMSGSIZE)
}
