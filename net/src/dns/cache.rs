//! What was answered, for as long as it holds (RFC 1035 §7.4, RFC 2308 §5).

use std::collections::BTreeMap;

use hickory_proto::rr::{Name, RData, RecordType};
use loggia_stack::base::Instant;

use super::error::Error;

/// An answer: data and the name it belongs to at the end of all aliases, or that there is none ([`Error::NoName`], [`Error::NoData`]).
pub(super) type Answer = Result<(Vec<RData>, Name), Error>;

#[derive(Debug)]
struct Entry {
    until: Instant,
    answer: Answer,
}

/// Answers by name and type, no more than so many. An answer too many takes the place of the one that would have gone first.
#[derive(Debug)]
pub(super) struct Cache {
    entries: BTreeMap<(Name, RecordType), Entry>,
    most: usize,
}

impl Cache {
    pub(super) fn new(most: usize) -> Self {
        Self { entries: BTreeMap::new(), most }
    }

    /// What was answered and still holds.
    pub(super) fn get(&self, name: &Name, ty: RecordType, now: Instant) -> Option<Answer> {
        let entry = self.entries.get(&(name.clone(), ty))?;
        (now < entry.until).then(|| entry.answer.clone())
    }

    /// Keeps an answer until then.
    pub(super) fn put(&mut self, name: Name, ty: RecordType, answer: Answer, until: Instant, now: Instant) {
        if until <= now || self.most == 0 {
            return;
        }
        let key = (name, ty);
        if self.entries.len() >= self.most && !self.entries.contains_key(&key) {
            self.make_room();
        }
        self.entries.insert(key, Entry { until, answer });
    }

    fn make_room(&mut self) {
        let first = self.entries.iter().min_by_key(|(_, entry)| entry.until).map(|(key, _)| key.clone());
        if let Some(first) = first {
            self.entries.remove(&first);
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::names::full;

    fn name(text: &str) -> Name {
        full(text).expect("a name")
    }

    const fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    #[test]
    fn answers_hold_until_their_time_is_over() {
        let mut cache = Cache::new(2);
        cache.put(name("a.example"), RecordType::A, Err(Error::NoName), at(10), at(5));
        assert_eq!(
            cache.get(&name("A.Example"), RecordType::A, at(9)),
            Some(Err(Error::NoName)),
            "RFC 4343: case does not count"
        );
        assert_eq!(cache.get(&name("a.example"), RecordType::AAAA, at(9)), None);
        assert_eq!(cache.get(&name("a.example"), RecordType::A, at(10)), None);
        cache.put(name("b.example"), RecordType::A, Err(Error::NoName), at(5), at(5));
        assert_eq!(cache.len(), 1, "RFC 1035 §3.2.1: with a TTL of zero it is not kept");
    }

    #[test]
    fn the_cache_never_grows_beyond_its_bound() {
        let mut cache = Cache::new(3);
        for number in 0..100 {
            cache.put(name(&format!("{number}.example")), RecordType::A, Err(Error::NoData), at(1000 - number), at(0));
            assert!(cache.len() <= 3);
        }
        let kept = |number: u64| cache.get(&name(&format!("{number}.example")), RecordType::A, at(0)).is_some();
        assert!(kept(0) && kept(1) && kept(99), "those that hold longest stay, and the newest");
        let mut none = Cache::new(0);
        none.put(name("a.example"), RecordType::A, Err(Error::NoName), at(10), at(5));
        assert_eq!(none.len(), 0);
    }
}
