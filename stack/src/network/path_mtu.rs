//! Path MTUs.

use crate::base::Entropy;

/// Path MTUs found.
#[derive(Debug)]
pub struct PathMtus {}

impl PathMtus {
    pub(crate) fn new(_entropy: &Entropy) -> Self {
        Self {}
    }
}
