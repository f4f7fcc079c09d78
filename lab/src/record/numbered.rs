//! Values by numbers that are given one after the other, of which the oldest are forgotten: a table without hashing.

use std::collections::VecDeque;

/// The largest gap of numbers without a value that is bridged; beyond it all that is older is forgotten.
const GAP: u64 = 1024;

/// Values by number.
#[derive(Debug)]
pub(super) struct Numbered<T> {
    /// The number of the first value.
    first: u64,
    values: VecDeque<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { first: 0, values: VecDeque::new() }
    }
}

impl<T: Default> Numbered<T> {
    /// How many values there are, those of gaps included.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The value of a number.
    pub(super) fn get(&self, number: u64) -> Option<&T> {
        self.values.get(number.checked_sub(self.first)? as usize)
    }

    /// The value of a number, to be changed.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        self.values.get_mut(number.checked_sub(self.first)? as usize)
    }

    /// Gives a number its value; gives it back if the number is older than all that are kept.
    pub(super) fn set(&mut self, number: u64, value: T) -> Result<(), T> {
        let next = self.first + self.values.len() as u64;
        if self.values.is_empty() || number > next + GAP {
            self.values.clear();
            self.first = number;
        } else if number < next {
            return match self.get_mut(number) {
                Some(known) => {
                    *known = value;
                    Ok(())
                }
                None => Err(value),
            };
        } else {
            (next..number).for_each(|_| self.values.push_back(T::default()));
        }
        self.values.push_back(value);
        Ok(())
    }

    /// Forgets the oldest.
    pub(super) fn pop(&mut self) -> Option<(u64, T)> {
        let value = self.values.pop_front()?;
        self.first += 1;
        Some((self.first - 1, value))
    }

    /// The oldest.
    pub(super) fn oldest(&self) -> Option<&T> {
        self.values.front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_values_until_those_are_forgotten() {
        let mut row = Numbered::default();
        for number in [7, 8, 11, 9] {
            assert_eq!(row.set(number, number * 10), Ok(()));
        }
        assert_eq!(
            [6, 7, 8, 9, 10, 11, 12].map(|number| row.get(number).copied()),
            [None, Some(70), Some(80), Some(90), Some(0), Some(110), None]
        );
        assert_eq!((row.pop(), row.pop(), row.len()), (Some((7, 70)), Some((8, 80)), 3));
        assert_eq!(row.set(8, 1), Err(1));
        assert_eq!((row.get(7), row.oldest()), (None, Some(&90)));
    }

    #[test]
    fn a_large_gap_costs_no_memory() {
        let mut row = Numbered::default();
        let _ = (row.set(1, 1), row.set(u64::MAX / 2, 2));
        assert_eq!((row.len(), row.get(1), row.get(u64::MAX / 2)), (1, None, Some(&2)));
    }
}
