//! `select`.

use std::io;
use std::time::Duration;

use loggia_stack::base::Errno;

use super::numbers::{POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI};
use super::poll::PollFd;
use super::{Berkeley, Fd};
use crate::socket::error;

/// Descriptors, as `fd_set`, but as many as one likes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct FdSet(Vec<u64>);

impl FdSet {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// `FD_SET`; a negative one is not taken.
    pub fn insert(&mut self, fd: Fd) {
        let Ok(fd) = usize::try_from(fd) else { return };
        if fd / 64 >= self.0.len() {
            self.0.resize(fd / 64 + 1, 0);
        }
        self.0[fd / 64] |= 1 << (fd % 64);
    }

    /// `FD_CLR`
    pub fn remove(&mut self, fd: Fd) {
        if let Some(word) = usize::try_from(fd).ok().and_then(|fd| self.0.get_mut(fd / 64)) {
            *word &= !(1 << (fd % 64));
        }
    }

    /// `FD_ISSET`
    pub fn contains(&self, fd: Fd) -> bool {
        let word = usize::try_from(fd).ok().and_then(|fd| self.0.get(fd / 64));
        word.is_some_and(|word| word >> (fd % 64) & 1 != 0)
    }

    /// `FD_ZERO`
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl FromIterator<Fd> for FdSet {
    fn from_iter<I: IntoIterator<Item = Fd>>(fds: I) -> Self {
        let mut set = Self::new();
        fds.into_iter().for_each(|fd| set.insert(fd));
        set
    }
}

/// What each of the three sets asks for, and what counts as it, as on Linux: an end is readable, an error both.
const QUESTIONS: [(i16, i16); 3] = [(POLLIN, POLLIN | POLLHUP | POLLERR), (POLLOUT, POLLOUT | POLLERR), (POLLPRI, POLLPRI)];

impl Berkeley {
    /// Waits until one of the descriptors below `count` can be read, can be written, or has something urgent, or `timeout` is over. Leaves
    /// those in the sets and says how many they are together. `EBADF` for one that is not there, `EINVAL` for a negative count, `ENETDOWN` as
    /// [`Berkeley::poll`]; then the sets stay as they are.
    pub fn select(
        &self,
        count: i32,
        read: Option<&mut FdSet>,
        write: Option<&mut FdSet>,
        except: Option<&mut FdSet>,
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        if count < 0 {
            return Err(error(Errno::EINVAL));
        }
        let sets = [read, write, except];
        let asked = |fd| {
            let bits = sets.iter().zip(QUESTIONS).filter(|(set, _)| set.as_ref().is_some_and(|set| set.contains(fd)));
            bits.fold(0, |events, (_, (asks, _))| events | asks)
        };
        // Beyond the longest set there is nothing.
        let longest = sets.iter().flatten().map(|set| set.0.len() * 64).max().unwrap_or(0);
        let count = count.min(i32::try_from(longest).unwrap_or(i32::MAX));
        let polls = (0..count).map(|fd| PollFd { fd, events: asked(fd), revents: 0 }).filter(|poll| poll.events != 0);
        let mut polls: Vec<_> = polls.collect();
        if polls.iter().any(|poll| self.table.get(poll.fd).is_err()) {
            return Err(error(Errno::EBADF));
        }
        self.poll_for(&mut polls, timeout, &|poll| QUESTIONS.into_iter().any(|question| is_told(poll, question)))?;
        let mut found = 0;
        for (set, question) in sets.into_iter().zip(QUESTIONS) {
            let Some(set) = set else { continue };
            let told = || polls.iter().filter(|poll| is_told(poll, question)).map(|poll| poll.fd);
            found += told().count();
            *set = told().collect();
        }
        Ok(found)
    }
}

/// True if this set's question has been asked of the descriptor, and the answer is yes.
fn is_told(poll: &PollFd, (asks, counts): (i16, i16)) -> bool {
    poll.events & asks != 0 && poll.revents & counts != 0
}
