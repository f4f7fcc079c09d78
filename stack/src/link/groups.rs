//! Which multicast frames a link takes in: groups by their link address, counted.

use alloc::collections::BTreeMap;

use super::mac::Mac;
use crate::base::Addr;

/// The filter of one link. Different groups may share a link address; the network layer sorts those out.
#[derive(Debug, Default)]
pub(super) struct Groups {
    joined: BTreeMap<Mac, u32>,
}

/// `224.0.0.1`, which every IPv4 host is always a member of (RFC 1112 §7.2).
const ALL_HOSTS: Mac = Mac([0x01, 0x00, 0x5e, 0, 0, 1]);
/// `ff02::1`, likewise for IPv6 (RFC 4291 §2.8).
const ALL_NODES: Mac = Mac([0x33, 0x33, 0, 0, 0, 1]);

impl Groups {
    /// Takes in frames for `group`; each join needs a leave.
    pub(super) fn join(&mut self, group: Addr) {
        let count = self.joined.entry(Mac::multicast(group)).or_default();
        *count = count.saturating_add(1);
    }

    /// Undoes one join.
    pub(super) fn leave(&mut self, group: Addr) {
        let mac = Mac::multicast(group);
        if let Some(count) = self.joined.get_mut(&mac) {
            *count -= 1;
            if *count == 0 {
                self.joined.remove(&mac);
            }
        }
    }

    /// True if frames to `group` are wanted.
    pub(super) fn takes(&self, group: Mac) -> bool {
        group == ALL_HOSTS || group == ALL_NODES || self.joined.contains_key(&group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_left_when_the_last_of_its_joins_is_undone() {
        let group: Addr = "239.1.2.3".parse().unwrap();
        let twin: Addr = "224.129.2.3".parse().unwrap();
        let mac = Mac::multicast(group);
        assert_eq!(mac, Mac::multicast(twin));
        let mut groups = Groups::default();
        groups.leave(group);
        assert!(!groups.takes(mac));
        groups.join(group);
        groups.join(twin);
        groups.leave(group);
        assert!(groups.takes(mac));
        groups.leave(twin);
        assert!(!groups.takes(mac));
        assert!(groups.takes(ALL_HOSTS) && groups.takes(ALL_NODES));
    }
}
