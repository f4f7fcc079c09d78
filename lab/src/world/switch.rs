//! A learning Ethernet switch (IEEE 802.1D without spanning tree: a lab's topology is a tree of switches or it is refused).

use std::collections::HashMap;

use loggia_stack::base::Frame;

/// Names a switch of a world.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SwitchId(pub usize);

/// Most addresses a switch knows; beyond them it floods, as real ones do.
const TABLE: usize = 16_384;

/// A switch.
#[derive(Debug, Default)]
pub(super) struct Switch {
    /// Which link of the world each port is plugged into, and which of its ends.
    pub(super) ports: Vec<(usize, usize)>,
    /// Where each address was seen last.
    table: HashMap<[u8; 6], usize>,
}

/// Where a frame goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// Nowhere: its destination is where it came from, or it is no frame.
    Nowhere,
    /// Out by one port.
    Port(usize),
    /// Out by all ports but the one it came by.
    Flood,
}

impl Switch {
    /// Learns where the sender is and says where the frame goes.
    pub(super) fn way(&mut self, from: usize, frame: &Frame) -> Way {
        let (Some(to), Some(sender)) = (frame.read::<6>(0), frame.read::<6>(6)) else { return Way::Nowhere };
        let group = |mac: [u8; 6]| mac[0] & 1 == 1;
        if !group(sender) {
            self.learn(sender, from);
        }
        match self.table.get(&to) {
            _ if group(to) => Way::Flood,
            Some(port) if *port == from => Way::Nowhere,
            Some(port) => Way::Port(*port),
            None => Way::Flood,
        }
    }

    fn learn(&mut self, sender: [u8; 6], from: usize) {
        if let Some(port) = self.table.get_mut(&sender) {
            *port = from;
        } else if self.table.len() < TABLE {
            self.table.insert(sender, from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(to: u8, from: u8) -> Frame {
        Frame::from(&[2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from, 8, 0][..])
    }

    #[test]
    fn a_switch_floods_until_it_has_seen_the_station() {
        let mut switch = Switch::default();
        assert_eq!(switch.way(0, &frame(2, 1)), Way::Flood);
        assert_eq!(switch.way(3, &frame(1, 2)), Way::Port(0));
        assert_eq!(switch.way(0, &frame(2, 1)), Way::Port(3));
        assert_eq!(switch.way(3, &frame(2, 9)), Way::Nowhere, "it is where it came from");
        assert_eq!(switch.way(0, &Frame::from(&[0xff; 14][..])), Way::Flood, "broadcast");
        assert_eq!(switch.way(0, &Frame::from(&[0xff; 9][..])), Way::Nowhere, "no frame");
    }
}
