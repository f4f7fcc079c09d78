//! What is said about groups: changes at once and again, answers to queries, leaves (RFC 9776 §5, RFC 9777 §6).

use alloc::vec::Vec;
use bytes::Bytes;

use crate::base::{Addr, Duration, Frame, Instant, Key, LinkId, Timer, TimerOwner, Version};
use crate::link::Hop;

use super::super::{Cast, Network, Outgoing, Route, protocol};
use super::filter::{Mode, SourceFilter};
use super::message::{self, Dialect, Record, RecordKind};
use super::{ALL_SYSTEMS, LINK_TIMER, Membership, Response};

/// Between repeated reports of the current dialect (RFC 9776 §8.11 `Unsolicited Report Interval`).
const INTERVAL: Duration = Duration::from_secs(1);
/// The same in the older dialects (RFC 2236 §8.10, RFC 2710 §7.10).
const OLDER_INTERVAL: Duration = Duration::from_secs(10);

const ALL_ROUTERS_V4: Addr = Addr::v4(224, 0, 0, 2);
/// `224.0.0.22`: IGMPv3 routers.
const REPORTS_V4: Addr = Addr::v4(224, 0, 0, 22);
/// `ff02::16`: MLDv2 routers.
const REPORTS_V6: Addr = Addr::from_v6([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16]);
/// Router alert (RFC 2113).
const ALERT_V4: [u8; 4] = [0x94, 4, 0, 0];
/// Its number, then a hop-by-hop header with router alert for MLD (RFC 2711 §2.1) and padding; `output` fills in what follows it.
const ALERT_V6: [u8; 9] = [protocol::HOP_BY_HOP, 0, 0, 5, 2, 0, 0, 1, 0];

impl Network {
    /// The filter of a group changed: routers are told at once, and again.
    pub(super) fn filter_changed(&mut self, key: Key, before: &SourceFilter) {
        let membership = &mut self.groups.all[key];
        if membership.filter == *before {
            return;
        }
        let (link, group) = (membership.link, membership.group);
        if membership.filter.is_nothing() {
            // What is left is not answered for any more.
            membership.response = None;
        }
        if self.reports(link, group) {
            let now = self.links.base.now;
            let querier = self.groups.link_mut(link).querier(group.version());
            let (dialect, times) = (querier.dialect(now), querier.robustness());
            if dialect == Dialect::Current {
                let Membership { change, filter, .. } = &mut self.groups.all[key];
                change.note(before, filter, times);
            } else {
                self.changed_in_older(key, before, times, dialect);
            }
            self.tell(key);
        }
        self.finish_leaving(key);
    }

    /// In the older dialects only whole groups are joined and left.
    fn changed_in_older(&mut self, key: Key, before: &SourceFilter, times: u8, dialect: Dialect) {
        let membership = &mut self.groups.all[key];
        let group = membership.group;
        if before.is_nothing() {
            membership.reports_left = times;
        } else if membership.filter.is_nothing() {
            membership.reports_left = 0;
            // RFC 2236 §3: who did not report last need not tell; version 1 has no leaves.
            if core::mem::take(&mut membership.last_reporter) && dialect == Dialect::Older {
                self.send_leave(key, group);
            }
        }
    }

    /// Tells what is still to be told of a group, and decides when to tell it again.
    fn tell(&mut self, key: Key) {
        let now = self.links.base.now;
        let Membership { link, group, .. } = self.groups.all[key];
        let dialect = self.groups.link_mut(link).querier(group.version()).dialect(now);
        let interval = if dialect == Dialect::Current { INTERVAL } else { OLDER_INTERVAL };
        let delay = self.random_within(interval);
        let membership = &mut self.groups.all[key];
        let more = if dialect == Dialect::Current {
            let records = membership.change.tell(group, &membership.filter);
            let more = !membership.change.is_done();
            self.send_records(link, group.version(), &records);
            more
        } else {
            let due = membership.reports_left > 0;
            membership.reports_left = membership.reports_left.saturating_sub(1);
            let more = membership.reports_left > 0;
            if due {
                self.send_older_report(key, dialect);
            }
            more
        };
        let membership = &mut self.groups.all[key];
        membership.tell_at = more.then_some(now + delay);
        self.schedule_membership(key);
    }

