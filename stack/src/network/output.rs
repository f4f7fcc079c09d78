//! What leaves.

use crate::base::{Errno, Frame};

use super::{Network, Outgoing, Route};

#[allow(unused_variables, clippy::todo)]
impl Network {
    /// Sends a transport's packet along `route`: pushes the IP header, cuts into fragments where allowed.
    /// `EMSGSIZE` if it is too big and must not be cut, `ENOBUFS` if the link's queue is full.
    pub fn send(&mut self, route: &Route, outgoing: &Outgoing, frame: Frame) -> Result<(), Errno> {
        todo!()
    }
}
