//! Redirects of both families.

use crate::base::{Addr, LinkId};

use super::Network;

#[allow(unused_variables, clippy::unused_self, clippy::needless_pass_by_ref_mut)]
impl Network {
    /// A router says that packets to `dst` go better to `hop` (`dst` itself: it is on the link). Taken only if `router` is the
    /// present first hop to `dst` (RFC 1122 §3.2.2.2, RFC 4861 §8.1) and the settings allow it.
    pub(crate) fn redirect(&mut self, link: LinkId, dst: Addr, hop: Addr, router: Addr) {}
}
