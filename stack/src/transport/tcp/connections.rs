//! All connections and listeners, by their keys.

use core::ops::{Deref, DerefMut, Index, IndexMut};

use super::tcb::Tcb;
use crate::base::{Key, Slab};

/// The slab. Who knows that a connection lives finds it by a call: there are some forty such places, most of them asked once for a connection,
/// and a short one is bound by the lines of code it reads. What comes for each packet asks whether it lives ([`Slab::get_mut`]), in place.
#[derive(Debug, Default)]
pub(super) struct Connections(Slab<Tcb>);

impl Deref for Connections {
    type Target = Slab<Tcb>;
    fn deref(&self) -> &Slab<Tcb> {
        &self.0
    }
}

impl DerefMut for Connections {
    fn deref_mut(&mut self) -> &mut Slab<Tcb> {
        &mut self.0
    }
}

impl Index<Key> for Connections {
    type Output = Tcb;
    #[inline(never)]
    fn index(&self, key: Key) -> &Tcb {
        &self.0[key]
    }
}

impl IndexMut<Key> for Connections {
    #[inline(never)]
    fn index_mut(&mut self, key: Key) -> &mut Tcb {
        &mut self.0[key]
    }
}
