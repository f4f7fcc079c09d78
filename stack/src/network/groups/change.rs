//! Telling routers of a change: each change is told as often as the robustness variable says (RFC 9776 §5.1, RFC 9777 §6.1).

use alloc::vec::Vec;

use crate::base::Addr;

use super::filter::{Mode, SourceFilter};
use super::message::{Record, RecordKind};

/// What routers have not been told often enough.
#[derive(Clone, Debug, Default)]
pub(super) struct Change {
    /// So many more reports tell the mode and the whole list.
    mode_left: u8,
    /// So many more reports tell what became of a source.
    sources_left: Vec<(Addr, u8)>,
}

impl Change {
    /// The filter became `new`: it is to be told `times` times.
    pub(super) fn note(&mut self, old: &SourceFilter, new: &SourceFilter, times: u8) {
        if old.mode != new.mode {
            self.mode_left = times;
            // The whole list is told with the mode.
            self.sources_left.clear();
            return;
        }
        let differs = |src: &&Addr| old.lists(**src) != new.lists(**src);
        for &src in old.sources().iter().chain(new.sources()).filter(differs) {
            match self.sources_left.iter_mut().find(|(known, _)| *known == src) {
                Some((_, left)) => *left = times,
                None => self.sources_left.push((src, times)),
            }
        }
    }

    /// Everything is to be told anew (the link came up, or has an address to speak from now).
    pub(super) fn note_all(&mut self, now: &SourceFilter, times: u8) {
        match now.mode {
            Mode::Exclude => self.note(&SourceFilter::NOTHING, now, times),
            Mode::Include => {
                self.mode_left = 0;
                self.note(&SourceFilter::NOTHING, now, times);
            }
        }
    }

    /// True if there is nothing more to be told.
    pub(super) fn is_done(&self) -> bool {
        self.mode_left == 0 && self.sources_left.is_empty()
    }

    /// Forgets what was to be told.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next report's records, once told: the mode with the whole list, else which sources to allow and to block.
    pub(super) fn tell(&mut self, group: Addr, now: &SourceFilter) -> Vec<Record> {
        let mut records = Vec::new();
        if self.mode_left > 0 {
            self.mode_left -= 1;
            let kind = match now.mode {
                Mode::Include => RecordKind::ChangeToInclude,
                Mode::Exclude => RecordKind::ChangeToExclude,
            };
            records.push(Record { kind, group, sources: now.sources().to_vec() });
        } else {
            let (allow, block): (Vec<Addr>, Vec<Addr>) =
                self.sources_left.iter().map(|(src, _)| *src).partition(|&src| now.wants(src));
            for (kind, sources) in [(RecordKind::AllowNew, allow), (RecordKind::BlockOld, block)] {
                if !sources.is_empty() {
                    records.push(Record { kind, group, sources });
                }
            }
        }
        self.sources_left.iter_mut().for_each(|(_, left)| *left -= 1);
        self.sources_left.retain(|(_, left)| *left > 0);
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: Addr = Addr::v4(239, 1, 1, 1);

    fn filter(mode: Mode, sources: &[u8]) -> SourceFilter {
        SourceFilter::new(mode, sources.iter().map(|&last| Addr::v4(192, 0, 2, last)).collect())
    }

    fn told(change: &mut Change, now: &SourceFilter) -> Vec<(RecordKind, usize)> {
        change.tell(GROUP, now).iter().map(|record| (record.kind, record.sources.len())).collect()
    }

    #[test]
    fn a_change_of_mode_is_told_with_the_whole_list() {
        // RFC 9776 §5.1
        let now = filter(Mode::Exclude, &[1, 2]);
        let mut change = Change::default();
        change.note(&SourceFilter::NOTHING, &now, 2);
        assert_eq!(told(&mut change, &now), [(RecordKind::ChangeToExclude, 2)]);
        assert_eq!(told(&mut change, &now), [(RecordKind::ChangeToExclude, 2)]);
        assert!(change.is_done() && told(&mut change, &now).is_empty());
    }

    #[test]
    fn changes_of_the_list_are_told_source_by_source() {
        // RFC 9776 §5.1
        let (old, new) = (filter(Mode::Include, &[1, 2]), filter(Mode::Include, &[2, 3, 4]));
        let mut change = Change::default();
        change.note(&old, &new, 2);
        assert_eq!(told(&mut change, &new), [(RecordKind::AllowNew, 2), (RecordKind::BlockOld, 1)]);
        let newer = filter(Mode::Include, &[2, 3]);
        change.note(&new, &newer, 2);
        assert_eq!(told(&mut change, &newer), [(RecordKind::AllowNew, 1), (RecordKind::BlockOld, 2)]);
        assert_eq!(told(&mut change, &newer), [(RecordKind::BlockOld, 1)], "the one that changed last is told once more");
        assert!(change.is_done());
    }

    #[test]
    fn in_exclude_mode_a_listed_source_is_blocked() {
        let (old, new) = (filter(Mode::Exclude, &[1]), filter(Mode::Exclude, &[2]));
        let mut change = Change::default();
        change.note(&old, &new, 1);
        assert_eq!(told(&mut change, &new), [(RecordKind::AllowNew, 1), (RecordKind::BlockOld, 1)]);
    }

    #[test]
    fn leaving_before_all_was_told_tells_the_leave_alone() {
        let mut change = Change::default();
        change.note(&SourceFilter::NOTHING, &SourceFilter::EVERYTHING, 2);
        change.note(&SourceFilter::EVERYTHING, &SourceFilter::NOTHING, 2);
        assert_eq!(told(&mut change, &SourceFilter::NOTHING), [(RecordKind::ChangeToInclude, 0)]);
    }
}
