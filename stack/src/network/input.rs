//! What arrives.

use crate::base::{Frame, LinkId};

use super::{Network, Up};

#[allow(unused_variables, clippy::todo)]
impl Network {
    /// A frame from a link.
    pub fn receive(&mut self, link: LinkId, frame: Frame) {
        self.links.receive(link, frame);
    }
    /// The next thing a transport must know. Drains the link layer too; call it until it gives none after every input.
    pub fn poll(&mut self) -> Option<Up> {
        todo!()
    }
}