    /// A group that nobody wants and of which all has been told is forgotten.
    fn finish_leaving(&mut self, key: Key) {
        let membership = &self.groups.all[key];
        if membership.filter.is_nothing() && membership.tell_at.is_none() {
            self.drop_membership(key);
        }
    }

    pub(super) fn drop_membership(&mut self, key: Key) {
        let Some(membership) = self.groups.take(key) else { return };
        if let Some(timer) = membership.timer {
            self.links.base.timers.cancel(timer);
        }
        if !membership.filter.is_nothing() {
            self.links.group_leave(membership.link, membership.group);
        }
    }

    /// The timer of a group fired: a report is to be repeated or a query to be answered.
    pub(super) fn membership_timer(&mut self, index: u32) {
        let Some(key) = self.groups.all.key_at(index) else { return };
        let now = self.links.base.now;
        let membership = &mut self.groups.all[key];
        membership.timer = None;
        let repeat = membership.tell_at.is_some_and(|at| at <= now);
        if membership.response.as_ref().is_some_and(|response| response.at <= now)
            && let Some(response) = membership.response.take()
        {
            self.answer(key, &response);
        }
        if repeat {
            self.tell(key);
        } else {
            self.schedule_membership(key);
        }
        self.finish_leaving(key);
    }

    /// Answers a query about one group.
    fn answer(&mut self, key: Key, response: &Response) {
        let now = self.links.base.now;
        let Membership { link, group, .. } = self.groups.all[key];
        let dialect = self.groups.link_mut(link).querier(group.version()).dialect(now);
        if dialect == Dialect::Current {
            let records: Vec<Record> = current(&self.groups.all[key], &response.sources).into_iter().collect();
            self.send_records(link, group.version(), &records);
        } else {
            self.send_older_report(key, dialect);
        }
    }

    /// The moment to answer a query about all groups has come (RFC 9776 §5.2, RFC 9777 §6.3).
    pub(super) fn general_response_timer(&mut self, link: LinkId, version: Version) {
        let querier = self.groups.link_mut(link).querier(version);
        querier.timer = None;
        if querier.general.take().is_none() || !self.links.is_up(link) {
            return;
        }
        let keys = self.groups.keys_of(link, version).into_iter();
        let reported = keys.map(|key| &self.groups.all[key]).filter(|membership| super::is_reported(membership.group));
        let records: Vec<Record> = reported.filter_map(|membership| current(membership, &[])).collect();
        self.send_records(link, version, &records);
    }

    /// Tells routers of all groups of a link anew: it came up, or can speak from an address of its own now (RFC 3590 §4).
    pub(crate) fn tell_all(&mut self, link: LinkId, version: Version) {
        let now = self.links.base.now;
        let querier = self.groups.link_mut(link).querier(version);
        let (dialect, times) = (querier.dialect(now), querier.robustness());
        for key in self.groups.keys_of(link, version) {
            let membership = &mut self.groups.all[key];
            if membership.filter.is_nothing() || !self.reports(link, self.groups.all[key].group) {
                continue;
            }
            let Membership { change, filter, reports_left, .. } = &mut self.groups.all[key];
            if dialect == Dialect::Current {
                change.note_all(filter, times);
            } else {
                *reports_left = times;
            }
            self.tell(key);
        }
    }

    /// Ends everything that was to be said about the groups of a link.
    pub(super) fn hush(&mut self, link: LinkId, version: Version) {
        self.groups.link_mut(link).querier(version).general = None;
        self.schedule_link(link, version);
        for key in self.groups.keys_of(link, version) {
            let membership = &mut self.groups.all[key];
            membership.change.clear();
            membership.reports_left = 0;
            membership.tell_at = None;
            membership.response = None;
            self.schedule_membership(key);
            self.finish_leaving(key);
        }
    }

    pub(super) fn schedule_membership(&mut self, key: Key) {
        let Some(membership) = self.groups.all.get_mut(key) else { return };
        let next = membership.response.as_ref().map(|response| response.at).into_iter().chain(membership.tell_at).min();
        let timer = Timer { owner: TimerOwner::Groups, key: u64::from(key.index()) };
        rearm(&mut self.links.base.timers, &mut membership.timer, next, timer);
    }

