//! Fragments: cutting what is too big, putting together what arrives in pieces.

pub(crate) mod cut;

use crate::base::Entropy;

use super::ipv4;
use super::ipv6::Fragment;
use super::ipv6::chain::Position;
use super::{Network, Packet};

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
    pub(crate) fn reassemble_v4(&mut self, packet: Packet, header: &ipv4::Header) -> Option<Packet> {
        None
    }
    pub(crate) fn reassemble_v6(&mut self, packet: Packet, place: Position, fragment: Fragment) -> Option<(Packet, Position)> {
        None
    }
}
