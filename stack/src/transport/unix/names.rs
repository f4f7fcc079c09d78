//! Who has which name: the stack's own flat namespace of paths (no directories, no permissions, no files but sockets), and
//! abstract names, each type of socket with its own.

use bytes::Bytes;
use hashbrown::HashMap;

use super::{UnixAddress, UnixKind};
use crate::base::{Budget, Entropy, Errno, HashKey, Key};

/// Bytes an entry holds besides the path.
const ENTRY: usize = 64;
/// Names autobind chooses from: five hex digits.
const AUTOMATIC: u32 = 1 << 20;

/// All names in use.
#[derive(Debug)]
pub(super) struct Names {
    /// Paths stay after their socket was closed, until somebody unlinks them.
    paths: HashMap<Bytes, Key, HashKey>,
    abstracts: HashMap<(UnixKind, Bytes), Key, HashKey>,
}

impl Names {
    pub(super) fn new(entropy: &Entropy) -> Self {
        let key = entropy.key("unix names");
        Self { paths: HashMap::with_hasher(key), abstracts: HashMap::with_hasher(key) }
    }

    /// The socket that has or had a path, or has an abstract name. `ENOENT` for a path that is not there; `ECONNREFUSED`
    /// for an abstract name nobody has; `EINVAL` for no name.
    pub(super) fn find(&self, address: &UnixAddress, kind: UnixKind) -> Result<Key, Errno> {
        match address {
            UnixAddress::Unnamed => Err(Errno::EINVAL),
            UnixAddress::Path(path) => self.paths.get(path).copied().ok_or(Errno::ENOENT),
            UnixAddress::Abstract(name) => self.abstracts.get(&(kind, name.clone())).copied().ok_or(Errno::ECONNREFUSED),
        }
    }

    /// True if a socket of this type cannot have that name any more.
    pub(super) fn is_taken(&self, address: &UnixAddress, kind: UnixKind) -> bool {
        self.find(address, kind).is_ok()
    }

    /// Gives a free name to a socket. `ENOSPC` when the budget has no room for another path: the namespace is a full disk.
    pub(super) fn take(&mut self, budget: &mut Budget, address: &UnixAddress, kind: UnixKind, socket: Key) -> Result<(), Errno> {
        match address {
            UnixAddress::Unnamed => {}
            UnixAddress::Path(path) => {
                if !budget.allows(path.len() + ENTRY) {
                    return Err(Errno::ENOSPC);
                }
                budget.charge(path.len() + ENTRY);
                self.paths.insert(path.clone(), socket);
            }
            UnixAddress::Abstract(name) => {
                self.abstracts.insert((kind, name.clone()), socket);
            }
        }
        Ok(())
    }

    /// A closed socket gives its abstract name back, if it is the one who has it: those that a listener accepted are only called so. A
    /// path stays.
    pub(super) fn give_back(&mut self, address: &UnixAddress, kind: UnixKind, socket: Key) {
        let UnixAddress::Abstract(name) = address else { return };
        let place = (kind, name.clone());
        if self.abstracts.get(&place) == Some(&socket) {
            self.abstracts.remove(&place);
        }
    }

    /// Frees a path. `ENOENT`.
    pub(super) fn unlink(&mut self, budget: &mut Budget, path: &[u8]) -> Result<(), Errno> {
        let (path, _) = self.paths.remove_entry(path).ok_or(Errno::ENOENT)?;
        budget.release(path.len() + ENTRY);
        Ok(())
    }

    /// A free abstract name of five hex digits, the first one from a random place on. `ENOSPC` if all are taken.
    pub(super) fn choose(&self, entropy: &mut Entropy, kind: UnixKind) -> Result<UnixAddress, Errno> {
        let start = entropy.below(AUTOMATIC);
        (0..AUTOMATIC)
            .map(|step| automatic((start + step) % AUTOMATIC))
            .find(|name| !self.is_taken(name, kind))
            .ok_or(Errno::ENOSPC)
    }
}

fn automatic(number: u32) -> UnixAddress {
    UnixAddress::Abstract(Bytes::from(alloc::format!("{number:05x}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Slab;

    #[test]
    fn autobind_passes_over_taken_names() {
        let mut entropy = Entropy::new(1.into());
        let mut names = Names::new(&entropy);
        let mut budget = Budget::new(0);
        let socket = Slab::new().insert(());
        let first = names.choose(&mut entropy.clone(), UnixKind::Stream).expect("a name");
        names.take(&mut budget, &first, UnixKind::Stream, socket).expect("free");
        assert_eq!(names.choose(&mut entropy.clone(), UnixKind::Datagram), Ok(first.clone()), "each type has its own names");
        let second = names.choose(&mut entropy, UnixKind::Stream).expect("a name");
        let number = |name: &UnixAddress| match name {
            UnixAddress::Abstract(digits) => u32::from_str_radix(core::str::from_utf8(digits).expect("text"), 16).expect("hex"),
            _ => panic!("{name}"),
        };
        assert_eq!(number(&second), (number(&first) + 1) % AUTOMATIC);
        assert_eq!(alloc::string::ToString::to_string(&automatic(0xab)), "@000ab");
    }

    #[test]
    fn a_full_budget_is_a_full_disk() {
        let mut budget = Budget::new(ENTRY + 3);
        let mut names = Names::new(&Entropy::new(1.into()));
        let socket = Slab::new().insert(());
        let mut take = |budget: &mut Budget, path: &'static [u8]| {
            names.take(budget, &UnixAddress::path(path).expect("short"), UnixKind::Stream, socket)
        };
        assert_eq!(take(&mut budget, b"long"), Err(Errno::ENOSPC));
        assert_eq!(take(&mut budget, b"abc"), Ok(()));
        assert_eq!(take(&mut budget, b"d"), Err(Errno::ENOSPC));
        assert_eq!(names.unlink(&mut budget, b"abc"), Ok(()));
        assert_eq!(names.unlink(&mut budget, b"abc"), Err(Errno::ENOENT));
        assert_eq!(budget.used(), 0);
    }
}
