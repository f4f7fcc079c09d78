//! How many sockets the programs of a host may have: each costs this process a descriptor and memory, of which others want some too.

use loggia_lab::world::HostId;

use super::Supervisor;
use super::fault::Fault;

/// One descriptor of so many is left for what is no socket of a program: files of the record, connections of the gateway.
const OTHERS: u64 = 8;
/// Sockets of all hosts at most, however many descriptors there are.
const MOST: u64 = 1 << 18;
/// A host may have so many times as many sockets as are left: one that takes all it can get leaves a fifth.
const GREED: usize = 4;

/// What there is to share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    sockets: usize,
}

impl Shares {
    /// Of so many descriptors.
    pub(super) fn of(descriptors: u64) -> Self {
        Self { sockets: (descriptors - descriptors / OTHERS).min(MOST) as usize }
    }

    /// True if a host that has `own` of `all` sockets may have another.
    fn allows(self, own: usize, all: usize) -> bool {
        let left = self.sockets.saturating_sub(all);
        left > 0 && own < left.saturating_mul(GREED)
    }
}

impl Supervisor {
    /// Whether a program of a host may have another socket. `ENFILE`: the machine, as it sees it, has no more.
    pub(super) fn may_have_another(&mut self, host: HostId) -> Result<(), Fault> {
        if self.shares.allows(self.table.count(host), self.table.len()) {
            return Ok(());
        }
        if !self.short.contains(&host) {
            self.short.push(host);
        }
        Err(Fault(libc::ENFILE))
    }

    /// The hosts whose programs wanted more sockets than the descriptors of this process allow: they were told `ENFILE`.
    pub fn short_of_sockets(&self) -> &[HostId] {
        &self.short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_takes_all_he_can_get_leaves_something_to_others() {
        let shares = Shares::of(1024);
        let greedy = (0..1024).find(|own| !shares.allows(*own, *own)).expect("an end");
        assert!((700..750).contains(&greedy), "{greedy}");
        let second = (0..1024).find(|own| !shares.allows(*own, greedy + own)).expect("an end");
        assert!((120..150).contains(&second), "{second}");
        assert!(shares.allows(0, greedy + second));
    }

    #[test]
    fn of_nothing_there_is_nothing() {
        assert!(!Shares::of(0).allows(0, 0));
        assert!(!Shares::of(u64::MAX).allows(0, usize::MAX));
    }
}