    pub(super) fn schedule_link(&mut self, link: LinkId, version: Version) {
        let querier = self.groups.link_mut(link).querier(version);
        let family = u64::from(version == Version::V6) << 16;
        let timer = Timer { owner: TimerOwner::Groups, key: LINK_TIMER | family | u64::from(link.0) };
        rearm(&mut self.links.base.timers, &mut querier.timer, querier.general, timer);
    }

    fn send_records(&mut self, link: LinkId, version: Version, records: &[Record]) {
        let mtu = self.links.config(link).map_or(0, |config| config.mtu as usize);
        let (dst, headers) = match version {
            Version::V4 => (REPORTS_V4, 24),
            Version::V6 => (REPORTS_V6, 48),
        };
        for report in message::reports(version, records, mtu.saturating_sub(headers)) {
            self.send_group_message(link, dst, report);
        }
    }

    fn send_older_report(&mut self, key: Key, dialect: Dialect) {
        let membership = &mut self.groups.all[key];
        membership.last_reporter = true;
        let (link, group) = (membership.link, membership.group);
        let kind = match (group.version(), dialect) {
            (Version::V6, _) => message::MLD_V1_REPORT,
            (Version::V4, Dialect::Oldest) => message::IGMP_V1_REPORT,
            (Version::V4, _) => message::IGMP_V2_REPORT,
        };
        self.send_group_message(link, group, message::about_group(kind, group));
    }

    fn send_leave(&mut self, key: Key, group: Addr) {
        let link = self.groups.all[key].link;
        let (kind, dst) = match group.version() {
            Version::V4 => (message::IGMP_LEAVE, ALL_ROUTERS_V4),
            Version::V6 => (message::MLD_DONE, Addr::ALL_ROUTERS),
        };
        self.send_group_message(link, dst, message::about_group(kind, group));
    }

    /// What cannot be sent now is lost: everything about groups is said more than once.
    fn send_group_message(&mut self, link: LinkId, dst: Addr, message: Vec<u8>) {
        if dst.is_v4() {
            self.send_igmp(link, dst, message);
        } else {
            // RFC 9777 §5.2.13, RFC 3590 §4: from the link-local address, or from nobody while there is none.
            let src = self.addresses.link_local(link).unwrap_or(Addr::V6_ANY);
            let _ = self.send_icmpv6_on_link(link, src, dst, 1, Some(Bytes::from_static(&ALERT_V6)), &message);
        }
    }

    /// RFC 9776 §4: TTL 1, precedence "internetwork control", router alert.
    fn send_igmp(&mut self, link: LinkId, dst: Addr, message: Vec<u8>) {
        let Some(mtu) = self.links.config(link).map(|config| config.mtu) else { return };
        // RFC 9776 §4.2.13: from nowhere while there is no address.
        let src = self.addresses.select_source(dst, link, ALL_SYSTEMS).unwrap_or(Addr::V4_ANY);
        let route = Route { link, hop: Hop::Multicast(dst), src, mtu, cast: Cast::Multicast, local: false };
        let outgoing = Outgoing {
            dst,
            protocol: protocol::IGMP,
            hop_limit: 1,
            traffic_class: 0xc0,
            options: Some(Bytes::from_static(&ALERT_V4)),
            no_loopback: true,
            ..Outgoing::default()
        };
        let _ = self.send(&route, &outgoing, Frame::new(message.into()));
    }
}

/// The record that tells what is so now, of the whole group or of some sources of it (RFC 9776 §5.2); none if there is nothing
/// to tell.
fn current(membership: &Membership, asked: &[Addr]) -> Option<Record> {
    let (filter, group) = (&membership.filter, membership.group);
    if filter.is_nothing() {
        return None;
    }
    if asked.is_empty() {
        let kind = if filter.mode == Mode::Include { RecordKind::IsInclude } else { RecordKind::IsExclude };
        return Some(Record { kind, group, sources: filter.sources().to_vec() });
    }
    let sources: Vec<Addr> = asked.iter().copied().filter(|&src| filter.wants(src)).collect();
    (!sources.is_empty()).then_some(Record { kind: RecordKind::IsInclude, group, sources })
}

fn rearm(timers: &mut crate::base::Wheel<Timer>, armed: &mut Option<crate::base::TimerId>, next: Option<Instant>, timer: Timer) {
    if let Some(old) = armed.take() {
        timers.cancel(old);
    }
    *armed = next.map(|next| timers.arm(next, timer));
}
