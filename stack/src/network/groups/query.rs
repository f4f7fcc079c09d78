//! Hearing queries, and the reports of others where these spare ours (RFC 9776 §5.2, RFC 9777 §6.2; RFC 2236 §3, RFC 2710 §4).

use alloc::vec::Vec;

use crate::base::{Addr, Discard, Instant, Key, LinkId, Version, checksum::checksum};

use super::super::{Network, Packet};
use super::Response;
use super::message::{self, Dialect, MAX_QUERIED, Query};

impl Network {
    /// An IGMP packet.
    pub(crate) fn igmp_receive(&mut self, packet: &Packet) {
        let bytes = packet.payload(0).to_bytes();
        if bytes.len() < 8 || checksum(&bytes) != 0 {
            return self.links.base.discard(Some(packet.link), Discard::GroupMalformed, packet.len);
        }
        match bytes[0] {
            message::IGMP_QUERY => {
                let query = Query::read_igmp(&bytes).filter(|query| sent_rightly(query, packet));
                self.heard_or_discard(packet, query);
            }
            message::IGMP_V1_REPORT | message::IGMP_V2_REPORT => {
                self.reported_by_another(packet, Addr::v4(bytes[4], bytes[5], bytes[6], bytes[7]));
            }
            // Leaves and reports of version 3 are for routers.
            _ => {}
        }
    }

    /// An ICMPv6 message of type 130-132, 143 or 206; checksum verified, nothing else.
    pub(crate) fn mld_receive(&mut self, packet: &Packet) {
        let bytes = packet.payload(0).to_bytes();
        // RFC 9777 §5.1.14, §5.2.13: what does not come from the link itself is ignored.
        let from_link = packet.hop_limit == 1 && (packet.src.is_link_local() || packet.src.is_unspecified());
        match bytes.first() {
            Some(&message::MLD_QUERY) => {
                let valid = |query: &Query| from_link && packet.src.is_link_local() && sent_rightly(query, packet);
                self.heard_or_discard(packet, Query::read_mld(&bytes).filter(valid));
            }
            Some(&message::MLD_V1_REPORT) if from_link => {
                if let Some(Ok(group)) = bytes.get(8..24).map(<[u8; 16]>::try_from) {
                    self.reported_by_another(packet, Addr::from_v6(group));
                }
            }
            _ => {}
        }
    }

    fn heard_or_discard(&mut self, packet: &Packet, query: Option<Query>) {
        match query {
            Some(query) => self.heard_query(packet.link, packet.dst.version(), &query),
            None => self.links.base.discard(Some(packet.link), Discard::GroupMalformed, packet.len),
        }
    }

    fn heard_query(&mut self, link: LinkId, version: Version, query: &Query) {
        let now = self.links.base.now;
        let querier = self.groups.link_mut(link).querier(version);
        let before = querier.dialect(now);
        querier.heard(now, query);
        let dialect = querier.dialect(now);
        if dialect != before {
            // RFC 9776 §7.2.1: a change of dialect ends everything that was to be said in the former.
            self.hush(link, version);
        }
        let at = now + self.random_within(query.max_response);
        if !query.group.is_unspecified() {
            if let Some(key) = self.groups.find(link, query.group) {
                self.schedule_response(key, at, &query.sources, dialect);
            }
        } else if dialect == Dialect::Current {
            self.schedule_general(link, version, at);
        } else {
            for key in self.groups.keys_of(link, version) {
                // RFC 2236 §3: each group its own delay.
                let at = now + self.random_within(query.max_response);
                self.schedule_response(key, at, &[], dialect);
            }
        }
    }

    /// RFC 9776 §5.2 rules 1-3: one answer for all groups, at the earliest moment drawn.
    fn schedule_general(&mut self, link: LinkId, version: Version, at: Instant) {
        let querier = self.groups.link_mut(link).querier(version);
        if querier.general.is_none_or(|general| at < general) {
            querier.general = Some(at);
            self.schedule_link(link, version);
        }
    }

    /// RFC 9776 §5.2 rules 1 and 4-6: an answer for one group.
    fn schedule_response(&mut self, key: Key, at: Instant, sources: &[Addr], dialect: Dialect) {
        let membership = &self.groups.all[key];
        let (link, version) = (membership.link, membership.group.version());
        if membership.filter.is_nothing() || !self.reports(link, membership.group) {
            return;
        }
        let general = self.groups.link_mut(link).querier(version).general;
        if dialect == Dialect::Current && general.is_some_and(|general| general <= at) {
            return;
        }
        let membership = &mut self.groups.all[key];
        membership.response = Some(match membership.response.take() {
            None => Response { at, sources: sources.to_vec() },
            Some(pending) => Response { at: at.min(pending.at), sources: merge(pending.sources, sources) },
        });
        self.schedule_membership(key);
    }

    /// Another host reported a group: in the older dialects that spares our report (RFC 2236 §3, RFC 2710 §4).
    fn reported_by_another(&mut self, packet: &Packet, group: Addr) {
        let now = self.links.base.now;
        let dialect = self.groups.link_mut(packet.link).querier(group.version()).dialect(now);
        let Some(key) = self.groups.find(packet.link, group) else { return };
        if dialect == Dialect::Current || self.addresses.is_local_on(packet.link, packet.src) {
            return;
        }
        let membership = &mut self.groups.all[key];
        membership.response = None;
        membership.reports_left = 0;
        membership.tell_at = None;
        membership.last_reporter = false;
        self.schedule_membership(key);
    }
}

/// RFC 9776 §4.1.12, RFC 9777 §5.1.15: a query about all groups goes to all nodes, so that nobody can ask one host alone for many.
fn sent_rightly(query: &Query, packet: &Packet) -> bool {
    !query.group.is_unspecified() || super::of_all_nodes(packet.dst)
}

/// RFC 9776 §5.2 rules 5 and 6: an empty list stands for the whole group.
fn merge(mut pending: Vec<Addr>, sources: &[Addr]) -> Vec<Addr> {
    if pending.is_empty() || sources.is_empty() {
        return Vec::new();
    }
    pending.extend_from_slice(sources);
    pending.sort_unstable();
    pending.dedup();
    if pending.len() > MAX_QUERIED { Vec::new() } else { pending }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_for_sources_add_up_until_they_are_too_many() {
        // RFC 9776 §5.2
        let src = |n: u8| Addr::v4(192, 0, 2, n);
        assert_eq!(merge(alloc::vec![src(2)], &[src(1), src(2)]), [src(1), src(2)]);
        assert!(merge(Vec::new(), &[src(1)]).is_empty(), "the whole group was asked for already");
        assert!(merge(alloc::vec![src(1)], &[]).is_empty());
        let many: Vec<Addr> = (0..64).map(src).collect();
        assert_eq!(merge(many.clone(), &[src(1)]).len(), 64);
        assert!(merge(many, &[src(99)]).is_empty());
    }
}
