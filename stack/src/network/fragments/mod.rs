//! Fragments: cutting what is too big, putting together what arrives in pieces.

use crate::base::Entropy;

use super::Network;

/// Datagrams of which not all fragments have arrived.
#[derive(Debug)]
pub struct Fragments {}

impl Fragments {
    pub(crate) fn new(_entropy: &Entropy) -> Self {
        Self {}
    }
}

#[allow(unused_variables, clippy::unused_self, clippy::needless_pass_by_ref_mut)]
impl Network {
    pub(crate) fn fragments_timer(&mut self, key: u64) {}
}
