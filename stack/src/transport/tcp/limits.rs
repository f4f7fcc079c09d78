//! Limits on answers to segments that may be forged (RFC 5961 §7), for the whole stack.

use crate::base::{Entropy, Instant};

/// Challenge acknowledgements in the present second.
#[derive(Debug, Default)]
pub(super) struct Limits {
    second: u64,
    left: u32,
}

impl Limits {
    /// True if a challenge ACK may be sent now. Each second has between half of `limit` and one and a half times it:
    /// were the number known, it would be a side channel that tells whether a guess was right (CVE-2016-5696; as Linux does).
    pub(super) fn challenge(&mut self, now: Instant, limit: u32, entropy: &mut Entropy) -> bool {
        let second = now.millis() / 1000 + 1;
        if self.second != second {
            self.second = second;
            self.left = limit.div_ceil(2) + entropy.below(limit.max(1));
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5961 §7: the number of challenge ACKs in a second is limited, and the limit is not known beforehand.
    #[test]
    fn a_second_has_its_share_and_the_next_one_too() {
        let (mut limits, mut entropy) = (Limits::default(), Entropy::new(1.into()));
        let mut count = |at: u64| (0..1000).filter(|_| limits.challenge(Instant::from_millis(at), 100, &mut entropy)).count();
        let (first, again, second) = (count(0), count(999), count(1000));
        assert!((50..150).contains(&first), "{first}");
        assert_eq!(again, 0);
        assert!((50..150).contains(&second), "{second}");
    }
}
