//! How much of what a program writes is shown while it runs: enough to read, too little to drown a terminal or the log of a CI job.

use std::borrow::Cow;

/// Bytes of a program that are shown. Its log holds more.
const SHOWN: usize = 1 << 20;

/// What of a program may still be shown.
#[derive(Debug)]
pub struct Allowance {
    left: usize,
    told: bool,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: SHOWN, told: false }
    }
}

impl Allowance {
    /// What is shown of this line: itself, or once that there is more, or nothing.
    pub fn of<'a>(&mut self, line: &'a str) -> Option<Cow<'a, str>> {
        if let Some(left) = self.left.checked_sub(line.len() + 1) {
            self.left = left;
            return Some(line.into());
        }
        self.left = 0;
        let more = format!("[loggia: it has written more than {} MiB; the rest is in its log only]", SHOWN >> 20);
        (!std::mem::replace(&mut self.told, true)).then(|| more.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_told_once() {
        let mut allowance = Allowance::default();
        let line = "x".repeat(SHOWN / 2);
        assert_eq!(allowance.of(&line).as_deref(), Some(line.as_str()));
        assert!(allowance.of(&line).is_some_and(|more| more.contains("more than 1 MiB")));
        assert_eq!(allowance.of(""), None);
    }
}
